"""Agreement over scores: labels, pairs of annotators, judges (contract 7.8)."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import QuerySet

from modelhub.agreement.label_figures import describe_judge, describe_label, identify
from modelhub.agreement.levels import Raters
from modelhub.agreement.pairs import describe_pair, find_pairs
from modelhub.agreement.reading import Unit, read_cells, read_names
from modelhub.agreement.statistics import SHARE_PLACES, Figure
from modelhub.agreement.tallies import Differing, LabelTally
from modelhub.core.errors import Invalid
from modelhub.labels.rules import Deadline, LabelRule
from modelhub.scores.models import Score
from modelhub.sources.models import Source

T = TypeVar("T")

MOST_LABELS = 1000
# Labels of one answer with intervals, which cost up to 0.5 s each; and judges, of which each costs 0.2 s.
MOST_INTERVALS = 50
UNDONE = "The figures were not computed"
ADVICE = "Filter by label_id, or leave the intervals out by bootstrap=false"


@dataclass(frozen=True, slots=True)
class Question:
    """The scores whose agreement is asked for, by labels in the order of the answer."""

    organization_id: uuid.UUID
    scores: QuerySet[Score]
    labels: Mapping[str, LabelRule]
    unit: Unit
    raters: Raters
    bootstrap: bool


def get_agreement(question: Question) -> dict[str, Any]:
    """Return the figures of agreement.

    Raise `Invalid` above a limit, `Overdue` at the request's timeout. The
    number of statements does not grow with labels, annotators and scores.
    """
    if len(question.labels) > MOST_LABELS:
        sentence = f"The labels must be at most {MOST_LABELS}, and there are more: filter by label_id"
        raise Invalid(sentence, code="too_many_labels")
    deadline = Deadline()
    tallies = {label_id: LabelTally(label, question.raters) for label_id, label in question.labels.items()}
    for cell in _timely(read_cells(question.scores, question.labels, unit=question.unit), deadline):
        tallies[cell.label.id].add(cell)
    return _describe(question, list(tallies.values()), deadline)


def _describe(question: Question, tallies: list[LabelTally], deadline: Deadline) -> dict[str, Any]:
    judges = [(tally.label, judge_id, judge) for tally in tallies for judge_id, judge in sorted(tally.judges.items())]
    pairs, pairs_reason = find_pairs(tallies)
    raters = {rater for pair in pairs for rater in pair.annotators} | {judge_id for _, judge_id, _ in judges}
    names = read_names(question.organization_id, raters)
    differing = [tally.differing for tally in tallies] + [judge.differing for _, _, judge in judges]
    units = _read_units(question, differing)
    compared, equal = (sum(getattr(tally.table, count) for tally in tallies) for count in ("compared", "equal"))
    without_interval = _find_reason_without_interval(question, "labels", len(tallies))
    without_judges = _find_reason_without_interval(question, "judges", len(judges))
    labels = [
        describe_label(tally, without_interval=without_interval) | units.describe(tally.differing)
        for tally in _timely(tallies, deadline)
    ]
    return {
        "overall_agreement": Figure(equal / compared).rounded(SHARE_PLACES) if compared else None,
        "labels": labels,
        "per_label": labels,
        "annotator_pairs": [describe_pair(pair, names) for pair in _timely(pairs, deadline)],
        "annotator_pairs_reason": pairs_reason or None,
        "judge_vs_human": [
            identify(label)
            | {"judge_id": judge_id, "judge_name": names[judge_id]}
            | describe_judge(judge, label, without_interval=without_judges)
            | units.describe(judge.differing)
            for label, judge_id, judge in _timely(judges, deadline)
        ],
    }


def _timely(things: Iterable[T], deadline: Deadline) -> Iterator[T]:
    """Yield things. Raise `Overdue` at the request's timeout."""
    for thing in things:
        deadline.check(undone=UNDONE, advice=ADVICE)
        yield thing


def _find_reason_without_interval(question: Question, things: str, number: int) -> str:
    if not question.bootstrap:
        return "bootstrap is false"
    if number > MOST_INTERVALS:
        return f"there are intervals of at most {MOST_INTERVALS} {things}: filter by label_id"
    return ""


@dataclass(frozen=True, slots=True)
class ShownUnits:
    """The shown units with a disagreement: items by id, or sources by type and id."""

    sources: Mapping[uuid.UUID, dict[str, str]] | None

    def describe(self, differing: Differing) -> dict[str, Any]:
        shown = {"disagreement_count": differing.count}
        if self.sources is None:
            return shown | {"disagreement_items": [str(pk) for pk in differing.oldest]}
        return shown | {"disagreement_sources": [self.sources[pk] for pk in differing.oldest if pk in self.sources]}


def _read_units(question: Question, found: Iterable[Differing]) -> ShownUnits:
    if question.unit == "queue_item":
        return ShownUnits(None)
    ids = {pk for differing in found for pk in differing.oldest}
    sources = Source.objects.filter(organization_id=question.organization_id, pk__in=ids)
    rows = sources.values_list("pk", "source_type", "source_id")
    return ShownUnits({pk: {"source_type": source_type, "source_id": source_id} for pk, source_type, source_id in rows})
