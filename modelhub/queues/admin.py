"""Admin page of annotation queues."""

from django.contrib import admin

from modelhub.core.admin import ReadOnlyAdmin, ended, link_column
from modelhub.core.admin_filters import DeletedFilter, related, words_of
from modelhub.queues.models import QUEUE_STATUSES, STRATEGIES, Queue


@admin.register(Queue)
class QueueAdmin(ReadOnlyAdmin):
    """Read-only: only the API settles the items of a queue after a change."""

    list_display = (
        *("name_link", "status", "assignment_strategy", "annotations_required", link_column("project")),
        *(link_column("organization"), "created_at"),
    )
    list_select_related = ("organization", "project")
    list_filter = (
        *(words_of("status", QUEUE_STATUSES), words_of("assignment_strategy", STRATEGIES), DeletedFilter),
        *(related("project"), related("organization")),
    )
    search_fields = ("name", "=id")
    fields = (
        *("name", "status", "description", "instructions", "assignment_strategy", "auto_assign"),
        *("annotations_required", "reservation_seconds", "requires_review", "blind", "is_default", "project"),
        *("organization", "created_by", "created_at", "updated_at", "deleted_at", "id"),
    )

    @admin.display(description="name", ordering="name")
    def name_link(self, queue: Queue) -> str:
        return ended(f"{queue.name} (deleted)") if queue.deleted_at else queue.name
