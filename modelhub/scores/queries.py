"""Scores, read: which there are, one of them, what it said before."""

import uuid
from functools import cache

from django.db.models import QuerySet, Subquery

from modelhub.core.errors import NotFound
from modelhub.core.models import LIVE
from modelhub.scores.models import Score, ScoreRevision
from modelhub.scores.rows import ScoreView, as_views
from modelhub.sources.models import Source
from modelhub.sources.refs import SourceRef


def scores_of(organization_id: uuid.UUID) -> QuerySet[Score]:
    """The organization's live scores with all that an answer shows of them, in one statement."""
    return Score.objects.filter(LIVE, organization_id=organization_id).select_related("source", "label", "annotator")


def views_of(organization_id: uuid.UUID) -> QuerySet[Score, ScoreView]:
    """The same, read as views: for what only shows them."""
    return _views().filter(organization_id=organization_id)


def views_of_source(organization_id: uuid.UUID, ref: SourceRef) -> QuerySet[Score, ScoreView]:
    """Those of one source, which is of the organization, and so are they (a foreign key says it).

    Neither a join nor their own organization leads to them: while the tables are new and have no statistics, either
    could be taken for the way through all scores.
    """
    found = Source.objects.filter(
        organization_id=organization_id, source_type=ref.source_type, source_key=ref.key
    ).values("pk")
    return _views().filter(source_id=Subquery(found))


@cache
def _views() -> QuerySet[Score, ScoreView]:
    """What all such queries begin with, made once."""
    return as_views(Score.objects.filter(LIVE))


def view_score(*, organization_id: uuid.UUID, score_id: uuid.UUID) -> ScoreView:
    """One live score as a view; raises `NotFound`."""
    view = views_of(organization_id).filter(pk=score_id).first()
    if view is None:
        raise not_found(score_id)
    return view


def find_score(*, organization_id: uuid.UUID, score_id: uuid.UUID) -> Score:
    """One live score; raises `NotFound`."""
    score = scores_of(organization_id).filter(pk=score_id).first()
    if score is None:
        raise not_found(score_id)
    return score


def not_found(score_id: object) -> NotFound:
    """The refusal of a score that does not exist, is deleted, or is another organization's."""
    return NotFound(f"Score not found: {score_id}", code="score_not_found")


def history_of(*, organization_id: uuid.UUID, score_id: uuid.UUID) -> QuerySet[ScoreRevision]:
    """What a score said before, newest first; also of a deleted one. Raises `NotFound` for one that never was."""
    if not Score.objects.filter(organization_id=organization_id, pk=score_id).exists():
        raise not_found(score_id)
    return ScoreRevision.objects.filter(score_id=score_id).select_related("replaced_by").order_by("-created_at", "-id")
