from typing import Any

import pytest

from modelhub.labels.types import get_type
from tests.labels.types.checks import assert_same_types, settings_rejection, stored_value, value_rejection

TEXT = get_type("text")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("x", {"text": "x"}),
        ({"text": " ", "lang": None}, {"text": " ", "lang": None}),
        ("x" * 5000, {"text": "x" * 5000}),
    ],
)
def test_strings_are_stored_as_a_text(sent: object, stored: dict[str, Any]) -> None:
    assert_same_types(stored_value("text", sent), stored)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ("", 'text must have from 1 to 5000 characters, got ""'),
        ("x" * 5001, "text must have from 1 to 5000 characters, got 5001 characters"),
        (5, "text must be a string, got 5"),
        ({"text": None}, "text must be a string, got null"),
    ],
)
def test_other_values_are_rejected(sent: object, sentence: str) -> None:
    assert value_rejection("text", sent) == sentence


def test_stored_settings_without_lengths_take_the_defaults() -> None:
    assert TEXT(TEXT.read_settings({})).check("x") == {"text": "x"}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({}, {"placeholder": "", "min_length": 0, "max_length": 5000}),
        ({"max_length": 10}, {"placeholder": "", "min_length": 0, "max_length": 10}),
    ],
)
def test_settings_are_completed(sent: object, stored: dict[str, Any]) -> None:
    assert TEXT.check_settings(sent) == stored
    assert TEXT.check_settings(stored) == stored


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"min_length": 5, "max_length": 5}, "min_length must be less than max_length, got 5 and 5"),
        ({"min_length": -1}, "min_length must be a whole number from 0 to 1000000000, got -1"),
        ({"placeholder": None}, "placeholder must be a string, got null"),
    ],
)
def test_unfit_settings_are_rejected(sent: object, sentence: str) -> None:
    assert settings_rejection("text", sent) == sentence


def test_the_plain_form_is_the_string() -> None:
    assert TEXT.plain({"text": "x", "lang": "en"}) == "x"
