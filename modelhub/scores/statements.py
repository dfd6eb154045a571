"""Statements that write scores: one per request, with all rows as JSON."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from django.db import connection

from modelhub.accounts.models import User
from modelhub.core import clock, exact_json
from modelhub.core.ids import new_id_text
from modelhub.core.sql import read_sql
from modelhub.core.transactions import in_autocommit
from modelhub.labels.rules import LabelRule
from modelhub.scores.entries import ScoreContent
from modelhub.sources.refs import SourceRef

STORE_SCORES = read_sql("scores", "call_store_scores")
KEEP_REVISIONS = read_sql("scores", "keep_revisions")
WRITE_SCORES = read_sql("scores", "write_scores")


class Draft(msgspec.Struct, frozen=True, gc=False):
    """The score that the entry at `index` becomes, if the database accepts it.

    `id` becomes the id of a new score, or of the revision of an existing one.
    """

    index: int
    id: str
    label: LabelRule
    content: ScoreContent


class Author(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A user as scores name it."""

    id: str
    name: str
    email: str


class ScoreBefore(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A score that existed before the request, as it is stored now.

    `value` is JSON: the stored value of an unchanged score, null for a changed one. `updated_by` is None for the
    annotator.
    """

    label_id: str
    id: str
    changed: bool
    value: msgspec.Raw
    notes: str
    created_at: str
    updated_at: str
    updated_by: Author | None


@dataclass(frozen=True, slots=True)
class StoreResult:
    """The outcome of `store_scores`; nothing was stored unless it is "stored".

    `source_id` is the id as it was registered, `moment` the time of new scores as ISO 8601 text, `before` the existing
    scores by label.
    """

    outcome: Literal["stored", "labels_changed", "source_not_found", "refused"]
    source_id: str = ""
    moment: str = ""
    before: Mapping[str, ScoreBefore] = field(default_factory=dict)


_decode_before = msgspec.json.Decoder(list[ScoreBefore]).decode


@in_autocommit
def store_scores(
    drafts: Sequence[Draft],
    *,
    annotator: User,
    ref: SourceRef,
    queue_item: uuid.UUID | None,
    queue_id: uuid.UUID | None,
    labels_version: str | None,
) -> StoreResult:
    """Store an annotator's scores of one source with one statement.

    The source's row is locked; new scores are inserted, different ones overwritten and their old values kept as
    revisions, equal ones left alone. Scores of an item of a queue are apart
    from all others. Without drafts only the source and the labels' version are checked.
    `labels_version` of None: the caller holds the lock of the labels. Raise `DatabaseError` for a refused row.
    """
    parameters: dict[str, Any] = {
        "labels_version": labels_version,
        "organization_id": annotator.organization_id,
        "source_type": ref.source_type,
        "source_key": ref.key,
        "annotator_id": annotator.pk,
        "queue_item": queue_item,
        "queue_id": queue_id,
        # Arrays as PostgreSQL writes them: UUIDs need no quotes.
        "ids": f"{{{','.join([draft.id for draft in drafts])}}}",
        "label_ids": f"{{{','.join([draft.label.id for draft in drafts])}}}",
        "contents": exact_json.dumps([draft.content for draft in drafts]),
    }
    with connection.cursor() as cursor:
        cursor.execute(STORE_SCORES, parameters)
        [(outcome, source_id, moment, before)] = cursor.fetchall()
    scores = _decode_before(before) if before else []
    return StoreResult(outcome, source_id, moment, {score.label_id: score for score in scores})


def later_than(before: datetime) -> datetime:
    """Return now, or the moment after `before` up to a minute ahead.

    `before` may come from the clock of another machine.
    """
    now = clock.now()
    return before + timedelta(microseconds=1) if now <= before <= now + timedelta(minutes=1) else now


def keep_revisions(
    score_ids: Iterable[uuid.UUID], *, action: Literal["overwritten", "deleted"], user: User, now: datetime
) -> None:
    """Copy the values that `user` replaces into revisions; sources must be locked."""
    parameters: dict[str, Any] = {
        "rows": exact_json.dumps([{"id": new_id_text(), "score_id": score_id} for score_id in score_ids]),
        "organization_id": user.organization_id,
        "action": action,
        "replaced_by": user.pk,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(KEEP_REVISIONS, parameters)


def write_scores(rows: Sequence[msgspec.Struct], *, organization_id: uuid.UUID) -> set[uuid.UUID]:
    """Insert scores or overwrite them by id; their sources must be locked.

    Return the written ids: those of another organization's scores are left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(WRITE_SCORES, {"rows": exact_json.dumps(rows), "organization_id": organization_id})
        return {row[0] for row in cursor.fetchall()}
