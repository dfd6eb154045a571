"""Converters of path parameters."""

from django.urls.converters import UUIDConverter

from modelhub.core.ids import UUID_TEXT


class IdConverter(UUIDConverter):
    """Match a UUID in any case, with or without hyphens (contract 0.6)."""

    regex = UUID_TEXT.pattern
