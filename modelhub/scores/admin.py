"""Admin pages of scores and their revisions."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from modelhub.accounts.models import User, normalize_login
from modelhub.core import exact_json
from modelhub.core.admin import ReadOnlyAdmin, ended, link_column, link_to, one_line
from modelhub.core.admin_filters import DateFilter, DeletedFilter, OrganizationFilter, related, words_of
from modelhub.core.ids import parse_uuid
from modelhub.core.models import LISTED, LIVE
from modelhub.labels.types import LABEL_TYPES, get_type
from modelhub.scores.models import SCORE_SOURCES, Score, ScoreRevision
from modelhub.sources.models import Source
from modelhub.sources.refs import of_source_id


@admin.register(Score)
class ScoreAdmin(ReadOnlyAdmin):
    list_display = (
        *("value_link", "label_link", link_column("source"), link_column("annotator")),
        *("short_notes", "created_at"),
    )
    list_display_links = ("value_link",)
    sortable_by = ("created_at",)
    list_filter = (
        related("label"),
        words_of("label__type", LABEL_TYPES, parameter="type"),
        related("annotator"),
        DateFilter,
        words_of("score_source", SCORE_SOURCES),
        DeletedFilter,
        related("source", searchable=False),
        OrganizationFilter,
    )
    search_fields = ("id",)
    search_help_text = "the whole id of the score or source, or the annotator's email"
    fields = (
        *("readable_value", "notes", "label", "source", "annotator", "score_source"),
        *(
            "created_at",
            "updated_at",
            "last_changed_by",
            "deleted_at",
            "queue_item",
            "organization",
            "id",
            "stored_value",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Score]:
        rows = super().get_queryset(request).select_related("label", "source", "annotator")
        return rows.defer("source__content")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Score], search_term: str
    ) -> tuple[QuerySet[Score], bool]:
        """Return the scores of an annotator, or those of a source and the one with an id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            users = User.objects.filter(email=normalize_login(term)).values_list("pk", flat=True)
            return queryset.filter(LIVE, LISTED, annotator_id__in=list(users)), False
        sources = Source.objects.filter(of_source_id(term)).values_list("pk", flat=True)
        of_source = LIVE & Q(source_id__in=list(sources))
        return queryset.filter(of_source | Q(pk=parse_uuid(term))), False

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return the page of the replaced values."""
        score = self.get_object(request, object_id)
        if score is None:
            return super().history_view(request, object_id, extra_context)
        revisions = ScoreRevision.objects.filter(score_id=score.pk, organization_id=score.organization_id)
        rows = revisions.select_related("updated_by", "replaced_by").order_by("-id")
        page = Paginator(rows, 50).get_page(request.GET.get(PAGE_VAR))
        context = {
            "title": "History of a score",
            "score": score,
            "words": readable(score, score.value),
            "author": score.updated_by or score.annotator,
            "page": page,
            "versions": [
                (revision, readable(score, revision.value), revision.updated_by or score.annotator) for revision in page
            ],
        }
        return super().history_view(request, object_id, context | (extra_context or {}))

    @admin.display(description="value")
    def value_link(self, score: Score) -> str:
        words = one_line(readable(score, score.value))
        return ended(f"{words} (deleted)") if score.deleted_at else words

    @admin.display(description="value")
    def readable_value(self, score: Score) -> str:
        return readable(score, score.value)

    @admin.display(description="value as JSON")
    def stored_value(self, score: Score) -> str:
        return exact_json.dumps(score.value)

    @admin.display(description="label")
    def label_link(self, score: Score) -> str:
        return link_to(score.label, score.label.name)

    @admin.display(description="notes")
    def short_notes(self, score: Score) -> str:
        return one_line(score.notes)

    @admin.display(description="last changed by")
    def last_changed_by(self, score: Score) -> str:
        return link_to(score.updated_by or score.annotator)


def readable(score: Score, value: Any) -> str:
    """Return a value of the score, present or replaced, in words."""
    return get_type(score.label.type).readable(value, score.label.settings)
