"""Bases, fields and constraints that the models of all packages share."""

from typing import Any

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import Exact
from django.utils import timezone

from modelhub.core.exact_json import Decoder, Encoder
from modelhub.core.ids import new_id

LIVE = Q(deleted_at=None)
# A condition that every list states and no lookup of single rows does. On a small table the planner would otherwise
# take a list's index for single scores, too, and keep that plan while the table grows.
LISTED = LIVE & Q(organization__isnull=False)


def one_of(field: str, words: tuple[str, ...], *, table: str) -> models.CheckConstraint:
    """Return a check constraint that limits a column to a vocabulary."""
    return models.CheckConstraint(condition=Q(**{f"{field}__in": words}), name=f"{table}_{field}_is_known")


def is_object(field: str, *, table: str) -> models.CheckConstraint:
    """Return a check constraint that a jsonb column holds an object (contract 0.5)."""
    kind = Func(F(field), function="jsonb_typeof", output_field=models.TextField())
    return models.CheckConstraint(condition=Exact(kind, "object"), name=f"{table}_{field}_is_object")


def newest_first(*fields: str, name: str, condition: Q | None = None) -> models.Index:
    """Return the index behind a list; pages and cursors read one stretch of it backwards.

    It ascends because time does: new rows go to its end, where pages fill up before they are split. A descending
    index would leave every page half empty.
    """
    return models.Index(fields=[*fields, "created_at", "id"], name=name, condition=condition)


def exact_json_field(**options: Any) -> "models.JSONField[Any, Any]":
    """Return a jsonb field that keeps every digit of its numbers."""
    exact: dict[str, Any] = {"encoder": Encoder, "decoder": Decoder}
    return models.JSONField(**exact, **options)


class Row(models.Model):
    """Base of every table: a UUIDv7 key and the time of creation."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True
