"""Ids ascend, and every spelling of a UUID is one UUID."""

import uuid

import pytest

from modelhub.core.ids import new_id, new_id_text, parse_uuid, spell_uuid
from tests.client import Caller

ID = uuid.UUID("01a21b80-0664-7531-8ff6-4c6646ecee75")


def test_each_new_id_is_greater_than_the_one_before() -> None:
    ids = [new_id() for _ in range(1000)]

    assert ids == sorted(set(ids))
    assert {one.version for one in ids} == {7}
    assert ids[-1] < uuid.UUID(new_id_text())


@pytest.mark.parametrize("text", [str(ID), str(ID).upper(), ID.hex, ID.hex.upper()])
def test_case_and_hyphens_do_not_matter(text: str) -> None:
    assert spell_uuid(text) == str(ID)
    assert parse_uuid(text) == ID


@pytest.mark.parametrize(
    "text",
    ["", "x", str(ID)[:-1], f"{{{ID}}}", f"urn:uuid:{ID}", f"{ID}\n", ID.hex[:4] + "-" + ID.hex[4:], ID, 7, None],
)
def test_anything_else_is_no_uuid(text: object) -> None:
    assert spell_uuid(text) is None
    assert parse_uuid(text) is None


@pytest.mark.django_db
def test_a_path_may_spell_an_id_in_any_way(alice: Caller) -> None:
    label = alice.post("/model-hub/annotations-labels/", {"name": "L", "type": "star"}).body["result"]
    for spelling in (label["id"].upper(), label["id"].replace("-", "")):
        assert alice.get(f"/model-hub/annotations-labels/{spelling}/").body["id"] == label["id"]
