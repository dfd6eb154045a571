"""Sources: search, content, scores with their history."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django.db.models import Exists, F, OuterRef, Window
from django.db.models.functions import RowNumber
from django.http.response import HttpResponseBase

from modelhub.core import exact_json
from modelhub.core.errors import Refused
from modelhub.core.models import LIVE
from modelhub.labels.models import Label
from modelhub.labels.types import get_type
from modelhub.queues.access import visible_queues
from modelhub.queues.models import Item, Queue
from modelhub.scores.models import Score, ScoreRevision
from modelhub.scores.queries import live_scores
from modelhub.sources.filters import SourceFilter
from modelhub.sources.models import SOURCE_TYPES, Source
from modelhub.sources.notes import notes_of_sources
from modelhub.sources.services import get_source, sources_of
from modelhub.web.content import describe_content
from modelhub.web.lists import given_filters, no_rows, read_page
from modelhub.web.page import Page

FILTERS = ("search", "source_id", "source_type")
# Replaced values that are shown per score.
SHOWN_REVISIONS = 10
SHOWN_QUEUES = 100


class Sources(Page):
    """Sources of the organization, newest first."""

    def show(self, **ids: Any) -> HttpResponseBase:
        given = given_filters(self.request, *FILTERS)
        # Metadata and content of a source may be large.
        shown = sources_of(self.organization_id).only(
            "source_type", "source_id", "name", "created_at", "organization_id"
        )
        try:
            page = read_page(self.request, SourceFilter(given, queryset=shown).get_rows())
        except Refused as refused:
            self.refused, page = refused, no_rows()
        return self.render("sources.html", page=page, given=given, source_types=SOURCE_TYPES)


class Version(NamedTuple):
    """A replaced value of a score in words."""

    value: str
    revision: ScoreRevision


class Judgement(NamedTuple):
    """A score in words, with its visible queue and its replaced values."""

    value: str
    score: Score
    queue: Queue | None
    history: list[Version]


class OneSource(Page):
    """Source with its scores, those that the person may see."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        organization_id = self.organization_id
        source = get_source(organization_id=organization_id, pk=pk, with_content=True)
        page = read_page(self.request, self._scores(source))
        author = None if self.actor.sees_all else self.actor.user
        notes = notes_of_sources(organization_id, [source.pk], author=author)[source.pk]
        return self.render(
            "source.html",
            source=source,
            content=describe_content(source.content, None),
            metadata=msgspec.json.format(exact_json.dumps(source.metadata), indent=2) if source.metadata else "",
            page=page,
            judgements=self._judge([*page]),
            notes=[(note, datetime.fromisoformat(note.created_at)) for note in notes],
            queues=self._queues(source),
        )

    def _scores(self, source: Source) -> Any:
        scores = live_scores(self.actor).filter(source=source).select_related("label", "annotator", "updated_by")
        return scores.order_by("-created_at", "-id")

    def _judge(self, scores: Collection[Score]) -> list[Judgement]:
        histories = self._histories(scores)
        wanted = {score.queue_id for score in scores if score.queue_id}
        queues = {queue.pk: queue for queue in self._visible_queues().filter(pk__in=wanted)} if wanted else {}
        return [
            Judgement(
                in_words(score.label, score.value),
                score,
                queues.get(score.queue_id),
                [Version(in_words(score.label, one.value), one) for one in histories.get(score.pk, ())],
            )
            for score in scores
        ]

    def _histories(self, scores: Collection[Score]) -> dict[uuid.UUID, list[ScoreRevision]]:
        """Return the last replaced values of scores, by one statement."""
        found: dict[uuid.UUID, list[ScoreRevision]] = {}
        if not scores:
            return found
        rows = ScoreRevision.objects.filter(
            organization_id=self.organization_id, score_id__in=[score.pk for score in scores]
        )
        newest = Window(RowNumber(), partition_by=F("score_id"), order_by=F("id").desc())
        rows = rows.annotate(place=newest).filter(place__lte=SHOWN_REVISIONS)
        for revision in rows.select_related("updated_by", "replaced_by").order_by("score_id", "-id"):
            found.setdefault(revision.score_id, []).append(revision)
        return found

    def _visible_queues(self) -> Any:
        return Queue.objects.filter(visible_queues(self.actor), LIVE).order_by("name", "id")

    def _queues(self, source: Source) -> list[Queue]:
        # Per queue, by the unique key of items: no index begins with the source alone.
        items = Item.objects.filter(LIVE, source=source, queue=OuterRef("pk"), organization_id=source.organization_id)
        return list(self._visible_queues().filter(Exists(items))[:SHOWN_QUEUES])


def in_words(label: Label, value: Any) -> str:
    """Return a stored value for people."""
    return get_type(label.type).readable(value, label.settings)
