"""Properties of every label type, on generated values."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.core.errors import Invalid
from modelhub.labels.types import LABEL_TYPES, get_type
from tests.labels.types.strategies import json_values

SETTINGS = {"categorical": {"options": ["positive", "negative", {"label": "Mixed", "value": "mixed"}]}}
KINDS = {name: get_type(name)(get_type(name).check_settings(SETTINGS.get(name, {}))) for name in LABEL_TYPES}


@given(name=st.sampled_from(LABEL_TYPES), value=json_values)
def test_any_value_is_stored_in_one_shape_or_rejected_in_one_line(name: str, value: object) -> None:
    outcome = stored_or_sentence(name, value)
    if isinstance(outcome, str):
        assert outcome.isprintable()
        assert len(outcome) < 400
        outcome.encode()
    else:
        # By their texts: NaN, which only check_storable rejects, is not equal to itself.
        assert repr(KINDS[name].check(outcome)) == repr(outcome)


def stored_or_sentence(name: str, value: object) -> dict[str, Any] | str:
    try:
        return KINDS[name].check(value)
    except Invalid as rejected:
        return str(rejected)


def test_a_value_that_is_nested_too_deeply_to_be_quoted_is_rejected() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Invalid, match="rating must be a whole number from 1 to 5, got a value that is nested"):
        KINDS["star"].check(deep)


def test_an_unknown_type_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        get_type("stars")


@pytest.mark.parametrize(
    ("name", "settings", "stored", "words"),
    [
        ("star", {}, {"rating": 4}, "4 of 5"),
        ("star", {"no_of_stars": 3}, {"rating": 4}, "4 of 3"),
        ("numeric", {}, {"value": Decimal("0.850")}, "0.850"),
        ("numeric", {}, {"value": 10**30}, "1" + "0" * 30),
        ("categorical", {}, {"selected": ["positive"]}, "positive"),
        ("categorical", {}, {"selected": ["positive", "negative"]}, "positive, negative"),
        ("categorical", {}, {"selected": [1]}, '{"selected":[1]}'),
        ("text", {}, {"text": "Well\ndone"}, "Well\ndone"),
        ("text", {}, {"other": 1}, '{"other":1}'),
        ("thumbs_up_down", {}, {"value": "up"}, "up"),
        ("thumbs_up_down", {}, {"value": ["up"]}, '["up"]'),
    ],
)
def test_a_stored_value_in_words(name: str, settings: dict[str, Any], stored: dict[str, Any], words: str) -> None:
    kind = get_type(name)
    assert kind.readable(stored, {**kind.default_settings, **settings}) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("star", "1 to 5"),
        ("numeric", "0 to 10 in steps of 1"),
        ("categorical", "one of positive, negative, Mixed"),
        ("text", "1 to 5000 characters"),
        ("thumbs_up_down", "up or down"),
    ],
)
def test_the_legal_values_in_words(name: str, words: str) -> None:
    assert get_type(name).legal_values(KINDS[name].settings) == words


@given(name=st.sampled_from(LABEL_TYPES), stored=st.dictionaries(st.text(), json_values), settings=json_values)
def test_any_object_can_be_shown(name: str, stored: dict[str, Any], settings: Any) -> None:
    kind = get_type(name)
    value = stored | {kind.key: settings}
    assert isinstance(kind.readable(value, settings if isinstance(settings, dict) else {}), str)


@pytest.mark.parametrize(
    ("name", "given", "sent", "meant"),
    [
        ("numeric", {"min": 0, "max": 1, "step": 0.01}, "step", "step_size"),
        ("numeric", {"min": 0, "max": 1, "stepSize": 0.01}, "stepSize", "step_size"),
        ("numeric", {"min": 0, "maximum": 1}, "maximum", "max"),
        ("numeric", {"min": 0, "max": 1, "display_tpye": "button"}, "display_tpye", "display_type"),
        ("text", {"min_length": 1, "maxLength": 9}, "maxLength", "max_length"),
        ("text", {"min_length": 1, "max": 9}, "max", "max_length"),
        ("categorical", {"options": ["a", "b"], "multiChoice": True}, "multiChoice", "multi_choice"),
        ("categorical", {"multi_choice": True, "choices": ["a", "b"]}, "choices", "options"),
    ],
)
def test_a_misspelled_setting_is_rejected(name: str, given: dict[str, Any], sent: str, meant: str) -> None:
    with pytest.raises(Invalid) as invalid:
        get_type(name).check_settings(given)
    assert str(invalid.value) == f'Unknown setting "{sent}" of a {name} label. Did you mean "{meant}"?'
    assert (invalid.value.code, list(invalid.value.fields)) == ("unknown_setting", ["settings"])


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("numeric", {"min": 0, "max": 8, "step": 2, "step_size": 2}),
        ("numeric", {"min": 0, "max": 1, "unit": "ms", "stepper": True, "colour": "red"}),
        ("star", {"no_of_stars": 5, "max": 5, "noOfStars": 5}),
        ("thumbs_up_down", {"options": ["up", "down"]}),
    ],
)
def test_extra_settings_are_kept(name: str, given: dict[str, Any]) -> None:
    assert get_type(name).check_settings(given).items() >= given.items()
