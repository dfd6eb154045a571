"""Filters that fail loudly: what is given and cannot be meant is a 400, not a filter that is left out."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django_filters.fields import IsoDateTimeField
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from modelhub.api.query import WORDS


class UtcField(IsoDateTimeField):
    """A time, in UTC: PostgreSQL reads fewer offsets than ISO 8601 allows."""

    def clean(self, value: Any) -> datetime | None:
        """Raises `ValidationError` also for a time whose UTC is before the year 1 or after 9999."""
        moment: datetime | None = super().clean(value)
        try:
            return moment.astimezone(UTC) if moment else None
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class TimeFilter(django_filters.IsoDateTimeFilter):
    """An ISO 8601 time; without an offset it is in UTC."""

    field_class = UtcField


@extend_schema_field(OpenApiTypes.BOOL)
class FlagFilter(django_filters.TypedChoiceFilter):
    """true, false, 1 or 0; Django's own takes anything else for not given."""

    def __init__(self, **options: Any) -> None:
        choices = [(word, word) for word in WORDS]
        super().__init__(choices=choices, coerce=lambda word: WORDS[word], empty_value=False, **options)


class StrictFilterSet(django_filters.FilterSet):
    """A filter that is there and empty is refused: left out, it would find everything. A search may be empty."""

    def is_valid(self) -> bool:
        """Adds an error for each empty filter."""
        valid = super().is_valid()
        given = self.data or {}
        for name in self.base_filters:
            if name != "search" and given.get(name) == "":
                self.form.add_error(name, "This filter is empty; leave it out to find everything.")
                valid = False
        return valid
