"""Numbers on an exact grid, stored as `{"value": 7.5}`."""

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any

from modelhub.core.errors import Invalid
from modelhub.core.text import show
from modelhub.labels.types.base import LabelType, Settings, ValueCheck, as_number, invalid_value

RANGE = {"min": 0, "max": 10, "step_size": 1}

# The default context of `decimal` would round to 28 digits.
EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


class Numeric(LabelType):
    name = "numeric"
    key = "value"
    shapes = "a number"
    default_settings = {**RANGE, "display_type": "slider"}

    def _checked(self, settings: dict[str, Any]) -> dict[str, Any]:
        numbers: dict[str, int | Decimal] = {}
        for key in RANGE:
            number = as_number(settings[key])
            if number is None:
                raise Invalid(f"{key} must be a number, got {show(settings[key])}")
            numbers[key] = number
        lowest, highest, step = numbers.values()
        if lowest < 0:
            raise Invalid(f"min must be at least 0, got {show(lowest)}")
        if not lowest < highest:
            raise Invalid(f"min must be less than max, got {show(lowest)} and {show(highest)}")
        if step <= 0:
            raise Invalid(f"step_size must be greater than 0, got {show(step)}")
        if settings["display_type"] not in ("slider", "button"):
            raise Invalid(f'display_type must be "slider" or "button", got {show(settings["display_type"])}')
        return settings | numbers

    def _value_check(self, settings: Settings) -> ValueCheck:
        lowest, highest, step = (_number_or(default, settings.get(key)) for key, default in RANGE.items())
        grid = Grid(Decimal(lowest), Decimal(step))

        def check(value: object) -> int | Decimal:
            number = as_number(value)
            if number is None:
                raise invalid_value(f"value must be a number, got {show(value)}")
            if not lowest <= number <= highest:
                raise invalid_value(f"value must be a number from {show(lowest)} to {show(highest)}, got {show(value)}")
            if number != highest and number not in grid:
                raise invalid_value(
                    f"value must be {show(lowest)} plus a multiple of {show(step)} (or {show(highest)}), "
                    f"got {show(value)}"
                )
            return number

        return check


class Grid:
    """The numbers `lowest` plus a multiple of `step`, exact for any number of digits."""

    def __init__(self, lowest: Decimal, step: Decimal) -> None:
        self.lowest, self.step = lowest, step
        self.finest = min(0, _exponent(lowest), _exponent(step))
        self.has_all_integers = step == 1 and lowest == int(lowest)

    def __contains__(self, number: int | Decimal) -> bool:
        if isinstance(number, int):
            if self.has_all_integers:
                return True
            number = Decimal(number)
        # A number with more decimal places than the grid is off it. To subtract from 1E-999999999 would never end.
        if _exponent(number) < self.finest and _exponent(number.normalize(EXACT)) < self.finest:
            return False
        return EXACT.remainder(EXACT.subtract(number, self.lowest), self.step).is_zero()


def _number_or(default: int, setting: object) -> int | Decimal:
    number = as_number(setting)
    return default if number is None else number


def _exponent(number: Decimal) -> int:
    return int(number.as_tuple().exponent)
