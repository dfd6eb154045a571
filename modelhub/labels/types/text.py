"""Free text of limited length, never empty, stored as `{"text": "…"}`."""

from collections.abc import Mapping
from typing import Any

from modelhub.core.text import show, unix_lines
from modelhub.labels.types.base import (
    LabelType,
    Level,
    Settings,
    Widget,
    invalid_settings,
    invalid_value,
    text_setting,
    whole_setting,
)


class Text(LabelType):
    name = "text"
    key = "text"
    shapes = "a string"
    default_settings = {"placeholder": "", "min_length": 0, "max_length": 5000}

    @property
    def level(self) -> Level:
        return "none"

    @classmethod
    def legal_values(cls, settings: Settings) -> str:
        return f"{max(1, settings['min_length'])} to {settings['max_length']} characters"

    def to_form(self, stored: Mapping[str, Any]) -> list[str]:
        """Return the text, also one that is too long or short by now: it can be edited."""
        text = self.read_content(stored.get(self.key))
        return [] if text is None else [text]

    @property
    def widget(self) -> Widget:
        return "text"

    @property
    def limits(self) -> Mapping[str, str]:
        return {"min": str(max(1, self.settings["min_length"])), "max": str(self.settings["max_length"])}

    @classmethod
    def _read_typed(cls, text: str) -> object:
        return unix_lines(text)

    @classmethod
    def _checked(cls, settings: dict[str, Any]) -> dict[str, Any]:
        text_setting(settings, "placeholder")
        shortest, longest = (whole_setting(settings, key, minimum=0) for key in ("min_length", "max_length"))
        if not shortest < longest:
            raise invalid_settings(f"min_length must be less than max_length, got {shortest} and {longest}")
        return settings | {"min_length": shortest, "max_length": longest}

    @classmethod
    def read_content(cls, content: object) -> str | None:
        return content if isinstance(content, str) and content else None

    def _check_content(self, content: object) -> str:
        if not isinstance(content, str):
            raise invalid_value(f"text must be a string, got {show(content)}")
        shortest, longest = max(1, self.settings["min_length"]), self.settings["max_length"]
        if not shortest <= len(content) <= longest:
            sent = f"{len(content)} characters" if content else '""'
            raise invalid_value(f"text must have from {shortest} to {longest} characters, got {sent}")
        return content
