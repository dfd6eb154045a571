"""Corrections and deletions of scores; revisions keep the replaced values."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Case, DateTimeField, Exists, F, OuterRef, QuerySet, Value, When
from django.db.models.functions import Greatest

from modelhub.accounts.models import User
from modelhub.accounts.people import Actor
from modelhub.core import clock
from modelhub.core.errors import Conflict, Forbidden, Invalid, TooLarge
from modelhub.core.exact_json import same
from modelhub.core.ids import parse_uuid
from modelhub.core.models import LIVE
from modelhub.core.text import show
from modelhub.core.transactions import in_transaction, is_refusal, repeat_aborted
from modelhub.labels.locks import share_labels
from modelhub.labels.rules import LabelRule
from modelhub.scores.entries import CONTENT_RULES
from modelhub.scores.models import Score
from modelhub.scores.queries import get_row, live_scores, score_not_found
from modelhub.scores.rows import ScoreRow
from modelhub.scores.statements import keep_revisions, later_than
from modelhub.sources.models import Source

# A statement of PostgreSQL has at most 65,535 parameters; an item may have many scores.
DELETED_AT_ONCE = 20_000
CHANGES = ("value", *CONTENT_RULES)
OF_QUEUE = "belongs to an item of an annotation queue: change it with submit on its item, or as an admin"
NOT_YOURS = "A score is changed or deleted by its annotator or an admin of the organization"


@repeat_aborted
@in_transaction
def update_score(*, actor: Actor, score_id: uuid.UUID, changes: Mapping[str, Any]) -> ScoreRow:
    """Correct the value, notes or score source; equal values are not written.

    Raise `NotFound`, `Forbidden` for another annotator's score, `Invalid` for a value that the label rejects.
    """
    score = _lock_score(actor, score_id)
    label = LabelRule.of(score.label)
    rules = {"value": label.check, **CONTENT_RULES}
    changes = {name: rule(changes[name]) for name, rule in rules.items() if name in changes}
    if not all(same(getattr(score, name), value) for name, value in changes.items()):
        try:
            _overwrite(score, changes, user=actor.user)
        except DatabaseError as error:
            if not is_refusal(error):
                raise
            raise Invalid(f"{label}: the database refused this score", code="database_refused") from error
    return get_row(actor=actor, score_id=score.pk)


def _overwrite(score: Score, changes: Mapping[str, Any], *, user: User) -> None:
    now = later_than(score.updated_at)
    keep_revisions([score.pk], action="overwritten", user=user, now=now)
    Score.objects.filter(organization_id=score.organization_id, pk=score.pk).update(
        **changes, updated_at=now, updated_by=_updated_by(user)
    )


def _updated_by(user: User) -> Case:
    """Return the expression of `updated_by` after a change: null for the annotator."""
    return Case(When(annotator=user, then=None), default=Value(user.pk))


def _lock_score(actor: Actor, score_id: uuid.UUID) -> Score:
    """Return a live score; lock its source and the labels until the transaction ends."""
    organization_id = actor.user.organization_id
    scores = live_scores(actor).select_related("label")
    source_id = scores.filter(pk=score_id).values_list("source_id", flat=True).first()
    share_labels(organization_id)
    lock_sources(organization_id, [source_id])
    score = scores.filter(pk=score_id).first()
    if score is None:
        raise score_not_found(score_id)
    if not actor.may_change(score.annotator_id):
        raise Forbidden(f"{NOT_YOURS}; {actor.missing_right}")
    if score.queue_item and actor.missing_right:
        raise Conflict(f"Score {score.pk} {OF_QUEUE}; {actor.missing_right}", code="queue_score")
    return score


def lock_sources(organization_id: uuid.UUID, source_ids: Any) -> list[uuid.UUID]:
    """Lock sources in the order of their keys, which avoids deadlocks."""
    sources = Source.objects.filter(organization_id=organization_id, pk__in=source_ids)
    ordered = sources.order_by("source_type", "source_key").select_for_update(no_key=True)
    return list(ordered.values_list("pk", flat=True))


@repeat_aborted
@in_transaction
def delete_score(*, actor: Actor, score_id: uuid.UUID) -> None:
    """Delete softly: the row and its history stay. Raise `NotFound`, `Forbidden`."""
    _delete(actor, [_lock_score(actor, score_id).pk])


@repeat_aborted
@in_transaction
def delete_scores_by_id(*, actor: Actor, ids: Sequence[object]) -> tuple[int, list[str]]:
    """Delete scores by id. Return their number, and a sentence for each other id.

    Raise `TooLarge` above `MODELHUB_MAX_SCORES`.
    """
    if len(ids) > settings.MAX_SCORES:
        raise TooLarge(
            f"At most {settings.MAX_SCORES} ids a request, got {len(ids)}", code="too_many_scores", field="ids"
        )
    parsed = [parse_uuid(text) for text in ids]
    found = _lock_scores(actor, live_scores(actor).filter(pk__in=[pk for pk in parsed if pk]))
    known = {score.pk: score for score in found}
    chosen: dict[uuid.UUID, int] = {}
    errors = []
    for index, (text, pk) in enumerate(zip(ids, parsed, strict=True)):
        if pk is None or pk not in known:
            not_found = score_not_found(show(text).strip('"'))
            errors.append(f"ids[{index}]: {not_found}")
        elif not actor.may_change(known[pk].annotator_id):
            errors.append(f"ids[{index}]: Score {pk} is not yours: a{NOT_YOURS[1:]}; {actor.missing_right}")
        elif known[pk].queue_item and actor.missing_right:
            errors.append(f"ids[{index}]: Score {pk} {OF_QUEUE}; {actor.missing_right}")
        elif pk in chosen:
            errors.append(f"ids[{index}]: Score {pk} is already named by ids[{chosen[pk]}]")
        else:
            chosen[pk] = index
    return _delete(actor, list(chosen)), errors


@repeat_aborted
@in_transaction
def delete_scores_matching(*, actor: Actor, scores: QuerySet[Score]) -> int:
    """Delete all of these live scores, or none and raise `Forbidden` or `Conflict`."""
    found = _lock_scores(actor, scores)
    if theirs := sum(not actor.may_change(score.annotator_id) for score in found):
        raise Forbidden(
            f"Nothing was deleted: of the {len(found)} scores that match, {theirs} are not yours; {actor.missing_right}"
        )
    if actor.missing_right and (held := sum(score.queue_item is not None for score in found)):
        sentence = f"Nothing was deleted: of the {len(found)} scores that match, {held} are of annotation queues"
        raise Conflict(f"{sentence}; {actor.missing_right}", code="queue_score")
    return _delete(actor, [score.pk for score in found])


@in_transaction
def take_scores_out(*, actor: Actor, items: QuerySet[Any]) -> None:
    """Take scores out of items that will be deleted; lock their sources.

    The annotator's score of the same source and label outside of queues wins: the item's is deleted.
    """
    organization_id = actor.user.organization_id
    scores = Score.objects.filter(organization_id=organization_id, queue_item__in=items)
    lock_sources(organization_id, scores.order_by().values("source_id"))
    like = {name: OuterRef(name) for name in ("source", "label", "annotator", "organization")}
    outside = Score.objects.filter(LIVE, **like, queue_item=None)
    _delete(actor, list(scores.filter(LIVE, Exists(outside)).values_list("pk", flat=True)))
    moment = Value(clock.now(), DateTimeField())
    scores.update(queue_item=None, queue_id=None, updated_at=Greatest(moment, F("updated_at")))


@in_transaction
def delete_scores_of_items(*, actor: Actor, sources: Mapping[uuid.UUID, uuid.UUID]) -> int:
    """Delete the scores of items of queues, which map to their sources.

    The caller has locked the items, and the actor may remove them. Scores are found by their sources: no index begins
    with the item.
    """
    organization_id = actor.user.organization_id
    locked = lock_sources(organization_id, list(sources.values()))
    scores = Score.objects.filter(LIVE, organization_id=organization_id, source_id__in=locked)
    return _delete(actor, list(scores.filter(queue_item__in=list(sources)).values_list("pk", flat=True)))


def _lock_scores(actor: Actor, scores: QuerySet[Score]) -> list[Score]:
    """Return scores with id, annotator and item only; lock their sources."""
    locked = lock_sources(actor.user.organization_id, scores.order_by().values("source_id"))
    return list(scores.filter(source_id__in=locked).only("id", "annotator_id", "queue_item"))


def _delete(actor: Actor, score_ids: Sequence[uuid.UUID]) -> int:
    now = clock.now()
    for at in range(0, len(score_ids), DELETED_AT_ONCE):
        batch = score_ids[at : at + DELETED_AT_ONCE]
        keep_revisions(batch, action="deleted", user=actor.user, now=now)
        scores = Score.objects.filter(organization_id=actor.user.organization_id, pk__in=batch)
        scores.update(deleted_at=now, updated_at=now, updated_by=_updated_by(actor.user))
    return len(score_ids)
