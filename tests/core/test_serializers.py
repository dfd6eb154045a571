"""The base of answers renders the declared fields."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from rest_framework import serializers

from modelhub.core.serializers import OutputSerializer, render_list


class Shown(OutputSerializer[Any]):
    id = serializers.UUIDField()
    owner = serializers.UUIDField(source="owner_id", allow_null=True)
    amount = serializers.DictField()
    at = serializers.DateTimeField()
    count = serializers.IntegerField(required=False)


def row(**more: Any) -> SimpleNamespace:
    return SimpleNamespace(
        id=uuid.UUID(int=1),
        owner_id=None,
        amount={"a": Decimal("0.10")},
        at=datetime(2026, 1, 31, 12, tzinfo=UTC),
        **more,
    )


SHOWN = {
    "id": uuid.UUID(int=1),
    "owner": None,
    "amount": {"a": Decimal("0.10")},
    "at": "2026-01-31T12:00:00.000000Z",
}


def test_fields_are_read_from_their_source() -> None:
    assert Shown(row()).data == SHOWN


def test_an_optional_field_is_shown_if_the_row_has_it() -> None:
    assert render_list(Shown, [row(count=3), row()]) == [SHOWN | {"count": 3}, SHOWN]
