"""Answers on an item side by side, with majority, posterior and decision."""

import uuid
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from modelhub.agreement.disagreements import Disagreements
from modelhub.agreement.levels import find_majority, get_median, has_steps
from modelhub.agreement.opinions import OpinionOfCell, read_opinions
from modelhub.agreement.posteriors import NO_CLASSES, plain_class
from modelhub.agreement.reading import is_chosen, scores_of_queue
from modelhub.agreement.rows import AdjudicationRow, adjudications_of, complete
from modelhub.core import exact_json
from modelhub.core.text import visible
from modelhub.labels.rules import LabelRule
from modelhub.labels.types import get_type
from modelhub.queues.models import IN_FORCE, Item, Queue, QueueLabel, Slot
from modelhub.queues.overview import labels_of_queue
from modelhub.scores.models import JUDGES, ScoreRevision

# Queues with more scores have their posteriors on request: the model is fitted to all of them.
MOST_SCORES = 2000
# Probabilities from fewer items with at least two people look more certain than they are.
FEW_ITEMS = 50
# Longer texts are folded.
LONGEST_ANSWER = 300
LABEL_REMOVED = "A label was removed from the queue meanwhile. Nothing is stored: look at the item again, then decide."


@dataclass(slots=True)
class Annotator:
    """A person or judge with work on the item: a column of the table."""

    id: str
    name: str
    slot: Slot | None = None
    is_judge: bool = False

    @property
    def state(self) -> str:
        """Return the state of the work in a word, "" without a slot."""
        if self.slot is None:
            return ""
        if self.slot.returned_at and self.slot.state != "completed":
            return "returned"
        return {"reserved": "reserved", "submitted": "in progress"}.get(self.slot.state, self.slot.state)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a score since its return; `text` and `notes` are replaced ones."""

    text: str = ""
    notes: str = ""
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A score in words."""

    text: str
    notes: str
    is_judge: bool
    change: Change | None = None

    @property
    def start(self) -> str:
        """Return the beginning of a long text, "" of a short one."""
        return self.text[:LONGEST_ANSWER].rstrip() if len(self.text) > LONGEST_ANSWER else ""


@dataclass(slots=True)
class Option:
    """A value that the reviewer may take: an answer of people, or a probable one.

    `value` is JSON text.
    """

    text: str
    value: str
    names: list[str] = field(default_factory=list)
    is_majority: bool = False
    probability: float | None = None

    @property
    def percent(self) -> str:
        """Return the probability for people; that of a value without one is rounded to 0."""
        if self.probability is None:
            return "0 %"
        if 0 < self.probability < 0.001:
            return "below 0.1 %"
        if 0.999 < self.probability < 1:
            return "above 99.9 %"
        return f"{100 * self.probability:.3g} %"


@dataclass(frozen=True, slots=True)
class DecisionInForce:
    """A reviewer's decision on the value of the item by a label."""

    row: AdjudicationRow
    text: str

    @property
    def made_at(self) -> datetime:
        return datetime.fromisoformat(self.row.created_at)


@dataclass(slots=True)
class LabelAnswers:
    """A label with its answers by annotator: a row of the table."""

    rule: LabelRule
    settings: Mapping[str, Any]
    description: str
    answers: list[tuple[Annotator, Answer | None]] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    differs: bool = False
    votes: int = 0
    median: str = ""
    posterior_reason: str = ""
    is_of_few_items: bool = False
    decision: DecisionInForce | None = None
    is_own: bool = False

    @property
    def key(self) -> str:
        """Return the key of the content in stored values."""
        return get_type(self.rule.type).key

    @property
    def is_decided(self) -> bool:
        """Return whether there is a decision, and no score has changed since."""
        return self.decision is not None and not self.decision.row.is_outdated

    @property
    def is_undecided(self) -> bool:
        return self.differs and not self.is_decided

    @property
    def majority(self) -> Option | None:
        return next((option for option in self.options if option.is_majority), None)

    @property
    def has_posterior(self) -> bool:
        return any(option.probability is not None for option in self.options)

    def readable(self, content: object) -> str:
        """Return the content of a value in words."""
        return get_type(self.rule.type).readable({self.key: content}, self.settings)


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """All answers on an item; `labels` with undecided disagreements come first."""

    annotators: list[Annotator]
    labels: list[LabelAnswers]
    # Whether probabilities are shown on request only.
    offers_posterior: bool

    @property
    def undecided(self) -> list[LabelAnswers]:
        return [label for label in self.labels if label.is_undecided]

    @property
    def has_changes(self) -> bool:
        return any(answer and answer.change for label in self.labels for _, answer in label.answers)


