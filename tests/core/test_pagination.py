"""Page sizes, the last page, and orderings."""

import pytest
from django.core.paginator import InvalidPage
from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from modelhub.core.errors import Invalid
from modelhub.core.pagination import Pages, PagesOfList, PagesOnRequest, WholePagePaginator, read_ordering
from tests.client import Caller
from tests.factories import QueueFactory

REQUEST = Request(APIRequestFactory().get("/"))


def pages(query: str, kind: type[Pages] = Pages) -> Pages:
    made = kind()
    made.query = QueryDict(query).dict()
    return made


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("", 20),
        ("page_size=5", 5),
        ("limit=7", 7),
        ("page_size=5&limit=7", 7),
        ("limit=1001", 1000),
        ("limit=" + "9" * 5000, 1000),
    ],
)
def test_limit_wins_over_page_size_and_is_capped(query: str, size: int) -> None:
    assert pages(query).get_page_size(REQUEST) == size


@pytest.mark.parametrize("given", ["0", "-1", "x", "", "1.5", "٣", "²"])
@pytest.mark.parametrize("name", ["limit", "page_size"])
def test_a_size_must_be_a_whole_number_above_0(name: str, given: str) -> None:
    with pytest.raises(Invalid, match=f"{name} must be a whole number above 0, got ") as invalid:
        pages(f"{name}={given}").get_page_size(REQUEST)
    assert list(invalid.value.fields) == [name]


def test_all_rows_are_on_one_page_until_paging_is_requested() -> None:
    for query, size in (("search=x", 1_000_000), ("page=2", 20), ("limit=3", 3)):
        assert pages(query, PagesOnRequest).get_page_size(REQUEST) == size


def test_a_row_inserted_after_the_count_pushes_no_other_row_out() -> None:
    paginator = WholePagePaginator(["new", "a", "b", "c"], 20)
    paginator.count = 3

    assert list(paginator.page(1)) == ["new", "a", "b", "c"]
    assert (paginator.count, paginator.num_pages) == (4, 1)


@pytest.mark.parametrize("kind", [Pages, PagesOfList])
@pytest.mark.parametrize(("rows", "last"), [(0, 1), (1, 1), (20, 1), (21, 2), (40, 2)])
def test_a_page_past_the_end_names_the_last_page(kind: type[Pages], rows: int, last: int) -> None:
    paginator = kind.django_paginator_class(list(range(rows)), 20)
    with pytest.raises(InvalidPage, match=f"^page must be a whole number from 1 to {last}, got {last + 1}$"):
        paginator.page(last + 1)
    if rows:
        assert list(paginator.page(last))


@pytest.mark.django_db
def test_a_page_past_the_end_is_a_404(alice: Caller) -> None:
    for path in ("scores/", f"annotation-queues/{QueueFactory.create(created_by=alice.user).pk}/disagreements/"):
        answer = alice.get(f"/model-hub/{path}?page=3")
        assert (answer.status, answer.body["detail"]) == (404, "page must be a whole number from 1 to 1, got 3")


def test_the_ordering_is_newest_first_by_default_and_one_of_four() -> None:
    assert read_ordering({}) == "-created_at"
    assert read_ordering({"ordering": "updated_at"}) == "updated_at"
    with pytest.raises(Invalid, match="ordering must be one of -created_at, created_at, -updated_at, updated_at, got"):
        read_ordering({"ordering": "value"})
