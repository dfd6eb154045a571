"""Filters of scores, the same for lists, cursors, export and bulk delete."""

from typing import Any, cast

import django_filters
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, F, Func, QuerySet
from rest_framework.request import Request

from modelhub.accounts.authentication import caller
from modelhub.core.filters import StrictFilterSet, TimeFilter
from modelhub.labels.types import LABEL_TYPES
from modelhub.scores.models import SCORE_SOURCES, Score
from modelhub.sources.models import SOURCE_TYPES, Source
from modelhub.sources.refs import SOURCE_WORDS, source_key


def choices(words: Any) -> list[tuple[str, str]]:
    return [(word, word) for word in words]


class ScoreFilter(StrictFilterSet):
    """Filter by source, label, annotator and times; all given filters must hold."""

    source_type = django_filters.ChoiceFilter(choices=choices(SOURCE_WORDS), method="by_word", label="or its alias")
    source_id = django_filters.CharFilter(
        method="by_source", strip=False, label="the id that the source was registered with"
    )
    label_id = django_filters.UUIDFilter()
    label_type = django_filters.ChoiceFilter(choices=choices(LABEL_TYPES), field_name="label__type")
    annotator_id = django_filters.UUIDFilter()
    annotator_email = django_filters.CharFilter(method="by_email", label="the annotator's login")
    score_source = django_filters.ChoiceFilter(choices=choices(SCORE_SOURCES))
    created_after = TimeFilter(field_name="created_at", lookup_expr="gt")
    created_before = TimeFilter(field_name="created_at", lookup_expr="lt")
    updated_after = TimeFilter(field_name="updated_at", lookup_expr="gt")

    def by_word(self, queryset: QuerySet[Score], name: str, value: str) -> QuerySet[Score]:
        return queryset.filter(source__source_type=SOURCE_WORDS[value])

    def by_source(self, queryset: QuerySet[Score], name: str, value: str) -> QuerySet[Score]:
        """Find sources first, by a subquery: a join could search once per score.

        PostgreSQL chooses such a join while the tables are new and have no statistics.
        """
        found = Source.objects.filter(
            organization_id=caller(cast("Request", self.request)).organization_id,
            source_type__in=SOURCE_TYPES,  # stands before the key in the index
            source_key=source_key(value),
        ).values("pk")
        # Unlike IN, `source_id = ANY (ARRAY(SELECT …))` never becomes a join.
        parts = F("source_id"), ArraySubquery(found)
        is_any = Func(*parts, template="%(expressions)s)", arg_joiner=" = ANY (", output_field=BooleanField())
        return queryset.filter(is_any)

    def by_email(self, queryset: QuerySet[Score], name: str, value: str) -> QuerySet[Score]:
        # Logins are stored in lower case.
        return queryset.filter(annotator__email=value.lower())


FILTERS = tuple(ScoreFilter.base_filters)
