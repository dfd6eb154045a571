"""Filters and numbered pages of the lists on pages."""

from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from modelhub.core.errors import Invalid
from modelhub.core.text import show

ROWS = 50
# A page costs the rows before it, too; searches lead to older ones.
LAST_PAGE = 200


class Listing(NamedTuple):
    """The rows of one page, and the queries of its neighbours, "" without one."""

    rows: list[Any]
    number: int = 1
    newer: str = ""
    older: str = ""


def given_filters(request: HttpRequest, *names: str) -> dict[str, str]:
    """Return the filters of a form, without blank ones."""
    sent = {name: request.GET.get(name, "").strip() for name in names}
    return {name: text for name, text in sent.items() if text}


def read_page(request: HttpRequest, rows: QuerySet[Any, Any], *, size: int = ROWS) -> Listing:
    """Return the page that `page` names, by one statement. Raise `Invalid`."""
    sent = request.GET.get("page", "1")
    number = int(sent[:4]) if sent.isascii() and sent.isdigit() else 0
    if not 1 <= number <= LAST_PAGE:
        raise Invalid(f"page must be a whole number from 1 to {LAST_PAGE}, got {show(sent)}", field="page")
    first = (number - 1) * size
    found = list(rows[first : first + size + 1])
    has_older = len(found) > size and number < LAST_PAGE
    return Listing(
        rows=found[:size],
        number=number,
        newer=_query(request.GET, number - 1) if number > 1 else "",
        older=_query(request.GET, number + 1) if has_older else "",
    )


def _query(given: QueryDict, number: int) -> str:
    query = given.copy()
    query["page"] = str(number)
    return query.urlencode()
