"""Keys of requests in both spellings, unknown keys and query parameters."""

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from modelhub.core.envelope import read_object, read_query, reject_unknown, rename
from modelhub.core.errors import Invalid
from modelhub.core.views import ApiView

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
    assert list(invalid.value.fields) == ["lable_id"]


@pytest.mark.parametrize(("body", "shown"), [([], r"\[\]"), (None, "null"), ("x", '"x"'), (4, "4")])
def test_a_body_must_be_an_object(body: object, shown: str) -> None:
    with pytest.raises(Invalid, match=f"^The body must be a JSON object, got {shown}$") as invalid:
        read_object(body, NAMES)
    assert invalid.value.code == "not_an_object"


@pytest.mark.parametrize(
    ("names", "hint"),
    [(("dry_run", "atomic"), "Known are dry_run, atomic"), ((), "This route takes none")],
)
def test_an_unknown_name_without_a_similar_one_lists_the_known_ones(names: tuple[str, ...], hint: str) -> None:
    with pytest.raises(Invalid) as invalid:
        reject_unknown(["xyz"], names, kind="query parameter")
    assert str(invalid.value) == f'Unknown query parameter "xyz". {hint}'
    assert invalid.value.code == "unknown_query_parameter"


def get(query: str) -> HttpRequest:
    return RequestFactory().get("/", QUERY_STRING=query)


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("", {}),
        ("dry_run=true", {"dry_run": "true"}),
        ("dryRun=1&page=", {"dry_run": "1", "page": ""}),
        ("dry_run=true&dryRun=true&dry_run=true", {"dry_run": "true"}),
        ("page=%C3%A9", {"page": "é"}),
        ("page", {"page": ""}),
        ("dataset=5&dataset=6&includeCounts=true&page=2&&", {"page": "2"}),
    ],
)
def test_query_parameters_are_read_in_snake_case_without_ignored_ones(query: str, read: dict[str, str]) -> None:
    assert read_query(get(query), ("dry_run", "page")) == read


@pytest.mark.parametrize(
    ("query", "sentence", "field"),
    [
        ("dryrun=1", 'Unknown query parameter "dryrun". Did you mean "dry_run"?', "dryrun"),
        ("dryRum=1", 'Unknown query parameter "dryRum". Did you mean "dryRun"?', "dryRum"),
        ("dr=1", 'Unknown query parameter "dr". Known are dry_run, page', "dr"),
        ("dry=1", 'Unknown query parameter "dry". Did you mean "dry_run"?', "dry"),
        ("offset=20", 'Unknown query parameter "offset". Did you mean "page"?', "offset"),
        ("xyz=20", 'Unknown query parameter "xyz". Known are dry_run, page', "xyz"),
        ("=1", 'Unknown query parameter "". Known are dry_run, page', ""),
        ("a%00=1", 'Unknown query parameter "a\\u0000". Known are dry_run, page', "a\x00"),
        ("page=%00", 'page must hold no NUL characters, got "\\u0000"', "page"),
        ("dataset=%00", 'dataset must hold no NUL characters, got "\\u0000"', "dataset"),
        ("page=1&page=2", 'page must be given once, got "1", "2"', "page"),
        ("dryRun=1&dry_run=0", 'dry_run must be given once, got "1", "0"', "dry_run"),
        ("dryRun=1&dry_run=true", 'dry_run must be given once, got "1", "true"', "dry_run"),
    ],
)
def test_an_unusable_query_parameter_is_named(query: str, sentence: str, field: str) -> None:
    with pytest.raises(Invalid) as invalid:
        read_query(get(query), ("dry_run", "page"))
    assert str(invalid.value) == sentence
    assert invalid.value.fields == {field: [sentence]}


@pytest.mark.parametrize(
    "query", ["page=%FF", "page=%ED%A0%80", "%ED%A0%80=1", "page=\xff", "&".join(["page=1"] * 5001)]
)
def test_a_query_that_is_not_utf_8_or_too_long_is_rejected(query: str) -> None:
    with pytest.raises(Invalid, match="The query ") as invalid:
        read_query(get(query), ("page",))
    assert invalid.value.code == "malformed_query"


def test_a_flag_is_false_by_default_and_one_of_four_words() -> None:
    def read(**query: str) -> bool:
        view = ApiView()
        view.query = query
        return view.read_flag("atomic")

    assert [read(atomic=word) for word in ("true", "1", "false", "0")] == [True, True, False, False]
    assert read() is False
    for word in ("maybe", "True", ""):
        with pytest.raises(Invalid, match=f'^atomic must be true, false, 1 or 0, got "{word}"$'):
            read(atomic=word)
