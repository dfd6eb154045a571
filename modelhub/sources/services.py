"""Sources: registered, found, locked."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from modelhub.core import exact_json
from modelhub.core.errors import Invalid, NotFound, Refused, TooLarge
from modelhub.core.ids import new_id
from modelhub.core.models import LISTED
from modelhub.core.text import show
from modelhub.core.transactions import in_transaction, is_refusal, repeat_aborted
from modelhub.sources.models import Source
from modelhub.sources.refs import SourceRef, check_source_ref


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A source to register; `None` leaves the name or metadata that is stored as it is."""

    ref: SourceRef
    name: str | None = None
    metadata: dict[str, Any] | None = None


@dataclass(slots=True)
class Registered:
    """What came of one entry: the source and whether it is new, or why it was refused."""

    word: str = ""
    source: Source | None = None
    created: bool = False
    refused: Refused | None = None


def create_source(*, organization_id: uuid.UUID, ref: SourceRef) -> None:
    """Create a source unless it exists. The caller has a transaction open."""
    _write_sources(organization_id, [SourceEntry(ref=ref)])


def source_not_found(ref: SourceRef) -> NotFound:
    """Return the error of a score whose source is not registered."""
    return NotFound(
        f"Source not found: {ref.word} {ref.source_id}. Register it with POST /model-hub/sources/ first.",
        code="source_not_found",
    )


def sources_of(organization_id: uuid.UUID) -> QuerySet[Source]:
    """Every source of the organization, newest first."""
    return Source.objects.filter(LISTED, organization_id=organization_id).order_by("-created_at", "-id")


def get_source(*, organization_id: uuid.UUID, pk: uuid.UUID) -> Source:
    """The source with that primary key; raises `NotFound`."""
    source = Source.objects.filter(organization_id=organization_id, pk=pk).first()
    if source is None:
        raise NotFound(f"Source not found: {pk}", code="source_not_found")
    return source


@repeat_aborted
def register_sources(*, organization_id: uuid.UUID, entries: Sequence[Mapping[str, Any] | Refused]) -> list[Registered]:
    """Register many sources, or update the name and metadata of those that exist; one answer an entry, in order.

    An entry that is wrong, or names a source that an earlier entry named, is refused alone. Raises `TooLarge`
    above `MODELHUB_MAX_SOURCES`. Two statements, however many entries.
    """
    if len(entries) > settings.MAX_SOURCES:
        raise TooLarge(f"At most {settings.MAX_SOURCES} sources a request, got {len(entries)}")
    outcomes = [Registered() for _ in entries]
    wanted: dict[tuple[str, str], tuple[int, SourceEntry]] = {}
    for index, fields in enumerate(entries):
        try:
            if isinstance(fields, Refused):
                raise fields
            entry = check_source_entry(fields)
            key = (entry.ref.source_type, entry.ref.key)
            if key in wanted:
                raise Invalid(f"Source is already named by sources[{wanted[key][0]}]", code="duplicate_source")
            wanted[key] = (index, entry)
            outcomes[index].word = entry.ref.word
        except Refused as refused:
            outcomes[index].refused = refused
    written = _write_accepted(organization_id, [entry for _, entry in wanted.values()])
    for key, (index, _) in wanted.items():
        if source := written.get(key):
            outcomes[index].source, outcomes[index].created = source, source.is_new
        else:
            outcomes[index].refused = Invalid("The database refused this source", code="database_refused")
    return outcomes


def _write_accepted(organization_id: uuid.UUID, entries: Sequence[SourceEntry]) -> dict[tuple[str, str], Source]:
    """Write all sources at once, else one by one; return those that the database accepts."""
    written = _write_all(organization_id, entries)
    return _write_each(organization_id, entries) if written is None else written


def _write_all(organization_id: uuid.UUID, entries: Sequence[SourceEntry]) -> dict[tuple[str, str], Source] | None:
    """Write all sources in one transaction, or none: return None where the database refuses a row."""
    try:
        return _write_sources(organization_id, entries) if entries else {}
    except DatabaseError as error:
        if not is_refusal(error):
            raise
        return None


