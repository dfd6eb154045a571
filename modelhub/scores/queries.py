"""Reads of scores and their history."""

import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
from django.db.models import QuerySet, Subquery

from modelhub.core.errors import NotFound
from modelhub.core.models import LIVE
from modelhub.core.structs import columns_of
from modelhub.scores.models import Score, ScoreRevision
from modelhub.scores.rows import ScoreRow
from modelhub.sources.models import Source
from modelhub.sources.refs import SourceRef

COLUMNS = columns_of(ScoreRow)
VALUE = ScoreRow.__struct_fields__.index("value")


class ScoreRows(QuerySet[Score, ScoreRow]):
    """Live scores as `ScoreRow`, without a model per row."""

    def __iter__(self) -> Iterator[ScoreRow]:
        for row in super().__iter__():
            columns: list[Any] = [*row]  # type: ignore[misc] # the stubs do not know values_list() of a subclass
            columns[VALUE] = msgspec.Raw(columns[VALUE].encode())
            yield ScoreRow(*columns)


def live_scores(organization_id: uuid.UUID) -> QuerySet[Score]:
    """Return the organization's live scores as models."""
    return Score.objects.filter(LIVE, organization_id=organization_id)


def get_rows(organization_id: uuid.UUID) -> QuerySet[Score, ScoreRow]:
    """Return the organization's live scores, to be filtered and ordered."""
    return ScoreRows(Score).filter(LIVE, organization_id=organization_id).values_list(*COLUMNS)


def get_rows_of_source(organization_id: uuid.UUID, ref: SourceRef) -> QuerySet[Score, ScoreRow]:
    """Return the live scores of one source.

    The source is a subquery and not a join: while tables are new and have no statistics, a join could read all scores.
    """
    found = Source.objects.filter(
        organization_id=organization_id, source_type=ref.source_type, source_key=ref.key
    ).values("pk")
    return get_rows(organization_id).filter(source_id=Subquery(found))


def get_row(*, organization_id: uuid.UUID, score_id: uuid.UUID) -> ScoreRow:
    """Return one live score, or raise `NotFound`."""
    row = get_rows(organization_id).filter(pk=score_id).first()
    if row is None:
        raise score_not_found(score_id)
    return row


def get_history(*, organization_id: uuid.UUID, score_id: uuid.UUID) -> QuerySet[ScoreRevision]:
    """Return the replaced values of a score, live or deleted, newest first.

    Raise `NotFound`.
    """
    if not Score.objects.filter(organization_id=organization_id, pk=score_id).exists():
        raise score_not_found(score_id)
    revisions = ScoreRevision.objects.filter(organization_id=organization_id, score_id=score_id)
    return revisions.select_related("replaced_by").order_by("-created_at", "-id")


def score_not_found(score_id: object) -> NotFound:
    """Return the error of a missing, deleted or foreign score."""
    return NotFound(f"Score not found: {score_id}", code="score_not_found")
