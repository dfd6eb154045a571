"""Strict filters of lists: an unusable filter is a 400, never ignored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from modelhub.core.errors import Invalid
from modelhub.core.ids import parse_uuid
from modelhub.core.text import show
from modelhub.core.times import read_time
from modelhub.core.views import FLAG_VALUES, ApiView


class TimeFormField(IsoDateTimeField):
    """A date or date-time of RFC 3339, in UTC unless it has an offset."""

    def to_python(self, value: Any) -> datetime:
        """Raise `ValidationError` for other texts and for times that Python cannot hold."""
        try:
            return read_time(str(value))
        except (ValueError, OverflowError):
            raise ValidationError("not a time", code="invalid") from None


class IdFormField(forms.UUIDField):
    """A UUID in any case, with all hyphens or none."""

    def to_python(self, value: Any) -> Any:
        """Raise `ValidationError` for other texts, as those in braces."""
        if (parsed := parse_uuid(value)) is None:
            raise ValidationError("not a UUID", code="invalid")
        return parsed


class IdFilter(django_filters.UUIDFilter):
    field_class = IdFormField


class TimeFilter(django_filters.IsoDateTimeFilter):
    """Filter by a date or date-time of RFC 3339; without an offset it is in UTC."""

    field_class = TimeFormField


@extend_schema_field(OpenApiTypes.BOOL)
class FlagFilter(django_filters.TypedChoiceFilter):
    """Filter by true, false, 1 or 0. Django's own BooleanFilter ignores other words."""

    def __init__(self, **options: Any) -> None:
        choices = [(word, word) for word in FLAG_VALUES]
        super().__init__(choices=choices, coerce=lambda word: FLAG_VALUES[word], empty_value=False, **options)


class WordsFilter(django_filters.BaseInFilter, django_filters.ChoiceFilter):
    """Filter by any of several words, separated by commas or as repeated parameters."""

    def __init__(self, *, words: Sequence[str], **options: Any) -> None:
        super().__init__(choices=[(word, word) for word in words], **options)


@extend_schema_field(OpenApiTypes.INT)
class WholeNumberFilter(django_filters.Filter):
    """Filter by a whole number in decimal digits."""

    field_class = forms.IntegerField


class StrictFilterSet(django_filters.FilterSet):
    """Filter set that rejects unusable values; only `search` may be blank.

    `data` has names in snake_case.
    """

    def __init__(self, data: dict[str, str] | None = None, *arguments: Any, **options: Any) -> None:
        self.given = data or {}
        super().__init__(self.given, *arguments, **options)

    def get_form_class(self) -> type[forms.Form]:
        """Build a form of the given filters; fields for all filters cost 0.2 ms."""
        fields = {name: one.field for name, one in self.filters.items() if name in self.given}
        return type("FilterForm", (forms.Form,), fields)

    def get_rows(self) -> QuerySet[Any]:
        """Return the filtered rows. Raise `Invalid` for unusable filters."""
        # Django would ignore a blank filter, and a blank word of several.
        blank = [name for name in self.form.fields if name != "search" and self._is_blank(name)]
        sentences = {
            name: f"{name} must be {_rule_of(self.filters[name])}, got {show(self.given[name])}"
            for name in [*self.errors, *blank]
        }
        if sentences:
            raise Invalid("; ".join(sentences.values()), fields={name: [words] for name, words in sentences.items()})
        rows: QuerySet[Any] = self.qs
        return rows

    def _is_blank(self, name: str) -> bool:
        several = isinstance(self.filters[name], WordsFilter)
        words = self.given[name].split(",") if several else [self.given[name]]
        return not all(word.strip() for word in words)


class Filters(DjangoFilterBackend):
    """Filter backend for views with a strict `filterset_class`."""

    def get_filterset_kwargs(self, request: Any, queryset: QuerySet[Any], view: Any) -> dict[str, Any]:
        return {"data": cast(ApiView, view).query, "queryset": queryset, "request": request}

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """Return the filtered rows. Raise `Invalid` for unusable filters."""
        filterset = self.get_filterset(request, queryset, view)
        return queryset if filterset is None else cast("StrictFilterSet", filterset).get_rows()


def _rule_of(one: django_filters.Filter) -> str:
    """Return the rule of a filter's values in words."""
    if isinstance(one, IdFilter):
        return "a UUID"
    if isinstance(one, TimeFilter):
        return "a date, or a time with its seconds, such as 2026-01-31 or 2026-01-31T12:00:00Z"
    if isinstance(one, WholeNumberFilter):
        return "a whole number"
    if isinstance(one, django_filters.ChoiceFilter | django_filters.TypedChoiceFilter):
        return f"one of {', '.join(str(word) for word, _ in one.extra['choices'])}"
    return "a string that is not blank and has no NUL characters"
