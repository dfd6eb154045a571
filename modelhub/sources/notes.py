"""Notes on sources."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection

from modelhub.accounts.models import User
from modelhub.core import clock, exact_json
from modelhub.core.ids import new_id_text
from modelhub.core.sql import read_sql
from modelhub.core.structs import columns_of
from modelhub.sources.models import SourceNote
from modelhub.sources.rows import NoteRow

INSERT_NOTES = read_sql("sources", "insert_notes")


def add_notes(author: User, notes: Sequence[tuple[uuid.UUID, str]]) -> int:
    """Add pairs of a source and a text. Return the number of those that are new."""
    rows = [{"id": new_id_text(), "source_id": source_id, "text": text} for source_id, text in notes]
    parameters: dict[str, Any] = {
        "organization_id": author.organization_id,
        "author_id": author.pk,
        "now": clock.now(),
        "rows": exact_json.dumps(rows),
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT_NOTES, parameters)
        return len(cursor.fetchall())


def notes_of_sources(
    organization_id: uuid.UUID, source_ids: Collection[uuid.UUID], *, author: User | None = None
) -> dict[uuid.UUID, list[NoteRow]]:
    """Return the notes of sources by their keys, oldest first; by default of all authors."""
    notes = SourceNote.objects.filter(organization_id=organization_id, source_id__in=source_ids)
    if author is not None:
        notes = notes.filter(author=author)
    found: dict[uuid.UUID, list[NoteRow]] = {source_id: [] for source_id in source_ids}
    for source_id, *columns in notes.order_by("created_at", "id").values_list("source_id", *columns_of(NoteRow)):
        found[source_id].append(NoteRow(*columns))
    return found
