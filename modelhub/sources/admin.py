"""Admin pages of sources."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from modelhub.core.admin import ReadOnlyAdmin, link_column, link_to_list, one_line
from modelhub.core.admin_filters import DateFilter, OrganizationFilter, words_of
from modelhub.core.ids import parse_uuid
from modelhub.sources.models import SOURCE_TYPES, Source
from modelhub.sources.refs import of_source_id


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    list_display = ("source_id", "type_of", "short_name", link_column("organization"), "created_at", "scores")
    sortable_by = ("created_at",)
    list_select_related = ("organization",)
    list_filter = (words_of("source_type", SOURCE_TYPES), DateFilter, OrganizationFilter)
    search_fields = ("id",)
    search_help_text = "the whole id, as it was registered or as in this server"
    fields = (
        *("source_id", "source_type", "name", "scores", "organization", "metadata", "content"),
        *("created_at", "updated_at", "id"),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Source], search_term: str
    ) -> tuple[QuerySet[Source], bool]:
        """Return the sources with an id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(of_source_id(term) | Q(pk=parse_uuid(term))), False

    @admin.display(description="type")
    def type_of(self, source: Source) -> str:
        return source.source_type

    @admin.display(description="name")
    def short_name(self, source: Source) -> str:
        return one_line(source.name)

    @admin.display(description="scores")
    def scores(self, source: Source) -> str:
        return link_to_list("score", "Show scores", source=source.pk)
