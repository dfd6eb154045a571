"""Stars: a whole number from 1 to `no_of_stars`. Stored as `{"rating": 4}`."""

from collections.abc import Mapping, Sequence
from typing import Any

from modelhub.core.text import count, show
from modelhub.labels.types.base import (
    KEYS,
    LARGEST_SETTING,
    Choice,
    LabelType,
    Level,
    Settings,
    Widget,
    as_number,
    invalid_value,
    read_number,
    whole_setting,
)


class Star(LabelType):
    name = "star"
    key = "rating"
    shapes = "a whole number"
    is_closed = True
    default_settings = {"no_of_stars": 5}

    @property
    def level(self) -> Level:
        return "ordinal"

    def comparable(self, content: object) -> int:
        number = self.read_content(content)
        if number is None:
            raise ValueError(content)
        return number

    @classmethod
    def readable(cls, stored: Mapping[str, Any], settings: Settings) -> str:
        return f"{super().readable(stored, settings)} of {show(settings.get('no_of_stars'))}"

    @classmethod
    def legal_values(cls, settings: Settings) -> str:
        return f"1 to {settings['no_of_stars']}"

    @property
    def widget(self) -> Widget:
        return "stars" if self.settings["no_of_stars"] <= len(KEYS) else "number"

    @property
    def limits(self) -> Mapping[str, str]:
        return {"min": "1", "max": str(self.settings["no_of_stars"]), "step": "1"}

    def choices(self, strings: Sequence[str]) -> list[Choice]:
        if self.widget != "stars":
            return []
        return [
            Choice(str(star), count(star, "star"), str(star) in strings, KEYS[star - 1])
            for star in range(1, self.settings["no_of_stars"] + 1)
        ]

    @classmethod
    def _read_typed(cls, text: str) -> object:
        return read_number(text)

    @classmethod
    def _checked(cls, settings: dict[str, Any]) -> dict[str, Any]:
        return settings | {"no_of_stars": whole_setting(settings, "no_of_stars", minimum=1)}

    @classmethod
    def read_content(cls, content: object) -> int | None:
        number = as_number(content)
        if number is None or not 1 <= number <= LARGEST_SETTING or number != int(number):
            return None
        return int(number)

    def _check_content(self, content: object) -> int:
        number, stars = self.read_content(content), self.settings["no_of_stars"]
        if number is None or number > stars:
            raise invalid_value(f"rating must be a whole number from 1 to {stars}, got {show(content)}")
        return number
