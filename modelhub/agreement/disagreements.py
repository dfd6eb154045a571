"""Cells of a queue with different ratings (contract 7.11)."""

import uuid
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from modelhub.agreement.levels import Raters
from modelhub.agreement.opinions import describe_opinions, read_opinions
from modelhub.agreement.posteriors import MOST_OPERATIONS, TOO_MANY_LABELS, Posteriors
from modelhub.agreement.reading import Cell, Comparables, is_chosen, read_cells, scores_of_queue
from modelhub.agreement.rows import adjudications_of, complete
from modelhub.core.bounded import read_all
from modelhub.labels.rules import Deadline, LabelRule
from modelhub.queues.models import IN_FORCE, Adjudication, Queue
from modelhub.queues.queries import items_of

UNDONE = "The disagreements were not found"
ADVICE = "Filter by label_id, or leave the probabilities out by posterior=false"


def read_values(cell: Cell, comparables: Comparables, raters: Raters) -> dict[str, Hashable]:
    """Return the usable values of a cell by annotator."""
    values: dict[str, Hashable] = {}
    for rating in cell.ratings:
        if is_chosen(rating.score_source, raters):
            try:
                values[rating.annotator_id] = comparables.of(rating.content)
            except ValueError:
                continue
    return values


def find_differing(queue: Queue, labels: Mapping[str, LabelRule], items: Any) -> dict[uuid.UUID, list[str]]:
    """Return the ids of the labels that people differ by, by item.

    `items` are ids, or a query of them.
    Raise `Invalid` above `MOST_SCORES`, `Overdue` at the timeout.
    """
    deadline = Deadline()
    comparables = {label_id: Comparables(label) for label_id, label in labels.items()}
    found: dict[uuid.UUID, list[str]] = {}
    for cell in read_cells(scores_of_queue(queue).filter(queue_item__in=items), labels, unit="queue_item"):
        deadline.check(undone=UNDONE, advice=ADVICE)
        if len({*read_values(cell, comparables[cell.label.id], "people").values()}) > 1:
            found.setdefault(cell.unit_id, []).append(cell.label.id)
    return found


class Disagreement(NamedTuple):
    """A cell with different ratings; `place` is its place in the model of the label."""

    item_id: uuid.UUID
    label_id: str
    place: int


class Disagreements:
    """The disagreements of a queue, oldest item first, then by the order of labels.

    `adjudicated` selects those with a decision in force, or those without.
    """

    def __init__(
        self,
        queue: Queue,
        labels: Mapping[str, LabelRule],
        *,
        raters: Raters,
        adjudicated: bool | None,
        posterior: bool,
    ) -> None:
        """Read all ratings. Raise `Invalid` above `MOST_SCORES`, `Overdue` at the timeout."""
        self.deadline = Deadline()
        self.queue, self.labels, self.raters = queue, labels, raters
        self.posteriors = {label_id: Posteriors(label, wanted=posterior) for label_id, label in labels.items()}
        cells = self._find_cells()
        if adjudicated is not None:
            decided = self._read_decided()
            cells = [cell for cell in cells if (cell[:2] in decided) == adjudicated]
        order = {label_id: at for at, label_id in enumerate(labels)}
        self.cells = sorted(cells, key=lambda cell: (cell.item_id, order[cell.label_id]))

    def _find_cells(self) -> list[Disagreement]:
        comparables = {label_id: Comparables(label) for label_id, label in self.labels.items()}
        cells = []
        for cell in read_cells(scores_of_queue(self.queue), self.labels, unit="queue_item"):
            self.deadline.check(undone=UNDONE, advice=ADVICE)
            values = read_values(cell, comparables[cell.label.id], self.raters)
            place = self.posteriors[cell.label.id].add(values)
            if len({*values.values()}) > 1:
                cells.append(Disagreement(cell.unit_id, cell.label.id, place))
        return cells

    def _read_decided(self) -> set[tuple[uuid.UUID, str]]:
        of_organization = Adjudication.objects.filter(IN_FORCE, organization_id=self.queue.organization_id)
        decided = of_organization.filter(item__queue=self.queue).values_list("item", "label")
        return {(item_id, str(label_id)) for item_id, label_id in decided}

    def _fit_models(self, label_ids: Iterable[str]) -> None:
        operations = 0
        for label_id in label_ids:
            self.deadline.check(undone=UNDONE, advice=ADVICE)
            if operations < MOST_OPERATIONS:
                operations += self.posteriors[label_id].fit()
            else:
                self.posteriors[label_id].give_up(TOO_MANY_LABELS)

    def describe(self, page: Sequence[Disagreement]) -> list[dict[str, Any]]:
        """Return the details of some cells.

        The number of statements does not grow with them. Raise `Invalid` above `MAX_ANSWER_BYTES`, `Overdue` at the
        timeout.
        """
        self._fit_models(dict.fromkeys(cell.label_id for cell in page))
        item_ids = {cell.item_id for cell in page}
        items = items_of(self.queue).filter(pk__in=item_ids).select_related("source").defer("source__content")
        sources = {item.pk: item.source for item in items}
        in_page = adjudications_of(self.queue).filter(IN_FORCE, item__in=item_ids)
        decisions = {(one.item_id, one.label_id): one for one in complete(read_all(in_page))}
        cells = [(str(cell.item_id), cell.label_id) for cell in page]
        opinions = read_opinions(self.queue, cells, self.raters)
        rows = []
        for cell, key in zip(page, cells, strict=True):
            label, posteriors = self.labels[cell.label_id], self.posteriors[cell.label_id]
            if source := sources.get(cell.item_id):
                rows.append(
                    {
                        "item_id": key[0],
                        "source_type": source.source_type,
                        "source_id": source.source_id,
                        "source_name": source.name,
                        "label_id": label.id,
                        "label_name": label.name,
                        "label_type": label.type,
                        **describe_opinions(label, opinions.get(key, [])),
                        "posterior": posteriors.of(cell.place),
                        "posterior_reason": posteriors.reason or None,
                        "authoritative": decisions.get(key),
                    }
                )
        return rows
