"""Values in forms: what a form is filled in with and posts is the stored value."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelhub.core.errors import Invalid
from modelhub.labels.types import LABEL_TYPES, get_type
from modelhub.labels.types.base import LabelType
from tests.labels.types.strategies import json_values
from tests.labels.types.test_all_types import KINDS, stored_or_sentence

EMPTY: dict[str, Any] = {}


def kind_of(name: str, settings: object = EMPTY) -> LabelType:
    kind = get_type(name)
    return kind(kind.check_settings(settings))


def reposted(kind: LabelType, stored: dict[str, Any]) -> object:
    """Return the content that is stored when a filled in form is posted as it is."""
    return kind.check(kind.from_form(kind.to_form(stored)))[kind.key]


Draw = Callable[..., Any]


@st.composite
def stars(draw: Draw) -> tuple[LabelType, int]:
    most = draw(st.integers(1, 12) | st.integers(1, 10**9))
    return kind_of("star", {"no_of_stars": most}), draw(st.integers(1, most))


@st.composite
def texts(draw: Draw) -> tuple[LabelType, str]:
    """Return texts without CR: browsers make one line end of all."""
    text = draw(st.text(min_size=1, max_size=50)).replace("\r", "\n")
    return kind_of("text"), text


@st.composite
def chosen_options(draw: Draw) -> tuple[LabelType, list[str]]:
    names = st.text(st.sampled_from("abcdeABCÉé 1;<>&\"'"), min_size=1, max_size=4).filter(lambda name: name.strip())
    labels = draw(st.lists(names, min_size=2, max_size=20, unique_by=lambda name: name.strip().lower()))
    with_values = draw(st.lists(st.integers(0, len(labels) - 1), unique=True))
    options = [
        {"label": label, "value": f"value {at}"} if at in with_values else label for at, label in enumerate(labels)
    ]
    is_multi = draw(st.booleans())
    chosen = draw(st.lists(st.sampled_from(options), unique_by=id, min_size=1, max_size=5 if is_multi else 1))
    spelled = [draw(st.sampled_from(sorted(one.values()))) if isinstance(one, dict) else one for one in chosen]
    return kind_of("categorical", {"options": options, "multi_choice": is_multi}), spelled


@st.composite
def numbers(draw: Draw) -> tuple[LabelType, Any]:
    step = draw(st.decimals("0.000001", 1000, places=6) | st.integers(1, 10**20))
    lowest = draw(st.decimals(0, 1000, places=3) | st.integers(0, 10**40))
    steps = draw(st.integers(1, 15) | st.integers(1, 10**6))
    rest = draw(st.sampled_from([0, Decimal("0.5")]))
    highest = Decimal(lowest) + Decimal(step) * (steps + rest)
    range_ = {"min": lowest, "max": highest, "step_size": step, "display_type": draw(st.sampled_from(WIDGETS))}
    try:
        kind = kind_of("numeric", range_)
        number = kind.check(draw(st.sampled_from([highest, Decimal(lowest) + step * draw(st.integers(0, steps))])))
    except Invalid:  # rounded to the 28 digits of this context
        return kind_of("numeric"), draw(st.integers(0, 10))
    return kind, number["value"]


WIDGETS = ("slider", "button")
# Labels with drawn options take a second to draw on a busy machine.
on_busy_machines = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
THUMBS = st.sampled_from(["up", "down"]).map(lambda word: (kind_of("thumbs_up_down"), word))


@on_busy_machines
@given(st.one_of(stars(), texts(), chosen_options(), numbers(), THUMBS))
def test_a_form_that_is_posted_as_it_was_filled_in_stores_the_same_content(case: tuple[LabelType, Any]) -> None:
    kind, content = case
    assert reposted(kind, {kind.key: content}) == content


@on_busy_machines
@given(st.one_of(stars(), chosen_options(), numbers(), THUMBS))
def test_a_form_of_choices_has_one_choice_for_each_filled_in_string(case: tuple[LabelType, Any]) -> None:
    kind, content = case
    strings = kind.to_form({kind.key: content})
    choices = kind.choices(strings)
    if choices:
        assert sorted(choice.posted for choice in choices if choice.is_chosen) == sorted(strings)


@given(name=st.sampled_from(LABEL_TYPES), strings=st.lists(st.text(), max_size=3), stored=json_values)
def test_any_posted_string_is_a_value_to_check_and_any_stored_object_fills_in_strings(
    name: str, strings: list[str], stored: object
) -> None:
    kind = KINDS[name]
    value = kind.from_form(strings)
    assert stored_or_sentence(name, value)
    filled = kind.to_form({kind.key: stored})
    assert all(isinstance(string, str) for string in filled)


@pytest.mark.parametrize(
    ("name", "strings", "value"),
    [
        ("star", ["4"], 4),
        ("star", [" 4 "], 4),
        ("star", ["many"], "many"),
        ("star", ["4", "5"], ["4", "5"]),
        ("numeric", ["7.5"], Decimal("7.5")),
        ("numeric", ["-0"], 0),
        ("numeric", [".5"], Decimal("0.5")),
        ("numeric", ["7,5"], "7,5"),
        ("numeric", ["\u0664"], "\u0664"),
        ("numeric", ["NaN"], "NaN"),
        ("numeric", ["0.1234567890123456789"], Decimal("0.1234567890123456789")),
        ("numeric", ["1e" + "9" * 40], "1e" + "9" * 40),
        ("numeric", ["1" * 5000], Decimal("1" * 5000)),
        ("thumbs_up_down", ["up"], "up"),
        ("text", ["one\r\ntwo\rthree\nfour "], "one\ntwo\nthree\nfour "),
        ("categorical", ["", "a"], "a"),
        ("categorical", ["a", "b"], ["a", "b"]),
    ],
)
def test_strings_of_a_form_become_values(name: str, strings: list[str], value: object) -> None:
    read = get_type(name).from_form(strings)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("name", LABEL_TYPES)
@pytest.mark.parametrize("strings", [[], [""], ["", ""]])
def test_a_field_that_is_not_filled_in_is_blank(name: str, strings: list[str]) -> None:
    assert get_type(name).from_form(strings) is None


def test_the_sentence_about_a_text_that_is_no_number_quotes_it() -> None:
    kind = kind_of("star")
    with pytest.raises(Invalid, match='rating must be a whole number from 1 to 5, got "many"'):
        kind.check(kind.from_form(["many"]))


@pytest.mark.parametrize(
    ("name", "settings", "content"),
    [
        ("star", {"no_of_stars": 3}, 4),
        ("numeric", {}, 11),
        ("numeric", {}, "7"),
        ("categorical", {"options": ["a", "b"]}, ["gone"]),
        ("categorical", {"options": ["a", "b"]}, ["a", "b"]),
        ("thumbs_up_down", {}, "sideways"),
        ("text", {}, 7),
    ],
)
def test_a_form_is_blank_for_a_stored_value_that_its_settings_reject(
    name: str, settings: dict[str, Any], content: object
) -> None:
    kind = kind_of(name, settings)
    assert kind.to_form({kind.key: content}) == []


def test_options_that_are_gone_are_left_out_of_several() -> None:
    options = [{"label": "Mixed", "value": "mixed"}, "a", "b"]
    kind = kind_of("categorical", {"options": options, "multi_choice": True})
    assert kind.to_form({"selected": ["gone", "mixed", "b", "Mixed"]}) == ["Mixed", "b"]


def test_a_text_that_is_too_long_by_now_is_filled_in() -> None:
    assert kind_of("text", {"max_length": 3}).to_form({"text": "four"}) == ["four"]


@pytest.mark.parametrize(
    ("name", "settings", "widget", "limits"),
    [
        ("star", {}, "stars", {"min": "1", "max": "5", "step": "1"}),
        ("star", {"no_of_stars": 10}, "stars", {"min": "1", "max": "10", "step": "1"}),
        ("star", {"no_of_stars": 10**9}, "number", {"min": "1", "max": "1000000000", "step": "1"}),
        ("numeric", {}, "slider", {"min": "0", "max": "10", "step": "1", "grid": "1"}),
        ("numeric", {"display_type": "button"}, "buttons", {"min": "0", "max": "10", "step": "1", "grid": "1"}),
        ("numeric", {"display_type": "button", "max": 11}, "number", None),
        ("numeric", {"step_size": Decimal("1e-7")}, "slider", None),
        ("numeric", {"max": 7, "step_size": 3}, "slider", {"min": "0", "max": "7", "step": "3", "grid": "any"}),
        ("numeric", {"max": 10**16}, "digits", {}),
        ("numeric", {"max": Decimal("1E+400")}, "digits", {}),
        ("numeric", {"max": Decimal("1E+999999999")}, "digits", {}),
        ("numeric", {"step_size": Decimal("1E-999999999"), "display_type": "button"}, "digits", {}),
        ("categorical", {"options": ["a", "b"]}, "options", {}),
        ("text", {"min_length": 3}, "text", {"min": "3", "max": "5000"}),
        ("thumbs_up_down", {}, "thumbs", {}),
    ],
)
def test_the_kind_of_field_fits_the_settings(
    name: str, settings: dict[str, Any], widget: str, limits: dict[str, str] | None
) -> None:
    kind = kind_of(name, settings)
    assert kind.widget == widget
    assert limits is None or kind.limits == limits


def choices_of(name: str, settings: dict[str, Any]) -> list[tuple[str, str]]:
    return [(choice.name, choice.key) for choice in kind_of(name, settings).choices([])]


def test_choices_have_names_and_the_first_ten_have_keys() -> None:
    assert choices_of("star", {"no_of_stars": 3}) == [("1 star", "1"), ("2 stars", "2"), ("3 stars", "3")]
    assert choices_of("star", {"no_of_stars": 10})[-1] == ("10 stars", "0")
    assert choices_of("star", {"no_of_stars": 11}) == []
    assert choices_of("thumbs_up_down", {}) == [("Up", "1"), ("Down", "2")]
    options = choices_of("categorical", {"options": [f"o{at}" for at in range(12)]})
    assert options[8:] == [("o8", "9"), ("o9", "0"), ("o10", ""), ("o11", "")]


@pytest.mark.parametrize(
    ("settings", "choices"),
    [
        ({"max": 10, "step_size": 5}, [("0", "0"), ("5", "5"), ("10", "")]),
        ({"min": 1, "max": 10, "step_size": 3}, [("1", "1"), ("4", "4"), ("7", "7"), ("10", "0")]),
        ({"max": 1, "step_size": 0.5}, [("0.0", "1"), ("0.5", "2"), ("1", "3")]),
        ({"min": 0, "max": 5, "step_size": 2}, [("0", "0"), ("2", "2"), ("4", "4"), ("5", "5")]),
        ({"min": 5, "max": 20, "step_size": 5}, [("5", "5"), ("10", "0"), ("15", ""), ("20", "")]),
    ],
)
def test_a_whole_number_has_its_own_digit_as_key(settings: dict[str, Any], choices: list[tuple[str, str]]) -> None:
    assert choices_of("numeric", {**settings, "display_type": "button"}) == choices


def test_a_button_posts_the_digits_of_the_stored_number() -> None:
    kind = kind_of("numeric", {"display_type": "button"})
    strings = kind.to_form({"value": Decimal("7.0")})
    assert [choice.posted for choice in kind.choices(strings) if choice.is_chosen] == ["7.0"]


def test_an_option_posts_the_spelling_that_is_stored() -> None:
    kind = kind_of("categorical", {"options": [{"label": "Mixed", "value": "mixed"}, "a"]})
    assert [choice.posted for choice in kind.choices(["mixed"])] == ["mixed", "a"]
    assert [choice.posted for choice in kind.choices(["a"])] == ["Mixed", "a"]
