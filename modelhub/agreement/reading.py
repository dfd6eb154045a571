"""Read the scores that agreement is computed from, as cells: a unit by a label.

A unit is an item of a queue, or a source.
"""

import uuid
from collections.abc import Hashable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Literal

import msgspec
from django.contrib.postgres.aggregates import ArrayAgg
from django.db import transaction
from django.db.models import Case, F, Func, JSONField, Q, QuerySet, TextField, Value, When
from django.db.models.aggregates import Aggregate
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import Exact

from modelhub.accounts.models import User
from modelhub.agreement.levels import Raters
from modelhub.core import exact_json
from modelhub.core.errors import Invalid
from modelhub.core.ids import spell_uuid
from modelhub.core.models import LIVE
from modelhub.core.text import fold, show
from modelhub.labels.models import Label
from modelhub.labels.rules import LabelRule
from modelhub.labels.types import LABEL_TYPES, get_type
from modelhub.queues.exporting import labels_in_order
from modelhub.queues.models import Queue
from modelhub.scores.models import JUDGES, Score

# Scores of one request: some 4 seconds, and 200 MB.
MOST_SCORES = 500_000
CELLS_PER_FETCH = 500
# Characters of a content by which its value is found again; longer ones have hashes: a value may have 64 KB.
LONGEST_KEY = 100
# An item of a queue, or a source.
Unit = Literal["queue_item", "source_id"]