def read_answers(queue: Queue, item: Item, *, reviewer_id: uuid.UUID, posterior: bool) -> AnswerTable:
    """Return the answers on an item.

    Probabilities are for labels that differ, of small queues or if asked for. The number of statements does not grow
    with labels, people or scores. Raise `Invalid`, `Overdue`.
    """
    labels = [_open(attached) for attached in labels_of_queue(queue)]
    cells = [(str(item.pk), label.rule.id) for label in labels]
    opinions = read_opinions(queue, cells, "all") if cells else {}
    annotators = _read_annotators(queue, item, opinions.values())
    changes = _read_changes(item, [one.score_id for cell in opinions.values() for one in cell])
    for label, cell in zip(labels, cells, strict=True):
        _fill(label, opinions.get(cell, []), annotators, changes, reviewer_id=str(reviewer_id))
    decisions = complete(adjudications_of(queue).filter(IN_FORCE, item=item.pk))
    by_label = {label.rule.id: label for label in labels}
    for row in decisions:
        # A label of the queue may be deleted.
        if decided := by_label.get(row.label_id):
            decided.decision = DecisionInForce(row, decided.readable(row.value))
    labels.sort(key=lambda label: not label.is_undecided)
    offers = _add_posteriors(queue, item, [label for label in labels if label.differs], wanted=posterior)
    return AnswerTable(annotators, labels, offers)


def _open(attached: QueueLabel) -> LabelAnswers:
    settings = attached.label.settings if isinstance(attached.label.settings, dict) else {}
    return LabelAnswers(LabelRule.of(attached.label), settings, attached.label.description)


def _read_annotators(queue: Queue, item: Item, opinions: Iterable[Sequence[OpinionOfCell]]) -> list[Annotator]:
    """Return people in the order of their slots, then others by their scores."""
    slots = Slot.objects.filter(organization_id=queue.organization_id, item=item.pk).select_related("user")
    found = {
        str(slot.user_id): Annotator(str(slot.user_id), slot.user.display_name, slot)
        for slot in slots.order_by("created_at", "id")
    }
    for cell in opinions:
        for one in cell:
            annotator = found.setdefault(one.annotator_id, Annotator(one.annotator_id, one.annotator_name))
            annotator.is_judge |= one.score_source in JUDGES
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Changes:
    """First revisions of scores by score id, since an item was returned."""

    since: datetime | None
    revisions: Mapping[str, ScoreRevision]

    def find(self, label: LabelAnswers, one: OpinionOfCell, text: str) -> Change | None:
        """Return the change of a score that reads as `text` now."""
        before = self.revisions.get(one.score_id)
        if before is None:
            is_new = self.since is not None and datetime.fromisoformat(one.updated_at) > self.since
            return Change(is_new=True) if is_new else None
        earlier = get_type(label.rule.type).readable(before.value, label.settings)
        if (earlier, before.notes) == (text, one.notes):
            return None
        return Change("" if earlier == text else earlier, "" if before.notes == one.notes else before.notes)