@in_transaction
def _write_each(organization_id: uuid.UUID, entries: Sequence[SourceEntry]) -> dict[tuple[str, str], Source]:
    """Write sources with one savepoint each."""
    each = [_write_all(organization_id, [entry]) or {} for entry in entries]
    return {key: source for written in each for key, source in written.items()}


def check_source_entry(fields: Mapping[str, Any]) -> SourceEntry:
    """Read `{source_type, source_id, name?, metadata?}`; raises `Invalid`."""
    if missing := [name for name in ("source_type", "source_id") if fields.get(name) is None]:
        raise Invalid(
            f"{' and '.join(missing)} must be given",
            code="required",
            fields={name: [f"{name} must be given"] for name in missing},
        )
    ref = check_source_ref(fields["source_type"], fields["source_id"])
    name, metadata = fields.get("name"), fields.get("metadata")
    if name is not None and (not isinstance(name, str) or len(name) > 255):
        raise Invalid(f"name must be a string of at most 255 characters, got {show(name)}")
    if metadata is not None and not isinstance(metadata, dict):
        raise Invalid(f"metadata must be an object, got {show(metadata)}")
    limits = {"max_bytes": settings.MAX_VALUE_BYTES, "max_depth": settings.MAX_VALUE_DEPTH}
    exact_json.check_storable(name, **limits, name="name")
    exact_json.check_storable(metadata, **limits, name="metadata")
    return SourceEntry(ref=ref, name=name, metadata=metadata)


GIVEN = """
    json_to_recordset(%(rows)s::json)
    AS given(id uuid, type text, source_id text, key text, name text, metadata jsonb)
"""
# Rows are locked in the order of their keys, so that two requests with the same sources never wait in a circle.
INSERT = f"""
INSERT INTO modelhub_source AS source
    (id, organization_id, source_type, source_id, source_key, name, metadata, created_at, updated_at)
SELECT id, %(organization)s, type, source_id, key, coalesce(name, ''), coalesce(metadata, '{{}}'), %(now)s, %(now)s
FROM {GIVEN} ORDER BY type, key
ON CONFLICT ON CONSTRAINT source_is_unique DO UPDATE SET updated_at = excluded.updated_at
RETURNING source.*, xmax = 0 AS is_new
"""  # noqa: S608
UPDATE = f"""
UPDATE modelhub_source AS source
SET name = coalesce(given.name, source.name), metadata = coalesce(given.metadata, source.metadata)
FROM {GIVEN} WHERE source.organization_id = %(organization)s AND source.id = given.id
RETURNING source.*, false AS is_new
"""  # noqa: S608


@in_transaction
def _write_sources(organization_id: uuid.UUID, entries: Sequence[SourceEntry]) -> dict[tuple[str, str], Source]:
    """Insert what is new, update the rest; every source by type and key, with `is_new` on each."""
    rows = {
        (entry.ref.source_type, entry.ref.key): {
            "id": new_id(),
            "type": entry.ref.source_type,
            "source_id": entry.ref.source_id,
            "key": entry.ref.key,
            "name": entry.name,
            "metadata": entry.metadata,
        }
        for entry in entries
    }
    parameters = {"organization": organization_id, "now": timezone.now()}
    found = _by_key(INSERT, parameters, list(rows.values()))
    known = [row | {"id": found[key].pk} for key, row in rows.items() if not found[key].is_new]
    changes = [row for row in known if row["name"] is not None or row["metadata"] is not None]
    return found | _by_key(UPDATE, parameters, changes) if changes else found


def _by_key(statement: str, parameters: dict[str, Any], rows: list[dict[str, Any]]) -> dict[tuple[str, str], Source]:
    sources = Source.objects.raw(statement, parameters | {"rows": exact_json.dumps(rows)})
    return {(source.source_type, source.source_key): source for source in sources}
