"""Base of answers: serializers that render their declared fields as fast as a dict that is written out."""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from rest_framework import serializers

from modelhub.core.exact_json import timestamp

T = TypeVar("T")


class OutputSerializer(serializers.Serializer[T]):
    """Render the declared fields of a row. A field with `required=False` is left out if the row does not have it.

    DRF's own `to_representation` takes ten times as long, and clients list all labels at once.
    """

    def to_representation(self, instance: T) -> dict[str, Any]:
        return {
            name: convert(get(instance)) if convert else get(instance)
            for name, get, convert, optional in _columns(type(self))
            if not optional or hasattr(instance, name)
        }


def render_list(output: type[serializers.Serializer[Any]], rows: Any) -> list[dict[str, Any]]:
    """Return many rendered rows.

    DRF's `many=True` makes two serializers that refer to each other and to all rows: a thousand rows would stay in
    memory until the garbage collector runs.
    """
    serializer = output()
    return [serializer.to_representation(row) for row in rows]


class _Column(NamedTuple):
    name: str
    get: Callable[[Any], Any]
    convert: Callable[[Any], Any] | None
    optional: bool


@cache
def _columns(output: type[OutputSerializer[Any]]) -> list[_Column]:
    return [
        _Column(name, attrgetter(str(field.source)), _converter(field), not field.required)
        for name, field in output().fields.items()
    ]


def _converter(field: serializers.Field[Any, Any, Any, Any]) -> Callable[[Any], Any] | None:
    """Return the conversion to JSON; other fields than these hold values that JSON has."""
    if isinstance(field, serializers.UUIDField):
        return _text_or_none
    return timestamp if isinstance(field, serializers.DateTimeField) else None


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
