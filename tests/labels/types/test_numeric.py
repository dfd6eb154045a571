import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.core.errors import Invalid
from modelhub.labels.types import get_type
from tests.labels.types.checks import assert_same_types, settings_rejection, stored_value, value_rejection

NUMERIC = get_type("numeric")
TENTHS = {"min": 0, "max": 1, "step_size": Decimal("0.1")}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (0, {"value": 0}),
        (Decimal("7.0"), {"value": Decimal("7.0")}),
        ({"value": 10}, {"value": 10}),
    ],
)
def test_numbers_are_stored_as_they_were_sent(sent: object, stored: dict[str, Any]) -> None:
    assert_same_types(stored_value("numeric", sent), stored)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (11, "value must be a number from 0 to 10, got 11"),
        (-1, "value must be a number from 0 to 10, got -1"),
        ("4", 'value must be a number, got "4"'),
        (False, "value must be a number, got false"),
        (Decimal("Infinity"), "value must be a number, got Infinity"),
        (
            Decimal("0.5"),
            "value must be 0 plus a multiple of 1 (or 10), got 0.5. The step_size of the label is 1: set it to 0.1",
        ),
    ],
)
def test_other_values_are_rejected(sent: object, sentence: str) -> None:
    assert value_rejection("numeric", sent) == sentence


@pytest.mark.parametrize("number", ["0", "0.3", "0.7", "1", "0.30"])
def test_decimals_are_on_the_grid_by_decimal_arithmetic(number: str) -> None:
    assert stored_value("numeric", Decimal(number), TENTHS) == {"value": Decimal(number)}
    assert stored_value("numeric", float(number), TENTHS) == {"value": Decimal(repr(float(number)))}


@pytest.mark.parametrize("number", ["0.35", "0.30000000000000000000000000000000000000000001", "1E-300"])
def test_numbers_off_the_grid_are_rejected(number: str) -> None:
    assert "plus a multiple of 0.1" in value_rejection("numeric", Decimal(number), TENTHS)


@pytest.mark.parametrize(
    ("settings", "sent", "hint"),
    [
        ({"max": 1}, "0.85", ". The step_size of the label is 1: set it to 0.01"),
        ({"max": 1}, "0.850", ". The step_size of the label is 1: set it to 0.01"),
        (TENTHS, "0.85", ". The step_size of the label is 0.1: set it to 0.01"),
        (
            {"min": 0, "max": 1, "step": Decimal("0.01"), "step_size": 1},
            "0.85",
            '. The step_size of the label is 1; its "step" has no effect: set it to 0.01',
        ),
        # Noise of a computation, and a whole number, name no step.
        ({"max": 1}, "0.30000000000000004", ""),
        ({"step_size": 3}, "8", ""),
    ],
)
def test_a_number_between_two_steps_has_a_hint_at_the_setting(settings: Any, sent: str, hint: str) -> None:
    rejection = value_rejection("numeric", Decimal(sent), settings)
    assert rejection.partition(f"got {sent}")[2] == hint


def test_the_maximum_is_legal_even_off_the_grid() -> None:
    settings = {"min": 0, "max": 10, "step_size": 3}
    assert stored_value("numeric", 10, settings) == {"value": 10}
    assert "plus a multiple of 3" in value_rejection("numeric", 8, settings)


def test_floats_among_the_settings_are_the_decimals_that_they_print_as() -> None:
    settings = {"min": 0.0, "max": 1.0, "step_size": 0.1}
    assert NUMERIC(settings).check(Decimal("0.3")) == {"value": Decimal("0.3")}
    assert stored_value("numeric", 0.7, settings) == {"value": Decimal("0.7")}


@pytest.mark.parametrize("number", ["1E-999999999999", "0.1" + "0" * 1_000_000 + "1", "0." + "3" * 1_000_000])
def test_the_grid_is_checked_at_once_for_any_number_of_decimal_places(number: str) -> None:
    started = time.monotonic()
    assert "plus a multiple of" in value_rejection("numeric", Decimal(number), TENTHS)
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
    settings = {"min": Decimal("0E+2"), "max": 1000, "step_size": step}
    if legal:
        assert stored_value("numeric", sent, settings) == {"value": sent}
    else:
        assert "plus a multiple of" in value_rejection("numeric", sent, settings)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10, places=3))
def test_the_grid_is_exact(number: Decimal) -> None:
    on_grid = (number * 1000) % 125 == 0
    try:
        stored_value("numeric", number, {"step_size": Decimal("0.125")})
    except Invalid:
        assert not on_grid
    else:
        assert on_grid


def test_stored_settings_without_a_range_take_the_defaults() -> None:
    assert NUMERIC(NUMERIC.read_settings({})).check(10) == {"value": 10}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({}, {"min": 0, "max": 10, "step_size": 1, "display_type": "slider"}),
        (
            {"max": 1, "step_size": Decimal("0.1"), "display_type": "button"},
            {"min": 0, "max": 1, "step_size": Decimal("0.1"), "display_type": "button"},
        ),
    ],
)
def test_settings_are_completed(sent: object, stored: dict[str, Any]) -> None:
    assert NUMERIC.check_settings(sent) == stored
    assert NUMERIC.check_settings(stored) == stored


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"min": None}, "min must be a number, got null"),
        ({"min": -1}, "min must be at least 0, got -1"),
        ({"min": 10}, "min must be less than max, got 10 and 10"),
        ({"step_size": 0}, "step_size must be greater than 0, got 0"),
        ({"max": Decimal("NaN")}, "max must be a number, got NaN"),
        ({"display_type": "knob"}, 'display_type must be "slider" or "button", got "knob"'),
    ],
)
def test_unfit_settings_are_rejected(sent: object, sentence: str) -> None:
    assert settings_rejection("numeric", sent) == sentence


def test_the_plain_form_is_the_number() -> None:
    assert NUMERIC.plain({"value": Decimal("7.50")}) == Decimal("7.50")
