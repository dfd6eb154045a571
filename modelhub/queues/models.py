"""Annotation queues: labels, members, items, and the work of people."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q

from modelhub.accounts.models import Organization, User
from modelhub.core import clock
from modelhub.core.models import (
    LISTED,
    LIVE,
    TenantForeignKey,
    TenantRow,
    exact_json_field,
    is_object,
    name_field,
    name_key,
    newest_first,
    one_of,
)
from modelhub.datasets.models import Dataset
from modelhub.labels.models import Label, Project
from modelhub.sources.models import Source

QUEUE_STATUSES = ("draft", "active", "paused", "completed")
NEW_QUEUE_STATUSES = ("draft", "active", "paused")
STRATEGIES = ("manual", "round_robin", "load_balanced")
# The first role of a member is the one that clients show.
QUEUE_ROLES = ("manager", "reviewer", "annotator")
ITEM_STATUSES = ("pending", "in_progress", "completed", "skipped")
REVIEW_STATUSES = ("pending_review", "approved", "rejected")
SLOT_STATES = ("reserved", "submitted", "completed", "skipped")
# The states in which a person's work on an item is over.
ENDED = ("completed", "skipped")
REVIEW_ACTIONS = ("approve", "request_changes", "reject", "comment", "reopen")

IN_REVIEW = Q(review_status="pending_review")


class DatabaseClock(Func):
    """The clock of the database, by which reservations expire.

    Django's `Now` is the time of the statement's start on PostgreSQL: test controls cannot move it, and it is too early
    after a wait for a lock.
    """

    template = "clock_timestamp()"
    output_field = models.DateTimeField()


class Queue(TenantRow):
    """Work for people: items to judge by labels, `annotations_required` times each."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="queues", db_index=False)
    name = name_field()
    description = models.TextField(blank=True)
    instructions = models.TextField(blank=True)
    status = models.CharField(max_length=16, choices=[(word, word) for word in QUEUE_STATUSES], default="draft")
    assignment_strategy = models.CharField(
        max_length=16, choices=[(word, word) for word in STRATEGIES], default="manual"
    )
    auto_assign = models.BooleanField(default=False)
    annotations_required = models.IntegerField(default=1)
    reservation_seconds = models.IntegerField(default=1800)
    requires_review = models.BooleanField(default=False)
    # An annotator sees the scores of others only after completing an item.
    blind = models.BooleanField(default=True)
    # The default queue of its scope: it never completes by itself.
    is_default = models.BooleanField(default=False)
    project = TenantForeignKey(Project, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    dataset = TenantForeignKey(Dataset, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    # Of the hosted service: there is no table of them here.
    agent_definition = models.UUIDField(null=True, blank=True)
    created_by = TenantForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Not columns: set by `describe_queues`. Items in review are not counted as in progress.
    labels: "list[QueueLabel]"
    annotators: "list[QueueMember]"
    item_count: int
    pending_count: int
    in_progress_count: int
    in_review_count: int
    completed_count: int
    skipped_count: int
    viewer_roles: list[str]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name_key("name"),
                "project",
                "dataset",
                "agent_definition",
                "organization",
                name="queue_name_is_unique",
                condition=LIVE,
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                fields=["project", "dataset", "agent_definition", "organization"],
                name="queue_default_is_unique",
                condition=Q(is_default=True),
                nulls_distinct=False,
            ),
            one_of("status", QUEUE_STATUSES, table="queue"),
            one_of("assignment_strategy", STRATEGIES, table="queue"),
            models.CheckConstraint(condition=Q(annotations_required__gte=1), name="queue_requires_annotations"),
            models.CheckConstraint(condition=Q(reservation_seconds__gte=1), name="queue_reserves_for_a_time"),
        ]
        indexes = [newest_first("organization", name="queue_newest_first")]

    def __str__(self) -> str:
        return self.name

    @property
    def archived(self) -> bool:
        return self.deleted_at is not None

    @property
    def reservation_timeout_minutes(self) -> int:
        return -(-self.reservation_seconds // 60)

    @property
    def viewer_role(self) -> str | None:
        return next(iter(self.viewer_roles), None)


class QueueLabel(TenantRow):
    """A label that the items of a queue are judged by."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = TenantForeignKey(Queue, on_delete=models.PROTECT, related_name="queue_labels", db_index=False)
    label = TenantForeignKey(Label, on_delete=models.PROTECT, related_name="+", db_index=False)
    required = models.BooleanField(default=False)
    order = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "label", "organization"], name="queuelabel_is_unique"),
        ]

    def __str__(self) -> str:
        return f"label {self.label_id} of queue {self.queue_id}"


class QueueMember(TenantRow):
    """A user's roles in a queue."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = TenantForeignKey(Queue, on_delete=models.PROTECT, related_name="members", db_index=False)
    user = TenantForeignKey(User, on_delete=models.PROTECT, related_name="+")
    roles = ArrayField(models.CharField(max_length=16, choices=[(word, word) for word in QUEUE_ROLES]))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "user", "organization"], name="queuemember_is_unique"),
            models.CheckConstraint(
                condition=Q(roles__contained_by=list(QUEUE_ROLES), roles__len__gte=1),
                name="queuemember_has_known_roles",
            ),
        ]

    def __str__(self) -> str:
        return f"member {self.user_id} of queue {self.queue_id}"

    @property
    def role(self) -> str:
        return self.roles[0]


