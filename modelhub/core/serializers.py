"""Bases of answers, which render as fast as code written by hand."""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

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
        plan = _plan(type(self))
        shown = dict(zip(plan.names, plan.get(instance), strict=True))
        for name, convert in plan.conversions:
            shown[name] = convert(shown[name])
        return shown | {name: getattr(instance, name) for name in plan.optional if hasattr(instance, name)}


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
    serializer = _serializer(output)
    return [serializer.to_representation(row) for row in rows]


@cache
def _serializer(output: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    return output()


class _Plan(NamedTuple):
    """The columns of a serializer, read once per class."""

    names: list[str]
    get: Callable[[Any], tuple[Any, ...]]
    conversions: list[tuple[str, Callable[[Any], Any]]]
    optional: list[str]


@cache
def _plan(output: type[OutputSerializer[Any]]) -> _Plan:
    fields = output().fields
    required = {name: field for name, field in fields.items() if field.required}
    return _Plan(
        names=list(required),
        get=attrgetter(*(str(field.source) for field in required.values())),
        conversions=[(name, convert) for name, field in required.items() if (convert := _conversion(field))],
        optional=[name for name, field in fields.items() if not field.required],
    )


def _conversion(field: serializers.Field[Any, Any, Any, Any]) -> Callable[[Any], Any] | None:
    """Return the conversion to JSON, or `None` for a value that needs none."""
    if isinstance(field, serializers.UUIDField):
        return _text_or_none
    return timestamp if isinstance(field, serializers.DateTimeField) else None


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
