"""Thumbs: "up" or "down", also sent as true or false. Stored as `{"value": "up"}`."""

from modelhub.core.text import show
from modelhub.labels.types.base import LabelType, invalid_value


class ThumbsUpDown(LabelType):
    name = "thumbs_up_down"
    key = "value"
    shapes = '"up" or "down"'
    is_closed = True

    def _check_content(self, content: object) -> str:
        if content is True or content == "up":
            return "up"
        if content is False or content == "down":
            return "down"
        raise invalid_value(f'value must be "up" or "down" (or true or false), got {show(content)}')