class Rating(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A score of a cell.

    `content` is the JSON text of the content of the key of the value; of a text it is that of a hash.
    """

    annotator_id: str
    score_source: str
    content: str

    @property
    def is_judge(self) -> bool:
        return self.score_source in JUDGES


class Cell(msgspec.Struct, frozen=True, gc=False):
    """The ratings of a unit by a label: one per annotator, of people and judges apart."""

    label: LabelRule
    unit_id: uuid.UUID
    ratings: list[Rating]


class _Ratings(Aggregate):
    """Ratings as one JSON text, oldest first.

    PostgreSQL writes it faster than Python reads rows.
    """

    template = "json_agg(json_build_array(%(expressions)s) ORDER BY modelhub_score.updated_at, modelhub_score.id)::text"
    output_field = TextField()


_KEY = Case(*(When(label__type=name, then=Value(get_type(name).key)) for name in LABEL_TYPES))
_CONTENT = Func(F("value"), _KEY, template="(%(expressions)s)", arg_joiner=" -> ", output_field=JSONField())
# A content of another type than a string stays, so that it is found out.
_HASH = Func(
    Func(F("value"), _KEY, template="(%(expressions)s)", arg_joiner=" ->> "),
    template="to_jsonb(md5(normalize(%(expressions)s, NFC)))",
    output_field=JSONField(),
)
_IS_TEXT = Exact(Func(_CONTENT, function="jsonb_typeof", output_field=TextField()), "string")
_COMPARED = Case(When(Q(label__type="text") & Q(_IS_TEXT), then=_HASH), default=_CONTENT)
# As text: msgspec rejects deeply nested JSON.
_COMPARED_TEXT = Coalesce(Cast(_COMPARED, TextField()), Value("null"))
_decode = msgspec.json.Decoder(list[Rating]).decode


def read_cells(scores: QuerySet[Score], labels: Mapping[str, LabelRule], *, unit: Unit) -> Iterator[Cell]:
    """Yield the cells of scores by label and unit id, in bounded memory.

    Of several scores of an annotator in one cell, as of a source in two queues, the last changed counts. Raise
    `Invalid` above `MOST_SCORES`.
    """
    scores = scores.filter(label__in=list(labels)).order_by()
    # Counted first, because the cells are sorted before the first one is read.
    if scores[: MOST_SCORES + 1].count() > MOST_SCORES:
        sentence = f"The scores must be at most {MOST_SCORES}, and there are more: filter by label_id"
        raise Invalid(sentence, code="too_many_scores")
    cells: Any = scores.values_list("label_id", unit)
    cells = cells.annotate(ratings=_Ratings("annotator_id", "score_source", _COMPARED_TEXT)).order_by("label_id", unit)
    with transaction.atomic():
        for label_id, unit_id, text in cells.iterator(chunk_size=CELLS_PER_FETCH):
            yield Cell(labels[str(label_id)], unit_id, _keep_last(_decode(text)))


def _keep_last(ratings: list[Rating]) -> list[Rating]:
    """Return the last rating per annotator, as a person and as a judge."""
    if len({one.annotator_id for one in ratings}) == len(ratings):
        return ratings
    last: dict[tuple[str, bool], Rating] = {}
    for one in reversed(ratings):
        last.setdefault((one.annotator_id, one.is_judge), one)
    return [*reversed(last.values())]


def scores_of_queue(queue: Queue, annotator_ids: str | None = None) -> QuerySet[Score]:
    """Return the live scores of a queue; those of removed items are deleted.

    `annotator_ids` are ids of some annotators, separated by commas. Raise `Invalid` for anything else.
    """
    scores = Score.objects.filter(LIVE, organization_id=queue.organization_id, queue_id=queue.pk)
    if annotator_ids is None:
        return scores
    wanted = _split_ids(annotator_ids)
    if None in wanted:
        sentence = f"annotator_id must hold ids of annotators, separated by commas, got {show(annotator_ids)}"
        raise Invalid(sentence, field="annotator_id")
    return scores.filter(annotator__in=[one for one in wanted if one])


def read_labels_of_queue(queue: Queue, label_ids: str | None = None) -> dict[str, LabelRule]:
    """Return the live labels of a queue by id, in its order.

    `label_ids` are ids of some of them, separated by commas. Raise `Invalid` for others.
    """
    labels = {str(label.pk): LabelRule.of(label) for label in labels_in_order(queue) if not label.archived}
    if label_ids is None:
        return labels
    wanted = _split_ids(label_ids)
    if not labels.keys() >= wanted:
        sentence = f"label_id must hold ids of labels of the queue, separated by commas, got {show(label_ids)}"
        raise Invalid(sentence, field="label_id")
    return {label_id: label for label_id, label in labels.items() if label_id in wanted}


def _split_ids(text: str) -> set[str | None]:
    """Return ids that are separated by commas, None for a malformed one."""
    return {spell_uuid(word.strip()) for word in text.split(",")}


def read_labels_of_scores(organization_id: uuid.UUID, scores: QuerySet[Score]) -> dict[str, LabelRule]:
    """Return the live labels of scores by id, in the order of their names.

    Of more scores than `MOST_SCORES`, some labels are missing.
    """
    live = Label.objects.using(scores.db).filter(LIVE, organization_id=organization_id)
    # By ids and not by a join: while tables have no statistics, it would read all labels once per score.
    of_live = scores.filter(label__in=[*live.values_list("pk", flat=True)]).order_by().values("label_id")
    found = of_live[: MOST_SCORES + 1].aggregate(ids=ArrayAgg("label_id", distinct=True))["ids"] or []
    by_name = sorted(live.filter(pk__in=found), key=lambda label: (fold(label.name), label.pk))
    return {str(label.pk): LabelRule.of(label) for label in by_name}


def read_names(organization_id: uuid.UUID, user_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of users by id; an email without a name."""
    users = User.objects.filter(organization_id=organization_id, pk__in=set(user_ids))
    return {str(pk): name or email for pk, name, email in users.values_list("pk", "name", "email")}


def is_chosen(score_source: str, raters: Raters) -> bool:
    """Return whether a rating with this source is one of these raters."""
    return raters == "all" or (score_source in JUDGES) == (raters == "judges")


class Comparables:
    """Comparable values of one label.

    Each content is read once, and equal values are one object.
    """

    def __init__(self, label: LabelRule) -> None:
        self.label = label
        self._known: dict[str | bytes, Hashable] = {}
        self._values: dict[Hashable, Hashable] = {}

    def of(self, content: str) -> Hashable:
        """Return the comparable value of a content.

        Raise `ValueError` for a content of another type.
        """
        key = content if len(content) <= LONGEST_KEY else sha256(content.encode()).digest()
        if key not in self._known:
            value = self.label.comparable(exact_json.loads(content))
            self._known[key] = self._values.setdefault(value, value)
        return self._known[key]
