"""The one Django app."""

from django.apps import AppConfig


class ModelhubConfig(AppConfig):
    """Sources, labels and scores."""

    name = "modelhub"
    default_auto_field = "django.db.models.BigAutoField"
