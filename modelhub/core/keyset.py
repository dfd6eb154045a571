"""Reading a long list piece by piece, each piece at the same cost however deep it lies.

A position is the pair that the list is ordered by: a time and, among equal times, the id. The condition on the time
alone is what the index is searched with; the rest decides among the few rows of the same moment.
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
        """A string for URLs; what is in it is nobody's business but ours."""
        return base64.urlsafe_b64encode(f"{self.moment.isoformat()} {self.pk}".encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Position":
        """Raises `Invalid` for a string that `encode` did not make."""
        try:
            padded = text + "=" * (-len(text) % 4)
            moment, pk = base64.b64decode(padded, altchars="-_", validate=True).decode("ascii").split(" ")
            position = cls(datetime.fromisoformat(moment), uuid.UUID(pk))
            if position.moment.tzinfo is None:
                raise ValueError
        except (ValueError, binascii.Error):
            sentence = f"cursor must be one that an answer gave, got {show(text)}"
            raise Invalid(sentence, fields={"cursor": [sentence]}) from None
        return position


def in_order(rows: QuerySet[M, R], ordering: str) -> QuerySet[M, R]:
    """The rows by the time that `ordering` names (`-` for newest first), then by id the same way."""
    return rows.order_by(ordering, "-id" if ordering.startswith("-") else "id")


def after(rows: QuerySet[M, R], ordering: str, position: Position | None) -> QuerySet[M, R]:
    """The rows behind the position, in order; all of them without one."""
    if position is not None:
        field, way = ordering.lstrip("-"), "lt" if ordering.startswith("-") else "gt"
        further = Q(**{f"{field}__{way}": position.moment}) | Q(**{f"id__{way}": position.pk})
        rows = rows.filter(further, **{f"{field}__{way}e": position.moment})
    return in_order(rows, ordering)


def position_of(row: Any, ordering: str) -> Position:
    """Where a list goes on after this row, a model or a view: what it needs is a time and an `id`."""
    moment = getattr(row, ordering.lstrip("-"))
    return Position(
        datetime.fromisoformat(moment) if isinstance(moment, str) else moment,
        uuid.UUID(row.id) if isinstance(row.id, str) else row.id,
    )


def in_pieces(rows: QuerySet[M, R], *, size: int = 1000, ordering: str = "created_at") -> Iterator[list[R]]:
    """Every row, a piece at a time: constant memory, short statements, and no transaction held open."""
    position = None
    while piece := list(after(rows, ordering, position)[:size]):
        yield piece
        position = position_of(piece[-1], ordering)
