"""Paths of labels and projects."""

from django.urls import path

from modelhub.labels import tracer_views, views

urlpatterns = [
    path("model-hub/annotations-labels/", views.Labels.as_view(), name="labels"),
    path("model-hub/annotations-labels/<id:pk>/", views.OneLabel.as_view(), name="label"),
    path("model-hub/annotations-labels/<id:pk>/restore/", views.RestoreLabel.as_view(), name="label-restore"),
    path("tracer/get-annotation-labels/", tracer_views.TracerLabels.as_view(), name="tracer-labels"),
    path("tracer/project/", tracer_views.Projects.as_view(), name="projects"),
    path("tracer/project/list_projects/", tracer_views.ProjectList.as_view(), name="projects-list"),
]
