"""Thumbs: "up" or "down", also sent as true or false. Stored as `{"value": "up"}`."""

from modelhub.core.text import show
from modelhub.labels.types.base import LabelType, Settings, ValueCheck, invalid_value


class ThumbsUpDown(LabelType):
    name = "thumbs_up_down"
    key = "value"
    shapes = '"up" or "down"'
    is_closed = True

    def _value_check(self, settings: Settings) -> ValueCheck:
        return _check


def _check(thumb: object) -> str:
    if thumb is True or thumb == "up":
        return "up"
    if thumb is False or thumb == "down":
        return "down"
    raise invalid_value(f'value must be "up" or "down" (or true or false), got {show(thumb)}')
