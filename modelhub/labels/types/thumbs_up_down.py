"""Thumbs: "up" or "down", also sent as true or false. Stored as `{"value": "up"}`."""

from collections.abc import Sequence

from modelhub.core.text import show
from modelhub.labels.types.base import KEYS, Choice, LabelType, Settings, Widget, invalid_value


class ThumbsUpDown(LabelType):
    name = "thumbs_up_down"
    key = "value"
    shapes = '"up" or "down"'
    is_closed = True

    @classmethod
    def legal_values(cls, settings: Settings) -> str:
        return "up or down"

    @property
    def widget(self) -> Widget:
        return "thumbs"

    def choices(self, strings: Sequence[str]) -> list[Choice]:
        return [
            Choice(word, word.title(), word in strings, key) for word, key in zip(("up", "down"), KEYS, strict=False)
        ]

    @classmethod
    def read_content(cls, content: object) -> str | None:
        if content is True or content == "up":
            return "up"
        return "down" if content is False or content == "down" else None

    def _check_content(self, content: object) -> str:
        thumb = self.read_content(content)
        if thumb is None:
            raise invalid_value(f'value must be "up" or "down" (or true or false), got {show(content)}')
        return thumb
