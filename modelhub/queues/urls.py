"""Paths of annotation queues: each module of views adds its own."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
