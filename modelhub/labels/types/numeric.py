"""Numbers on an exact grid, stored as `{"value": 7.5}`."""

from collections.abc import Mapping, Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from functools import cached_property
from typing import Any

from modelhub.core.errors import Invalid
from modelhub.core.text import show
from modelhub.labels.types.base import (
    KEYS,
    Choice,
    LabelType,
    Level,
    Settings,
    Widget,
    as_number,
    invalid_settings,
    invalid_value,
    read_number,
)

# The default context of `decimal` would round to 28 digits.
EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
# The noise of doubles, by which a client's computed number may miss a step.
TOLERANCE = Decimal("0.000001")
# Places of a comparable number. The context has no bounds of exponents: 1E999999999 is a legal number.
COMPARED = Context(prec=30, Emax=MAX_EMAX, Emin=MIN_EMIN)
# The largest comparable number: its square is finite.
LARGEST_COMPARED = Decimal("1e100")
# More decimal places are the noise of a computation, not a step that a label should have.
LAST_HINTED_PLACE = -6
# Digits that a double holds exactly; number fields and sliders of browsers compute with doubles.
DIGITS_OF_DOUBLES = 15
MAX_BUTTONS = 11
# Numbers of more digits are spelled with an exponent.
MAX_SPELLED_DIGITS = 200_000