class Item(TenantRow):
    """A source in a queue.

    A write of its status, of its slots or of its scores holds the lock of the item's row.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = TenantForeignKey(Queue, on_delete=models.PROTECT, related_name="items", db_index=False)
    source = TenantForeignKey(Source, on_delete=models.PROTECT, related_name="items", db_index=False)
    order = models.IntegerField()
    priority = models.IntegerField(default=0)
    status = models.CharField(max_length=16, choices=[(word, word) for word in ITEM_STATUSES], default="pending")
    # Blank unless the queue requires a review.
    review_status = models.CharField(max_length=16, choices=[(word, word) for word in REVIEW_STATUSES], blank=True)
    reviewed_by = TenantForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    review_notes = models.TextField(blank=True)
    # A gold item checks annotators: `expected` holds stored values by label id. Annotators never see either.
    gold = models.BooleanField(default=False)
    expected = exact_json_field(default=dict, blank=True)
    # Kept beside the assignments: the next item of a person is found by it.
    is_assigned = models.BooleanField(default=False)
    completed_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "queue", "organization"], name="item_is_unique", condition=LIVE),
            # The target of the foreign key of scores: a score and its item belong to one organization.
            models.UniqueConstraint(fields=["id", "organization"], name="item_of_organization"),
            one_of("status", ITEM_STATUSES, table="item"),
            one_of("review_status", ("", *REVIEW_STATUSES), table="item"),
            is_object("expected", table="item"),
        ]
        indexes = [
            # The organization is included for counts and pages, which read no row of the table.
            models.Index(
                fields=["queue", "order", "id"], include=["organization"], name="item_in_order", condition=LIVE & LISTED
            ),
            # The columns of counts by state. Equal keys are stored once: 8 bytes per item, without included ones.
            models.Index(
                fields=["queue", "status", "review_status", "is_assigned", "reviewed_at", "organization"],
                name="item_by_state",
                condition=LIVE,
            ),
            models.Index(
                F("queue"),
                F("is_assigned"),
                F("priority").desc(),
                F("order"),
                name="item_to_take",
                condition=LIVE & Q(status__in=["pending", "in_progress"]) & ~IN_REVIEW,
            ),
            models.Index(
                fields=["queue", "completed_at"],
                include=["organization"],
                name="item_by_completion",
                condition=LIVE & ~Q(completed_at=None),
            ),
            models.Index(fields=["queue"], name="item_of_gold", condition=LIVE & Q(gold=True)),
        ]

    def __str__(self) -> str:
        return f"item {self.pk}"


class Assignment(TenantRow):
    """A person who may take an item; an item without assignments is open to all."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = TenantForeignKey(Queue, on_delete=models.PROTECT, related_name="+", db_index=False)
    item = TenantForeignKey(Item, on_delete=models.PROTECT, related_name="assignments", db_index=False)
    user = TenantForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "user", "organization"], name="assignment_is_unique"),
        ]
        indexes = [models.Index(fields=["queue", "user", "item"], include=["organization"], name="assignment_by_user")]

    def __str__(self) -> str:
        return f"assignment of item {self.item_id} to {self.user_id}"


