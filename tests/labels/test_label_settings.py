"""Which settings a label may have."""

from decimal import Decimal
from typing import Any

import pytest

from modelhub.core.errors import Invalid
from modelhub.labels.label_settings import check_settings

PAIR = {"options": ["a", "b"]}
CATEGORICAL = {
    "multi_choice": False,
    "rule_prompt": "",
    "auto_annotate": False,
    "strategy": None,
    "options": [{"label": "a"}, {"label": "b"}],
}


@pytest.mark.parametrize(
    ("label_type", "sent", "stored"),
    [
        ("star", None, {"no_of_stars": 5}),
        ("star", {}, {"no_of_stars": 5}),
        ("star", {"no_of_stars": Decimal("7.0"), "mine": {"x": 1}}, {"no_of_stars": 7, "mine": {"x": 1}}),
        ("text", {}, {"placeholder": "", "min_length": 0, "max_length": 5000}),
        ("text", {"max_length": 10}, {"placeholder": "", "min_length": 0, "max_length": 10}),
        ("numeric", {}, {"min": 0, "max": 10, "step_size": 1, "display_type": "slider"}),
        (
            "numeric",
            {"max": 1, "step_size": Decimal("0.1"), "display_type": "button"},
            {"min": 0, "max": 1, "step_size": Decimal("0.1"), "display_type": "button"},
        ),
        ("categorical", PAIR, CATEGORICAL),
        (
            "categorical",
            {"options": [{"label": "a", "value": 1}, "b"], "strategy": "Rag"},
            CATEGORICAL | {"options": [{"label": "a", "value": 1}, {"label": "b"}], "strategy": "Rag"},
        ),
        ("thumbs_up_down", {}, {}),
        ("thumbs_up_down", {"anything": 1}, {"anything": 1}),
    ],
)
def test_legal(label_type: str, sent: Any, stored: dict[str, Any]) -> None:
    assert check_settings(label_type, sent) == stored
    assert check_settings(label_type, stored) == stored


@pytest.mark.parametrize(
    ("label_type", "sent", "sentence"),
    [
        ("star", [], "settings must be an object, got []"),
        (
            "star",
            {"stars": 5},
            (
                'settings of a star label must hold at least one of no_of_stars, got {"stars":5}. '
                'Did you mean "no_of_stars"?'
            ),
        ),
        ("star", {"no_of_stars": 0}, "no_of_stars must be a whole number from 1 to 1000000000, got 0"),
        ("star", {"no_of_stars": "5"}, 'no_of_stars must be a whole number from 1 to 1000000000, got "5"'),
        ("star", {"no_of_stars": True}, "no_of_stars must be a whole number from 1 to 1000000000, got true"),
        (
            "star",
            {"no_of_stars": Decimal("1E+400")},
            "no_of_stars must be a whole number from 1 to 1000000000, got 1E+400",
        ),
        ("text", {"min_length": 5, "max_length": 5}, "min_length must be less than max_length, got 5 and 5"),
        ("text", {"min_length": -1}, "min_length must be a whole number from 0 to 1000000000, got -1"),
        ("text", {"placeholder": None}, "placeholder must be a string, got null"),
        ("numeric", {"min": None}, "min must be a number, got null"),
        ("numeric", {"min": -1}, "min must be at least 0, got -1"),
        ("numeric", {"min": 10}, "min must be less than max, got 10 and 10"),
        ("numeric", {"step_size": 0}, "step_size must be greater than 0, got 0"),
        ("numeric", {"max": float("nan")}, "max must be a number, got nan"),
        ("numeric", {"display_type": "knob"}, 'display_type must be "slider" or "button", got "knob"'),
        ("categorical", None, "options must be a list of at least two options, got null"),
        ("categorical", {"options": ["a"]}, 'options must be a list of at least two options, got ["a"]'),
        (
            "categorical",
            {"options": ["a", " A "]},
            'options must differ by more than case and outer spaces, got "a" and " A "',
        ),
        (
            "categorical",
            {"options": ["a", "a"]},
            'options must differ by more than case and outer spaces, got "a" and "a"',
        ),
        (
            "categorical",
            {"options": ["a", {"name": "b"}]},
            'an option must be a string or an object with a "label" that is not empty, got {"name":"b"}',
        ),
        ("categorical", PAIR | {"multi_choice": 1}, "multi_choice must be true or false, got 1"),
        ("categorical", PAIR | {"strategy": "rag"}, 'strategy must be null or "Rag", got "rag"'),
        ("categorical", PAIR | {"strategy": []}, 'strategy must be null or "Rag", got []'),
        ("categorical", PAIR | {"rule_prompt": None}, "rule_prompt must be a string, got null"),
    ],
)
def test_refused_with_a_sentence(label_type: str, sent: Any, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_settings(label_type, sent)
    assert str(refused.value) == sentence
