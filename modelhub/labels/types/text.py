"""Free text of limited length, never empty, stored as `{"text": "…"}`."""

from typing import Any

from modelhub.core.errors import Invalid
from modelhub.core.text import show
from modelhub.labels.types.base import LabelType, Settings, ValueCheck, invalid_value, text_setting, whole_setting


class Text(LabelType):
    name = "text"
    key = "text"
    shapes = "a string"
    default_settings = {"placeholder": "", "min_length": 0, "max_length": 5000}

    def _checked(self, settings: dict[str, Any]) -> dict[str, Any]:
        text_setting(settings, "placeholder")
        shortest, longest = (whole_setting(settings, key, minimum=0) for key in ("min_length", "max_length"))
        if not shortest < longest:
            raise Invalid(f"min_length must be less than max_length, got {shortest} and {longest}")
        return settings | {"min_length": shortest, "max_length": longest}

    def _value_check(self, settings: Settings) -> ValueCheck:
        shortest, longest = max(1, settings["min_length"]), settings["max_length"]

        def check(text: object) -> str:
            if not isinstance(text, str):
                raise invalid_value(f"text must be a string, got {show(text)}")
            if not shortest <= len(text) <= longest:
                sent = f"{len(text)} characters" if text else '""'
                raise invalid_value(f"text must have from {shortest} to {longest} characters, got {sent}")
            return text

        return check