class Numeric(LabelType):
    name = "numeric"
    key = "value"
    shapes = "a number"
    default_settings = {"min": 0, "max": 10, "step_size": 1, "display_type": "slider"}

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.lowest, self.highest, self.step = _range(self.settings)
        # The exponent of the last decimal place of numbers on the grid.
        self.finest = min(0, _exponent(self.lowest), _exponent(self.step))
        self.has_all_integers = self.step == 1 and self.lowest == int(self.lowest)

    @property
    def level(self) -> Level:
        return "interval"

    def comparable(self, content: object) -> float:
        """Return a number's place in the range: 0 at `min`, 1 at `max`.

        Figures of the interval level do not depend on origin and unit, and floats cannot hold all numbers.
        """
        number = as_number(content)
        if number is None:
            raise ValueError(content)
        width = COMPARED.subtract(Decimal(self.highest), Decimal(self.lowest))
        place = COMPARED.divide(COMPARED.subtract(Decimal(number), Decimal(self.lowest)), width)
        return float(max(-LARGEST_COMPARED, min(LARGEST_COMPARED, place)))

    @classmethod
    def legal_values(cls, settings: Settings) -> str:
        lowest, highest, step = (show(number) for number in _range(settings))
        return f"{lowest} to {highest} in steps of {step}"

    def to_form(self, stored: Mapping[str, Any]) -> list[str]:
        try:
            return [_spell(self.check(dict(stored))[self.key])]
        except Invalid:
            return []

    @cached_property
    def widget(self) -> Widget:
        if not self._fits_doubles:
            return "digits"
        if self.settings["display_type"] == "slider":
            return "slider"
        return "buttons" if self._count_steps() <= MAX_BUTTONS else "number"

    @cached_property
    def limits(self) -> Mapping[str, str]:
        """Return `min`, `max`, `step`, and `grid`: `any` if `max` is off the steps."""
        if not self._fits_doubles:
            return {}
        numbers = {"min": self.lowest, "max": self.highest, "step": self.step}
        spelled = {name: _spell(number) for name, number in numbers.items()}
        return spelled | {"grid": spelled["step"] if self._is_on_grid(self.highest) else "any"}

    def choices(self, strings: Sequence[str]) -> list[Choice]:
        if self.widget != "buttons":
            return []
        steps = [self.lowest + at * self.step for at in range(self._count_steps())]
        numbers = [*(number for number in steps if number < self.highest), self.highest]
        chosen = {read_number(string): string for string in strings}
        return [
            Choice(chosen.get(number, _spell(number)), _spell(number), number in chosen, key)
            for number, key in zip(numbers, _keys_of(numbers), strict=True)
        ]

    @property
    def _fits_doubles(self) -> bool:
        """Return whether each number on the grid has at most 15 digits."""
        numbers = [Decimal(number).normalize(EXACT) for number in (self.lowest, self.highest, self.step)]
        last = min(0, *(_exponent(number) for number in numbers))
        return max(number.adjusted() for number in numbers) - last < DIGITS_OF_DOUBLES

    def _count_steps(self) -> int:
        """Return the number of legal values."""
        steps, rest = divmod(Decimal(self.highest) - self.lowest, self.step)
        return int(steps) + 1 + bool(rest)

    @classmethod
    def _read_typed(cls, text: str) -> object:
        return read_number(text)

    @classmethod
    def _checked(cls, settings: dict[str, Any]) -> dict[str, Any]:
        lowest, highest, step = _range(settings)
        if lowest < 0:
            raise invalid_settings(f"min must be at least 0, got {show(lowest)}")
        if not lowest < highest:
            raise invalid_settings(f"min must be less than max, got {show(lowest)} and {show(highest)}")
        if step <= 0:
            raise invalid_settings(f"step_size must be greater than 0, got {show(step)}")
        if settings["display_type"] not in ("slider", "button"):
            raise invalid_settings(f'display_type must be "slider" or "button", got {show(settings["display_type"])}')
        return settings | {"min": lowest, "max": highest, "step_size": step}

    @classmethod
    def read_content(cls, content: object) -> int | Decimal | None:
        return as_number(content)

    def _check_content(self, content: object) -> int | Decimal:
        number, lowest, highest = as_number(content), self.lowest, self.highest
        if number is None:
            raise invalid_value(f"value must be a number, got {show(content)}")
        if not lowest <= number <= highest:
            raise invalid_value(f"value must be a number from {show(lowest)} to {show(highest)}, got {show(content)}")
        if number != highest and not self._is_on_grid(number):
            sentence = (
                f"value must be {show(lowest)} plus a multiple of {show(self.step)} (or {show(highest)}), "
                f"got {show(content)}"
            )
            raise invalid_value(f"{sentence}{self._step_hint(Decimal(number))}")
        return number

    def nearest(self, content: object) -> object:
        """Return the step within a millionth of a number, else the content as it is."""
        number = as_number(content)
        if number is None or not self.lowest <= number <= self.highest or self._is_on_grid(number):
            return content
        steps = ((Decimal(number) - self.lowest) / self.step).to_integral_value()
        step = self.lowest + steps * self.step
        return step if abs(step - number) <= TOLERANCE else content

    def _step_hint(self, number: Decimal) -> str:
        """Return a hint at the setting for a number like 0.85, between two steps."""
        exponent = _exponent(number.normalize(EXACT))
        if not LAST_HINTED_PLACE <= exponent < self.finest:
            return ""
        useless = '; its "step" has no effect' if "step" in self.settings else ""
        return f". The step_size of the label is {show(self.step)}{useless}: set it to {Decimal((0, (1,), exponent)):f}"

    def _is_on_grid(self, number: int | Decimal) -> bool:
        """Check for `lowest` plus a multiple of `step`, exact for any number of digits."""
        if isinstance(number, int) and self.has_all_integers:
            return True
        exact = Decimal(number)
        # A number with more decimal places than the grid is off it. To subtract from 1E-999999999 would never end.
        if _exponent(exact) < self.finest and _exponent(exact.normalize(EXACT)) < self.finest:
            return False
        return EXACT.remainder(EXACT.subtract(exact, self.lowest), self.step).is_zero()


def _range(settings: Settings) -> list[int | Decimal]:
    numbers = []
    for key in ("min", "max", "step_size"):
        number = as_number(settings[key])
        if number is None:
            raise invalid_settings(f"{key} must be a number, got {show(settings[key])}")
        numbers.append(number)
    return numbers


def _spell(number: int | Decimal) -> str:
    """Return a number with all its digits, or with its exponent if they are too many."""
    exact = Decimal(number)
    size = max(abs(exact.adjusted()), abs(_exponent(exact)))
    return f"{exact:f}" if size <= MAX_SPELLED_DIGITS else str(exact)


def _keys_of(numbers: Sequence[int | Decimal]) -> list[str]:
    """Return a key per number: its own digit, and 0 for 10, else its position."""
    if any(number != int(number) for number in numbers):
        return [KEYS[at : at + 1] for at in range(len(numbers))]
    tens = "" if 0 in numbers else "0"
    return [tens if number == 10 else str(int(number)) if number < 10 else "" for number in numbers]


def _exponent(number: int | Decimal) -> int:
    return int(Decimal(number).as_tuple().exponent)
