"""Filters of the list of labels."""

from typing import cast

import django_filters
from django.db.models import Count, FilteredRelation, Q, QuerySet
from rest_framework.request import Request

from modelhub.accounts.authentication import actor_of
from modelhub.core.filters import FlagFilter, IdFilter, StrictFilterSet
from modelhub.core.models import LIVE, listed, name_contains
from modelhub.labels.models import Label
from modelhub.labels.types import LABEL_TYPES


class LabelFilter(StrictFilterSet):
    """The filters of the list; `project_id` means exactly that project (contract 6)."""

    project_id = IdFilter(field_name="project_id")
    type = django_filters.ChoiceFilter(choices=[(name, name) for name in LABEL_TYPES])
    search = django_filters.CharFilter(method="named", label="part of the name")
    include_archived = FlagFilter(method="unchanged", label="deleted labels, too")
    archived = FlagFilter(method="unchanged", label="true: deleted labels only")
    include_usage_count = FlagFilter(method="with_usage_count", label="with the number of scores")

    def filter_queryset(self, queryset: QuerySet[Label]) -> QuerySet[Label]:
        """Return the filtered labels, without deleted ones unless they are asked for."""
        flags = self.form.cleaned_data
        if flags.get("archived"):
            queryset = queryset.exclude(LIVE)
        elif not flags.get("include_archived"):
            queryset = queryset.filter(LIVE)
        return super().filter_queryset(queryset)

    def unchanged(self, queryset: QuerySet[Label], name: str, value: bool) -> QuerySet[Label]:
        """Return the same rows: `filter_queryset` applies both flags together."""
        return queryset

    def named(self, queryset: QuerySet[Label], name: str, value: str) -> QuerySet[Label]:
        return queryset.filter(name_contains(value))

    def with_usage_count(self, queryset: QuerySet[Label], name: str, value: bool) -> QuerySet[Label]:
        """Add the number of live scores that the key may see, and of those of traces."""
        if not value:
            return queryset
        actor = actor_of(cast("Request", self.request))
        own = Q() if actor.sees_all else Q(scores__annotator=actor.user)
        live_scores = FilteredRelation("scores", condition=Q(scores__deleted_at=None) & own & listed("scores__"))
        return queryset.annotate(live_scores=live_scores).annotate(
            annotation_count=Count("live_scores"),
            trace_annotations_count=Count("live_scores", filter=Q(live_scores__source__source_type="trace")),
        )
