"""Keys of requests in both spellings, unknown keys and flags."""

import pytest
from django.http import QueryDict

from modelhub.core.envelope import read_flags, read_object, reject_unknown, rename
from modelhub.core.errors import Invalid

NAMES = ("label_id", "value", "score_source")


def test_camel_case_keys_are_renamed_and_other_keys_stay() -> None:
    data = {"labelId": 1, "value": {"labelId": 2}, "scoreSource": "api", "LabelId": 3, "label-id": 4}

    assert rename(data, NAMES) == {
        "label_id": 1,
        "value": {"labelId": 2},
        "score_source": "api",
        "LabelId": 3,
        "label-id": 4,
    }


def test_both_spellings_with_the_same_json_value_are_one_field() -> None:
    assert rename({"label_id": [1.0], "labelId": [1]}, NAMES) == {"label_id": [1]}


@pytest.mark.parametrize("other", [2, True, "1", None])
def test_both_spellings_with_different_values_conflict(other: object) -> None:
    with pytest.raises(Invalid, match="label_id and labelId are both given and differ") as invalid:
        rename({"label_id": 1, "labelId": other}, NAMES)

    assert (invalid.value.code, list(invalid.value.fields)) == ("conflicting_fields", ["label_id"])


def test_unknown_keys_of_a_body_are_ignored_or_rejected() -> None:
    body = {"lable_id": 1, "value": 2}

    assert read_object(body, NAMES) == {"value": 2}
    with pytest.raises(Invalid, match=r'^Unknown field "lable_id"\. Did you mean "label_id"\?$') as invalid:
        read_object(body, NAMES, strict=True)
    assert invalid.value.code == "unknown_field"


@pytest.mark.parametrize(("body", "shown"), [([], r"\[\]"), (None, "null"), ("x", '"x"'), (4, "4")])
def test_a_body_must_be_an_object(body: object, shown: str) -> None:
    with pytest.raises(Invalid, match=f"^The body must be a JSON object, got {shown}$") as invalid:
        read_object(body, NAMES)
    assert invalid.value.code == "not_an_object"


@pytest.mark.parametrize(
    ("names", "hint"),
    [(("dry_run", "atomic"), "Known are dry_run, atomic"), ((), "Known are none")],
)
def test_an_unknown_name_without_a_similar_one_lists_the_known_ones(names: tuple[str, ...], hint: str) -> None:
    with pytest.raises(Invalid) as invalid:
        reject_unknown(["xyz"], names, kind="query parameter")
    assert str(invalid.value) == f'Unknown query parameter "xyz". {hint}'
    assert invalid.value.code == "unknown_query_parameter"


@pytest.mark.parametrize(
    ("query", "flags"),
    [
        ("", {"dry_run": False, "atomic": False}),
        ("dry_run=true", {"dry_run": True, "atomic": False}),
        ("dryRun=1&atomic=false", {"dry_run": True, "atomic": False}),
        ("dry_run=true&dry_run=1&dryRun=true", {"dry_run": True, "atomic": False}),
        ("atomic=0&dry_run=false", {"dry_run": False, "atomic": False}),
    ],
)
def test_flags_are_false_by_default(query: str, flags: dict[str, bool]) -> None:
    assert read_flags(QueryDict(query), ("dry_run", "atomic")) == flags


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("dry_run=maybe", 'dry_run must be true, false, 1 or 0, got "maybe"'),
        ("dry_run=True", 'dry_run must be true, false, 1 or 0, got "True"'),
        ("dry_run=", 'dry_run must be true, false, 1 or 0, got ""'),
        ("dryRun=1&dry_run=0", 'dry_run must be true, false, 1 or 0, got "0", "1"'),
        ("dryrun=true", 'Unknown query parameter "dryrun". Did you mean "dry_run"?'),
    ],
)
def test_an_unreadable_or_unknown_flag_is_rejected(query: str, sentence: str) -> None:
    with pytest.raises(Invalid) as invalid:
        read_flags(QueryDict(query), ("dry_run", "atomic"))
    assert str(invalid.value) == sentence
