"""Filters that fail loudly: what is given and cannot be meant is a 400 that says so, not a filter that is left out."""

from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, cast

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from modelhub.core.envelope import FLAG_VALUES, rename
from modelhub.core.errors import Invalid
from modelhub.core.text import show


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
        choices = [(word, word) for word in FLAG_VALUES]
        super().__init__(choices=choices, coerce=lambda word: FLAG_VALUES[word], empty_value=False, **options)


class StrictFilterSet(django_filters.FilterSet):
    """A filter that is there and blank is refused: left out, it would find everything. A search may be blank.

    Names may be in camelCase, as in every envelope; the last of several values counts.
    """

    def __init__(self, data: Any = None, *arguments: Any, **options: Any) -> None:
        self.given: dict[str, Any] = rename(dict((data or {}).items()), tuple(self.base_filters))
        # Each filter is copied for each request, with its field: those that are not given are spared it.
        self.base_filters = OrderedDict(
            (name, self.base_filters[name]) for name in self.base_filters if name in self.given
        )
        super().__init__(self.given, *arguments, **options)

    def is_valid(self) -> bool:
        """Adds an error for each blank filter: Django's fields cut white space off, and take nothing for not given."""
        valid = super().is_valid()
        for name in self.base_filters:
            if name != "search" and not self.given[name].strip():
                self.form.add_error(name, "blank")
                valid = False
        return valid


class Filters(DjangoFilterBackend):
    """Applies the `filterset_class` of a view."""

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """The rows that are left; raises `Invalid`."""
        filterset = self.get_filterset(request, queryset, view)
        return queryset if filterset is None else checked(cast("StrictFilterSet", filterset))


def checked(filterset: StrictFilterSet) -> QuerySet[Any]:
    """The rows that are left; raises `Invalid` with a sentence for each filter that cannot be meant."""
    if not filterset.is_valid():
        sentences = {
            name: f"{name} must be {_kind(filterset.base_filters[name])}, got {show(filterset.given[name])}"
            for name in filterset.errors
        }
        fields = {name: [sentence] for name, sentence in sentences.items()}
        raise Invalid("; ".join(sentences.values()), fields=fields)
    rows: QuerySet[Any] = filterset.qs
    return rows


def _kind(one: django_filters.Filter) -> str:
    """What a filter takes, for a sentence."""
    if isinstance(one, django_filters.UUIDFilter):
        return "a UUID"
    if isinstance(one, TimeFilter):
        return "a time such as 2026-01-31T12:00:00Z"
    if isinstance(one, django_filters.ChoiceFilter | django_filters.TypedChoiceFilter):
        return f"one of {', '.join(str(word) for word, _ in one.extra['choices'])}"
    return "a string that is not blank and has no NUL characters"
