"""Filters of the list of items."""

from typing import cast

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from rest_framework.request import Request

from modelhub.accounts.authentication import caller
from modelhub.accounts.models import normalize_login
from modelhub.core.errors import Invalid
from modelhub.core.filters import StrictFilterSet, WholeNumberFilter, WordsFilter
from modelhub.core.ids import parse_uuid
from modelhub.core.text import show
from modelhub.queues.models import ITEM_STATUSES, REVIEW_STATUSES, Assignment, Item
from modelhub.sources.models import Source
from modelhub.sources.refs import SOURCE_WORDS, of_source_id

ORDERINGS = ("order", "-order", "priority", "-priority", "created_at", "-created_at")


class ItemFilter(StrictFilterSet):
    """Filters of a queue's items; all given ones must hold."""

    status = WordsFilter(words=ITEM_STATUSES, label="one or several, separated by commas")
    review_status = WordsFilter(words=REVIEW_STATUSES, label="one or several, separated by commas")
    assigned_to = django_filters.CharFilter(method="by_person", label="the id or email of a person, or `me`")
    source_type = django_filters.ChoiceFilter(
        choices=[(word, word) for word in SOURCE_WORDS], method="by_word", label="or its alias"
    )
    source_id = django_filters.CharFilter(
        method="by_source", strip=False, label="the id that the source was registered with"
    )
    priority = WholeNumberFilter()
    ordering = django_filters.ChoiceFilter(
        choices=[(word, word) for word in ORDERINGS],
        method="in_order",
        label="`-` for the greatest first; the order of the queue by default",
    )

    def by_person(self, queryset: QuerySet[Item], name: str, value: str) -> QuerySet[Item]:
        """Raise `Invalid` for other than an id, an email or `me`."""
        user = caller(cast("Request", self.request))
        assignments = Assignment.objects.filter(organization_id=user.organization_id, item=OuterRef("pk"))
        if value == "me":
            of_person = assignments.filter(user=user)
        elif user_id := parse_uuid(value):
            of_person = assignments.filter(user=user_id)
        elif "@" in value:
            of_person = assignments.filter(user__email=normalize_login(value))
        else:
            sentence = f"assigned_to must be the id or email of a person, or me, got {show(value)}"
            raise Invalid(sentence, field="assigned_to")
        return queryset.filter(Exists(of_person))

    def by_word(self, queryset: QuerySet[Item], name: str, value: str) -> QuerySet[Item]:
        return queryset.filter(source__source_type=SOURCE_WORDS[value])

    def by_source(self, queryset: QuerySet[Item], name: str, value: str) -> QuerySet[Item]:
        organization_id = caller(cast("Request", self.request)).organization_id
        return queryset.filter(source__in=Source.objects.filter(of_source_id(value), organization_id=organization_id))

    def in_order(self, queryset: QuerySet[Item], name: str, value: str) -> QuerySet[Item]:
        """Order by a column; items with equal values keep the order of the queue."""
        return queryset.order_by(value, "order", "id")
