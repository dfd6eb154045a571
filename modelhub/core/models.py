"""Bases, fields and constraints that the models of all packages share."""

import uuid
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Lower
from django.db.models.lookups import Contains, Exact
from django.db.models.sql.where import WhereNode

from modelhub.core import clock
from modelhub.core.exact_json import Decoder, Encoder
from modelhub.core.ids import new_id
from modelhub.core.text import is_visible

# The types that a field takes and gives, as the stubs of Django name them.
_ST = TypeVar("_ST")
_GT = TypeVar("_GT")

LIVE = Q(deleted_at=None)


def listed(relation: str = "") -> Q:
    """Return a condition that is always true, and stated by lists only.

    `relation` leads to the listed rows, as in `scores__`. The condition keeps the indexes behind lists out of plans for
    single rows: on a small table the planner takes any index that begins with the organization, and a cached plan stays
    while the table grows.
    """
    after_all = "%(expressions)s > '-infinity'"
    return Q(Func(F(f"{relation}created_at"), template=after_all, output_field=models.BooleanField()))


LISTED = listed()


def check_visible(name: str) -> None:
    """Raise `ValidationError` for invisible characters (contract 6)."""
    if not is_visible(name):
        raise ValidationError("A name needs visible characters only: no control characters, overrides or blanks.")


def name_field(**options: Any) -> "models.CharField[str, str]":
    """Return the column of a name that people choose."""
    return models.CharField(max_length=255, validators=[check_visible], **options)


def name_key(name: Combinable | str) -> Lower:
    """Return the SQL key under which names are equal: Unicode's NFC, without case."""
    in_nfc = Func(name, template="normalize(%(expressions)s, NFC)", output_field=models.TextField())
    return Lower(in_nfc)


def name_equals(name: str) -> Exact:
    """Return a condition for a whole name, in any form and case."""
    return Exact(name_key("name"), name_key(Value(name)))


def name_contains(part: str) -> Contains:
    """Return a condition for a part of a name, in any form and case."""
    return Contains(name_key("name"), name_key(Value(part)))


def one_of(field: str, words: tuple[str, ...], *, table: str) -> models.CheckConstraint:
    """Return a check constraint that limits a column to a vocabulary."""
    return models.CheckConstraint(condition=Q(**{f"{field}__in": words}), name=f"{table}_{field}_is_known")


def is_object(field: str, *, table: str) -> models.CheckConstraint:
    """Return a check constraint that a jsonb column holds an object (contract 0.5)."""
    kind = Func(F(field), function="jsonb_typeof", output_field=models.TextField())
    return models.CheckConstraint(condition=Exact(kind, "object"), name=f"{table}_{field}_is_object")


def newest_first(*fields: str, name: str, time: str = "created_at", condition: Q = LISTED) -> models.Index:
    """Return the index behind a list, which pages and cursors read backwards.

    It ascends because time does: new rows go to its end, where pages fill up before they are split. A descending
    index would leave every page half empty.
    """
    return models.Index(fields=[*fields, time, "id"], name=name, condition=condition)


def exact_json_field(**options: Any) -> "models.JSONField[Any, Any]":
    """Return a jsonb field that keeps every digit of its numbers."""
    exact: dict[str, Any] = {"encoder": Encoder, "decoder": Decoder}
    return models.JSONField(**exact, **options)


class OrderedJSONField(models.JSONField):
    """JSON as it was sent: `jsonb` would sort the keys of objects, which people read."""

    def db_type(self, connection: Any) -> str:
        return "json"

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Read the text, as that of `jsonb` is read."""
        return f"({sql})::text", params


class Row(models.Model):
    """Base of every table: a UUIDv7 key and the time of creation."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        abstract = True


class TenantRow(Row):
    """Base of a tenant's tables: a save names the organization and never sets it.

    Tables that are distributed by organization need both: a statement goes to one node, and no row moves to another.
    """

    organization_id: uuid.UUID

    class Meta:
        abstract = True

    # Django has no public hook for the WHERE of `save()`. A test fails if this one is gone (tests/core/test_plans.py).
    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, values: Any, *args: Any, **kwargs: Any) -> Any:
        changes = [change for change in values if change[0].name != "organization"]
        rows = base_qs.filter(organization_id=self.organization_id)
        return super()._do_update(rows, using, pk_val, changes, *args, **kwargs)


class TenantForeignKey(models.ForeignKey[_ST, _GT]):
    """Foreign key within one organization: joins and lookups name it."""

    def get_extra_restriction(self, alias: str | None, related_alias: str | None) -> WhereNode:
        """Return the condition of a join, beside the one on the key."""
        theirs: Any = self.related_model._meta.get_field("organization")
        ours: Any = self.model._meta.get_field("organization")
        same: Any = Exact(theirs.get_col(alias), ours.get_col(related_alias))
        return WhereNode([same])

    def get_extra_descriptor_filter(self, instance: Any) -> dict[str, Any]:
        """Return the condition under which `instance.<field>` reads the related row."""
        return {"organization_id": instance.organization_id}
