"""Filters of the list of sources."""

import django_filters
from django.db.models import QuerySet

from modelhub.core.filters import StrictFilterSet
from modelhub.sources.models import Source
from modelhub.sources.refs import SOURCE_WORDS, source_key


class SourceFilter(StrictFilterSet):
    """Filters of sources, by any word for a type and any spelling of a UUID."""

    source_type = django_filters.ChoiceFilter(
        choices=[(word, word) for word in SOURCE_WORDS], method="by_word", label="a word of the contract"
    )
    source_id = django_filters.CharFilter(
        method="by_key", strip=False, label="the id that the source was registered with"
    )
    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="part of the name")

    def by_word(self, queryset: QuerySet[Source], name: str, value: str) -> QuerySet[Source]:
        return queryset.filter(source_type=SOURCE_WORDS[value])

    def by_key(self, queryset: QuerySet[Source], name: str, value: str) -> QuerySet[Source]:
        return queryset.filter(source_key=source_key(value))
