"""Serializers of request bodies, and strict fields (contract 0.1 and 0.5).

The first invalid field raises `Invalid` with `<field> must be <rule>, got <sent>`. Unknown keys are ignored, except for
near misses of fields.
"""

import re
import uuid
from decimal import Decimal
from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.fields import empty

from modelhub.core import exact_json
from modelhub.core.envelope import read_object, reject_misspelled
from modelhub.core.errors import Invalid
from modelhub.core.ids import parse_uuid
from modelhub.core.text import is_visible, show

LINE_ENDS = re.compile(r"[\t\n\r]")


class InputSerializer(serializers.Serializer[Any]):
    """Base of request bodies. Optional fields that are omitted stay out of the result."""

    def run_validation(self, data: Any = empty) -> Any:
        """Return the fields of a body. Raise `Invalid` for the first wrong one."""
        names = tuple(self.fields)
        fields = read_object(data, names)
        reject_misspelled(data, names)
        return self.to_internal_value(fields)


class StrictField(serializers.Field[Any, Any, Any, Any]):
    """Base of input fields: no conversions; null is missing unless `allow_null`."""

    def rule(self) -> str:
        """Return the rule of the field for its error sentence."""
        raise NotImplementedError

    def read(self, data: Any) -> Any:
        """Return the value, or `None` for data that breaks the rule."""
        raise NotImplementedError

    def run_validation(self, data: Any = empty) -> Any:
        if data is empty and self.required and not getattr(self.root, "partial", False):
            raise self.missing()
        if data is None and not self.allow_null:
            raise self.invalid(None)
        is_empty, data = self.validate_empty_values(data)
        return data if is_empty else self.to_internal_value(data)

    def to_internal_value(self, data: Any) -> Any:
        """Return the value. Raise `Invalid` if it breaks the rule or cannot be stored."""
        if (value := self.read(data)) is None:
            raise self.invalid(data)
        limits = {"max_bytes": settings.MAX_VALUE_BYTES, "max_depth": settings.MAX_VALUE_DEPTH}
        exact_json.check_storable(data, **limits, name=str(self.field_name))
        return value

    def missing(self) -> Invalid:
        return Invalid(f"{self.field_name} must be given, as {self.rule()}", field=str(self.field_name))

    def invalid(self, sent: object) -> Invalid:
        return Invalid(f"{self.field_name} must be {self.rule()}, got {show(sent)}", field=str(self.field_name))


class TextField(StrictField, serializers.CharField):
    """A string. `trim_whitespace` removes outer spaces before they are counted."""

    def rule(self) -> str:
        if self.max_length is None:
            return "a string"
        if self.min_length is None:
            return f"a string of at most {self.max_length} characters"
        return f"a string of {self.min_length} to {self.max_length} characters"

    def read(self, data: Any) -> str | None:
        if not isinstance(data, str):
            return None
        text = data.strip() if self.trim_whitespace else data
        return text if (self.min_length or 0) <= len(text) <= (self.max_length or len(text)) else None


class NameField(TextField):
    """A string that people can see and tell from others.

    A name with `lines` is perhaps the first words of a trace: line feeds and tabs are legal there.
    """

    def __init__(self, *, lines: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._lines = lines

    def rule(self) -> str:
        return super().rule().replace("characters", "visible characters")

    def read(self, data: Any) -> str | None:
        text = super().read(data)
        if text is None or not text.strip():
            return text
        return text if is_visible(LINE_ENDS.sub(" ", text) if self._lines else text) else None


class NumberField(StrictField, serializers.IntegerField):
    """A whole number in a range; `4.0` is 4, and no string is a number (contract 0.5)."""

    def __init__(self, *, least: int, most: int, **options: Any) -> None:
        super().__init__(min_value=least, max_value=most, **options)
        self._least, self._most = least, most

    def rule(self) -> str:
        return f"a whole number from {self._least} to {self._most}"

    def read(self, data: Any) -> int | None:
        if isinstance(data, bool) or not isinstance(data, int | Decimal) or not Decimal(data).is_finite():
            return None
        return int(data) if self._least <= data <= self._most and data == int(data) else None


class FlagField(StrictField, serializers.BooleanField):
    def rule(self) -> str:
        return "true or false"

    def read(self, data: Any) -> bool | None:
        return data if isinstance(data, bool) else None


class WordField(StrictField, serializers.ChoiceField):
    def rule(self) -> str:
        return f"one of {', '.join(self.choices)}"

    def read(self, data: Any) -> str | None:
        return data if isinstance(data, str) and data in self.choices else None


class IdField(StrictField, serializers.UUIDField):
    """The id of a row, as a UUID."""

    def __init__(self, *, rule: str = "a UUID", **options: Any) -> None:
        super().__init__(**options)
        self._rule = rule

    def rule(self) -> str:
        return self._rule

    def read(self, data: Any) -> uuid.UUID | None:
        return parse_uuid(data)


class ObjectField(StrictField, serializers.DictField):
    def rule(self) -> str:
        return "an object"

    def read(self, data: Any) -> dict[str, Any] | None:
        return data if isinstance(data, dict) else None


class ManyField(StrictField, serializers.ListField):
    """A list of at most `max_length` values that the strict `child` accepts."""

    child: StrictField

    def rule(self) -> str:
        return f"a list of at most {self.max_length} values"

    def read(self, data: Any) -> list[Any] | None:
        """Return the values. Raise `Invalid` for the first one that breaks its rule."""
        if not isinstance(data, list) or len(data) > (self.max_length or len(data)):
            return None
        values = [self.child.read(sent) for sent in data]
        for index, (value, sent) in enumerate(zip(values, data, strict=True)):
            if value is None:
                sentence = f"{self.field_name}[{index}] must be {self.child.rule()}, got {show(sent)}"
                raise Invalid(sentence, field=str(self.field_name))
        return values
