"""What there is before a request is judged: its labels, and the scores that are stored by them.

Whoever calls this holds the lock of the source and keeps the labels (`sources.find_source`).
"""

from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from typing import Any

from django.db import connection

from modelhub import exact_json
from modelhub.known_labels import KNOWN_LABELS
from modelhub.models import Source, User
from modelhub.score_views import TIME, LabelView, ScoreView, ViewMaker, view_maker
from modelhub.values import Rule, rule_of

VERSION = "(SELECT version::text FROM modelhub_labelversion WHERE organization_id = %(organization_id)s)"
SCORE = f"""
    score.id::text, score.value::text, score.score_source, score.notes,
    {TIME.format("score.created_at")}, {TIME.format("score.updated_at")}
"""

# By the labels that are known: always a row, for the version's sake.
SCORES = f"""
SELECT {VERSION}, score.label_id::text, {SCORE}
FROM (SELECT) AS once
LEFT JOIN modelhub_score AS score
    ON source_id = %(source_id)s AND annotator_id = %(annotator_id)s AND label_id = ANY(%(label_ids)s::uuid[])
    AND queue_item IS NULL AND deleted_at IS NULL
"""  # noqa: S608

# Found by the ids one by one (LATERAL … OFFSET 0): a plan that joined all scores would be right while the table is
# small, and kept while it grows.
LABELS_AND_SCORES = f"""
SELECT {VERSION}, label.id::text, {SCORE},
       label.name, label.type, label.settings::text, label.deleted_at IS NOT NULL
FROM modelhub_label AS label
LEFT JOIN LATERAL (
    SELECT * FROM modelhub_score
    WHERE source_id = %(source_id)s AND label_id = label.id AND annotator_id = %(annotator_id)s
        AND queue_item IS NULL AND deleted_at IS NULL
    OFFSET 0
) AS score ON true
WHERE label.organization_id = %(organization_id)s AND label.id = ANY(%(label_ids)s::uuid[])
"""  # noqa: S608
# Where the label begins in a row of it, behind the version, the label's id and the score.
LABEL = 8


def read_labels_and_scores(
    source: Source, annotator: User, label_ids: Set[str]
) -> tuple[Mapping[str, LabelView], dict[str, ScoreView]]:
    """The organization's labels, at least those among these, deleted ones included; and the annotator's live scores.

    Scores are those by these labels, outside of any queue. Both are by the id of the label. One statement; a second
    one where a label has changed since this process read it.
    """
    parameters = {
        "source_id": source.pk,
        "annotator_id": annotator.pk,
        "organization_id": source.organization_id,
        # An array as PostgreSQL spells it: ids in their one spelling need no quotes.
        "label_ids": f"{{{','.join(label_ids)}}}",
    }
    view = view_maker(source, annotator)
    known = KNOWN_LABELS.of(source.organization_id)
    if label_ids <= known.labels.keys():
        rows = _fetch(SCORES, parameters)
        if rows[0][0] == known.version:
            return known.labels, _scores(rows, known.labels, view)
    rows = _fetch(LABELS_AND_SCORES, parameters)
    labels = {row[1]: _label(row[1], *row[LABEL:]) for row in rows}
    if rows:
        KNOWN_LABELS.keep(source.organization_id, rows[0][0], labels)
    return labels, _scores(rows, labels, view)


def _fetch(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _label(label_id: str, name: str, label_type: str, settings: str, deleted: bool) -> LabelView:
    return LabelView(label_id, name, label_type, deleted, _rule(label_type, settings))


@lru_cache(maxsize=10_000)
def _rule(label_type: str, settings: str) -> Rule:
    """Equal settings have one rule whichever label they belong to."""
    return rule_of(label_type, exact_json.loads(settings))


def _scores(rows: Sequence[tuple[Any, ...]], labels: Mapping[str, LabelView], view: ViewMaker) -> dict[str, ScoreView]:
    """Those that are there, by the ids of their labels."""
    return {
        label_id: view(score_id, labels[label_id], exact_json.loads(value), *others)
        for label_id, score_id, value, *others in (row[1:LABEL] for row in rows)
        if score_id
    }
