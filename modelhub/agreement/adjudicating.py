"""Decisions on the values of items (contract 7.11)."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Exists

from modelhub.accounts.people import Actor
from modelhub.agreement.rows import LATER_SCORES, AdjudicationRow, all_adjudications_of, complete
from modelhub.core.errors import Forbidden, Invalid, NotFound, Refused
from modelhub.core.exact_json import same
from modelhub.core.models import LIVE
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.labels.rules import LabelRule
from modelhub.queues.access import Access, get_access
from modelhub.queues.models import Adjudication, DatabaseClock, QueueLabel
from modelhub.queues.queries import item_not_found, items_of
from modelhub.scores.changes import lock_sources
from modelhub.scores.models import Score

CellKey = tuple[uuid.UUID, uuid.UUID]


@dataclass(frozen=True, slots=True)
class NewAdjudication:
    """A decision with its value as sent, and later as stored; None withdraws."""

    item_id: uuid.UUID
    label_id: uuid.UUID
    value: Any
    notes: str

    @property
    def cell(self) -> CellKey:
        return self.item_id, self.label_id


@dataclass(frozen=True, slots=True)
class Cells:
    """The locked items and the labels of a request, with the last decisions.

    `outdated` has the cells whose scores changed after the decision, `own` those that the actor has scored.
    """

    access: Access
    items: frozenset[uuid.UUID]
    labels: Mapping[uuid.UUID, LabelRule]
    last: Mapping[CellKey, Adjudication]
    outdated: frozenset[CellKey]
    own: frozenset[CellKey]

    def check(self, new: NewAdjudication) -> NewAdjudication:
        """Return the decision with its value as stored. Raise `Refused`."""
        if new.item_id not in self.items:
            raise item_not_found(new.item_id)
        label = self.labels.get(new.label_id)
        if label is None:
            sentence = f"Label not found in this queue: {new.label_id}"
            raise NotFound(sentence, code="label_not_found", field="label_id")
        if new.cell in self.own:
            person = f"another person than {self.access.actor.user.email}, its annotator"
            raise Forbidden(f"{label}: item {new.item_id} must be adjudicated by {person}", code="own_work")
        if new.value is not None:
            return replace(new, value=label.check_new(new.value))
        if new.cell not in self.last or self.last[new.cell].value is None:
            sentence = f"{label}: item {new.item_id} has no decision to withdraw"
            raise NotFound(sentence, code="decision_not_found")
        return new

    def is_repeat(self, new: NewAdjudication) -> bool:
        """Return whether the last decision is the same and not outdated."""
        before = self.last.get(new.cell)
        if before is None or new.cell in self.outdated:
            return False
        return before.notes == new.notes and same(before.value, new.value)


@repeat_aborted
@in_transaction
def adjudicate(
    *, actor: Actor, queue_id: uuid.UUID, adjudications: Mapping[int, NewAdjudication]
) -> tuple[list[AdjudicationRow], dict[int, Refused]]:
    """Store decisions by their positions. Return their rows, and errors by position.

    Of one cell the first valid decision counts. Items, slots and scores stay as they are, and a replaced decision is
    kept. Lock the items and their sources. Raise `NotFound` for the queue, `Forbidden` without the right to review.
    """
    access = get_access(actor, queue_id)
    access.check("review")
    cells = _lock_cells(access, adjudications.values())
    accepted: dict[CellKey, tuple[int, NewAdjudication]] = {}
    errors: dict[int, Refused] = {}
    for index, sent in adjudications.items():
        try:
            new = cells.check(sent)
            first, _ = accepted.setdefault(new.cell, (index, new))
            if first != index:
                names = f"Item {new.item_id} and label {new.label_id}"
                raise Invalid(f"{names} are already decided by decisions[{first}]")
        except Refused as refused:
            errors[index] = refused
    ids = _store(cells, [new for _, new in accepted.values()])
    rows = {row.id: row for row in complete(all_adjudications_of(access.queue).filter(pk__in=ids))}
    return [rows[str(pk)] for pk in ids], errors


def _lock_cells(access: Access, adjudications: Collection[NewAdjudication]) -> Cells:
    """Lock the items and their sources, then read the decisions and the own scores.

    A score that changes meanwhile is changed before the decision, or is later than it.
    """
    queue = access.queue
    of_organization = {"organization_id": queue.organization_id}
    named = items_of(queue).filter(pk__in={new.item_id for new in adjudications})
    items = dict(named.order_by("pk").select_for_update(no_key=True).values_list("pk", "source_id"))
    lock_sources(queue.organization_id, items.values())
    attached = QueueLabel.objects.filter(
        **of_organization, queue=queue, label__in={new.label_id for new in adjudications}
    )
    labels = {one.label_id: LabelRule.of(one.label) for one in attached.select_related("label")}
    last = Adjudication.objects.filter(**of_organization, item__in=[*items], label__in=[*labels], replaced_at=None)
    rows: Any = {(row.item_id, row.label_id): row for row in last.annotate(is_outdated=Exists(LATER_SCORES))}
    outdated = frozenset(cell for cell, row in rows.items() if row.is_outdated)
    # By the source first: so begins the unique index of scores.
    scores = Score.objects.filter(
        LIVE, **of_organization, source__in=[*items.values()], queue_item__in=[*items], label__in=[*labels]
    )
    own: Any = scores.filter(annotator=access.actor.user.pk).values_list("queue_item", "label_id")
    return Cells(access, frozenset(items), labels, rows, outdated, frozenset(own))


def _store(cells: Cells, adjudications: Iterable[NewAdjudication]) -> list[uuid.UUID]:
    """Store checked decisions. Return the ids of their rows: of a repeat, the last one."""
    organization_id = cells.access.queue.organization_id
    now = DatabaseClock()
    ids: list[uuid.UUID] = []
    replaced: list[uuid.UUID] = []
    created: list[Adjudication] = []
    for new in adjudications:
        before = cells.last.get(new.cell)
        if before and cells.is_repeat(new):
            ids.append(before.pk)
            continue
        if before:
            replaced.append(before.pk)
        row = Adjudication(
            organization_id=organization_id,
            created_at=now,
            item_id=new.item_id,
            label_id=new.label_id,
            adjudicator=cells.access.actor.user,
            value=new.value,
            notes=new.notes,
        )
        created.append(row)
        ids.append(row.pk)
    # First, because the index allows one row per cell that is not replaced.
    Adjudication.objects.filter(organization_id=organization_id, pk__in=replaced).update(replaced_at=now)
    Adjudication.objects.bulk_create(created)
    return ids
