"""Verbs that correct a score or take it away. Each keeps what was said before, and who changed it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from modelhub.accounts.people import Actor
from modelhub.core.errors import Forbidden, Invalid, TooLarge
from modelhub.core.exact_json import same
from modelhub.core.ids import parse_uuid
from modelhub.core.savepoints import write_what_is_accepted
from modelhub.core.text import show
from modelhub.core.transactions import in_one_transaction
from modelhub.labels.locks import keep_labels
from modelhub.labels.rows import LabelView
from modelhub.scores.entries import check_notes, check_score_source, check_value_of, describe
from modelhub.scores.models import Score
from modelhub.scores.queries import find_score, not_found, scores_of
from modelhub.scores.statements import delete_rows, overwrite_scores
from modelhub.sources.models import Source

CHANGES = ("value", "notes", "score_source")
NOT_YOURS = "A score is changed or deleted by its annotator or an admin of the organization"
NOBODYS = uuid.UUID(int=0)


@in_one_transaction
def update_score(*, actor: Actor, score_id: uuid.UUID, changes: Mapping[str, Any]) -> Score:
    """Correct the value, notes or score source of a score; what changes nothing is not written.

    Raises `NotFound`, `Forbidden` for somebody else's score, `Invalid` for a value that the label refuses.
    """
    score = _lock_score(actor, score_id)
    wanted = _check_changes(score, changes)
    if all(same(getattr(score, name), value) for name, value in wanted.items()):
        return score
    for name, value in wanted.items():
        setattr(score, name, value)
    score.updated_at = _later_than(score.updated_at)

    def write(batch: Sequence[Score]) -> None:
        overwrite_scores(batch, replaced_by=actor.user.pk, now=score.updated_at)

    if write_what_is_accepted([score], write):
        raise Invalid(f"{describe(score.label)}: the database refused this score", code="database_refused")
    return score


def _check_changes(score: Score, changes: Mapping[str, Any]) -> dict[str, Any]:
    wanted = dict(changes)
    if "value" in wanted:
        wanted["value"] = check_value_of(LabelView.of(score.label), wanted["value"])
    if "notes" in wanted:
        wanted["notes"] = check_notes(wanted["notes"]) or ""
    if "score_source" in wanted:
        wanted["score_source"] = check_score_source(wanted["score_source"])
    return wanted


def _later_than(before: datetime) -> datetime:
    """Now, or right after the change before this one where another machine's clock is a little ahead."""
    now = timezone.now()
    return before + timedelta(microseconds=1) if now <= before <= now + timedelta(minutes=1) else now


def _lock_score(actor: Actor, score_id: uuid.UUID) -> Score:
    """The score as it is once nobody else writes scores of its source, nor changes its label."""
    organization_id = actor.user.organization_id
    score = find_score(organization_id=organization_id, score_id=score_id)
    keep_labels(organization_id)
    Source.objects.select_for_update(no_key=True).get(pk=score.source_id)
    score = find_score(organization_id=organization_id, score_id=score_id)
    if not actor.may_change(score.annotator_id):
        raise Forbidden(NOT_YOURS)
    return score


@in_one_transaction
def delete_score(*, actor: Actor, score_id: uuid.UUID) -> None:
    """Delete softly: the row and its history stay. Raises `NotFound`, and `Forbidden` for somebody else's."""
    score = _lock_score(actor, score_id)
    delete_rows([score.pk], deleted_by=actor.user.pk, now=timezone.now())


@dataclass(slots=True)
class Deleted:
    """What came of a bulk delete: how many are gone, and why the others are not, by their index."""

    count: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)


@in_one_transaction
def delete_scores_by_id(*, actor: Actor, ids: Sequence[object]) -> Deleted:
    """Delete the scores of these ids; what cannot be deleted is told by its index and costs the others nothing.

    Raises `TooLarge` above `MODELHUB_MAX_SCORES`.
    """
    if len(ids) > settings.MAX_SCORES:
        raise TooLarge(f"At most {settings.MAX_SCORES} ids a request, got {len(ids)}", code="too_many_scores")
    outcome = Deleted()
    chosen: dict[uuid.UUID, int] = {}
    wanted = [pk for pk in map(parse_uuid, ids) if pk]
    found = {score.pk: score for score in _lock_all(scores_of(actor.user.organization_id).filter(pk__in=wanted))}
    for index, text in enumerate(ids):
        score = found.get(parse_uuid(text) or NOBODYS)
        if score is None:
            outcome.errors.append((index, str(not_found(show(text).strip('"')))))
        elif not actor.may_change(score.annotator_id):
            outcome.errors.append((index, f"Score {score.pk} is not yours: a{NOT_YOURS[1:]}"))
        elif score.pk in chosen:
            outcome.errors.append((index, f"Score {score.pk} is already named by ids[{chosen[score.pk]}]"))
        else:
            chosen[score.pk] = index
    outcome.count = _delete_all(actor, list(chosen))
    return outcome


@in_one_transaction
def delete_scores_matching(*, actor: Actor, rows: QuerySet[Score]) -> Deleted:
    """Delete all of these live scores, or none: raises `Forbidden` when some are not the actor's to delete."""
    found = _lock_all(rows)
    if theirs := sum(not actor.may_change(score.annotator_id) for score in found):
        raise Forbidden(f"{theirs} of the {len(found)} scores that match are not yours to delete; nothing was")
    return Deleted(_delete_all(actor, [score.pk for score in found]))


def _lock_all(rows: QuerySet[Score]) -> list[Score]:
    """These scores, once nobody else writes scores of their sources.

    Sources are locked in one order everywhere, so that two who lock many never wait in a circle.
    """
    sources = Source.objects.filter(pk__in=rows.order_by().values("source_id")).order_by("source_type", "source_key")
    locked = [source.pk for source in sources.select_for_update(no_key=True)]
    return list(rows.filter(source_id__in=locked).select_related(None).only("id", "annotator_id"))


def _delete_all(actor: Actor, score_ids: Sequence[uuid.UUID]) -> int:
    if score_ids:
        delete_rows(score_ids, deleted_by=actor.user.pk, now=timezone.now())
    return len(score_ids)
