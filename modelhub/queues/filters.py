"""Filters of the list of queues."""

import django_filters
from django.db.models import Case, QuerySet, Value, When

from modelhub.core.filters import FlagFilter, StrictFilterSet
from modelhub.core.models import LIVE, name_contains, name_equals
from modelhub.queues.models import QUEUE_STATUSES, Queue


class QueueFilter(StrictFilterSet):
    """The filters of the list. Queues of exactly the searched name come first."""

    status = django_filters.ChoiceFilter(choices=[(word, word) for word in QUEUE_STATUSES])
    search = django_filters.CharFilter(method="named", label="part of the name")
    archived = FlagFilter(method="unchanged", label="true: deleted queues only")

    def filter_queryset(self, queryset: QuerySet[Queue]) -> QuerySet[Queue]:
        """Return the filtered queues, live ones unless deleted ones are asked for."""
        archived = self.form.cleaned_data.get("archived")
        return super().filter_queryset(queryset.exclude(LIVE) if archived else queryset.filter(LIVE))

    def unchanged(self, queryset: QuerySet[Queue], name: str, value: bool) -> QuerySet[Queue]:
        """Return the same rows: `filter_queryset` applies the flag."""
        return queryset

    def named(self, queryset: QuerySet[Queue], name: str, value: str) -> QuerySet[Queue]:
        # Clients look a queue up by its name on a page of 20.
        exact = Case(When(name_equals(value), then=Value(0)), default=Value(1))
        return queryset.filter(name_contains(value)).order_by(exact, "-created_at", "-id")
