"""Bases of answers, which render as fast as code written by hand."""

from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from rest_framework import serializers

from modelhub.core.exact_json import timestamp
from modelhub.core.structs import declarations

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class OutputSerializer(serializers.Serializer[T]):
    """Render the declared fields of a row, optional ones only if it has them.

    DRF's own `to_representation` takes several times as long, and clients list all labels at once.
    """

    def to_representation(self, instance: T) -> dict[str, Any]:
        shown = {}
        for name, attribute, required in _attributes(type(self)):
            if required or hasattr(instance, attribute):
                value = attrgetter(attribute)(instance)
                shown[name] = timestamp(value) if isinstance(value, datetime) else value
        return shown


class StructSerializer(serializers.Serializer[S]):
    """Serialize structs: the JSON renderer writes them in C."""

    class Meta:
        struct: type[msgspec.Struct]

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: declared.field(**options) for name, declared, options in declarations(self.Meta.struct)}

    def to_representation(self, instance: S) -> Any:
        return instance

    @property
    def data(self) -> Any:
        # DRF's own wraps a dict.
        return self.instance


def render_list(output: type[serializers.Serializer[Any]], rows: Any) -> list[dict[str, Any]]:
    """Return many rendered rows.

    DRF's `many=True` makes two serializers that refer to each other and to all rows: a thousand rows would stay in
    memory until the garbage collector runs.
    """
    return list(map(output().to_representation, rows))


@cache
def _attributes(output: type[OutputSerializer[Any]]) -> list[tuple[str, str, bool]]:
    """Return name, attribute path of the row and whether it is required."""
    return [(name, str(field.source), field.required) for name, field in output().fields.items()]
