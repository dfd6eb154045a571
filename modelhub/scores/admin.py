"""Admin pages of scores and their revisions."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from modelhub.core.admin import ReadOnlyAdmin
from modelhub.scores.entries import ScoreContent
from modelhub.scores.models import Score, ScoreRevision


class RevisionInline(admin.TabularInline):
    model = ScoreRevision
    fields = readonly_fields = ("created_at", "action", *ScoreContent.__struct_fields__, "replaced_by")
    ordering = ("-id",)
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Score)
class ScoreAdmin(ReadOnlyAdmin):
    list_display = ("label", "value", "source", "annotator", "score_source", "created_at", "deleted_at")
    list_select_related = ("label", "source", "annotator")
    search_fields = ("=id", "=source__source_key", "=annotator__email")
    search_help_text = "the whole id of the score or source, or the annotator's email"
    inlines = (RevisionInline,)
