"""Register sources and find them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.db.models import QuerySet

from modelhub.core.errors import Invalid, NotFound, Refused, TooLarge
from modelhub.core.metrics import FALLBACKS
from modelhub.core.models import LISTED
from modelhub.core.transactions import in_transaction, is_refusal, repeat_aborted, sqlstate
from modelhub.sources.models import Source
from modelhub.sources.refs import SourceEntry, SourceRef
from modelhub.sources.statements import Key, key_of, upsert_sources

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Registration:
    """The result of one entry: its source with the request's word, or its error."""

    word: str = ""
    source: Source | None = None
    error: Refused | None = None

    @property
    def created(self) -> bool:
        return self.source is not None and self.source.is_new


def create_source(*, organization_id: uuid.UUID, ref: SourceRef) -> None:
    """Create a source that was not found; another request may create it at the same time."""
    upsert_sources(organization_id, [SourceEntry(ref)])


def source_not_found(ref: SourceRef) -> NotFound:
    """Return the error of a score for a source that is not registered."""
    return NotFound(
        f"Source not found: {ref.word} {ref.source_id}. Register it with POST /model-hub/sources/ first.",
        code="source_not_found",
    )


def sources_of(organization_id: uuid.UUID) -> QuerySet[Source]:
    """Return the organization's sources, newest first."""
    return Source.objects.filter(LISTED, organization_id=organization_id).order_by("-created_at", "-id")


def get_source(*, organization_id: uuid.UUID, pk: uuid.UUID) -> Source:
    """Return a source by its primary key. Raise `NotFound`."""
    source = Source.objects.filter(organization_id=organization_id, pk=pk).first()
    if source is None:
        raise NotFound(f"Source not found: {pk}", code="source_not_found")
    return source


@repeat_aborted
def register_sources(*, organization_id: uuid.UUID, entries: Sequence[SourceEntry | Refused]) -> list[Registration]:
    """Register or update sources. Return one result per entry, in order.

    An entry that is an error already, or that names the source of an earlier entry, fails alone. Raise `TooLarge` above
    `MODELHUB_MAX_SOURCES`.
    """
    if len(entries) > settings.MAX_SOURCES:
        raise TooLarge(f"At most {settings.MAX_SOURCES} sources a request, got {len(entries)}")
    results: list[Registration] = []
    unique: dict[Key, int] = {}
    accepted: list[SourceEntry] = []
    for index, entry in enumerate(entries):
        if isinstance(entry, Refused):
            results.append(Registration(error=entry))
        elif (first := unique.setdefault(key_of(entry), index)) != index:
            error = Invalid(f"Source is already named by sources[{first}]", code="duplicate_source")
            results.append(Registration(error=error))
        else:
            accepted.append(entry)
            results.append(Registration(word=entry.ref.word))
    stored = store_all(organization_id, accepted) if accepted else {}
    if stored is None:
        stored = store_each(organization_id, accepted)
    for key, index in unique.items():
        if key in stored:
            results[index].source = stored[key]
        else:
            results[index].error = Invalid("The database refused this source", code="database_refused")
    return results


def store_all(organization_id: uuid.UUID, entries: Sequence[SourceEntry]) -> dict[Key, Source] | None:
    """Store all sources together. Return None, storing none, if one is rejected."""
    try:
        return upsert_sources(organization_id, entries)
    except DatabaseError as error:
        if not is_refusal(error):
            raise
        # The database's own message may hold values; the SQLSTATE says enough.
        log.warning("sources_refused_by_database", rows=len(entries), sqlstate=sqlstate(error))
        return None


@in_transaction
def store_each(organization_id: uuid.UUID, entries: Sequence[SourceEntry]) -> dict[Key, Source]:
    """Store sources by key order, a savepoint each. Return the accepted ones."""
    FALLBACKS.inc()
    stored: dict[Key, Source] = {}
    for entry in sorted(entries, key=key_of):
        stored |= store_all(organization_id, [entry]) or {}
    return stored
