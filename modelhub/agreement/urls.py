"""Paths of agreement, adjudication and summaries."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