def _read_changes(item: Item, score_ids: Sequence[str]) -> _Changes:
    """Return the changes of the scores of a returned item; approved ones have none."""
    if item.reviewed_at is None or item.review_status not in ("pending_review", "rejected"):
        return _Changes(None, {})
    revisions = ScoreRevision.objects.filter(
        organization_id=item.organization_id, score_id__in=score_ids, created_at__gt=item.reviewed_at
    )
    first = revisions.order_by("score_id", "id").distinct("score_id")
    return _Changes(item.reviewed_at, {str(revision.score_id): revision for revision in first})


def _fill(
    label: LabelAnswers,
    opinions: Sequence[OpinionOfCell],
    annotators: Sequence[Annotator],
    changes: _Changes,
    *,
    reviewer_id: str,
) -> None:
    """Set the answers of a label, and the options of those of people."""
    kind = get_type(label.rule.type)
    answers: dict[str, Answer] = {}
    options: dict[Hashable, Option] = {}
    ratings: list[Hashable] = []
    numbers: list[Any] = []
    for one in opinions:
        stored = _read_value(one.value)
        is_judge = one.score_source in JUDGES
        text = kind.readable(stored, label.settings)
        answers[one.annotator_id] = Answer(text, one.notes, is_judge, changes.find(label, one, text))
        label.is_own |= one.annotator_id == reviewer_id
        if not is_chosen(one.score_source, "people"):
            continue
        try:
            value = label.rule.comparable(stored.get(kind.key))
        except ValueError:
            continue
        ratings.append(value)
        numbers.append(stored.get(kind.key))
        option = options.setdefault(value, Option(text, exact_json.dumps(stored.get(kind.key))))
        option.names.append(one.annotator_name)
    label.answers = [(annotator, answers.get(annotator.id)) for annotator in annotators]
    label.votes, label.differs = len(ratings), len(options) > 1
    majority = find_majority(ratings) if ratings else None
    for value, option in options.items():
        option.is_majority = value == majority
    label.options = sorted(options.values(), key=lambda option: -len(option.names))
    if label.differs and has_steps(label.rule.level):
        label.median = label.readable(get_median(numbers))


def _add_posteriors(queue: Queue, item: Item, labels: Sequence[LabelAnswers], *, wanted: bool) -> bool:
    """Add probabilities to options. Return whether they are left for a request."""
    if not labels:
        return False
    rules = {label.rule.id: label.rule for label in labels}
    if not wanted:
        scores = scores_of_queue(queue).filter(label__in=list(rules))
        if scores[: MOST_SCORES + 1].count() > MOST_SCORES:
            return True
    found = Disagreements(queue, rules, raters="people", adjudicated=None, posterior=True)
    rows = found.describe([cell for cell in found.cells if cell.item_id == item.pk])
    described: dict[str, dict[str, Any]] = defaultdict(dict, {row["label_id"]: row for row in rows})
    for label in labels:
        row = described[label.rule.id]
        label.is_of_few_items = found.posteriors[label.rule.id].compared < FEW_ITEMS
        reason = row.get("posterior_reason") or ""
        # Numbers and texts never have one: a sentence beneath each of them says nothing.
        label.posterior_reason = "" if reason == NO_CLASSES else reason
        for one in row.get("posterior") or ():
            _set_probability(label, one["value"], one["probability"])
    return False


def _set_probability(label: LabelAnswers, value: Any, probability: float) -> None:
    for option in label.options:
        try:
            class_of_option = plain_class(label.rule.comparable(exact_json.loads(option.value)))
        except ValueError:
            continue
        if class_of_option == value:
            option.probability = probability
            return
    label.options.append(Option(label.readable(value), exact_json.dumps(value), probability=probability))


def _read_value(text: str) -> dict[str, Any]:
    try:
        stored = exact_json.loads(text)
    except ValueError:
        # Nested too deeply: only other writers than this API store such.
        return {}
    return stored if isinstance(stored, dict) else {}


def name_labels(sentence: str, labels: Iterable[LabelRule]) -> str:
    """Return a sentence of the API with names of labels in place of ids."""
    for label in labels:
        sentence = sentence.replace(str(label), visible(label.name))
    return sentence
