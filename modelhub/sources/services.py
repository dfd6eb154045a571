"""Register sources and find them."""

import uuid
from collections.abc import Sequence

import msgspec
import structlog
from django.conf import settings
from django.db import DatabaseError
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from modelhub.core import bounded
from modelhub.core.errors import Invalid, NotFound, Refused, TooLarge
from modelhub.core.metrics import FALLBACKS
from modelhub.core.models import LISTED
from modelhub.core.text import visible
from modelhub.core.transactions import in_transaction, is_refusal, repeat_aborted, sqlstate
from modelhub.sources.models import Source
from modelhub.sources.refs import Identity, SourceEntry, SourceRef
from modelhub.sources.statements import upsert_sources

log = structlog.get_logger(__name__)


def source_not_found(ref: SourceRef) -> NotFound:
    """Return the error of a score for a source that is not registered."""
    return NotFound(
        f"Source not found: {ref.word} {visible(ref.source_id)}. Register it with POST /model-hub/sources/ first.",
        code="source_not_found",
        field="source_id",
    )


def sources_of(organization_id: uuid.UUID) -> QuerySet[Source]:
    """Return the organization's sources, newest first."""
    return Source.objects.filter(LISTED, organization_id=organization_id).order_by("-created_at", "-id")


def get_source(*, organization_id: uuid.UUID, pk: uuid.UUID, with_content: bool = False) -> Source:
    """Return a source by its primary key. Raise `NotFound`.

    `with_content` reads `source.content` by the same statement.
    """
    rows = Source.objects.filter(organization_id=organization_id, pk=pk)
    source = (rows.defer(None) if with_content else rows).first()
    if source is None:
        raise NotFound(f"Source not found: {pk}", code="source_not_found")
    return source


def show_contents(organization_id: uuid.UUID, sources: Sequence[Source]) -> None:
    """Read the contents of sources into `shown_content`.

    A statement reads as many as fit into an answer. Raise `Invalid` above `MAX_ANSWER_BYTES`, before the rest is read.
    """
    at_once = max(1, bounded.MAX_ANSWER_BYTES // settings.MAX_CONTENT_BYTES)
    rows = Source.objects.filter(organization_id=organization_id).values_list("pk", Cast("content", TextField()))
    read = 0
    for first in range(0, len(sources), at_once):
        some = sources[first : first + at_once]
        contents = dict(rows.filter(pk__in=[source.pk for source in some]))
        for at, source in enumerate(some, first):
            content = (contents.get(source.pk) or "null").encode()
            read += len(content)
            if read > bounded.MAX_ANSWER_BYTES:
                raise bounded.answer_too_large(at)
            source.shown_content = msgspec.Raw(content)


@repeat_aborted
def register_sources(*, organization_id: uuid.UUID, entries: Sequence[SourceEntry | Refused]) -> list[Source | Refused]:
    """Register or update sources. Return a source or an error per entry, in order.

    An entry that is an error already, or that names the source of an earlier entry, fails alone. Raise `TooLarge` above
    `MODELHUB_MAX_SOURCES`.
    """
    if len(entries) > settings.MAX_SOURCES:
        raise TooLarge(f"At most {settings.MAX_SOURCES} sources a request, got {len(entries)}", field="sources")
    unique: dict[Identity, int] = {}
    checked: list[SourceEntry | Refused] = []
    for index, entry in enumerate(entries):
        if isinstance(entry, Refused) or (first := unique.setdefault(entry.ref.identity, index)) == index:
            checked.append(entry)
        else:
            checked.append(Invalid(f"Source is already named by sources[{first}]", code="duplicate_source"))
    accepted = [entry for entry in checked if not isinstance(entry, Refused)]
    stored = store_sources(organization_id, accepted) if accepted else {}
    for entry in accepted:
        if source := stored.get(entry.ref.identity):
            source.word = entry.ref.word
    refusal = Invalid("The database refused this source", code="database_refused")
    return [entry if isinstance(entry, Refused) else stored.get(entry.ref.identity, refusal) for entry in checked]


@repeat_aborted
@in_transaction
def register_and_show(
    *, organization_id: uuid.UUID, entries: Sequence[SourceEntry | Refused]
) -> list[Source | Refused]:
    """Register sources like `register_sources`, and read their contents as stored.

    Nothing is stored if the contents are too large for an answer: raise `Invalid`.
    """
    results = register_sources(organization_id=organization_id, entries=entries)
    show_contents(organization_id, [result for result in results if isinstance(result, Source)])
    return results


def lock_sources(organization_id: uuid.UUID, refs: Sequence[SourceRef]) -> dict[Identity, Source]:
    """Return the registered ones among sources, locked in the order of their keys."""
    locked = _named(organization_id, refs).order_by("source_type", "source_key").select_for_update(no_key=True)
    return {(source.source_type, source.source_key): source for source in locked}


def find_sources(organization_id: uuid.UUID, refs: Sequence[SourceRef]) -> dict[Identity, uuid.UUID]:
    """Return the primary keys of the registered ones among sources, by identity."""
    rows = _named(organization_id, refs).values_list("source_type", "source_key", "pk")
    return {(source_type, key): pk for source_type, key, pk in rows}


def _named(organization_id: uuid.UUID, refs: Sequence[SourceRef]) -> QuerySet[Source]:
    """Return the sources with any type and any key of the refs."""
    return Source.objects.filter(
        organization_id=organization_id,
        source_type__in={ref.source_type for ref in refs},
        source_key__in={ref.key for ref in refs},
    )


def store_sources(organization_id: uuid.UUID, entries: Sequence[SourceEntry]) -> dict[Identity, Source]:
    """Insert or update sources. Return those that the database accepts."""
    stored = store_all(organization_id, entries)
    return store_each(organization_id, entries) if stored is None else stored


def store_all(organization_id: uuid.UUID, entries: Sequence[SourceEntry]) -> dict[Identity, Source] | None:
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
def store_each(organization_id: uuid.UUID, entries: Sequence[SourceEntry]) -> dict[Identity, Source]:
    """Store sources by key order, a savepoint each. Return the accepted ones."""
    FALLBACKS.inc()
    stored: dict[Identity, Source] = {}
    for entry in sorted(entries, key=lambda entry: entry.ref.identity):
        stored |= store_all(organization_id, [entry]) or {}
    return stored
