"""Scores and their revisions."""

from django.db import models

from modelhub.accounts.models import Organization, User
from modelhub.core import clock
from modelhub.core.models import (
    LISTED,
    LIVE,
    TenantForeignKey,
    TenantRow,
    exact_json_field,
    is_object,
    newest_first,
    one_of,
)
from modelhub.labels.models import Label
from modelhub.sources.models import Source

SCORE_SOURCES = ("human", "api", "auto", "imported", "automation", "sdk", "model")
# The sources of scores that are judges, not people (contract 7.8). The others name the way of a person's score.
JUDGES = frozenset({"auto", "model", "automation"})
ACTIONS = ("overwritten", "deleted")


class Score(TenantRow):
    """One annotator's judgement of one source by one label.

    A write holds the lock of the source's row.

    No foreign key has an index of its own: each index here serves a list, and costs every insert.
    """

    # The migration adds one foreign key of both columns: two would cost more and hold less.
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    source = TenantForeignKey(
        Source, on_delete=models.PROTECT, related_name="scores", db_index=False, db_constraint=False
    )
    label = TenantForeignKey(Label, on_delete=models.PROTECT, related_name="scores", db_index=False)
    annotator = TenantForeignKey(User, on_delete=models.PROTECT, related_name="scores", db_index=False)
    # Null outside of annotation queues; such scores are unique among themselves. The migration adds the foreign key to
    # items, which this package does not know.
    queue_item = models.UUIDField(null=True, blank=True)
    queue_id = models.UUIDField(null=True, blank=True)
    value = exact_json_field()
    score_source = models.CharField(max_length=16, choices=[(word, word) for word in SCORE_SOURCES], default="human")
    notes = models.TextField(blank=True)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    # Null for the annotator: nearly every score, and a null costs an insert neither space nor a foreign key's check.
    updated_by = TenantForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "label", "annotator", "queue_item", "organization"],
                name="score_is_unique",
                condition=LIVE,
                nulls_distinct=False,
            ),
            one_of("score_source", SCORE_SOURCES, table="score"),
            is_object("value", table="score"),
        ]
        indexes = [
            newest_first("organization", name="score_newest_first", condition=LIVE & LISTED),
            newest_first("label", name="score_by_label", condition=LIVE & LISTED),
            newest_first("annotator", name="score_by_annotator", condition=LIVE & LISTED),
            newest_first("organization", time="updated_at", name="score_last_changed", condition=LIVE & LISTED),
            # With the columns by which a queue's scores are counted per annotator.
            models.Index(
                fields=["queue_id", "label"],
                include=["annotator", "queue_item", "updated_at", "organization"],
                name="score_by_queue",
                condition=LIVE & ~models.Q(queue_id=None),
            ),
            # Deleted ones, too: the foreign key is looked up for each item that is deleted.
            models.Index(fields=["queue_item"], name="score_by_item", condition=~models.Q(queue_item=None)),
        ]

    def __str__(self) -> str:
        return f"score {self.pk}"


class ScoreRevision(TenantRow):
    """A replaced or deleted value of a score; a trigger keeps it append-only.

    `updated_by` is the author of the value, null for the annotator. `created_at` and `replaced_by` are the time and the
    user of the replacement.
    """

    # No foreign key: the statement that keeps a revision copies the column from the score, which has one.
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    score = TenantForeignKey(Score, on_delete=models.PROTECT, related_name="revisions", db_index=False)
    value = exact_json_field()
    score_source = models.CharField(max_length=16)
    notes = models.TextField(blank=True)
    updated_by = TenantForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    action = models.CharField(max_length=16, choices=[(word, word) for word in ACTIONS], default="overwritten")
    replaced_by = TenantForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [one_of("action", ACTIONS, table="revision")]
        indexes = [models.Index(fields=["score", "id"], name="revision_by_score")]

    def __str__(self) -> str:
        return f"revision {self.pk} of score {self.score_id}"
