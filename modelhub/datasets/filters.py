"""Filters of the list of datasets."""

import django_filters
from django.db.models import QuerySet

from modelhub.core.filters import StrictFilterSet
from modelhub.core.models import name_contains
from modelhub.datasets.models import Dataset


class DatasetFilter(StrictFilterSet):
    search = django_filters.CharFilter(method="named", label="part of the name")

    def named(self, queryset: QuerySet[Dataset], name: str, value: str) -> QuerySet[Dataset]:
        return queryset.filter(name_contains(value))
