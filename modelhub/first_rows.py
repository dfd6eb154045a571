"""Rows that a new organization begins with: a label and a source of each type."""

import uuid
from dataclasses import dataclass
from typing import Any

from modelhub.accounts.models import default_scopes
from modelhub.core.ids import new_id_text
from modelhub.labels.models import Label
from modelhub.labels.types import get_type
from modelhub.sources.models import Source
from modelhub.sources.refs import SourceEntry, check_source_ref
from modelhub.sources.services import store_sources

# Name, type and settings; omitted settings take their defaults.
FIRST_LABELS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Quality", "star", {"no_of_stars": 5}),
    ("Sentiment", "categorical", {"options": ["positive", "neutral", "negative"], "multi_choice": False}),
    ("Comment", "text", {"max_length": 5000}),
    ("Relevance", "numeric", {"min": 0, "max": 10, "step_size": 0.5}),
    ("Helpful", "thumbs_up_down", {}),
)
FIRST_SOURCES = ("trace", "span", "generation", "session")
# Of the first key: everything that its user, an admin, may do.
FIRST_SCOPES = (*default_scopes(), "act-as")


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The first labels and sources of an organization, in the order of their types."""

    labels: list[Label]
    sources: list[Source]


def create_first_rows(organization_id: uuid.UUID) -> FirstRows:
    """Create a label and a source of each type, with a statement per table."""
    labels = [
        Label(organization_id=organization_id, name=name, type=word, settings=get_type(word).check_settings(settings))
        for name, word, settings in FIRST_LABELS
    ]
    Label.objects.bulk_create(labels)
    entries = [SourceEntry(check_source_ref(word, new_id_text()), name=f"Example {word}") for word in FIRST_SOURCES]
    sources = store_sources(organization_id, entries)
    return FirstRows(labels, [sources[entry.ref.identity] for entry in entries])
