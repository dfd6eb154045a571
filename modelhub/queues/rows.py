"""Items as clients see them: the one declaration of their fields."""

from typing import Annotated, Any

import msgspec
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, Func, JSONField, OuterRef, Q, QuerySet, Subquery, TextField, Value, When
from django.db.models.functions import JSONObject, NullIf

from modelhub.core.structs import AnyJson, Choice, Flag, JsonList, JsonObject, Moment, Number, Text, Uuid, display_name
from modelhub.queues.models import (
    IN_REVIEW,
    ITEM_STATUSES,
    REVIEW_STATUSES,
    Assignment,
    DatabaseClock,
    Slot,
)

WORKFLOW_STATUSES = (*ITEM_STATUSES, "in_review", "resubmitted", "needs_changes")


def _of_item(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the rows that belong to the item of an outer query."""
    return rows.filter(item=OuterRef("pk"), organization=OuterRef("organization"))


ASSIGNMENTS = _of_item(Assignment.objects.order_by("created_at", "id"))
RESERVATIONS = _of_item(
    Slot.objects.filter(state__in=["reserved", "submitted"], reserved_until__gt=DatabaseClock()).order_by(
        "reserved_until"
    )
)


def _first(rows: QuerySet[Any], column: Any) -> Subquery:
    return Subquery(rows.values(shown=column)[:1])


PEOPLE = Func(
    ArraySubquery(ASSIGNMENTS.values(shown=JSONObject(id="user_id", name=display_name("user"), email="user__email"))),
    function="array_to_json",
    output_field=JSONField(),
)
WORKFLOW_STATUS = Case(
    # An item in review has a review only if that was a rejection: a reopened one has lost its approval.
    When(IN_REVIEW & ~Q(reviewed_at=None), then=Value("resubmitted")),
    When(IN_REVIEW, then=Value("in_review")),
    When(review_status="rejected", then=Value("needs_changes")),
    default=F("status"),
    output_field=TextField(),
)


class ItemRow(msgspec.Struct, frozen=True, gc=False):
    """An item of contract 5 as annotators see it, in the order in which JSON shows it.

    The first of the assigned people is `assigned_to`. `reserved_by` holds the live reservation that expires first.
    """

    id: Annotated[str, Uuid()]
    queue: Annotated[str, Uuid("queue_id")]
    source_type: Annotated[str, Text("source__source_type")]
    source_id: Annotated[str, Text("source__source_id")]
    source_name: Annotated[str, Text("source__name")]
    status: Annotated[str, Choice(words=ITEM_STATUSES)]
    workflow_status: Annotated[str, Choice(WORKFLOW_STATUS, WORKFLOW_STATUSES)]
    order: Annotated[int, Number()]
    priority: Annotated[int, Number()]
    metadata: Annotated[msgspec.Raw, JsonObject("source__metadata")]
    assigned_to: Annotated[str | None, Uuid(_first(ASSIGNMENTS, F("user_id")))]
    assigned_to_name: Annotated[str | None, Text(_first(ASSIGNMENTS, display_name("user")))]
    assigned_users: Annotated[msgspec.Raw, JsonList(PEOPLE)]
    reserved_by: Annotated[str | None, Uuid(_first(RESERVATIONS, F("user_id")))]
    reserved_by_name: Annotated[str | None, Text(_first(RESERVATIONS, display_name("user")))]
    reservation_expires_at: Annotated[str | None, Moment(_first(RESERVATIONS, F("reserved_until")))]
    review_status: Annotated[str | None, Choice(NullIf("review_status", Value("")), REVIEW_STATUSES)]
    reviewed_by: Annotated[str | None, Uuid("reviewed_by_id")]
    reviewed_by_name: Annotated[str | None, Text(display_name("reviewed_by"))]
    reviewed_at: Annotated[str | None, Moment()]
    review_notes: Annotated[str, Text()]
    created_at: Annotated[str, Moment()]
    updated_at: Annotated[str, Moment()]
    completed_at: Annotated[str | None, Moment()]


class GoldItemRow(ItemRow, frozen=True, gc=False):
    """An item as managers and reviewers see it; `expected` has values by label id."""

    gold: Annotated[bool, Flag()]
    expected: Annotated[msgspec.Raw, JsonObject()]


class ItemWithContentRow(ItemRow, frozen=True, gc=False):
    """An item with the content of its source, for the page of one item."""

    content: Annotated[msgspec.Raw | None, AnyJson("source__content")]


class GoldItemWithContentRow(GoldItemRow, frozen=True, gc=False):
    """The same for managers and reviewers."""

    content: Annotated[msgspec.Raw | None, AnyJson("source__content")]
