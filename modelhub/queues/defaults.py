"""Default queues of scopes, and the queues of a source."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from django.db.models import Exists, OuterRef, Q

from modelhub.accounts.people import Actor
from modelhub.core import clock
from modelhub.core.ids import parse_uuid
from modelhub.core.models import LIVE
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.datasets.services import lock_dataset
from modelhub.labels.projects import get_project
from modelhub.queues.access import visible_queues
from modelhub.queues.management import name_is_taken, save_queue
from modelhub.queues.models import QUEUE_ROLES, Item, Queue, QueueLabel, QueueMember, Slot
from modelhub.queues.overview import attached_labels
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from modelhub.sources.notes import notes_of_sources
from modelhub.sources.refs import SourceRef
from modelhub.sources.rows import NoteRow

# The columns of a queue's scope by their names in requests.
SCOPES = {"project": "project_id", "dataset": "dataset_id", "agent_definition": "agent_definition"}
LONGEST_NAME = 255


@repeat_aborted
@in_transaction
def get_or_create_default(
    *, actor: Actor, scope: str, scope_id: uuid.UUID
) -> tuple[Queue, Literal["created", "restored", "fetched"]]:
    """Return the default queue of a scope, active if it is new or was deleted.

    The caller becomes a member with all roles. Raise `NotFound` for an unknown project or dataset, `Conflict` if
    another queue of the scope has the name.
    """
    organization_id = actor.user.organization_id
    name = f"Default - {_name_of_scope(organization_id, scope, scope_id)}"[:LONGEST_NAME]
    scopes = dict.fromkeys(SCOPES.values()) | {SCOPES[scope]: scope_id}
    action: Literal["created", "restored", "fetched"] = "fetched"
    queue = _lock_default(organization_id, scopes)
    if queue is None:
        new = Queue(organization_id=organization_id, name=name, status="active", is_default=True, created_by=actor.user)
        for column, value in scopes.items():
            setattr(new, column, value)
        # Another request may create it at the same moment.
        Queue.objects.bulk_create([new], ignore_conflicts=True)
        queue = _lock_default(organization_id, scopes)
        if queue is None:
            raise name_is_taken(name)
        action = "created" if queue.pk == new.pk else "fetched"
    if queue.deleted_at:
        action = "restored"
        queue.deleted_at, queue.status, queue.updated_at = None, "active", clock.now()
        save_queue(queue)
    QueueMember.objects.bulk_create(
        [QueueMember(organization_id=organization_id, queue=queue, user=actor.user, roles=list(QUEUE_ROLES))],
        update_conflicts=True,
        unique_fields=["queue", "user", "organization"],
        update_fields=["roles"],
    )
    return queue, action


def _lock_default(organization_id: uuid.UUID, scopes: Mapping[str, uuid.UUID | None]) -> Queue | None:
    """Return the default queue of a scope, live or deleted, if there is one."""
    queues: Any = Queue.objects.filter(organization_id=organization_id, is_default=True, **scopes)
    found: Queue | None = queues.select_related("created_by").select_for_update(no_key=True, of=("self",)).first()
    return found


def _name_of_scope(organization_id: uuid.UUID, scope: str, scope_id: uuid.UUID) -> str:
    if scope == "project":
        return get_project(organization_id=organization_id, project_id=scope_id).name
    if scope == "agent_definition":
        return str(scope_id)
    # Locked: it could be deleted before the queue is stored.
    return lock_dataset(organization_id=organization_id, dataset_id=scope_id).name


@dataclass(frozen=True, slots=True)
class SourceQueue:
    """A queue of a source, with the person's own work on its item if there is one."""

    queue: Queue
    source: Source
    item: Item | None
    labels: Sequence[QueueLabel]
    scores: Sequence[Score]
    notes: str
    source_notes: Sequence[NoteRow]


