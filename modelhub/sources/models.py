"""Sources: the traces, spans, generations and sessions that scores judge."""

from typing import ClassVar

import msgspec
from django.db import models
from django.db.models.functions import MD5

from modelhub.accounts.models import Organization, User
from modelhub.core import clock
from modelhub.core.exact_json import Decoder, Encoder
from modelhub.core.models import (
    OrderedJSONField,
    TenantForeignKey,
    TenantRow,
    exact_json_field,
    is_object,
    newest_first,
    one_of,
)

# The stored words. `SOURCE_WORDS` maps the other words of clients to them.
SOURCE_TYPES = ("trace", "span", "generation", "session", "dataset_row", "call_execution", "prototype_run")


class SourceManager(models.Manager["Source"]):
    """Sources without their content, which may have 256 KB each."""

    def get_queryset(self) -> models.QuerySet["Source"]:
        return super().get_queryset().defer("content")


class Source(TenantRow):
    """A trace, span, generation, session or other object that is scored.

    `source_id` is the id as it was registered; `source_key` identifies the source, with UUIDs in one spelling
    (contract 0.6).
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="sources", db_index=False)
    source_type = models.CharField(max_length=32, choices=[(word, word) for word in SOURCE_TYPES])
    source_id = models.CharField(max_length=255)
    source_key = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    metadata = exact_json_field(default=dict, blank=True)
    # What people judge: any JSON, null without content. Read it by name or by `defer(None)`.
    content = OrderedJSONField(null=True, blank=True, encoder=Encoder, decoder=Decoder)
    # Not columns: set by the registration of a source, with the word for its type that was used.
    is_new: bool
    word: str
    # The content of answers that have it, as JSON text.
    shown_content: msgspec.Raw
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar[SourceManager] = SourceManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source_type", "source_key", "organization"], name="source_is_unique"),
            # The target of the foreign key of scores: a score and its source belong to one organization.
            models.UniqueConstraint(fields=["id", "organization"], name="source_of_organization"),
            one_of("source_type", SOURCE_TYPES, table="source"),
            is_object("metadata", table="source"),
        ]
        indexes = [newest_first("organization", name="source_newest_first")]

    def __str__(self) -> str:
        return f"{self.source_type} {self.source_id}"


class SourceNote(TenantRow):
    """A text about a source by one person; equal texts are one note."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    source = TenantForeignKey(Source, on_delete=models.PROTECT, related_name="source_notes", db_index=False)
    author = TenantForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    text = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint("source", "author", MD5("text"), "organization", name="sourcenote_is_unique"),
        ]

    def __str__(self) -> str:
        return f"note {self.pk}"
