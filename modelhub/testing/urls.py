"""Paths of the test controls, below `/__admin/`."""

from django.urls import path

from modelhub.testing import views

urlpatterns = [
    path("", views.Index.as_view(), name="test_controls"),
]
