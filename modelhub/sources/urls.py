"""Paths of sources."""

from django.urls import path

from modelhub.sources import views

urlpatterns = [
    path("model-hub/sources/", views.Sources.as_view(), name="sources"),
    path("model-hub/sources/bulk/", views.BulkSources.as_view(), name="sources-bulk"),
    path("model-hub/sources/<id:pk>/", views.OneSource.as_view(), name="source"),
]
