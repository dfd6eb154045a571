import time
from typing import Any

import pytest

from modelhub.core.errors import Invalid
from modelhub.labels.types import get_type
from tests.labels.types.checks import assert_same_types, settings_rejection, stored_value, value_rejection

CATEGORICAL = get_type("categorical")
OPTIONS = {"options": ["positive", "negative", {"label": "Mixed", "value": "mixed"}]}
PAIR = {"options": ["a", "b"]}
COMPLETE = {
    "multi_choice": False,
    "rule_prompt": "",
    "auto_annotate": False,
    "strategy": None,
    "options": [{"label": "a"}, {"label": "b"}],
}
ONE_OF = 'selected must hold only options of the label ("positive", "negative", "Mixed", "mixed"), got '
AT_LEAST_ONE = "selected must be one option or a list of at least one, got "


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("positive", {"selected": ["positive"]}),
        (["positive"], {"selected": ["positive"]}),
        ({"selected": "positive"}, {"selected": ["positive"]}),
        ({"selected": ["mixed"], "a": 1}, {"selected": ["mixed"], "a": 1}),
        ("Mixed", {"selected": ["Mixed"]}),
    ],
)
def test_an_option_is_stored_as_a_list(sent: object, stored: dict[str, Any]) -> None:
    assert_same_types(stored_value("categorical", sent, OPTIONS), stored)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ("postive", ONE_OF + '"postive". Did you mean "positive"?'),
        ("Positive", ONE_OF + '"Positive". Did you mean "positive"?'),
        (7, AT_LEAST_ONE + "7"),
        ([], AT_LEAST_ONE + "[]"),
        ({"selected": None}, AT_LEAST_ONE + "null"),
        ("", ONE_OF + '""'),
        ([1], ONE_OF + "1"),
        ([["positive"]], ONE_OF + '["positive"]'),
        (["positive", "positive"], 'selected must hold no option twice, got "positive" twice'),
        (["positive", "negative"], 'selected must hold one option only, got ["positive","negative"]'),
    ],
)
def test_other_values_are_rejected(sent: object, sentence: str) -> None:
    assert value_rejection("categorical", sent, OPTIONS) == sentence


def test_several_options_are_legal_with_multi_choice() -> None:
    settings = OPTIONS | {"multi_choice": True}
    assert stored_value("categorical", ["negative", "positive"], settings) == {"selected": ["negative", "positive"]}


def test_a_hint_costs_little_with_many_and_with_long_options() -> None:
    long = CATEGORICAL.check_settings({"options": ["ab" * 95 + f"{number:04}" for number in range(300)]})
    many = CATEGORICAL.check_settings({"options": [f"option-number-{number}" for number in range(3000)]})
    started = time.monotonic()
    for settings, sent in [(long, "ba" * 95), (many, "option-number-x")] * 20:
        with pytest.raises(Invalid, match="selected must hold only options"):
            CATEGORICAL(settings).check(sent)
    assert time.monotonic() - started < 0.5


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (PAIR, COMPLETE),
        (
            {"options": [{"label": "a", "value": 1}, "b"], "strategy": "Rag"},
            COMPLETE | {"options": [{"label": "a", "value": 1}, {"label": "b"}], "strategy": "Rag"},
        ),
    ],
)
def test_settings_are_completed(sent: object, stored: dict[str, Any]) -> None:
    assert CATEGORICAL.check_settings(sent) == stored
    assert CATEGORICAL.check_settings(stored) == stored


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (None, "options must be a list of at least two options, got null"),
        ({"options": ["a"]}, 'options must be a list of at least two options, got ["a"]'),
        ({"options": ["a", " A "]}, 'options must differ by more than case and outer spaces, got "a" and " A "'),
        ({"options": ["a", "a"]}, 'options must differ by more than case and outer spaces, got "a" and "a"'),
        (
            {"options": ["a", {"name": "b"}]},
            'an option must be a string or an object with a "label" that is not empty, got {"name":"b"}',
        ),
        (PAIR | {"multi_choice": 1}, "multi_choice must be true or false, got 1"),
        (PAIR | {"strategy": "rag"}, 'strategy must be null or "Rag", got "rag"'),
        (PAIR | {"strategy": []}, 'strategy must be null or "Rag", got []'),
        (PAIR | {"rule_prompt": None}, "rule_prompt must be a string, got null"),
    ],
)
def test_unfit_settings_are_rejected(sent: object, sentence: str) -> None:
    assert settings_rejection("categorical", sent) == sentence


def test_the_plain_form_is_the_option_or_the_list_of_several() -> None:
    assert CATEGORICAL.plain({"selected": ["a"]}) == "a"
    assert CATEGORICAL.plain({"selected": ["a", "b"]}) == ["a", "b"]
