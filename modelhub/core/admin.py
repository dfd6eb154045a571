"""Bases of the admin pages. Lists never count a table, so that they stay fast with a million scores."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest

admin.site.site_header = "modelhub"


class NoCount(Paginator):
    """Pages without knowing how many there are: a count reads the whole table."""

    @property
    def count(self) -> int:
        """More than anybody turns pages."""
        return 10_000


class Lookup(admin.ModelAdmin):
    """What all lists have in common."""

    paginator = NoCount
    show_full_result_count = False
    list_per_page = 50
    ordering = ("-created_at", "-id")
    readonly_fields: ClassVar[Any] = ("id", "created_at")


class ReadOnly(Lookup):
    """Rows that only the verbs of the API may write, because each write keeps a history."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never; looking is another permission."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


class Kept(Lookup):
    """Rows that others refer to: changed, never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False
