"""Every path of the API. Each ends in a slash and is served without a redirect (contract 1)."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from modelhub.api import health, labels, scores, sources

urlpatterns = [
    path("model-hub/scores/", scores.Scores.as_view(), name="scores"),
    path("model-hub/scores/bulk/", scores.BulkScores.as_view(), name="scores-bulk"),
    path("model-hub/sources/", sources.Sources.as_view(), name="sources"),
    path("model-hub/sources/bulk/", sources.BulkSources.as_view(), name="sources-bulk"),
    path("model-hub/sources/<uuid:pk>/", sources.OneSource.as_view(), name="source"),
    path("model-hub/annotations-labels/", labels.Labels.as_view(), name="labels"),
    path("model-hub/annotations-labels/<uuid:pk>/", labels.OneLabel.as_view(), name="label"),
    path("healthz", health.Health.as_view(), name="healthz"),
    path("readyz", health.Readiness.as_view(), name="readyz"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]
