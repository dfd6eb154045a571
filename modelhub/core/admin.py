"""Base classes of admin pages; a list counts at most 10,000 rows of its table."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

admin.site.site_header = "modelhub"


class BoundedPaginator(Paginator):
    """Paginator over 10,000 rows: to count a large table takes seconds."""

    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[:10_000].count()


class RowAdmin(admin.ModelAdmin):
    """List of rows, newest first."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering: ClassVar[Any] = ("-created_at", "-id")
    readonly_fields: ClassVar[Any] = ("id", "created_at")
    # Fields that a stored row keeps.
    frozen_fields: ClassVar[tuple[str, ...]] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.readonly_fields if obj is None else (*self.readonly_fields, *self.frozen_fields)


class NoDeleteAdmin(RowAdmin):
    """Rows that other rows refer to: never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(NoDeleteAdmin):
    """Rows that only the API may write, because it records their history."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
