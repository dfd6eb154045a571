"""Paths of scores."""

from django.urls import path

from modelhub.scores import tracer_views, views

urlpatterns = [
    path("model-hub/scores/bulk/", views.BulkScores.as_view(), name="scores-bulk"),
    path("model-hub/scores/", views.Scores.as_view(), name="scores"),
    path("model-hub/scores/bulk-delete/", views.BulkDelete.as_view(), name="scores-bulk-delete"),
    path("model-hub/scores/for-source/", views.ScoresOfSource.as_view(), name="scores-for-source"),
    path("model-hub/scores/export/", views.ExportScores.as_view(), name="scores-export"),
    path("model-hub/scores/<id:pk>/", views.OneScore.as_view(), name="score"),
    path("model-hub/scores/<id:pk>/history/", views.ScoreHistory.as_view(), name="score-history"),
    path("tracer/bulk-annotation/", tracer_views.BulkAnnotation.as_view(), name="bulk-annotation"),
]
