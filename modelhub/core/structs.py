"""Structs as the one declaration of an object that clients see.

The annotations of a `msgspec.Struct` name, for each of its fields, the column that it is read from and the field of DRF
that describes it, as a model does for `ModelSerializer`:

    class ScoreRow(msgspec.Struct):
        id: Annotated[str, Uuid()]
        label_name: Annotated[str, Text("label__name")]
"""

import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, TypeVar

import msgspec
from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, NullIf
from rest_framework import serializers

S = TypeVar("S", bound=msgspec.Struct)

# `exact_json.timestamp` in SQL.
ISO_8601 = """to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


@dataclass(frozen=True)
class Text:
    """A string, read from `source`: a column path, an expression or the field's name."""

    source: str | Combinable = ""
    field_class: ClassVar[type[serializers.Field[Any, Any, Any, Any]]] = serializers.CharField

    def column(self, name: str) -> Combinable:
        return F(self.source or name) if isinstance(self.source, str) else self.source

    def field(self, **options: Any) -> serializers.Field[Any, Any, Any, Any]:
        return self.field_class(**options)


@dataclass(frozen=True)
class CastText(Text):
    """Base of columns that PostgreSQL turns into text."""

    def column(self, name: str) -> Combinable:
        return Cast(super().column(name), TextField())


class Uuid(CastText):
    field_class = serializers.UUIDField


class JsonObject(CastText):
    """A JSON object, read as text."""

    field_class = serializers.DictField


class AnyJson(JsonObject):
    """Any JSON, read as text, or NULL."""

    def field(self, **options: Any) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.JSONField(**options)


class PlainValue(CastText):
    """A stored value, read as text, which becomes a scalar or a list."""

    field_class = serializers.JSONField


class Moment(Text):
    """A time, read as ISO 8601 text in UTC."""

    field_class = serializers.DateTimeField

    def column(self, name: str) -> Combinable:
        return Func(super().column(name), template=ISO_8601, output_field=TextField())


class Number(Text):
    """A whole number."""

    field_class = serializers.IntegerField


class Flag(Text):
    """True or false."""

    field_class = serializers.BooleanField


class JsonList(JsonObject):
    """A JSON array of objects, read as text."""

    def field(self, **options: Any) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.ListField(child=serializers.DictField(), **options)


@dataclass(frozen=True)
class Choice(Text):
    words: Sequence[str] = ()

    def field(self, **options: Any) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.ChoiceField(self.words, **options)


def display_name(*users: str) -> Coalesce:
    """Return the expression of the first user's name, or email without a name."""
    names = [part for user in users for part in (NullIf(f"{user}__name", Value("")), F(f"{user}__email"))]
    return Coalesce(*names, output_field=TextField())


def columns_of(struct: type[msgspec.Struct]) -> list[Combinable]:
    """Return the expressions that read a struct's fields, in their order."""
    return [declared.column(name) for name, declared, _ in declarations(struct)]


def read_structs(struct: type[S], rows: Iterable[Sequence[Any]]) -> Iterator[S]:
    """Yield a struct per row of `columns_of`, with the JSON text of the database.

    A JSON column may be NULL: `None`.
    """
    raw = [at for at, (_, declared, _) in enumerate(declarations(struct)) if isinstance(declared, JsonObject)]
    for row in rows:
        columns = [*row]
        for at in raw:
            columns[at] = columns[at] and msgspec.Raw(columns[at].encode())
        yield struct(*columns)


class StructRows(QuerySet[Any, S]):
    """Base of querysets whose rows are structs, without a model per row."""

    struct: type[S]

    def __iter__(self) -> Iterator[S]:
        return read_structs(self.struct, super().__iter__())  # type: ignore[arg-type] # rows of values_list()

    def iterator(self, chunk_size: int | None = None) -> Iterator[S]:
        return read_structs(self.struct, super().iterator(chunk_size))  # type: ignore[arg-type]


@cache
def declarations(struct: type[msgspec.Struct]) -> list[tuple[str, Text, dict[str, Any]]]:
    """Return name, declaration and options of DRF for each field of a struct."""
    hints = typing.get_type_hints(struct, include_extras=True)
    declarations = []
    for name in struct.__struct_fields__:
        kind, declared = typing.get_args(hints[name])
        nullable = type(None) in (kind, *typing.get_args(kind))
        declarations.append((name, declared, {"allow_null": True} if nullable else {}))
    return declarations
