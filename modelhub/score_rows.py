"""The statements that write scores. Whoever calls them holds the lock of the source.

All rows of a request travel as one JSON parameter: it is one statement however many there are, and numbers reach
jsonb in the digits that were sent.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from modelhub import exact_json
from modelhub.ids import new_id_text
from modelhub.models import Score
from modelhub.score_views import ScoreView

Row = Mapping[str, Any]

# What the rows leave out is the same for all of them, and travels once.
INSERT = """
INSERT INTO modelhub_score
    (id, organization_id, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at)
SELECT id, %(organization_id)s, coalesce(source_id, %(source_id)s), label_id, coalesce(annotator_id, %(annotator_id)s),
       value, score_source, notes, coalesce(created_at, %(now)s), coalesce(updated_at, %(now)s)
FROM json_to_recordset(%(rows)s::json) AS given
    (id uuid, source_id uuid, label_id uuid, annotator_id uuid, value jsonb, score_source text, notes text,
     created_at timestamptz, updated_at timestamptz)
"""

# Read before anything is written, and found by their ids one by one (LATERAL … OFFSET 0): a plan that joined all scores
# would be right while the table is small, and kept while it grows. For the same reason the rows go back by the conflict
# of their ids.
OVERWRITE = """
WITH before AS MATERIALIZED (
    SELECT old.*, given.revision_id, given.value AS new_value, given.score_source AS new_score_source,
           given.notes AS new_notes, given.updated_at AS replaced_at
    FROM json_to_recordset(%(rows)s::json) AS given
        (id uuid, revision_id uuid, value jsonb, score_source text, notes text, updated_at timestamptz),
    LATERAL (SELECT * FROM modelhub_score WHERE id = given.id OFFSET 0) AS old
), kept AS (
    INSERT INTO modelhub_scorerevision
        (id, organization_id, score_id, value, score_source, notes, action, replaced_by_id, created_at)
    SELECT revision_id, organization_id, id, value, score_source, notes, 'overwritten', %(replaced_by)s, replaced_at
    FROM before
)
INSERT INTO modelhub_score
    (id, organization_id, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at)
SELECT id, organization_id, source_id, label_id, annotator_id,
       new_value, new_score_source, new_notes, created_at, replaced_at
FROM before
ON CONFLICT (id) DO UPDATE SET
    value = excluded.value, score_source = excluded.score_source,
    notes = excluded.notes, updated_at = excluded.updated_at
"""

KEEP_REVISIONS = """
INSERT INTO modelhub_scorerevision
    (id, organization_id, score_id, value, score_source, notes, action, replaced_by_id, created_at)
SELECT given.id, score.organization_id, score.id, score.value, score.score_source, score.notes,
       'deleted', %(replaced_by)s, %(now)s
FROM json_to_recordset(%(rows)s::json) AS given (id uuid, score_id uuid)
JOIN modelhub_score AS score ON score.id = given.score_id
"""

REVIVE = """
UPDATE modelhub_score AS score SET
    deleted_at = NULL, value = given.value, score_source = given.score_source, notes = given.notes,
    created_at = given.created_at, updated_at = given.updated_at
FROM json_to_recordset(%s::json) AS given
    (id uuid, value jsonb, score_source text, notes text, created_at timestamptz, updated_at timestamptz)
WHERE score.id = given.id
"""

DELETE = """
UPDATE modelhub_score SET deleted_at = %(now)s, updated_at = %(now)s WHERE id = ANY(%(ids)s)
"""

OVERWRITTEN = ("id", "value", "score_source", "notes", "updated_at")
COLUMNS = (*OVERWRITTEN, "source_id", "label_id", "annotator_id", "created_at")


def insert_scores(
    rows: Sequence[Row],
    *,
    organization_id: uuid.UUID,
    source_id: uuid.UUID | None = None,
    annotator_id: uuid.UUID | None = None,
    now: str | None = None,
) -> None:
    """Insert scores. Rows may leave out what is named here beside the organization: it is the same for all of them."""
    parameters = {
        "organization_id": organization_id,
        "source_id": source_id,
        "annotator_id": annotator_id,
        "now": now,
        "rows": _as_json(rows),
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, parameters)


def overwrite_scores(rows: Sequence[Row], *, replaced_by: uuid.UUID) -> None:
    """Give stored scores new values; what they said before becomes revisions."""
    numbered = [{**row, "revision_id": new_id_text()} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(OVERWRITE, {"rows": _as_json(numbered), "replaced_by": replaced_by})


def write_scores(scores: Sequence[Score], *, replaced_by: uuid.UUID) -> None:
    """Insert the models that are new, and overwrite with the others; all are of one organization."""
    if new := [row_of(score, COLUMNS) for score in scores if score._state.adding]:
        insert_scores(new, organization_id=scores[0].organization_id)
    if known := [row_of(score, OVERWRITTEN) for score in scores if not score._state.adding]:
        overwrite_scores(known, replaced_by=replaced_by)


def row_of(score: Score | ScoreView, columns: Iterable[str]) -> dict[str, Any]:
    """A score as a row for JSON."""
    return {column: getattr(score, column) for column in columns}


def revive_scores(scores: Sequence[Score]) -> None:
    """Bring deleted scores back as they are given."""
    with connection.cursor() as cursor:
        cursor.execute(REVIVE, [_as_json([row_of(score, COLUMNS) for score in scores])])


def delete_rows(score_ids: Sequence[uuid.UUID], *, deleted_by: uuid.UUID, now: datetime) -> None:
    """Delete softly; what the scores said last becomes revisions."""
    with connection.cursor() as cursor:
        _keep_revisions(cursor, score_ids, deleted_by, now)
        cursor.execute(DELETE, {"now": now, "ids": list(score_ids)})


def _keep_revisions(
    cursor: CursorWrapper, score_ids: Sequence[uuid.UUID], replaced_by: uuid.UUID, now: datetime
) -> None:
    rows = _as_json([{"id": new_id_text(), "score_id": score_id} for score_id in score_ids])
    cursor.execute(KEEP_REVISIONS, {"rows": rows, "replaced_by": replaced_by, "now": now})


def _as_json(rows: Sequence[Row]) -> str:
    return exact_json.encode(rows).decode()
