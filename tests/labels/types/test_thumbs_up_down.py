from typing import Any

import pytest

from modelhub.labels.types import get_type
from tests.labels.types.checks import assert_same_types, stored_value, value_rejection

THUMBS = get_type("thumbs_up_down")
UP_OR_DOWN = 'value must be "up" or "down" (or true or false), got '


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("up", {"value": "up"}),
        (False, {"value": "down"}),
        ({"value": True}, {"value": "up"}),
    ],
)
def test_words_and_booleans_are_stored_as_words(sent: object, stored: dict[str, Any]) -> None:
    assert_same_types(stored_value("thumbs_up_down", sent), stored)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ("sideways", UP_OR_DOWN + '"sideways"'),
        (1, UP_OR_DOWN + "1"),
        (["up"], UP_OR_DOWN + '["up"]'),
        ("", UP_OR_DOWN + '""'),
    ],
)
def test_other_values_are_rejected(sent: object, sentence: str) -> None:
    assert value_rejection("thumbs_up_down", sent) == sentence


@pytest.mark.parametrize("settings", [{}, {"anything": 1}])
def test_settings_are_free(settings: dict[str, Any]) -> None:
    assert THUMBS.check_settings(settings) == settings


def test_the_plain_form_is_the_word() -> None:
    assert THUMBS.plain({"value": "up"}) == "up"
