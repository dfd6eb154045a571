import re
from typing import Any

import pytest
from hypothesis import given

from modelhub.core.text import Hint, is_visible, show, visible
from tests.labels.types.strategies import json_values


@given(json_values)
def test_a_quoted_value_is_short_and_printable(value: object) -> None:
    assert show(value).isprintable()
    assert len(show(value)) <= 81 * 10  # each of 80 characters may be an escape of ten
    show(value).encode()


@given(json_values)
def test_a_quoted_value_has_as_many_ends_as_beginnings(value: object) -> None:
    without_strings = re.sub(r'"(?:[^"\\]|\\.)*"', "", show(value))
    assert '"' not in without_strings
    assert all(without_strings.count(one) == without_strings.count(other) for one, other in ("[]", "{}"))


def test_a_value_too_deep_or_too_long_to_be_quoted_is_named() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert show(deep) == "a value that is nested too deeply"
    assert show(10**5000) == "a number that is too long"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 99, '"' + "x" * 79 + '…"'),
        (["a" * 40, "b" * 99], '["' + "a" * 40 + '","' + "b" * 35 + '…"]'),
        ({"a": {"b": ["c" * 99]}}, '{"a":{"b":["' + "c" * 68 + '…"]}}'),
        ([1] * 99, "[" + "1," * 39 + "1…]"),
        (['"]}' * 30], '["' + r"\"]}" * 19 + r"\"…" + '"]'),
        # An escape is cut as a whole.
        ("x" * 78 + "\x1b" * 9, '"' + "x" * 78 + '…"'),
        ("x" * 78 + "\\\\", '"' + "x" * 78 + '…"'),
    ],
)
def test_a_cut_value_keeps_its_closing_quotes_and_brackets(value: object, shown: str) -> None:
    assert show(value) == shown


@pytest.mark.parametrize(
    "character",
    ["\x1b", "\n", "\x7f", "\x9b", "\u00ad", "\u200b", "\u202e", "\u2066", "\u2028", "\u3164", "\ufe0f", "\U000e0041"],
)
def test_invisible_characters_are_escaped(character: str) -> None:
    escaped = character.encode("unicode_escape").decode()
    assert visible(f"a{character}b") == f"a{escaped}b"
    assert character not in show(f"a{character}b")


@pytest.mark.parametrize(
    "name",
    [
        "Quality",
        "Qualité générale",
        "品質",
        "全角　スペース",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "👩\u200d👩\u200d👧",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3",
        "e\u0301",
        "-",
    ],
)
def test_names_that_people_can_see(name: str) -> None:
    assert is_visible(name)


@pytest.mark.parametrize(
    "name",
    [
        "\u200b",
        "\u2060",
        "\u3164",
        "\u2800",
        "\u00a0",
        "\u0301",
        "\ufe0f",
        "a\nb",
        "a\x1b[31m",
        "a\u202eb",
        "a\u2066b",
        "a\u200eb",
        "a\u200db",
        "a\ufe0f",
        "1\ufe0f",
        "é\u200d",
        "Quality\u3164",
        "Quality\u200b",
        "\ufeffQuality",
        "a\ud800",
        "a\x00",
    ],
)
def test_names_that_people_cannot_see_or_tell_from_others(name: str) -> None:
    assert not is_visible(name)


def test_a_hint_spells_letters_that_only_look_alike() -> None:
    assert str(Hint("postive", ["positive"])) == '. Did you mean "positive"?'
    sent = "p\u043esitive"  # a Cyrillic o
    assert str(Hint(sent, ["positive"])) == r'. Did you mean "positive"? It was sent as "p\u043esitive".'
    assert str(Hint("x", ["positive"], otherwise="!")) == "!"
