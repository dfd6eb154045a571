"""Keyset pagination: read a long list in batches that cost the same at any depth.

A position is the pair that orders the list: a time, and the id among equal times. The index is searched by the
condition on the time; the id decides among the few rows of one moment.
"""

import base64
import binascii
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from modelhub.core.errors import Invalid
from modelhub.core.text import show

M = TypeVar("M", bound=Model)
R = TypeVar("R")

ORDERINGS = ("-created_at", "created_at", "-updated_at", "updated_at")


@dataclass(frozen=True, slots=True)
class Position:
    """The place right behind one row."""

    moment: datetime
    pk: uuid.UUID

    def encode(self) -> str:
        """Return an opaque string for URLs."""
        return base64.urlsafe_b64encode(f"{self.moment.isoformat()} {self.pk}".encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Position":
        """Reverse `encode`. Raise `Invalid` for any other string."""
        try:
            padded = text + "=" * (-len(text) % 4)
            moment, pk = base64.b64decode(padded, altchars="-_", validate=True).decode("ascii").split(" ")
            position = cls(datetime.fromisoformat(moment), uuid.UUID(pk))
            if position.moment.tzinfo is None:
                raise ValueError
        except (ValueError, binascii.Error):
            raise Invalid.of_field("cursor", f"cursor must be one that an answer gave, got {show(text)}") from None
        return position


def in_order(rows: QuerySet[M, R], ordering: str) -> QuerySet[M, R]:
    """Order rows by a time (`-` for newest first), then by id in the same direction."""
    return rows.order_by(ordering, "-id" if ordering.startswith("-") else "id")


def after(rows: QuerySet[M, R], ordering: str, position: Position | None) -> QuerySet[M, R]:
    """Return the rows after the position, in order; all rows without one."""
    if position is not None:
        field, lookup = ordering.lstrip("-"), "lt" if ordering.startswith("-") else "gt"
        beyond = Q(**{f"{field}__{lookup}": position.moment}) | Q(**{f"id__{lookup}": position.pk})
        rows = rows.filter(beyond, **{f"{field}__{lookup}e": position.moment})
    return in_order(rows, ordering)


def position_of(row: Any, ordering: str) -> Position:
    """Return the position of a row: a model, or a struct with texts."""
    moment = getattr(row, ordering.lstrip("-"))
    return Position(
        datetime.fromisoformat(moment) if isinstance(moment, str) else moment,
        uuid.UUID(row.id) if isinstance(row.id, str) else row.id,
    )


def in_batches(rows: QuerySet[M, R], *, size: int = 1000) -> Iterator[list[R]]:
    """Yield all rows, oldest first, in batches that are each read by one short statement."""
    position = None
    while batch := list(after(rows, "created_at", position)[:size]):
        yield batch
        position = position_of(batch[-1], "created_at")
