"""Reads of scores and their history."""

import uuid

from django.db.models import QuerySet, Subquery

from modelhub.accounts.people import Actor
from modelhub.core.errors import NotFound
from modelhub.core.models import LIVE
from modelhub.core.structs import StructRows, columns_of
from modelhub.scores.models import Score, ScoreRevision
from modelhub.scores.rows import RevisionRow, ScoreRow
from modelhub.sources.models import Source
from modelhub.sources.refs import SourceRef


class ScoreRows(StructRows[ScoreRow]):
    struct = ScoreRow


class RevisionRows(StructRows[RevisionRow]):
    struct = RevisionRow


def live_scores(actor: Actor) -> QuerySet[Score]:
    """Return the live scores that the actor may see, as models."""
    return Score.objects.filter(LIVE, actor.visible)


def get_rows(actor: Actor) -> QuerySet[Score, ScoreRow]:
    """Return the live scores that the actor may see, to be filtered and ordered."""
    return ScoreRows(Score).filter(LIVE, actor.visible).values_list(*columns_of(ScoreRow))


def get_rows_of_source(actor: Actor, ref: SourceRef) -> QuerySet[Score, ScoreRow]:
    """Return the live scores of one source.

    The source is a subquery and not a join: while tables are new and have no statistics, a join could read all scores.
    """
    found = Source.objects.filter(
        organization_id=actor.user.organization_id, source_type=ref.source_type, source_key=ref.key
    ).values("pk")
    return get_rows(actor).filter(source_id=Subquery(found))


def get_row(*, actor: Actor, score_id: uuid.UUID) -> ScoreRow:
    """Return one live score, or raise `NotFound`."""
    row = get_rows(actor).filter(pk=score_id).first()
    if row is None:
        raise score_not_found(score_id)
    return row


def get_history(*, actor: Actor, score_id: uuid.UUID) -> QuerySet[ScoreRevision, RevisionRow]:
    """Return the replaced values of a score, live or deleted, newest first.

    Raise `NotFound`.
    """
    if not Score.objects.filter(actor.visible, pk=score_id).exists():
        raise score_not_found(score_id)
    revisions = RevisionRows(ScoreRevision).filter(organization_id=actor.user.organization_id, score_id=score_id)
    return revisions.order_by("-created_at", "-id").values_list(*columns_of(RevisionRow))


def score_not_found(score_id: object) -> NotFound:
    """Return the error of a missing, deleted, foreign or invisible score."""
    return NotFound(f"Score not found: {score_id}", code="score_not_found")
