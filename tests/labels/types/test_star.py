from decimal import Decimal
from typing import Any

import pytest

from modelhub.labels.types import get_type
from tests.labels.types.checks import assert_same_types, settings_rejection, stored_value, value_rejection

STAR = get_type("star")
WHOLE = "rating must be a whole number from 1 to 5, got "
OBJECT = 'value must be an object with "rating" or a whole number, got '
NUMBER_OF_STARS = "no_of_stars must be a whole number from 1 to 1000000000, got "


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (4, {"rating": 4}),
        (Decimal("4.0"), {"rating": 4}),
        (4.0, {"rating": 4}),
        ({"rating": Decimal("5.00")}, {"rating": 5}),
        ({"rating": 1, "why": "x"}, {"rating": 1, "why": "x"}),
    ],
)
def test_whole_numbers_are_stored_as_a_rating(sent: object, stored: dict[str, Any]) -> None:
    assert_same_types(stored_value("star", sent), stored)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (9, WHOLE + "9"),
        (0, WHOLE + "0"),
        (Decimal("4.5"), WHOLE + "4.5"),
        ("4", WHOLE + '"4"'),
        (True, WHOLE + "true"),
        (None, WHOLE + "null"),
        ({"rating": None}, WHOLE + "null"),
        (Decimal("NaN"), WHOLE + "NaN"),
        (Decimal("1E+400"), WHOLE + "1E+400"),
        ([], WHOLE + "[]"),
        ({"stars": 4}, OBJECT + '{"stars":4}'),
        ({}, OBJECT + "{}"),
    ],
)
def test_other_values_are_rejected(sent: object, sentence: str) -> None:
    assert value_rejection("star", sent) == sentence


def test_stored_settings_without_the_number_of_stars_take_the_default() -> None:
    assert STAR(STAR.read_settings({})).check(5) == {"rating": 5}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({}, {"no_of_stars": 5}),
        ({"no_of_stars": Decimal("7.0"), "mine": {"x": 1}}, {"no_of_stars": 7, "mine": {"x": 1}}),
    ],
)
def test_settings_are_completed(sent: object, stored: dict[str, Any]) -> None:
    assert STAR.check_settings(sent) == stored
    assert STAR.check_settings(stored) == stored


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ([], "settings must be an object, got []"),
        (None, "settings must be an object, got null"),
        (
            {"stars": 5},
            (
                'settings of a star label must hold at least one of no_of_stars, got {"stars":5}. '
                'Did you mean "no_of_stars"?'
            ),
        ),
        ({"no_of_stars": 0}, NUMBER_OF_STARS + "0"),
        ({"no_of_stars": "5"}, NUMBER_OF_STARS + '"5"'),
        ({"no_of_stars": True}, NUMBER_OF_STARS + "true"),
        ({"no_of_stars": Decimal("1E+400")}, NUMBER_OF_STARS + "1E+400"),
    ],
)
def test_unfit_settings_are_rejected(sent: object, sentence: str) -> None:
    assert settings_rejection("star", sent) == sentence


def test_the_plain_form_is_the_number() -> None:
    assert STAR.plain({"rating": 4, "why": "x"}) == 4
