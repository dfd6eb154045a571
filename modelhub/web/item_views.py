"""Items of a queue: list, assign, remove, release."""

import uuid
from typing import Any, NamedTuple

import msgspec
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase

from modelhub.accounts.models import User
from modelhub.core.errors import Invalid
from modelhub.core.ids import parse_uuid
from modelhub.core.inputs import IdField, InputSerializer, ManyField, NumberField
from modelhub.core.models import LISTED
from modelhub.core.text import count, show
from modelhub.queues.access import ROLES_WITH, get_access
from modelhub.queues.assignment import People, assign_items, share_items
from modelhub.queues.claims import release_item
from modelhub.queues.item_filters import ItemFilter
from modelhub.queues.item_serializers import MAX_ITEM_IDS, MAX_PEOPLE, AssignInput, ItemIdsInput
from modelhub.queues.items import remove_items
from modelhub.queues.models import ITEM_STATUSES, Queue
from modelhub.queues.overview import members_in_order
from modelhub.queues.queries import item_rows, items_of
from modelhub.queues.rows import ItemRow
from modelhub.web.page import Page
from modelhub.web.queue_form import whole_number

ITEMS_OF_PAGE = 50
SHOWN_PEOPLE = 3
UNASSIGNED = "nobody"
# Ways to assign the selected items.
WAYS = {
    "share": "share evenly among them",
    "add": "add them to each item",
    "set": "only them on each item",
    "remove": "take the items from them",
}


class ShownItem(NamedTuple):
    """An item with the first of its people."""

    row: ItemRow
    people: list[str]
    more_people: int
    in_review: bool

    @property
    def status(self) -> str:
        return self.row.workflow_status.replace("_", " ")


class FirstInput(InputSerializer):
    """A number of items without people, and the people to share them among."""

    first = NumberField(least=1, most=MAX_ITEM_IDS)
    user_ids = ManyField(child=IdField(rule="the id of a member"), max_length=MAX_PEOPLE)


class Items(Page):
    """Items."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        access = get_access(self.actor, pk)
        access.check("manage")
        given = {name: self.request.GET.get(name, "").strip() for name in ("status", "assigned_to", "ordering")}
        filters = {name: text for name, text in given.items() if text and text != UNASSIGNED}
        rows: Any = items_of(access.queue).filter(LISTED).order_by("order", "id").values_list("pk", flat=True)
        if given["assigned_to"] == UNASSIGNED:
            rows = rows.filter(is_assigned=False)
        rows = ItemFilter(filters, queryset=rows, request=self.request).get_rows()
        page = Paginator(rows, ITEMS_OF_PAGE).get_page(self.request.GET.get("page"))
        sent = self.request.POST
        return self.render(
            "items.html",
            queue=access.queue,
            page=page,
            items=[shown_item(row) for row in item_rows(access, [*page])],
            given=given,
            statuses=ITEM_STATUSES,
            people=annotators_of(access.queue),
            ways=WAYS.items(),
            unassigned=UNASSIGNED,
            chosen=sent.getlist("item"),
            chosen_people=sent.getlist("person"),
            way=sent.get("way", "share"),
            first=sent.get("first", ""),
        )

    def act(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        """Assign, share, remove or release, by the button."""
        post = self.request.POST
        if "release" in post:
            return self.done(self.release(pk, post["release"]))
        match post.get("action"):
            case "remove":
                sent = ItemIdsInput().run_validation({"item_ids": post.getlist("item")})
                number = remove_items(actor=self.actor, queue_id=pk, **sent)
                return self.done(f"{count(number, 'item')} removed.")
            case "first":
                return self.done(self.share_first(pk))
            case _:
                return self.done(self.assign(pk))

    def assign(self, pk: uuid.UUID) -> str:
        """Assign the selected items in the selected way."""
        post = self.request.POST
        way = post.get("way", "")
        if not post.getlist("item"):
            raise Invalid("Select at least one item", field="item")
        if not post.getlist("person"):
            raise Invalid("Select at least one person", field="person")
        body = {"item_ids": post.getlist("item"), "user_ids": post.getlist("person"), "action": way}
        if way == "share":
            sent = AssignInput().run_validation(body | {"action": "add"})
            number = share_items(actor=self.actor, queue_id=pk, people=sent["people"], item_ids=sent["item_ids"])
            return f"{count(number, 'item')} shared."
        sent = AssignInput().run_validation(body)
        number = assign_items(actor=self.actor, queue_id=pk, **sent).items
        return f"Assignments of {count(number, 'item')} changed."

    def share_first(self, pk: uuid.UUID) -> str:
        """Share the first items without people."""
        people = self.request.POST.getlist("person")
        if not people:
            raise Invalid("Select at least one person", field="person")
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

    def done(self, sentence: str) -> HttpResponseBase:
        """Return to the same page of the list."""
        messages.success(self.request, sentence)
        return HttpResponseRedirect(self.request.get_full_path())


def annotators_of(queue: Queue) -> list[User]:
    """Return the active members that may annotate."""
    members = members_in_order().filter(organization_id=queue.organization_id, queue=queue, user__is_active=True)
    return [member.user for member in members if ROLES_WITH["annotate"] & {*member.roles}]


def shown_item(row: ItemRow) -> ShownItem:
    people = [one["name"] for one in msgspec.json.decode(row.assigned_users)]
    in_review = row.workflow_status in ("in_review", "resubmitted")
    return ShownItem(row, people[:SHOWN_PEOPLE], len(people[SHOWN_PEOPLE:]), in_review)
