"""Admin pages of sources."""

from django.contrib import admin

from modelhub.core.admin import ReadOnlyAdmin
from modelhub.sources.models import Source


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    list_display = ("source_type", "source_id", "name", "organization", "created_at")
    list_select_related = ("organization",)
    list_filter = ("source_type",)
    search_fields = ("=source_key", "=source_id")
    search_help_text = "the whole id"
