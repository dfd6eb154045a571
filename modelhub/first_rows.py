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
# Types of the first sources, each with a content of another shape.
FIRST_SOURCES: dict[str, Any] = {
    "trace": {
        "messages": [
            {"role": "system", "content": "You are the support assistant of an online shop. Be brief."},
            {"role": "user", "content": "I sent my headphones back ten days ago. Where is my refund?"},
            {
                "role": "assistant",
                "content": "Your parcel reached us on Monday. We refund within five working days, so the amount is on "
                "your card by next Monday at the latest.",
            },
            {"role": "user", "content": "Can you send it to my bank account instead?"},
            {
                "role": "assistant",
                "content": "No. Refunds always go to the card that paid, to protect you against fraud.",
            },
        ]
    },
    "span": {
        "input": {"tool": "find_orders", "arguments": {"customer": "C-2041", "status": "returned", "limit": 2}},
        "output": {
            "orders": [
                {"id": "A-1187", "item": "Headphones", "amount": 129.9, "received": "2026-01-26"},
                {"id": "A-1102", "item": "USB cable", "amount": 9.5, "received": None},
            ],
            "more": False,
        },
    },
    "generation": {
        "input": "Summarize for the customer:\nReturned goods are refunded to the original means of payment within "
        "five working days after their arrival, less the costs of express delivery.",
        "output": "You get your money back within five working days after your parcel has reached us. We do not refund "
        "express delivery.",
    },
    "session": {
        "messages": [
            {"role": "user", "content": "Which of your headphones work on a plane?"},
            {"role": "assistant", "content": "The models with a cable: Aria C1 and Aria C2."},
            {"role": "user", "content": "And which of them is lighter?"},
            {"role": "assistant", "content": "The Aria C1, with 140 g. The Aria C2 has 190 g."},
        ]
    },
}
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
    entries = [
        SourceEntry(check_source_ref(word, new_id_text()), name=f"Example {word}", content=content)
        for word, content in FIRST_SOURCES.items()
    ]
    sources = store_sources(organization_id, entries)
    return FirstRows(labels, [sources[entry.ref.identity] for entry in entries])
