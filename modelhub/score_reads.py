"""What there is before a request is judged: its labels, and the scores that are stored by them.

Whoever calls this holds the lock of the source and keeps the labels (`sources.find_source`).
"""

from collections.abc import Mapping, Set
from typing import Any

from django.db import connection

from modelhub import exact_json
from modelhub.known_labels import KNOWN_LABELS, VERSION, as_array
from modelhub.models import Source, User
from modelhub.score_views import TIME, LabelView, ScoreView, view_maker

# Always a row, for the version's sake. What is looked for stands in subqueries, so that the planner does not see it:
# with few labels it would plan each request anew, which takes longer than all the rest. And as no organization is
# named, no index but that of the unique constraint can serve (models.LISTED), whatever the statistics do not know.
SCORES = f"""
SELECT {VERSION}, score.label_id::text, score.id::text, score.value::text, score.score_source, score.notes,
       {TIME.format("score.created_at")}, {TIME.format("score.updated_at")}
FROM (SELECT) AS once
LEFT JOIN modelhub_score AS score
    ON source_id = (SELECT %(source_id)s::uuid) AND annotator_id = (SELECT %(annotator_id)s::uuid)
    AND label_id = ANY(ARRAY(SELECT unnest(%(label_ids)s::uuid[])))
    AND queue_item IS NULL AND deleted_at IS NULL
"""  # noqa: S608


def read_labels_and_scores(
    source: Source, annotator: User, label_ids: Set[str]
) -> tuple[Mapping[str, LabelView], dict[str, ScoreView]]:
    """The organization's labels, deleted ones included, and the annotator's live scores of the source by these.

    Labels are at least those of `label_ids` that there are; scores are those outside of any queue. Both are by the id
    of the label. One statement, and one more where a label has changed since this process read them.
    """
    parameters: dict[str, Any] = {
        "source_id": source.pk,
        "annotator_id": annotator.pk,
        "organization_id": source.organization_id,
        "label_ids": as_array(label_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(SCORES, parameters)
        rows = cursor.fetchall()
    labels = KNOWN_LABELS.find(source.organization_id, rows[0][0], label_ids)
    view = view_maker(source, annotator)
    scores = {
        label_id: view(score_id, labels[label_id], exact_json.loads(value), *others)
        for _, label_id, score_id, value, *others in rows
        if label_id
    }
    return labels, scores
