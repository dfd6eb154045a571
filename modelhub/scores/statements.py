"""The statements that correct, delete and import scores. Whoever calls them holds the lock of the source.

All rows of a request travel as one JSON parameter: it is one statement however many there are, and numbers reach
jsonb in the digits that were sent.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from modelhub.core import exact_json
from modelhub.core.ids import new_id_text
from modelhub.scores.models import Score

INSERT = """
INSERT INTO modelhub_score
    (id, organization_id, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at)
SELECT id, organization_id, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at
FROM json_to_recordset(%s::json) AS given
    (id uuid, organization_id uuid, source_id uuid, label_id uuid, annotator_id uuid, value jsonb, score_source text,
     notes text, created_at timestamptz, updated_at timestamptz)
"""

# Read before anything is written, and found by their ids one by one (LATERAL … OFFSET 0): a plan that joined all scores
# would be right while the table is small, and kept while it grows. For the same reason the rows go back by the conflict
# of their ids.
OVERWRITE = """
WITH before AS MATERIALIZED (
    SELECT old.*, given.revision_id, given.value AS new_value, given.score_source AS new_score_source,
           given.notes AS new_notes, given.updated_at AS new_updated_at
    FROM json_to_recordset(%(rows)s::json) AS given
        (id uuid, revision_id uuid, value jsonb, score_source text, notes text, updated_at timestamptz),
    LATERAL (SELECT * FROM modelhub_score WHERE id = given.id OFFSET 0) AS old
), kept AS (
    INSERT INTO modelhub_scorerevision
        (id, organization_id, score_id, value, score_source, notes, action, replaced_by_id, created_at)
    SELECT revision_id, organization_id, id, value, score_source, notes, 'overwritten', %(replaced_by)s, %(now)s
    FROM before
)
INSERT INTO modelhub_score
    (id, organization_id, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at)
SELECT id, organization_id, source_id, label_id, annotator_id,
       new_value, new_score_source, new_notes, created_at, new_updated_at
FROM before
ON CONFLICT (id) DO UPDATE SET
    value = excluded.value, score_source = excluded.score_source,
    notes = excluded.notes, updated_at = excluded.updated_at
"""

# A deletion is later than the change before it, as every change is (score_changes._later_than, migration 0007).
KEEP_REVISIONS = """
INSERT INTO modelhub_scorerevision
    (id, organization_id, score_id, value, score_source, notes, action, replaced_by_id, created_at)
SELECT given.id, score.organization_id, score.id, score.value, score.score_source, score.notes,
       'deleted', %(replaced_by)s,
       CASE WHEN score.updated_at BETWEEN %(now)s AND %(now)s + interval '1 minute'
           THEN score.updated_at + interval '1 microsecond' ELSE %(now)s END
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
COLUMNS = (*OVERWRITTEN, "organization_id", "source_id", "label_id", "annotator_id", "created_at")


def insert_scores(scores: Sequence[Score]) -> None:
    """Insert scores that are new."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [_as_json([_row_of(score, COLUMNS) for score in scores])])


def overwrite_scores(scores: Sequence[Score], *, replaced_by: uuid.UUID, now: datetime) -> None:
    """Give stored scores new values; what they said before becomes revisions."""
    rows = [{**_row_of(score, OVERWRITTEN), "revision_id": new_id_text()} for score in scores]
    with connection.cursor() as cursor:
        cursor.execute(OVERWRITE, {"rows": _as_json(rows), "replaced_by": replaced_by, "now": now})


def revive_scores(scores: Sequence[Score]) -> None:
    """Bring deleted scores back as they are given."""
    with connection.cursor() as cursor:
        cursor.execute(REVIVE, [_as_json([_row_of(score, COLUMNS) for score in scores])])


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


def _row_of(score: Score, columns: Iterable[str]) -> dict[str, Any]:
    return {column: getattr(score, column) for column in columns}


def _as_json(rows: Sequence[dict[str, Any]]) -> str:
    return exact_json.encode(rows).decode()
