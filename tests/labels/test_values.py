"""Which values are legal, and the sentence of each refusal."""

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.core.errors import Invalid
from modelhub.core.text import show
from modelhub.labels.label_settings import check_settings
from modelhub.labels.values import LABEL_TYPES, check_value

OPTIONS = {"options": ["positive", "negative", {"label": "Mixed", "value": "mixed"}]}
SETTINGS: dict[str, dict[str, Any]] = {
    type_: check_settings(type_, OPTIONS if type_ == "categorical" else {}) for type_ in LABEL_TYPES
}
MANY = check_settings("categorical", OPTIONS | {"multi_choice": True})
TENTHS = check_settings("numeric", {"min": 0, "max": 1, "step_size": Decimal("0.1")})


@pytest.mark.parametrize(
    ("label_type", "sent", "stored"),
    [
        ("star", 4, {"rating": 4}),
        ("star", Decimal("4.0"), {"rating": 4}),
        ("star", 4.0, {"rating": 4}),
        ("star", {"rating": Decimal("5.00")}, {"rating": 5}),
        ("star", {"rating": 1, "why": "x"}, {"rating": 1, "why": "x"}),
        ("categorical", "positive", {"selected": ["positive"]}),
        ("categorical", ["positive"], {"selected": ["positive"]}),
        ("categorical", {"selected": "positive"}, {"selected": ["positive"]}),
        ("categorical", {"selected": ["mixed"], "a": 1}, {"selected": ["mixed"], "a": 1}),
        ("categorical", "Mixed", {"selected": ["Mixed"]}),
        ("text", "x", {"text": "x"}),
        ("text", {"text": " ", "lang": None}, {"text": " ", "lang": None}),
        ("text", "x" * 5000, {"text": "x" * 5000}),
        ("numeric", 0, {"value": 0}),
        ("numeric", Decimal("7.0"), {"value": Decimal("7.0")}),
        ("numeric", {"value": 10}, {"value": 10}),
        ("thumbs_up_down", "up", {"value": "up"}),
        ("thumbs_up_down", False, {"value": "down"}),
        ("thumbs_up_down", {"value": True}, {"value": "up"}),
    ],
)
def test_legal(label_type: str, sent: object, stored: dict[str, Any]) -> None:
    assert check_value(label_type, SETTINGS[label_type], sent) == stored
    assert [type(value) for value in check_value(label_type, SETTINGS[label_type], sent).values()] == [
        type(value) for value in stored.values()
    ]


STARS = "rating must be a whole number from 1 to 5, got "
THUMBS = 'value must be "up" or "down" (or true or false), got '
ONE_OF = 'selected must hold only options of the label ("positive", "negative", "Mixed", "mixed"), got '


@pytest.mark.parametrize(
    ("label_type", "sent", "sentence"),
    [
        ("star", 9, STARS + "9"),
        ("star", 0, STARS + "0"),
        ("star", Decimal("4.5"), STARS + "4.5"),
        ("star", "4", STARS + '"4"'),
        ("star", True, STARS + "true"),
        ("star", None, STARS + "null"),
        ("star", {"rating": None}, STARS + "null"),
        ("star", float("nan"), STARS + "nan"),
        ("star", Decimal("1E+400"), STARS + "1E+400"),
        ("star", [], STARS + "[]"),
        ("star", {"stars": 4}, 'value must be an object with "rating" or a whole number, got {"stars":4}'),
        ("star", {}, 'value must be an object with "rating" or a whole number, got {}'),
        ("categorical", "postive", ONE_OF + '"postive". Did you mean "positive"?'),
        ("categorical", "Positive", ONE_OF + '"Positive". Did you mean "positive"?'),
        ("categorical", 7, "selected must be one option or a list of at least one, got 7"),
        ("categorical", [], "selected must be one option or a list of at least one, got []"),
        ("categorical", {"selected": None}, "selected must be one option or a list of at least one, got null"),
        ("categorical", "", ONE_OF + '""'),
        ("categorical", [1], ONE_OF + "1"),
        ("categorical", [["positive"]], ONE_OF + '["positive"]'),
        ("categorical", ["positive", "positive"], 'selected must hold no option twice, got "positive" twice'),
        ("categorical", ["positive", "negative"], 'selected must hold one option only, got ["positive","negative"]'),
        ("text", "", 'text must have from 1 to 5000 characters, got ""'),
        ("text", "x" * 5001, "text must have from 1 to 5000 characters, got 5001 characters"),
        ("text", 5, "text must be a string, got 5"),
        ("text", {"text": None}, "text must be a string, got null"),
        ("numeric", 11, "value must be a number from 0 to 10, got 11"),
        ("numeric", -1, "value must be a number from 0 to 10, got -1"),
        ("numeric", "4", 'value must be a number, got "4"'),
        ("numeric", False, "value must be a number, got false"),
        ("numeric", float("inf"), "value must be a number, got inf"),
        ("numeric", Decimal("0.5"), "value must be 0 plus a multiple of 1 (or 10), got 0.5"),
        ("thumbs_up_down", "sideways", THUMBS + '"sideways"'),
        ("thumbs_up_down", 1, THUMBS + "1"),
        ("thumbs_up_down", ["up"], THUMBS + '["up"]'),
        ("thumbs_up_down", "", THUMBS + '""'),
    ],
)
def test_refused_with_a_sentence(label_type: str, sent: object, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_value(label_type, SETTINGS[label_type], sent)
    assert str(refused.value) == sentence
    assert refused.value.code == "invalid_value"


@pytest.mark.parametrize("number", ["0", "0.3", "0.7", "1", "0.30"])
def test_decimals_are_on_the_grid_by_decimal_arithmetic(number: str) -> None:
    assert check_value("numeric", TENTHS, Decimal(number)) == {"value": Decimal(number)}
    assert check_value("numeric", TENTHS, float(number)) == {"value": Decimal(repr(float(number)))}


@pytest.mark.parametrize("number", ["0.35", "0.30000000000000000000000000000000000000000001", "1E-300"])
def test_off_the_grid(number: str) -> None:
    with pytest.raises(Invalid, match=r"plus a multiple of 0\.1"):
        check_value("numeric", TENTHS, Decimal(number))


def test_the_maximum_is_legal_even_off_the_grid() -> None:
    settings = check_settings("numeric", {"min": 0, "max": 10, "step_size": 3})
    assert check_value("numeric", settings, 10) == {"value": 10}
    with pytest.raises(Invalid):
        check_value("numeric", settings, 8)


def test_floats_among_the_settings_are_the_decimals_they_print_as() -> None:
    settings = {"min": 0.0, "max": 1.0, "step_size": 0.1}
    assert check_value("numeric", settings, Decimal("0.3")) == {"value": Decimal("0.3")}
    assert check_value("numeric", check_settings("numeric", settings), 0.7) == {"value": Decimal("0.7")}


@pytest.mark.parametrize("number", ["1E-999999999999", "0.1" + "0" * 1_000_000 + "1", "0." + "3" * 1_000_000])
def test_the_grid_is_judged_at_once_however_many_places_a_number_has(number: str) -> None:
    started = time.monotonic()
    with pytest.raises(Invalid, match="plus a multiple of"):
        check_value("numeric", TENTHS, Decimal(number))
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("step", "sent", "legal"),
    [
        (Decimal("1E+2"), 200, True),
        (Decimal("1E+2"), Decimal("2E+2"), True),
        (Decimal("1E+2"), Decimal("200.00"), True),
        (Decimal("1E+2"), Decimal(0), True),
        (Decimal("1E+2"), 250, False),
        (Decimal("0.50"), Decimal("1.5" + "0" * 50), True),
        (Decimal("0.25"), Decimal("1.5"), True),
        (Decimal("0.25"), Decimal("1.6"), False),
    ],
)
def test_the_grid_compares_numbers_not_spellings(step: Decimal, sent: Any, legal: bool) -> None:
    settings = check_settings("numeric", {"min": Decimal("0E+2"), "max": 1000, "step_size": step})
    if legal:
        assert check_value("numeric", settings, sent) == {"value": sent}
    else:
        with pytest.raises(Invalid, match="plus a multiple of"):
            check_value("numeric", settings, sent)