class Slot(TenantRow):
    """One person's claim on an item.

    `seat` is a number from 1 to the queue's `annotations_required`. It is null for a skip, and for work beyond the
    seats, which managers may do. A reserved or submitted slot is live until `reserved_until`; another person takes the
    seat of an expired one. `ended_at` is the time of the completion or the skip.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = TenantForeignKey(Queue, on_delete=models.PROTECT, related_name="+", db_index=False)
    item = TenantForeignKey(Item, on_delete=models.PROTECT, related_name="slots", db_index=False)
    user = TenantForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=16, choices=[(word, word) for word in SLOT_STATES])
    seat = models.IntegerField(null=True, blank=True)
    reserved_until = models.DateTimeField(null=True, blank=True)
    skip_reason = models.TextField(blank=True)
    # The person's note on the whole item.
    notes = models.TextField(blank=True)
    # Set while a reviewer's request for changes is open.
    returned_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "user", "organization"], name="slot_is_unique"),
            # Overlap: no two people have one seat of an item.
            models.UniqueConstraint(
                fields=["item", "seat", "organization"], name="slot_seat_is_unique", condition=~Q(seat=None)
            ),
            one_of("state", SLOT_STATES, table="slot"),
            models.CheckConstraint(
                condition=Q(seat=None) | (Q(seat__gte=1) & ~Q(state="skipped")), name="slot_seat_is_possible"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["reserved", "submitted"], reserved_until__isnull=False, ended_at=None)
                | Q(state__in=["completed", "skipped"], ended_at__isnull=False),
                name="slot_ends_or_expires",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue", "user", "state", "ended_at"], include=["item", "organization"], name="slot_by_user"
            )
        ]

    def __str__(self) -> str:
        return f"slot of {self.user_id} on item {self.item_id}"


class Review(TenantRow):
    """One decision of a reviewer on an item, with comments on single scores."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    item = TenantForeignKey(Item, on_delete=models.PROTECT, related_name="reviews", db_index=False)
    reviewer = TenantForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    action = models.CharField(max_length=16, choices=[(word, word) for word in REVIEW_ACTIONS])
    notes = models.TextField(blank=True)
    # Objects with `label_id`, `target_annotator_id` and `comment`.
    label_comments = exact_json_field(default=list, blank=True)

    class Meta:
        constraints = [one_of("action", REVIEW_ACTIONS, table="review")]
        indexes = [models.Index(fields=["item", "created_at", "id"], name="review_by_item")]

    def __str__(self) -> str:
        return f"review {self.pk}"


# Of decisions on the values of items: neither replaced nor a withdrawal.
IN_FORCE = Q(replaced_at=None, value__isnull=False)


class Adjudication(TenantRow):
    """A reviewer's decision on the value of an item by one label.

    It is no score: scores are the judgements that it decides between, and keep counting as such. A null value withdraws
    the decision before. The row without `replaced_at` is the last one; the others are its history. A write holds the
    lock of the item's row.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    item = TenantForeignKey(Item, on_delete=models.PROTECT, related_name="adjudications", db_index=False)
    label = TenantForeignKey(Label, on_delete=models.PROTECT, related_name="+", db_index=False)
    adjudicator = TenantForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    value = exact_json_field(null=True, blank=True)
    notes = models.TextField(blank=True)
    # Set by the next decision on the same item and label.
    replaced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "label", "organization"],
                name="adjudication_is_unique",
                condition=Q(replaced_at=None),
            ),
            is_object("value", table="adjudication"),
        ]
        indexes = [models.Index(fields=["item", "label", "created_at"], name="adjudication_by_item")]

    def __str__(self) -> str:
        return f"adjudication {self.pk} of item {self.item_id}"
