"""Pages of a list: `page`, and `page_size` or `limit`, of which limit wins (contract 1)."""

from typing import Any

from django.core.paginator import Page, Paginator
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from modelhub.core.errors import Invalid
from modelhub.core.keyset import ORDERINGS, Position, after, position_of
from modelhub.core.text import show

MAX_PAGE_SIZE = 1000


class Uncut(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Django's, but a page is as long as there are rows for it when they are read, not when they were counted before.

    Otherwise a row that comes in between would push out another one, for which there was room.
    """

    def page(self, number: int | str) -> Page[Any]:
        """The rows of that page; raises `InvalidPage`."""
        number = self.validate_number(number)
        before = (number - 1) * self.per_page
        rows = list(self.object_list[before : before + self.per_page]) if self.count else []
        self.count = max(self.count, before + len(rows))
        return Page(rows, number, self)


class Pages(PageNumberPagination):
    """20 a page unless told otherwise, at most 1,000; a page past the end is a 404."""

    django_paginator_class = Uncut
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE_SIZE
    invalid_page_message = "page must be a whole number from 1 to that of the last page"

    def get_page_size(self, request: Request) -> int | None:
        """`limit`, or `page_size`, or the default; raises `Invalid` for what is not a whole number above 0."""
        for name in ("limit", "page_size"):
            given = request.query_params.get(name)
            if given is not None:
                return min(_positive(name, given), MAX_PAGE_SIZE)
        return self.page_size

    def get_paginated_response(self, data: Any) -> Response:
        """The page; `total_pages` and `current_page` are there for clients of the hosted service."""
        assert self.page is not None  # noqa: S101 - paginate_queryset ran before
        body = {
            "count": self.page.paginator.count,
            "next": self.get_next_link(),
            "previous": self.get_previous_link(),
            "total_pages": self.page.paginator.num_pages,
            "current_page": self.page.number,
            "results": data,
        }
        return Response(body)


class PagesOrCursor(Pages):
    """Pages, or with `cursor` (empty to begin) stretches that cost the same however deep they lie.

    A stretch has `next` and `next_cursor`, both null at the end, and no `count`: counting reads every row.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any] | None:
        """The rows of the page or stretch; `queryset` is in the order that the request asks for."""
        self.cursor = request.query_params.get("cursor")
        self.here = request.build_absolute_uri()
        if self.cursor is None:
            return super().paginate_queryset(queryset, request, view)
        size, ordering = self.get_page_size(request) or MAX_PAGE_SIZE, read_ordering(request)
        position = Position.decode(self.cursor) if self.cursor else None
        rows: list[Any] = list(after(queryset, ordering, position)[: size + 1])
        self.following = position_of(rows[size - 1], ordering).encode() if len(rows) > size else None
        return rows[:size]

    def get_paginated_response(self, data: Any) -> Response:
        """The answer of whichever was asked for."""
        if self.cursor is None:
            return super().get_paginated_response(data)
        following = replace_query_param(self.here, "cursor", self.following) if self.following else None
        return Response({"next": following, "next_cursor": self.following, "previous": None, "results": data})


def read_ordering(request: Request) -> str:
    """The order that the request asks for, newest first without one; raises `Invalid`."""
    ordering = request.query_params.get("ordering", ORDERINGS[0])
    if ordering not in ORDERINGS:
        sentence = f"ordering must be one of {', '.join(ORDERINGS)}, got {show(ordering)}"
        raise Invalid(sentence, fields={"ordering": [sentence]})
    return ordering


class PagesOnRequest(Pages):
    """Everything on one page unless the request names a page or a size: what the clients need of labels."""

    def get_page_size(self, request: Request) -> int | None:
        """Practically no limit when nothing about paging is asked."""
        if {"page", "page_size", "limit"} & set(request.query_params):
            return super().get_page_size(request)
        return 1_000_000


def _positive(name: str, given: str) -> int:
    if given.isascii() and given.isdigit() and int(given[:10]) > 0:
        return int(given[:10])
    sentence = f"{name} must be a whole number above 0, got {show(given)}"
    raise Invalid(sentence, fields={name: [sentence]})
