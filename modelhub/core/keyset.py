"""Keyset pagination: read a long list in batches that cost the same at any depth.

A position is the pair that orders the list: a time, and the id among equal times. The index is searched by the
condition on the time; the id decides among the few rows of one moment.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet

from modelhub.core.bounded import read_batch
from modelhub.core.errors import Invalid
from modelhub.core.text import show

M = TypeVar("M", bound=Model)
R = TypeVar("R")

BATCH_BYTES = 1024 * 1024
ORDERINGS = ("-created_at", "created_at", "-updated_at", "updated_at")
SALT = "modelhub.core.keyset"


@dataclass(frozen=True, slots=True)
class Position:
    """The place right behind one row."""

    moment: datetime
    pk: uuid.UUID

    def encode(self, *, scope: str) -> str:
        """Return a signed string for URLs; `scope` identifies the list."""
        return Signer(salt=SALT).sign_object([scope, self.moment.isoformat(), self.pk.hex])

    @classmethod
    def decode(cls, text: str, *, scope: str) -> "Position":
        """Reverse `encode`. Raise `Invalid` for any other string and another list."""
        try:
            of, moment, pk = Signer(salt=SALT).unsign_object(text)
        except BadSignature:
            raise Invalid(f"cursor must be one that an answer gave, got {show(text)}", field="cursor") from None
        if of != scope:
            sentence = "cursor must be used with the ordering and filters of the answer that gave it"
            raise Invalid(f"{sentence}; an empty cursor begins a new list", field="cursor")
        return cls(datetime.fromisoformat(moment), uuid.UUID(pk))


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


def in_batches(rows: QuerySet[M, R], *, size: int = 1000, max_bytes: int = BATCH_BYTES) -> Iterator[list[R]]:
    """Yield all rows, oldest first, in batches; no cursor stays open between them."""
    position = None
    while batch := read_batch(after(rows, "created_at", position), size=size, max_bytes=max_bytes):
        yield batch
        position = position_of(batch[-1], "created_at")
