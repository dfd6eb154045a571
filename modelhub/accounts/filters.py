"""Filters of the list of users."""

import django_filters
from django.db.models import Q, QuerySet

from modelhub.accounts.models import ROLES, User, normalize_login
from modelhub.core.filters import FlagFilter, StrictFilterSet
from modelhub.core.models import name_contains


class UserFilter(StrictFilterSet):
    """Filters of users; all given ones must hold."""

    search = django_filters.CharFilter(method="by_part", label="part of the name or the email, in any case")
    role = django_filters.ChoiceFilter(choices=[(role, role) for role in ROLES])
    active = FlagFilter(field_name="is_active", label="whether the keys of the user are valid")

    def by_part(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return queryset.filter(Q(name_contains(value)) | Q(email__contains=normalize_login(value)))
