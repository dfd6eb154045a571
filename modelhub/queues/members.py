"""The members of a queue and their roles."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

from django.db.models import Exists, OuterRef, Q

from modelhub.accounts.models import User, normalize_login
from modelhub.accounts.people import Actor, get_annotator
from modelhub.core.errors import Conflict, Invalid, NotFound
from modelhub.core.ids import parse_uuid
from modelhub.core.models import LIVE
from modelhub.core.text import show
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.queues.access import ROLES_WITH, get_access
from modelhub.queues.completion import settle_all
from modelhub.queues.models import QUEUE_ROLES, Assignment, DatabaseClock, Item, Queue, QueueMember, Slot

ANNOTATE = ROLES_WITH["annotate"]
OPEN = ("reserved", "submitted")


@repeat_aborted
@in_transaction
def put_member(
    *, actor: Actor, queue_id: uuid.UUID, user_id: str | None, email: str | None, roles: Sequence[str] | None
) -> tuple[QueueMember, bool]:
    """Add a member, an annotator by default, or replace the roles of one.

    Return it and whether it is new. Raise `NotFound`, `Forbidden`, `Invalid` for an unknown user, `Conflict` if no
    manager would be left.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    user = get_annotator(organization_id=access.queue.organization_id, user_id=user_id, email=email)
    of_queue = {"organization_id": access.queue.organization_id, "queue": access.queue}
    member = QueueMember.objects.filter(**of_queue, user=user).first()
    created = member is None
    if member is None:
        member = QueueMember(**of_queue, user=user, roles=list(roles or ["annotator"]))
    member.user, member.roles = user, list(roles or member.roles)
    member.save()
    if not created:
        _check_manager(access.queue)
    if not ANNOTATE & {*member.roles}:
        _drop_work(access.queue, [user.pk])
    elif "annotator" not in member.roles:
        settle_all(access.queue)
    return member, created


