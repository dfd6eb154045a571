"""The statements that write sources: many rows travel as one JSON parameter."""

import uuid
from collections.abc import Sequence
from typing import Any

from modelhub.core import clock, exact_json
from modelhub.core.ids import new_id_text
from modelhub.core.sql import read_sql
from modelhub.core.transactions import in_transaction
from modelhub.sources.models import Source
from modelhub.sources.refs import Identity, SourceEntry

INSERT_SOURCES = read_sql("sources", "insert_sources")
UPDATE_SOURCES = read_sql("sources", "update_sources")
# Null keeps the stored value.
KEPT = ("name", "metadata", "content")


@in_transaction
def upsert_sources(organization_id: uuid.UUID, entries: Sequence[SourceEntry]) -> dict[Identity, Source]:
    """Insert or update sources. Return them by identity, each with `is_new`."""
    rows = {
        entry.ref.identity: {
            "id": new_id_text(),
            "source_type": entry.ref.source_type,
            "source_id": entry.ref.source_id,
            "source_key": entry.ref.key,
            "name": entry.name,
            "metadata": entry.metadata,
            "content": entry.content,
        }
        for entry in entries
    }
    sources = _write(INSERT_SOURCES, organization_id, list(rows.values()))
    changes = [
        {"id": source.pk, **{name: rows[key][name] for name in KEPT}}
        for key, source in sources.items()
        if not source.is_new and any(rows[key][name] is not None for name in KEPT)
    ]
    return sources | _write(UPDATE_SOURCES, organization_id, changes) if changes else sources


def _write(statement: str, organization_id: uuid.UUID, rows: Sequence[dict[str, Any]]) -> dict[Identity, Source]:
    parameters = {"organization_id": organization_id, "now": clock.now(), "rows": exact_json.dumps(rows)}
    return {(source.source_type, source.source_key): source for source in Source.objects.raw(statement, parameters)}
