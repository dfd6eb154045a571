"""Filters and numbered pages of the lists on pages."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

ROWS = 50
# A page costs the rows before it, too; searches lead to older ones.
MOST_ROWS = 10_000


def given_filters(request: HttpRequest, *names: str) -> dict[str, str]:
    """Return the filters of a form, without blank ones."""
    sent = {name: request.GET.get(name, "").strip() for name in names}
    return {name: text for name, text in sent.items() if text}


def read_page(request: HttpRequest, rows: QuerySet[Any, Any], *, size: int = ROWS) -> Page[Any]:
    """Return the page that `page` names, or the nearest one, by two statements."""
    return Paginator(rows[:MOST_ROWS], size).get_page(request.GET.get("page"))


def no_rows() -> Page[Any]:
    """Return the page of a list whose filters are rejected."""
    nothing: list[Any] = []
    return Paginator(nothing, ROWS).get_page(1)
