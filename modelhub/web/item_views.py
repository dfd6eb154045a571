"""Items of a queue: list, assign, remove, release, give back."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import django_filters
import msgspec
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase

from modelhub.accounts.models import User
from modelhub.core.errors import Invalid, Refused
from modelhub.core.ids import parse_uuid
from modelhub.core.inputs import IdField, InputSerializer, ManyField, NumberField
from modelhub.core.models import LISTED
from modelhub.core.text import count, show
from modelhub.queues.access import ROLES_WITH, Access, get_access
from modelhub.queues.assignment import People, assign_items, share_items
from modelhub.queues.claims import release_item
from modelhub.queues.item_filters import ItemFilter
from modelhub.queues.item_serializers import MAX_ITEM_IDS, MAX_PEOPLE, AssignInput, ItemIdsInput
from modelhub.queues.items import SKIPPED_BY_SOME, give_back_items, remove_items
from modelhub.queues.models import IN_REVIEW, Item, Queue
from modelhub.queues.overview import members_in_order
from modelhub.queues.queries import WorkOnItem, item_rows, items_of, read_work_on_items
from modelhub.queues.rows import ItemRow
from modelhub.web.page import Page
from modelhub.web.queue_form import whole_number

ITEMS_OF_PAGE = 50
SHOWN_PEOPLE = 3
UNASSIGNED = "nobody"
# A search reads no further: it has no index, and its count would cost as much again.
MOST_FOUND = 1000
# The words of the filter with their names and conditions.
STATUSES = {
    "pending": ("Pending", Q(status="pending")),
    "in_progress": ("In progress", Q(status="in_progress", review_status="")),
    "in_review": ("In review", IN_REVIEW),
    "returned": ("Returned", Q(review_status="rejected")),
    "completed": ("Completed", Q(status="completed")),
    "skipped": ("Skipped", Q(status="skipped")),
    "some_skipped": ("Skipped by some", SKIPPED_BY_SOME),
}
# Sentences of this page in place of those of the API, by code.
SENTENCES = {
    "annotator_not_found": "A selected person may not annotate in this queue any more. Select the people again.",
    "item_not_found": "The item was removed meanwhile.",
}
# Names of the status of a row that differ from the word of the API.
STATUS_NAMES = {"needs_changes": "returned"}
# Ways to assign the selected items.
WAYS = {
    "share": "share evenly among them",
    "add": "add them to each item",
    "set": "only them on each item",
    "remove": "take the items from them",
}


class ShownItem(NamedTuple):
    """An item with its source, the first of its people, and the work on it."""

    row: ItemRow
    source: uuid.UUID
    people: list[str]
    more_people: int
    work: WorkOnItem

    @property
    def status(self) -> str:
        word = self.row.workflow_status
        return STATUS_NAMES.get(word, word).replace("_", " ")

    @property
    def can_be_given_back(self) -> bool:
        is_closed = self.row.status == "completed" or self.row.review_status == "pending_review"
        return bool(self.work.skips) and not is_closed

    @property
    def answered(self) -> list[str]:
        return [*self.work.people.values()][:SHOWN_PEOPLE]

    @property
    def more_answered(self) -> int:
        return len(self.work.people) - len(self.answered)


class ItemPageFilter(ItemFilter):
    """Filters of a queue's items with the search of the page."""

    search = django_filters.CharFilter(method="named", label="part of the name or the id of a source")

    def named(self, queryset: QuerySet[Item], name: str, value: str) -> QuerySet[Item]:
        return queryset.filter(Q(source__name__icontains=value) | Q(source__source_id__icontains=value))


class FirstInput(InputSerializer):
    """A number of items without people, and the people to share them among."""

    first = NumberField(least=1, most=MAX_ITEM_IDS)
    user_ids = ManyField(child=IdField(rule="the id of a member"), max_length=MAX_PEOPLE)


