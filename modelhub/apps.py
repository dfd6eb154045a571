"""The one Django app."""

from django.apps import AppConfig
from django.urls import register_converter

from modelhub.core.converters import IdConverter


class ModelhubConfig(AppConfig):
    name = "modelhub"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the converter of `<id:…>`, before a module of paths is imported."""
        register_converter(IdConverter, "id")
