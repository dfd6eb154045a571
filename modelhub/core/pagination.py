"""Pagination of lists: numbered pages, or cursors (contract 1.4)."""

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any, cast

from django.core.paginator import EmptyPage, Page, Paginator
from django.db.models import QuerySet
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from modelhub.core.bounded import read_all
from modelhub.core.errors import Invalid
from modelhub.core.keyset import ORDERINGS, Position, after, in_order, position_of
from modelhub.core.text import show
from modelhub.core.views import ApiView

MAX_PAGE_SIZE = 1000
Rows = QuerySet[Any, Any]


class ListPaginator(Paginator):
    """Paginator that names the last page, which it has counted."""

    def validate_number(self, number: float | str) -> int:
        """Return the number. Raise `InvalidPage` past the end."""
        if int(number) > self.num_pages:
            raise EmptyPage(f"page must be a whole number from 1 to {self.num_pages}, got {number}")
        return int(number)


class WholePagePaginator(ListPaginator):
    """Paginator that cuts the last page by the page size, not by the count.

    Django's reads [first:count]: a row inserted after the count would push out one that fits on the page.
    """

    def page(self, number: int | str) -> Page[Any]:
        """Return the page. Raise `InvalidPage`."""
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        rows = read_all(cast("Rows", self.object_list)[first : first + self.per_page]) if self.count else []
        self.count = max(self.count, first + len(rows))
        return Page(rows, number, self)


class Pages(PageNumberPagination):
    """Pages of 20 by default and at most 1,000 rows; a page past the end is a 404."""

    django_paginator_class: "type[Paginator[Any]]" = WholePagePaginator
    page_size = 20
    invalid_page_message = "{message}"

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any] | None:
        """Return the rows of the page. Raise `NotFound` past the end, `Invalid`."""
        self.query = cast(ApiView, view).query
        return super().paginate_queryset(queryset, request, view)

    def get_page_number(self, request: Request, paginator: Any) -> int:
        return _positive("page", self.query.get("page", "1"))

    def get_page_size(self, request: Request) -> int:
        """Return `limit`, else `page_size`, else the default. Raise `Invalid`."""
        sizes = [_positive(name, self.query[name]) for name in ("limit", "page_size") if name in self.query]
        return min(sizes[0], MAX_PAGE_SIZE) if sizes else self.page_size

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page, with the numbers that clients of the hosted service read."""
        page = cast("Page[Any]", self.page)
        body = {
            "count": page.paginator.count,
            "next": self.get_next_link(),
            "previous": self.get_previous_link(),
            "total_pages": page.paginator.num_pages,
            "current_page": page.number,
            "results": data,
        }
        return Response(body)


class PagesOfList(Pages):
    """Pages of a list in memory."""

    django_paginator_class = ListPaginator


class PagesOrCursor(Pages):
    """Pages, or with `cursor` (empty at first) pages that cost the same at any depth.

    The latter have `next` and `next_cursor`, both null at the end, and no `count`, which would read every row.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any] | None:
        """Return the rows of the page, in the order that the request names."""
        self.query = query = cast(ApiView, view).query
        self.url = request.build_absolute_uri()
        ordering = read_ordering(query)
        if "cursor" not in query:
            return super().paginate_queryset(in_order(queryset, ordering), request, view)
        if "page" in query:
            raise Invalid("page must not be given with cursor", code="conflicting_fields", field="page")
        size = self.get_page_size(request)
        scope = scope_of(request.path, cast(Any, request.user).organization_id, ordering, query)
        position = Position.decode(query["cursor"], scope=scope) if query["cursor"] else None
        rows: list[Any] = read_all(after(queryset, ordering, position)[: size + 1])
        more = len(rows) > size
        self.next_cursor = position_of(rows[size - 1], ordering).encode(scope=scope) if more else None
        return rows[:size]

    def get_paginated_response(self, data: Any) -> Response:
        if "cursor" not in self.query:
            return super().get_paginated_response(data)
        link = replace_query_param(self.url, "cursor", self.next_cursor) if self.next_cursor else None
        return Response({"next": link, "next_cursor": self.next_cursor, "previous": None, "results": data})


class PagesOnRequest(Pages):
    """All rows on one page unless the request names a page or a size."""

    def get_page_size(self, request: Request) -> int:
        if self.query.keys() & {"page", "page_size", "limit"}:
            return super().get_page_size(request)
        return 1_000_000


def read_ordering(query: Mapping[str, str]) -> str:
    """Return the requested ordering or newest first. Raise `Invalid`."""
    ordering = query.get("ordering", ORDERINGS[0])
    if ordering not in ORDERINGS:
        raise Invalid(f"ordering must be one of {', '.join(ORDERINGS)}, got {show(ordering)}", field="ordering")
    return ordering


def scope_of(path: str, organization_id: uuid.UUID, ordering: str, query: Mapping[str, str]) -> str:
    """Return a digest of the list that a cursor belongs to."""
    filters = sorted(one for one in query.items() if one[0] not in {"cursor", "ordering", "limit", "page_size"})
    return hashlib.sha256(repr((path, str(organization_id), ordering, filters)).encode()).hexdigest()[:32]


def _positive(name: str, given: str) -> int:
    if given.isascii() and given.isdigit() and int(given[:10]) > 0:
        return int(given[:10])
    raise Invalid(f"{name} must be a whole number above 0, got {show(given)}", field=name)