class Items(Page):
    """Items."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        access = get_access(self.actor, pk)
        access.check("manage")
        given = {
            name: self.request.GET.get(name, "").strip() for name in ("search", "status", "assigned_to", "ordering")
        }
        rows: Any = self.filter(access, given)
        if given["search"]:
            rows = list(rows[: MOST_FOUND + 1])
        found = Paginator(rows[:MOST_FOUND] if given["search"] else rows, ITEMS_OF_PAGE)
        page = found.get_page(self.request.GET.get("page"))
        sent = self.request.POST
        return self.render(
            "items.html",
            queue=access.queue,
            page=page,
            items=shown_items(access, [*page]),
            finds_more=bool(given["search"]) and len(rows) > MOST_FOUND,
            given=given,
            statuses=[(word, name) for word, (name, _) in STATUSES.items()],
            people=annotators_of(access.queue),
            ways=WAYS.items(),
            unassigned=UNASSIGNED,
            chosen=sent.getlist("item"),
            chosen_people=sent.getlist("person"),
            way=sent.get("way", "share"),
            first=sent.get("first", ""),
        )

    def filter(self, access: Access, given: dict[str, str]) -> QuerySet[Any, Any]:
        """Return ids of items with those of their sources. Raise `Invalid`."""
        rows: Any = items_of(access.queue).filter(LISTED).order_by("order", "id").values_list("pk", "source_id")
        if status := given["status"]:
            if status not in STATUSES:
                raise Invalid(f"status must be one of {', '.join(STATUSES)}, got {show(status)}", field="status")
            rows = rows.filter(STATUSES[status][1])
        filters = {"search": given["search"], "ordering": given["ordering"]}
        if given["assigned_to"] == UNASSIGNED:
            rows = rows.filter(is_assigned=False)
        else:
            filters["assigned_to"] = given["assigned_to"]
        given = {name: text for name, text in filters.items() if text}
        return ItemPageFilter(given, rows, request=self.request).get_rows()

    def act(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        """Act by the button. Raise `Refused`, for ordinary errors without ids."""
        try:
            return self.act_by_button(pk)
        except Refused as refused:
            if refused.code in SENTENCES:
                raise Invalid(SENTENCES[refused.code], code=refused.code, field="person") from refused
            raise

    def act_by_button(self, pk: uuid.UUID) -> HttpResponseBase:
        """Assign, share, remove, give back or release."""
        post = self.request.POST
        if "release" in post:
            return self.done(self.release(pk, post["release"]))
        if "give_back" in post:
            return self.done(self.give_back(pk, [post["give_back"]]))
        match post.get("action"):
            case "remove":
                number = remove_items(actor=self.actor, queue_id=pk, item_ids=read_ids(self.selected("item")))
                return self.done(f"{count(number, 'item')} removed.")
            case "give_back":
                return self.done(self.give_back(pk, self.selected("item")))
            case "first":
                return self.done(self.share_first(pk))
            case _:
                return self.done(self.assign(pk))

    def assign(self, pk: uuid.UUID) -> str:
        """Assign the selected items in the selected way."""
        post = self.request.POST
        way = post.get("way", "")
        body = {"item_ids": self.selected("item"), "user_ids": self.selected("person"), "action": way}
        if way == "share":
            sent = AssignInput().run_validation(body | {"action": "add"})
            number = share_items(actor=self.actor, queue_id=pk, people=sent["people"], item_ids=sent["item_ids"])
            return f"{count(number, 'item')} shared."
        sent = AssignInput().run_validation(body)
        number = assign_items(actor=self.actor, queue_id=pk, **sent).items
        return f"Assignments of {count(number, 'item')} changed."

    def share_first(self, pk: uuid.UUID) -> str:
        """Share the first items without people."""
        people = self.selected("person")
        first = whole_number(self.request.POST.get("first", "").strip())
        sent = FirstInput().run_validation({"user_ids": people} | ({} if first is None else {"first": first}))
        shared = share_items(
            actor=self.actor, queue_id=pk, people=People("user_ids", sent["user_ids"]), first=sent["first"]
        )
        return f"{count(shared, 'item')} shared." if shared else "Every open item has people already."

    def release(self, pk: uuid.UUID, sent: str) -> str:
        """End one person's reservation of an item; both ids are in the button's value."""
        item_id, _, user_id = sent.partition(" ")
        item, user = parse_uuid(item_id), parse_uuid(user_id)
        if not item or not user:
            raise Invalid(f"release must be the ids of an item and a person, got {show(sent)}", field="release")
        release_item(actor=self.actor, queue_id=pk, item_id=item, user_id=user)
        return "The reservation is released."

    def give_back(self, pk: uuid.UUID, sent: Sequence[str]) -> str:
        """Open skipped items for their annotators again."""
        number = give_back_items(actor=self.actor, queue_id=pk, item_ids=read_ids(sent))
        return (
            f"{count(number, 'item')} given back to the annotators."
            if number
            else "No selected item can be given back."
        )

    def selected(self, name: str) -> list[str]:
        """Return the checked boxes of items or people. Raise `Invalid` without any."""
        sent = self.request.POST.getlist(name)
        if not sent:
            raise Invalid(f"Select at least one {name}", field=name)
        return sent

    def done(self, sentence: str) -> HttpResponseBase:
        """Return to the same page of the list."""
        messages.success(self.request, sentence)
        return HttpResponseRedirect(self.request.get_full_path())


def annotators_of(queue: Queue) -> list[User]:
    """Return the active members that may annotate."""
    members = members_in_order().filter(organization_id=queue.organization_id, queue=queue, user__is_active=True)
    return [member.user for member in members if ROLES_WITH["annotate"] & {*member.roles}]


def read_ids(sent: Sequence[str]) -> list[uuid.UUID]:
    """Return ids of items. Raise `Invalid`."""
    item_ids: list[uuid.UUID] = ItemIdsInput().run_validation({"item_ids": sent})["item_ids"]
    return item_ids


def shown_items(access: Access, page: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> list[ShownItem]:
    """Return the items of a page; the number of statements does not grow with them."""
    sources = dict(page)
    work = read_work_on_items(access.queue, sources)
    return [_shown_item(row, sources, work) for row in item_rows(access, [*sources])]


def _shown_item(
    row: ItemRow, sources: Mapping[uuid.UUID, uuid.UUID], work: Mapping[uuid.UUID, WorkOnItem]
) -> ShownItem:
    pk = uuid.UUID(row.id)
    people = [one["name"] for one in msgspec.json.decode(row.assigned_users)]
    return ShownItem(row, sources[pk], people[:SHOWN_PEOPLE], len(people[SHOWN_PEOPLE:]), work[pk])