def test_a_hint_costs_little_however_many_and_long_the_options_are() -> None:
    long = check_settings("categorical", {"options": ["ab" * 95 + f"{number:04}" for number in range(300)]})
    many = check_settings("categorical", {"options": [f"option-number-{number}" for number in range(3000)]})
    started = time.monotonic()
    for settings, sent in [(long, "ba" * 95), (many, "option-number-x")] * 20:
        with pytest.raises(Invalid, match="selected must hold only options"):
            check_value("categorical", settings, sent)
    assert time.monotonic() - started < 0.5


def test_many_options_where_many_are_allowed() -> None:
    assert check_value("categorical", MANY, ["negative", "positive"]) == {"selected": ["negative", "positive"]}


def test_settings_of_an_older_release_take_the_defaults() -> None:
    assert check_value("star", {}, 5) == {"rating": 5}
    assert check_value("text", {}, "x") == {"text": "x"}
    assert check_value("numeric", {}, 10) == {"value": 10}
    assert check_value("numeric", {"max": None}, 10) == {"value": 10}
    assert check_value("categorical", {"options": ["a", "b"]}, "a") == {"selected": ["a"]}


numbers = st.integers() | st.decimals() | st.floats() | st.sampled_from([10**400, Decimal("1E+400"), -(10**4000)])
scalars = st.none() | st.booleans() | numbers | st.text(st.characters(codec=None)) | st.sampled_from(["up", "positive"])
keys = st.text(max_size=5) | st.sampled_from(["rating", "selected", "text", "value"])
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
)


@given(label_type=st.sampled_from(LABEL_TYPES), value=json_values)
def test_anything_is_either_stored_in_one_shape_or_refused_in_one_line(label_type: str, value: object) -> None:
    outcome = stored_or_refused(label_type, value)
    if isinstance(outcome, str):
        assert outcome.isprintable()
        assert len(outcome) < 400
        outcome.encode()
    else:
        # By their texts: NaN, which only check_storable refuses, is not equal to itself.
        assert repr(check_value(label_type, SETTINGS[label_type], outcome)) == repr(outcome)


def stored_or_refused(label_type: str, value: object) -> dict[str, Any] | str:
    try:
        return check_value(label_type, SETTINGS[label_type], value)
    except Invalid as refused:
        return str(refused)


@given(json_values)
def test_what_is_shown_is_short_printable_and_never_fails(value: object) -> None:
    assert show(value).isprintable()
    assert len(show(value)) <= 81 * 10  # each of 80 characters may be an escape of ten
    show(value).encode()


def test_what_is_too_deep_or_too_long_to_be_shown_is_named() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert show(deep) == "a value that is nested too deeply"
    assert show(10**5000) == "a number that is too long"
    with pytest.raises(Invalid, match="rating must be a whole number from 1 to 5, got a value that is nested"):
        check_value("star", {}, deep)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10, places=3))
def test_the_grid_is_exact(number: Decimal) -> None:
    settings = check_settings("numeric", {"step_size": Decimal("0.125")})
    on_grid = (number * 1000) % 125 == 0
    try:
        check_value("numeric", settings, number)
    except Invalid:
        assert not on_grid
    else:
        assert on_grid