def queues_of_sources(actor: Actor, refs: Sequence[SourceRef]) -> list[SourceQueue]:
    """Return the person's queues with items of the sources, and default queues.

    The person's queues are those that they created or are a member of; active default queues are those of a scope that
    the source's metadata names, as `project_id`. The number of statements does not grow with that of rows.
    """
    organization_id = actor.user.organization_id
    of_sources = Q(*(Q(source_type=ref.source_type, source_key=ref.key) for ref in refs), _connector=Q.OR)
    order = [ref.identity for ref in refs]
    sources = list(Source.objects.filter(of_sources, organization_id=organization_id))
    sources.sort(key=lambda source: order.index((source.source_type, source.source_key)))
    default_queues = _default_queues(actor, sources)
    members = QueueMember.objects.filter(organization_id=organization_id, queue=OuterRef("queue"), user=actor.user)
    theirs = Exists(members) | (Q(queue__created_by=actor.user) if actor.sees_all else Q(pk=None))
    items: dict[tuple[uuid.UUID, uuid.UUID], Item] = {}
    rows = Item.objects.filter(LIVE, organization_id=organization_id, source__in=[source.pk for source in sources])
    for item in rows.filter(theirs | Q(queue__in=list(default_queues)), queue__deleted_at=None).select_related("queue"):
        items[item.source_id, item.queue_id] = item
    pairs = {(source.pk, queue.pk): queue for queue, of_queue in default_queues.items() for source in of_queue}
    pairs |= {pair: item.queue for pair, item in items.items()}
    item_ids = [item.pk for item in items.values()]
    slots = Slot.objects.filter(organization_id=organization_id, item__in=item_ids, user=actor.user)
    notes = dict(slots.values_list("item_id", "notes"))
    scores: dict[uuid.UUID | None, list[Score]] = defaultdict(list)
    own_scores = Score.objects.filter(LIVE, organization_id=organization_id, annotator=actor.user)
    for score in own_scores.filter(source__in=sources, queue_item__in=item_ids):
        scores[score.queue_item].append(score)
    labels: dict[uuid.UUID, list[QueueLabel]] = defaultdict(list)
    for attached in attached_labels().filter(organization_id=organization_id, queue__in=set(pairs.values())):
        labels[attached.queue_id].append(attached)
    source_notes = notes_of_sources(organization_id, [source.pk for source in sources], author=actor.user)
    found = []
    for source in sources:
        of_source = [queue for (source_id, _), queue in pairs.items() if source_id == source.pk]
        for queue in sorted(of_source, key=lambda queue: queue.created_at):
            of_pair = items.get((source.pk, queue.pk))
            own = scores[of_pair.pk] if of_pair else []
            attached_ids = {attached.label_id for attached in labels[queue.pk]}
            found.append(
                SourceQueue(
                    queue,
                    source,
                    of_pair,
                    labels[queue.pk],
                    [score for score in own if score.label_id in attached_ids],
                    notes.get(of_pair.pk, "") if of_pair else "",
                    source_notes[source.pk],
                )
            )
    return found


def _default_queues(actor: Actor, sources: Sequence[Source]) -> dict[Queue, list[Source]]:
    """Return active default queues by the scopes in the sources' metadata."""
    named: dict[tuple[str, uuid.UUID], list[Source]] = defaultdict(list)
    for source in sources:
        for scope, column in SCOPES.items():
            sent = (source.metadata.get(name) for name in (f"{scope}_id", scope))
            if scope_id := next(filter(None, map(parse_uuid, sent)), None):
                named[column, scope_id].append(source)
    conditions = Q(*(Q((column, scope_id)) for column, scope_id in named), _connector=Q.OR)
    queues = Queue.objects.filter(LIVE, conditions, visible_queues(actor), status="active", is_default=True)
    return {
        queue: list(chain(*(of_scope for (column, pk), of_scope in named.items() if getattr(queue, column) == pk)))
        for queue in (queues if named else ())
    }
