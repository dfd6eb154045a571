"""Fields of the controls' bodies: times, seconds, seeds."""

from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from modelhub.core.inputs import FlagField, IdField, StrictField
from modelhub.core.times import read_time
from modelhub.testing.base import ControlInput

# 317 years.
MOST_SECONDS = 10_000_000_000
LONGEST_SEED = 1000


class TimeField(StrictField, serializers.DateTimeField):
    def rule(self) -> str:
        return "a date or date-time of RFC 3339 such as 2026-01-31T12:00:00Z"

    def read(self, data: Any) -> datetime | None:
        with suppress(ValueError, OverflowError):
            return read_time(data) if isinstance(data, str) else None
        return None


class SecondsField(StrictField, serializers.FloatField):
    def rule(self) -> str:
        return f"a number of seconds from -{MOST_SECONDS} to {MOST_SECONDS}"

    def read(self, data: Any) -> timedelta | None:
        if isinstance(data, bool) or not isinstance(data, int | Decimal):
            return None
        seconds = Decimal(data)
        if not seconds.is_finite() or not -MOST_SECONDS <= seconds <= MOST_SECONDS:
            return None
        return timedelta(microseconds=round(seconds * 1_000_000))


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string", "minLength": 1, "maxLength": LONGEST_SEED}]})
class SeedField(StrictField):
    """An integer or a text; 7 and "7" are the same seed."""

    def rule(self) -> str:
        return f"an integer or a string of 1 to {LONGEST_SEED} characters"

    def read(self, data: Any) -> str | None:
        if isinstance(data, bool) or not isinstance(data, int | str):
            return None
        return str(data) if 1 <= len(str(data)) <= LONGEST_SEED else None


class ClockInput(ControlInput):
    organization = IdField()
    now = TimeField(required=False)
    offset = SecondsField(required=False)
    advance = SecondsField(required=False)
    frozen = FlagField(required=False)


class SeedInput(ControlInput):
    organization = IdField()
    seed = SeedField()


class ClockOutput(serializers.Serializer[Any]):
    organization = serializers.UUIDField()
    now = serializers.DateTimeField()
    frozen = serializers.BooleanField()


class SeedOutput(serializers.Serializer[Any]):
    organization = serializers.UUIDField()
    seed = serializers.CharField()
