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
TWINS = "labels and values of options must differ by more than case, outer spaces and Unicode's form, got "
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
            {"options": [{"label": "a", "value": "1", "color": 1}, "b"], "strategy": "Rag"},
            COMPLETE | {"options": [{"label": "a", "value": "1", "color": 1}, {"label": "b"}], "strategy": "Rag"},
        ),
    ],
)
def test_settings_are_completed(sent: object, stored: dict[str, Any]) -> None:
    assert CATEGORICAL.check_settings(sent) == stored
    assert CATEGORICAL.check_settings(stored) == stored


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "options must be a list of at least two options, got null"),
        ({"options": ["a"]}, 'options must be a list of at least two options, got ["a"]'),
        (
            {"options": ["a", " A "]},
            TWINS + '"a" and " A "',
        ),
        (
            {"options": ["a", "a"]},
            TWINS + '"a" and "a"',
        ),
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


NFC, NFD = "Caf\u00e9", "Cafe\u0301"


@pytest.mark.parametrize(("sent", "known"), [(NFD, NFC), (NFC, NFD)])
def test_options_are_compared_in_nfc_and_stored_as_the_settings_spell_them(sent: str, known: str) -> None:
    assert stored_value("categorical", sent, {"options": [known, "Tea"]}) == {"selected": [known]}
    both = {"options": [known, "Tea"], "multi_choice": True}
    assert "no option twice" in value_rejection("categorical", [sent, known], both)


def test_an_option_chosen_by_label_and_by_value_is_chosen_twice() -> None:
    settings = {"options": [{"label": "Good", "value": "g"}, "Bad"], "multi_choice": True}
    assert value_rejection("categorical", ["Good", "g"], settings) == (
        'selected must hold no option twice, got "Good" and "g"'
    )
    assert stored_value("categorical", ["g", "Bad"], settings) == {"selected": ["g", "Bad"]}


@pytest.mark.parametrize(
    ("options", "got"),
    [
        ([{"label": "a", "value": "x"}, {"label": "b", "value": "x"}], '"x" and "x"'),
        ([{"label": "a", "value": "b"}, {"label": "b", "value": "a"}], '"b" and "b"'),
        ([{"label": "a", "value": "B "}, "b"], '"B " and "b"'),
        ([NFC, NFD], f'"{NFC}" and "{NFD}"'),
    ],
)
def test_labels_and_values_of_new_options_differ_crosswise(options: list[Any], got: str) -> None:
    assert settings_rejection("categorical", {"options": options}) == TWINS + got


@pytest.mark.parametrize(
    ("option", "got"),
    [
        ({"label": "a", "value": 1}, "the value of an option must be a string of visible characters, got 1"),
        ({"label": "a", "value": True}, "the value of an option must be a string of visible characters, got true"),
        ({"label": "a", "value": ""}, 'the value of an option must be a string of visible characters, got ""'),
        ("\u200b", r'the label of an option must be a string of visible characters, got "\u200b"'),
        ("a\u202eb", r'the label of an option must be a string of visible characters, got "a\u202eb"'),
        (1, 'an option must be a string or an object with a "label" that is not empty, got 1'),
    ],
)
def test_an_option_that_could_not_be_selected_is_rejected(option: object, got: str) -> None:
    assert settings_rejection("categorical", {"options": [option, "other"]}) == got


def test_options_that_are_alike_and_legal() -> None:
    options = [{"label": "a", "value": "a"}, {"label": "b", "value": None}, {"label": "Maße"}, {"label": "Masse"}]
    assert CATEGORICAL.check_settings({"options": options})["options"] == options


# Options that earlier versions stored.
OLD: dict[str, Any] = {
    "options": [{"label": "a", "value": "b"}, {"label": "b", "value": "a"}, {"label": "c", "value": 1}, NFC, NFD],
    "multi_choice": True,
}


def test_stored_options_that_break_newer_rules_are_chosen_as_before() -> None:
    stored = CATEGORICAL.read_settings(OLD)
    assert CATEGORICAL(stored).check(["b", "a", "c", NFC, NFD]) == {"selected": ["b", "a", "c", NFC, NFD]}
    # Other settings may be changed, and the same options may be sent again.
    for keep, given in ((True, {"rule_prompt": "?"}), (False, stored | {"rule_prompt": "?"})):
        assert CATEGORICAL.check_settings(given, stored, keep=keep)["rule_prompt"] == "?"
    with pytest.raises(Invalid, match="labels and values of options must differ"):
        CATEGORICAL.check_settings({"options": OLD["options"][:3]}, stored, keep=True)


def test_a_long_list_is_checked_with_one_look_per_option() -> None:
    """Count the comparisons of strings: those of a search through a list grow with the square of its length."""
    compared = 0

    class Counted(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return super().__eq__(other)

        def __hash__(self) -> int:
            return super().__hash__()

    options = [f"option {number}" for number in range(2000)]
    kind = CATEGORICAL(CATEGORICAL.check_settings({"options": options, "multi_choice": True}))
    assert kind.check([Counted(option) for option in options]) == {"selected": options}
    assert compared < 3 * len(options)


def test_the_plain_form_is_the_option_or_the_list_of_several() -> None:
    assert CATEGORICAL.plain({"selected": ["a"]}) == "a"
    assert CATEGORICAL.plain({"selected": ["a", "b"]}) == ["a", "b"]
