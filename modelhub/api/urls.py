"""Every path of the API. Each ends in a slash and is served without a redirect (contract 1)."""

from django.urls import path, register_converter
from django.urls.converters import UUIDConverter
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from modelhub.api import health, labels, one_score, score_list, scores, sources, tracer, watching
from modelhub.api.errors import read_only
from modelhub.ids import UUID_TEXT


class IdConverter(UUIDConverter):
    """A UUID in a path, whatever its case and hyphens (contract 0.6)."""

    regex = UUID_TEXT.pattern


register_converter(IdConverter, "id")

urlpatterns = [
    path("model-hub/scores/", scores.Scores.as_view(), name="scores"),
    path("model-hub/scores/bulk/", scores.BulkScores.as_view(), name="scores-bulk"),
    path("model-hub/scores/bulk-delete/", one_score.BulkDelete.as_view(), name="scores-bulk-delete"),
    path("model-hub/scores/for-source/", score_list.ScoresOfSource.as_view(), name="scores-for-source"),
    path("model-hub/scores/export/", score_list.ExportScores.as_view(), name="scores-export"),
    path("model-hub/scores/<id:pk>/", one_score.OneScore.as_view(), name="score"),
    path("model-hub/scores/<id:pk>/history/", one_score.ScoreHistory.as_view(), name="score-history"),
    path("model-hub/sources/", sources.Sources.as_view(), name="sources"),
    path("model-hub/sources/bulk/", sources.BulkSources.as_view(), name="sources-bulk"),
    path("model-hub/sources/<id:pk>/", sources.OneSource.as_view(), name="source"),
    path("model-hub/annotations-labels/", labels.Labels.as_view(), name="labels"),
    path("model-hub/annotations-labels/<id:pk>/", labels.OneLabel.as_view(), name="label"),
    path("model-hub/annotations-labels/<id:pk>/restore/", labels.RestoreLabel.as_view(), name="label-restore"),
    path("tracer/get-annotation-labels/", tracer.TracerLabels.as_view(), name="tracer-labels"),
    path("tracer/project/", tracer.Projects.as_view(), name="projects"),
    path("tracer/project/list_projects/", tracer.ListProjects.as_view(), name="projects-list"),
    path("healthz", health.Health.as_view(), name="healthz"),
    path("readyz", health.Readiness.as_view(), name="readyz"),
    path("metrics", csrf_exempt(read_only(watching.show_metrics)), name="metrics"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", csrf_exempt(read_only(SpectacularSwaggerSplitView.as_view(url_name="schema"))), name="docs"),
    path("", csrf_exempt(read_only(RedirectView.as_view(pattern_name="docs"))), name="root"),
]
