"""Paths of datasets."""

from django.urls import path

from modelhub.datasets import views

urlpatterns = [
    path("model-hub/datasets/", views.Datasets.as_view(), name="datasets"),
    path("model-hub/datasets/<id:pk>/", views.OneDataset.as_view(), name="dataset"),
    path("model-hub/datasets/<id:pk>/rows/", views.DatasetRows.as_view(), name="dataset-rows"),
    path("model-hub/datasets/<id:pk>/export/", views.ExportDataset.as_view(), name="dataset-export"),
]