@repeat_aborted
@in_transaction
def remove_member(*, actor: Actor, queue_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Remove a member with the assignments and seats of open items.

    Raise `NotFound`, `Forbidden`, `Conflict` for the last manager.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    members = QueueMember.objects.filter(organization_id=access.queue.organization_id, queue=access.queue, user=user_id)
    if not members.delete()[0]:
        raise NotFound(f"Member not found: {user_id}", code="member_not_found")
    _check_manager(access.queue)
    _drop_work(access.queue, [user_id])


def change_members(queue: Queue, fields: Mapping[str, Any]) -> None:
    """Apply the given members and roles to a locked queue.

    `annotator_ids` and `annotator_emails` replace the members except for the creator. Those that stay keep their roles,
    new ones are annotators, unless `annotator_roles` names them. Raise `Invalid`, `Conflict` without a manager.
    """
    lists = {name: fields[name] or [] for name in ("annotator_ids", "annotator_emails") if name in fields}
    sent_roles = fields.get("annotator_roles") or {}
    if not lists and not sent_roles:
        return
    of_queue = {"organization_id": queue.organization_id, "queue": queue}
    before = dict(QueueMember.objects.filter(**of_queue).values_list("user_id", "roles"))
    after = before
    people = _find_people(queue.organization_id, [*chain(*lists.values()), *sent_roles], members=before)
    if lists:
        named = [_person(people, f"{field}[{at}]", one) for field in lists for at, one in enumerate(lists[field])]
        kept = [user_id for user_id in before if user_id == queue.created_by_id]
        after = {user_id: before.get(user_id, ["annotator"]) for user_id in [*kept, *named]}
    given: dict[uuid.UUID, list[str]] = {}
    for name, roles in sent_roles.items():
        user_id = _person(people, "annotator_roles", name)
        if user_id not in after:
            sentence = f"annotator_roles must name members of the queue, got {show(name)}"
            raise Invalid(sentence, field="annotator_roles")
        if given.setdefault(user_id, roles) != roles:
            sentence = f"annotator_roles must name each member once, got {show(name)} by id and email"
            raise Invalid(sentence, field="annotator_roles")
    after = after | given
    if not any("manager" in roles for roles in after.values()):
        raise _no_manager()
    QueueMember.objects.bulk_create(
        [
            QueueMember(**of_queue, user_id=user_id, roles=roles)
            for user_id, roles in after.items()
            if roles != before.get(user_id)
        ],
        update_conflicts=True,
        unique_fields=["queue", "user", "organization"],
        update_fields=["roles"],
    )
    dropped = before.keys() - after.keys()
    QueueMember.objects.filter(**of_queue, user_id__in=dropped).delete()
    demoted = {user_id for user_id in before.keys() & after.keys() if not ANNOTATE & {*after[user_id]}}
    if dropped or demoted:
        _drop_work(queue, dropped | demoted)
    elif any("annotator" in roles and "annotator" not in after[user_id] for user_id, roles in before.items()):
        settle_all(queue)


def roles_in_order(roles: Collection[str]) -> list[str]:
    """Return roles once each, in the order of their rank."""
    return [role for role in QUEUE_ROLES if role in roles]


def _check_manager(queue: Queue) -> None:
    """Raise `Conflict` for a queue without a manager."""
    members = QueueMember.objects.filter(organization_id=queue.organization_id, queue=queue)
    if not members.filter(roles__contains=["manager"]).exists():
        raise _no_manager()


def _drop_work(queue: Queue, user_ids: Collection[uuid.UUID]) -> None:
    """End the assignments and open work of people on open items; lock the items.

    Reserved slots are deleted, and those with work lose their seats. Items that they skipped may have no other
    annotator left.
    """
    of_queue = {"organization_id": queue.organization_id, "queue": queue}
    open_items = Item.objects.filter(LIVE, **of_queue).exclude(status="completed")
    theirs = {"organization_id": queue.organization_id, "item": OuterRef("pk"), "user_id__in": user_ids}
    held = Exists(Assignment.objects.filter(**theirs)) | Exists(Slot.objects.filter(**theirs, state__in=OPEN))
    locked = open_items.filter(held).order_by("pk").select_for_update(no_key=True, of=("self",))
    list(locked.values_list("pk"))
    of_open_items = of_queue | {"user_id__in": user_ids, "item__in": open_items.values("pk")}
    slots = Slot.objects.filter(**of_open_items)
    slots.filter(state="reserved").delete()
    slots.filter(state="submitted").update(seat=None, reserved_until=DatabaseClock(), updated_at=DatabaseClock())
    Assignment.objects.filter(**of_open_items).delete()
    others = Assignment.objects.filter(organization_id=queue.organization_id, item=OuterRef("pk"))
    open_items.filter(~Exists(others), is_assigned=True).update(is_assigned=False)
    settle_all(queue)


def _no_manager() -> Conflict:
    sentence = "A queue needs at least one manager: give another member this role first"
    return Conflict(sentence, code="last_manager")


def _find_people(
    organization_id: uuid.UUID, names: Sequence[uuid.UUID | str], *, members: Collection[uuid.UUID]
) -> dict[uuid.UUID | str, uuid.UUID]:
    """Return the ids of active users and of members, by their ids and emails."""
    ids = [pk for name in names if (pk := name if isinstance(name, uuid.UUID) else parse_uuid(name))]
    emails = [normalize_login(name) for name in names if isinstance(name, str)]
    users = User.objects.filter(Q(pk__in=ids) | Q(email__in=emails), organization_id=organization_id)
    found: dict[uuid.UUID | str, uuid.UUID] = {}
    for pk, email in users.filter(Q(is_active=True) | Q(pk__in=[*members])).values_list("pk", "email"):
        found |= {pk: pk, email: pk}
    return found


def _person(people: Mapping[uuid.UUID | str, uuid.UUID], field: str, name: uuid.UUID | str) -> uuid.UUID:
    """Return the id of a user by id or email. Raise `Invalid`."""
    key = name if isinstance(name, uuid.UUID) else parse_uuid(name) or normalize_login(name)
    if key not in people:
        sentence = f"{field} must be the id or email of an active user of this organization, got {show(str(name))}"
        raise Invalid(sentence, code="annotator_not_found", field=field.partition("[")[0])
    return people[key]
