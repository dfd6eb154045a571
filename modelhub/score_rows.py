"""The statements that write scores. Whoever calls them holds the lock of the source."""

import uuid
from collections.abc import Iterable, Sequence

from django.db import connection

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
    (id, organization_id, score_id, value, score_source, notes, replaced_by_id, created_at)
SELECT given.id, score.organization_id, score.id, score.value, score.score_source, score.notes,
       given.replaced_by_id, given.replaced_at
FROM json_to_recordset(%s::json) AS given
    (id uuid, score_id uuid, replaced_by_id uuid, replaced_at timestamptz)
JOIN modelhub_score AS score ON score.id = given.score_id
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


def write_scores(scores: Sequence[Score]) -> None:
    """Insert the new ones and overwrite the others, whose old selves become revisions first; two statements."""
    replaced = [
        {
            "id": new_id(),
            "score_id": score.pk,
            "replaced_by_id": score.annotator_id,
            "replaced_at": score.updated_at,
        }
        for score in scores
        if not score._state.adding
    ]
    rows = [{column: getattr(score, column) for column in COLUMNS} for score in scores]
    with connection.cursor() as cursor:
        if replaced:
            cursor.execute(KEEP_REVISIONS, [exact_json.dumps(replaced)])
        cursor.execute(UPSERT, [exact_json.dumps(rows)])
