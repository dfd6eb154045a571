"""The statements that write scores. Whoever calls them holds the lock of the source."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection
from django.db.backends.utils import CursorWrapper

from modelhub import exact_json
from modelhub.ids import new_id
from modelhub.models import Label, Score

# All rows of a request travel as one JSON parameter: it is one statement however many there are, and numbers
# reach jsonb in the digits that were sent. The lock of the source makes the conflict clause a formality: it
# names the constraint that would have to break first.
UPSERT = """
INSERT INTO modelhub_score
    (id, organization_id, source_id, label_id, annotator_id, queue_item,
     value, score_source, notes, created_at, updated_at)
SELECT id, organization_id, source_id, label_id, annotator_id, queue_item,
       value, score_source, notes, created_at, updated_at
FROM json_to_recordset(%s::json) AS given
    (id uuid, organization_id uuid, source_id uuid, label_id uuid, annotator_id uuid, queue_item uuid,
     value jsonb, score_source text, notes text, created_at timestamptz, updated_at timestamptz)
ON CONFLICT (source_id, label_id, annotator_id, queue_item) WHERE deleted_at IS NULL DO UPDATE SET
    value = excluded.value, score_source = excluded.score_source,
    notes = excluded.notes, updated_at = excluded.updated_at
"""

KEEP_REVISIONS = """
INSERT INTO modelhub_scorerevision
    (id, organization_id, score_id, value, score_source, notes, action, replaced_by_id, created_at)
SELECT given.id, score.organization_id, score.id, score.value, score.score_source, score.notes,
       %(action)s, %(replaced_by)s, %(now)s
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

COLUMNS = (
    "id",
    "organization_id",
    "source_id",
    "label_id",
    "annotator_id",
    "queue_item",
    "value",
    "score_source",
    "notes",
    "created_at",
    "updated_at",
)

LABELS = """
SELECT * FROM modelhub_label
WHERE organization_id = %s AND id = ANY(%s) ORDER BY id FOR SHARE
"""


def read_labels(organization_id: uuid.UUID, label_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Label]:
    """The organization's labels among these, deleted ones included, and no change of them until we commit."""
    return {label.pk: label for label in Label.objects.raw(LABELS, [organization_id, list(label_ids)])}


def read_live_scores(
    source_id: uuid.UUID, annotator_id: uuid.UUID, label_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, Score]:
    """The annotator's scores of the source outside of any queue, by label."""
    live = Score.objects.filter(
        source_id=source_id,
        annotator_id=annotator_id,
        label_id__in=list(label_ids),
        queue_item=None,
        deleted_at=None,
    )
    return {score.label_id: score for score in live}


def write_scores(scores: Sequence[Score], *, replaced_by: uuid.UUID) -> None:
    """Insert the new ones and overwrite the others, whose old selves become revisions first; two statements."""
    known = [score for score in scores if not score._state.adding]
    rows = [{column: getattr(score, column) for column in COLUMNS} for score in scores]
    with connection.cursor() as cursor:
        if known:
            _keep_revisions(cursor, [score.pk for score in known], "overwritten", replaced_by, known[0].updated_at)
        cursor.execute(UPSERT, [exact_json.dumps(rows)])


def revive_scores(scores: Sequence[Score]) -> None:
    """Bring deleted scores back as they are given."""
    rows = [{column: getattr(score, column) for column in COLUMNS} for score in scores]
    with connection.cursor() as cursor:
        cursor.execute(REVIVE, [exact_json.dumps(rows)])


def delete_rows(score_ids: Sequence[uuid.UUID], *, deleted_by: uuid.UUID, now: datetime) -> None:
    """Delete softly; what the scores said last becomes revisions."""
    with connection.cursor() as cursor:
        _keep_revisions(cursor, score_ids, "deleted", deleted_by, now)
        cursor.execute(DELETE, {"now": now, "ids": list(score_ids)})


def _keep_revisions(
    cursor: CursorWrapper, score_ids: Sequence[uuid.UUID], action: str, replaced_by: uuid.UUID, now: datetime
) -> None:
    rows = exact_json.dumps([{"id": new_id(), "score_id": score_id} for score_id in score_ids])
    cursor.execute(KEEP_REVISIONS, {"rows": rows, "action": action, "replaced_by": replaced_by, "now": now})
