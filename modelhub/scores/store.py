"""The statement that stores the scores of a request: a function in the database (migration 0007), called here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import connection

from modelhub.accounts.models import User
from modelhub.core import exact_json
from modelhub.labels.locks import labels_lock
from modelhub.sources.refs import SourceRef

CALL = """modelhub_store_scores(
    %(labels_lock)s, %(labels_version)s, %(organization_id)s, %(source_type)s, %(source_key)s, %(annotator_id)s,
    %(ids)s, %(label_ids)s, %(rest)s
)"""
STORE = f"SELECT * FROM {CALL}"  # noqa: S608


class LabelsChanged(Exception):
    """Some label of the organization is not what it was when the scores were judged; nothing was stored."""


class SourceMissing(Exception):
    """The organization has no such source; nothing was stored."""


class WantedScore(msgspec.Struct, frozen=True, gc=False):
    """A score as it is asked for. `notes` of `None` leave those that are stored alone.

    `id` becomes that of the score if it is new, and else that of the revision that keeps what it said.
    """

    id: str
    label_id: str
    value: dict[str, Any]
    score_source: str
    notes: str | None


class StoredScore(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What the request does not know of a score that was there before it, as it is now. Times are text.

    `value` is JSON: what is stored where nothing `changed`, and null where it is what was asked for.
    """

    label_id: str
    id: str
    changed: bool
    value: msgspec.Raw
    notes: str
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What came of it: the source's id as it was registered, the time, and the scores that were there, by label."""

    source_id: str
    moment: str
    before: dict[str, StoredScore]


class _Rest(msgspec.Struct, gc=False):
    """What of a score travels as JSON."""

    value: dict[str, Any]
    score_source: str
    notes: str | None


_decoder = msgspec.json.Decoder(list[StoredScore])


def store_scores(
    wanted: Sequence[WantedScore],
    *,
    annotator: User,
    ref: SourceRef,
    labels_version: str | None,
) -> Stored:
    """Store the annotator's scores of one source, or nothing; one statement.

    New ones are inserted; those that are there and differ are overwritten, and what they said becomes revisions. Nobody
    else writes scores of this source meanwhile, nor changes a label. No two are of one label; without any, only
    the source and the version of the labels are looked at. Raises `SourceMissing`, and `LabelsChanged` when
    `labels_version` is not the current one; `None` is for who keeps the labels already (`locks.keep_labels`).
    """
    parameters: dict[str, Any] = {
        "labels_lock": labels_lock(annotator.organization_id),
        "labels_version": labels_version,
        "organization_id": annotator.organization_id,
        "source_type": ref.source_type,
        "source_key": ref.key,
        "annotator_id": annotator.pk,
        "ids": _as_array([score.id for score in wanted]),
        "label_ids": _as_array([score.label_id for score in wanted]),
        "rest": exact_json.encode([_Rest(score.value, score.score_source, score.notes) for score in wanted]).decode(),
    }
    with connection.cursor() as cursor:
        cursor.execute(STORE, parameters)
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 - a function with OUT parameters returns one row
    outcome, source_id, moment, before = row
    if outcome == "source_not_found":
        raise SourceMissing
    if outcome == "labels_changed":
        raise LabelsChanged
    before = _decoder.decode(before) if before else []
    return Stored(source_id, moment, {score.label_id: score for score in before})


def _as_array(ids: list[str]) -> str:
    """An array as PostgreSQL spells it: ids in their one spelling need no quotes."""
    return f"{{{','.join(ids)}}}"
