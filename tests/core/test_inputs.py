"""Fields of request bodies, and the sentence of each rejection."""

import uuid
from typing import Any

import pytest

from modelhub.core.errors import Invalid
from modelhub.core.inputs import FlagField, IdField, InputSerializer, ObjectField, TextField, WordField


class Body(InputSerializer):
    name = TextField(min_length=1, max_length=5)
    size = WordField(choices=["small", "large"], required=False)
    is_open = FlagField(required=False)
    owner = IdField(source="owner_id", required=False, allow_null=True)
    extra = ObjectField(required=False)
    note = TextField(required=False, allow_null=True, allow_blank=True, trim_whitespace=False)
    title = TextField(required=False, max_length=5)


def test_a_valid_body_keeps_only_the_given_fields() -> None:
    owner = uuid.uuid4()
    assert Body().run_validation({"name": " a ", "isOpen": True, "owner": owner.hex, "unknown": 1, "note": " "}) == {
        "name": "a",
        "is_open": True,
        "owner_id": owner,
        "note": " ",
    }


def test_null_is_a_value_where_it_is_allowed() -> None:
    assert Body().run_validation({"name": "a", "owner": None, "note": None}) == {
        "name": "a",
        "owner_id": None,
        "note": None,
    }


def test_a_partial_body_needs_no_field() -> None:
    assert Body(partial=True).run_validation({}) == {}


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"name": None}, "name", "name must be a string of 1 to 5 characters, got null"),
        ({"name": "  "}, "name", 'name must be a string of 1 to 5 characters, got "  "'),
        ({"name": 5}, "name", "name must be a string of 1 to 5 characters, got 5"),
        ({"name": "a\x00"}, "name", "name holds a NUL character, which cannot be stored"),
        ({"title": "abcdef"}, "title", 'title must be a string of at most 5 characters, got "abcdef"'),
        ({"note": False}, "note", "note must be a string, got false"),
        ({"size": "medium"}, "size", 'size must be one of small, large, got "medium"'),
        ({"size": ["small"]}, "size", 'size must be one of small, large, got ["small"]'),
        ({"isOpen": "yes"}, "is_open", 'is_open must be true or false, got "yes"'),
        ({"is_open": 1}, "is_open", "is_open must be true or false, got 1"),
        ({"owner": 5}, "owner", "owner must be a UUID, got 5"),
        ({"extra": []}, "extra", "extra must be an object, got []"),
        ({"extra": {"a": "\ud800"}}, "extra", "extra holds half of a surrogate pair, which cannot be stored"),
    ],
)
def test_an_invalid_field_is_named_in_a_sentence(change: dict[str, Any], field: str, sentence: str) -> None:
    with pytest.raises(Invalid) as invalid:
        Body().run_validation({"name": "a"} | change)
    assert str(invalid.value) == sentence
    assert invalid.value.fields == {field: [sentence]}


def test_a_missing_field_must_be_given() -> None:
    with pytest.raises(Invalid, match=r"^name must be given, as a string of 1 to 5 characters$") as invalid:
        Body().run_validation({})
    assert (invalid.value.code, list(invalid.value.fields)) == ("invalid", ["name"])


@pytest.mark.parametrize("body", [None, [], "name"])
def test_a_body_must_be_an_object(body: object) -> None:
    with pytest.raises(Invalid, match="The body must be a JSON object"):
        Body().run_validation(body)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"is_opened": True}, 'Unknown field "is_opened". Did you mean "is_open"?'),
        ({"Owner": None}, 'Unknown field "Owner". Did you mean "owner"?'),
        ({"notes": "x"}, 'Unknown field "notes". Did you mean "note"?'),
    ],
)
def test_a_near_miss_of_an_optional_field_is_rejected(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Invalid) as invalid:
        Body().run_validation({"name": "a"} | change)
    assert (str(invalid.value), invalid.value.code) == (sentence, "unknown_field")
    assert list(invalid.value.fields) == list(change)


@pytest.mark.parametrize(
    "more",
    [
        {"notes": "x", "note": "y"},
        {"id": 1, "created_at": None},
        {"isOpen": True},
        {f"k{number}": number for number in range(999)},
        {"notes": "x"} | {f"k{number}": number for number in range(999)} | {"note": "y"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_other_unknown_fields_are_ignored(more: dict[str, Any]) -> None:
    assert Body().run_validation({"name": "a"} | more)["name"] == "a"
