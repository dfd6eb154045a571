"""Filters of scores, the same for lists, cursors, export and bulk delete."""

import uuid
from typing import Any, cast

import django_filters
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, F, Func, QuerySet
from rest_framework.request import Request

from modelhub.accounts.authentication import caller
from modelhub.accounts.models import normalize_login
from modelhub.core.filters import IdFilter, StrictFilterSet, TimeFilter
from modelhub.core.text import fold
from modelhub.labels.models import Label
from modelhub.labels.types import LABEL_TYPES
from modelhub.scores.models import SCORE_SOURCES, Score
from modelhub.sources.models import Source
from modelhub.sources.refs import SOURCE_WORDS, of_source_id


def choices(words: Any) -> list[tuple[str, str]]:
    return [(word, word) for word in words]


class ScoreFilter(StrictFilterSet):
    """Filter by source, label, annotator and times; all given filters must hold."""

    source_type = django_filters.ChoiceFilter(choices=choices(SOURCE_WORDS), method="by_word", label="or its alias")
    source_id = django_filters.CharFilter(
        method="by_source", strip=False, label="the id that the source was registered with"
    )
    label_id = IdFilter()
    label_name = django_filters.CharFilter(method="by_label_name", label="of all labels with this name, in any case")
    label_type = django_filters.ChoiceFilter(choices=choices(LABEL_TYPES), field_name="label__type")
    annotator_id = IdFilter()
    annotator = IdFilter(field_name="annotator_id", label="the same as annotator_id")
    annotator_email = django_filters.CharFilter(method="by_email", label="the annotator's login")
    score_source = django_filters.ChoiceFilter(choices=choices(SCORE_SOURCES))
    created_after = TimeFilter(field_name="created_at", lookup_expr="gte", label="from this moment on")
    created_before = TimeFilter(field_name="created_at", lookup_expr="lt", label="before this moment")
    updated_after = TimeFilter(field_name="updated_at", lookup_expr="gte", label="from this moment on")
    updated_before = TimeFilter(field_name="updated_at", lookup_expr="lt", label="before this moment")

    @property
    def organization_id(self) -> uuid.UUID:
        return caller(cast("Request", self.request)).organization_id

    def by_word(self, queryset: QuerySet[Score], name: str, value: str) -> QuerySet[Score]:
        return queryset.filter(source__source_type=SOURCE_WORDS[value])

    def by_source(self, queryset: QuerySet[Score], name: str, value: str) -> QuerySet[Score]:
        """Find sources first, by a subquery: a join could search once per score.

        PostgreSQL chooses such a join while the tables are new and have no statistics.
        """
        found = Source.objects.filter(of_source_id(value), organization_id=self.organization_id).values("pk")
        # Unlike IN, `source_id = ANY (ARRAY(SELECT …))` never becomes a join.
        parts = F("source_id"), ArraySubquery(found)
        is_any = Func(*parts, template="%(expressions)s)", arg_joiner=" = ANY (", output_field=BooleanField())
        return queryset.filter(is_any)

    def by_label_name(self, queryset: QuerySet[Score], name: str, value: str) -> QuerySet[Score]:
        """Compare names in Python: the database may have a locale that knows ASCII only."""
        labels = Label.objects.filter(organization_id=self.organization_id).values_list("pk", "name")
        wanted = fold(value)
        return queryset.filter(label_id__in=[pk for pk, label_name in labels if fold(label_name) == wanted])

    def by_email(self, queryset: QuerySet[Score], name: str, value: str) -> QuerySet[Score]:
        return queryset.filter(annotator__email=normalize_login(value))


FILTERS = tuple(ScoreFilter.base_filters)
