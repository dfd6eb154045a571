"""Decisions on the values of items (contract 7.11)."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q

from modelhub.accounts.people import Actor
from modelhub.agreement.decisions import IN_FORCE, Decision, all_decisions_of, complete
from modelhub.core.errors import Forbidden, Invalid, NotFound, Refused
from modelhub.core.exact_json import same
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.labels.rules import LabelRule
from modelhub.queues.access import Access, get_access
from modelhub.queues.models import Adjudication, DatabaseClock, QueueLabel
from modelhub.queues.queries import item_not_found, items_of
from modelhub.scores.models import Score

CellKey = tuple[uuid.UUID, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reviewer's value of an item by a label; None withdraws the decision."""

    item_id: uuid.UUID
    label_id: uuid.UUID
    value: Any
    notes: str

    @property
    def cell(self) -> CellKey:
        return self.item_id, self.label_id


@dataclass(frozen=True, slots=True)
class Docket:
    """The locked items and the labels that verdicts name, with decisions in force.

    `own` has the cells that the actor has scored, `changed_at` the time of the last change of a score by cell.
    """

    access: Access
    items: frozenset[uuid.UUID]
    labels: Mapping[uuid.UUID, LabelRule]
    decisions: Mapping[CellKey, Adjudication]
    own: frozenset[CellKey]
    changed_at: Mapping[CellKey, datetime]

    def judge(self, verdict: Verdict) -> dict[str, Any] | None:
        """Return the value as it is stored, None for a withdrawal. Raise `Refused`."""
        if verdict.item_id not in self.items:
            raise item_not_found(verdict.item_id)
        label = self.labels.get(verdict.label_id)
        if label is None:
            sentence = f"Label not found in this queue: {verdict.label_id}"
            raise NotFound(sentence, code="label_not_found", field="label_id")
        if verdict.cell in self.own:
            person = f"another person than {self.access.actor.user.email}, its annotator"
            raise Forbidden(f"{label}: item {verdict.item_id} must be adjudicated by {person}", code="own_work")
        if verdict.value is not None:
            return label.check_new(verdict.value)
        if verdict.cell not in self.decisions:
            sentence = f"{label}: item {verdict.item_id} has no decision to withdraw"
            raise NotFound(sentence, code="decision_not_found")
        return None

    def find_repeated(self, verdict: Verdict, value: dict[str, Any] | None) -> Adjudication | None:
        """Return the decision in force that a verdict repeats, unless it is outdated."""
        decision = self.decisions.get(verdict.cell)
        if decision is None or decision.notes != verdict.notes or not same(decision.value, value):
            return None
        changed_at = self.changed_at.get(verdict.cell)
        return None if changed_at and changed_at > decision.created_at else decision


@repeat_aborted
@in_transaction
def adjudicate(
    *, actor: Actor, queue_id: uuid.UUID, verdicts: Mapping[int, Verdict]
) -> tuple[list[Decision], dict[int, Refused]]:
    """Store verdicts by their positions. Return decisions, and errors by position.

    Items, slots and scores stay as they are, and a replaced decision is kept. Lock the items. Raise `NotFound` for the
    queue, `Forbidden` without the right to review.
    """
    access = get_access(actor, queue_id)
    access.check("review")
    docket = _open_docket(access, verdicts.values())
    accepted: dict[CellKey, int] = {}
    values: dict[int, dict[str, Any] | None] = {}
    errors: dict[int, Refused] = {}
    for index, verdict in verdicts.items():
        try:
            value = docket.judge(verdict)
            if (first := accepted.setdefault(verdict.cell, index)) != index:
                item, label = verdict.cell
                raise Invalid(f"Item {item} and label {label} are already decided by decisions[{first}]")
            values[index] = value
        except Refused as refused:
            errors[index] = refused
    shown = _store(docket, [(verdicts[index], value) for index, value in values.items()])
    return _read(access, shown), errors


def _open_docket(access: Access, verdicts: Collection[Verdict]) -> Docket:
    """Lock the items, then read the decisions and the scores of all named cells."""
    queue = access.queue
    of_organization = {"organization_id": queue.organization_id}
    named = items_of(queue).filter(pk__in={verdict.item_id for verdict in verdicts})
    items = dict(named.order_by("pk").select_for_update(no_key=True).values_list("pk", "source_id"))
    attached = QueueLabel.objects.filter(
        **of_organization, queue=queue, label__in={verdict.label_id for verdict in verdicts}
    )
    labels = {one.label_id: LabelRule.of(one.label) for one in attached.select_related("label")}
    decisions = Adjudication.objects.filter(IN_FORCE, **of_organization, item__in=[*items], label__in=[*labels])
    # Deleted ones, too: a deletion is a change. By the source first: so begins the unique index of scores.
    scores = Score.objects.filter(
        **of_organization, source__in=[*items.values()], queue_item__in=[*items], label__in=[*labels]
    )
    is_own = Q(annotator=access.actor.user.pk, deleted_at=None)
    by_cell = scores.values("queue_item", "label").annotate(own=Count("pk", filter=is_own), last=Max("updated_at"))
    worked: Any = list(by_cell.order_by().values_list("queue_item", "label", "own", "last"))
    return Docket(
        access,
        frozenset(items),
        labels,
        {(one.item_id, one.label_id): one for one in decisions},
        frozenset((item, label) for item, label, number, _ in worked if number),
        {(item, label): last for item, label, _, last in worked},
    )


def _store(docket: Docket, verdicts: Iterable[tuple[Verdict, dict[str, Any] | None]]) -> list[uuid.UUID]:
    """Store accepted verdicts. Return the ids of their rows.

    A repeated verdict has the row in force, a withdrawal the withdrawn one.
    """
    organization_id = docket.access.queue.organization_id
    now = DatabaseClock()
    shown, replaced, created = [], [], []
    for verdict, value in verdicts:
        if repeated := docket.find_repeated(verdict, value):
            shown.append(repeated.pk)
            continue
        if before := docket.decisions.get(verdict.cell):
            replaced.append(before.pk)
        if value is None:
            shown.append(docket.decisions[verdict.cell].pk)
            continue
        new = Adjudication(
            organization_id=organization_id,
            created_at=now,
            item_id=verdict.item_id,
            label_id=verdict.label_id,
            adjudicator=docket.access.actor.user,
            value=value,
            notes=verdict.notes,
        )
        created.append(new)
        shown.append(new.pk)
    # First, because the index allows one decision in force per cell.
    Adjudication.objects.filter(organization_id=organization_id, pk__in=replaced).update(replaced_at=now)
    Adjudication.objects.bulk_create(created)
    return shown


def _read(access: Access, ids: Sequence[uuid.UUID]) -> list[Decision]:
    """Return decisions in the order of their ids, by removed labels, too."""
    found = {row.id: row for row in complete(all_decisions_of(access.queue).filter(pk__in=ids))}
    return [found[str(pk)] for pk in ids]
