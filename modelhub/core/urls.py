"""Paths for operators and browsers."""

from django.urls import path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from modelhub.core import health
from modelhub.core.problems import read_only

urlpatterns = [
    path("healthz", health.Health.as_view(), name="healthz"),
    path("readyz", health.Readiness.as_view(), name="readyz"),
    path("metrics", read_only(health.show_metrics), name="metrics"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", read_only(SpectacularSwaggerSplitView.as_view(url_name="schema")), name="docs"),
    path("", read_only(RedirectView.as_view(pattern_name="docs")), name="root"),
]
