"""Bodies of requests about the work on items, and their answers."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from modelhub.core.inputs import IdField, ManyField, StrictField, TextField
from modelhub.queues.export_serializers import SkipOfItem
from modelhub.queues.item_serializers import ItemSerializer, ItemWithContentSerializer
from modelhub.queues.models import QUEUE_STATUSES
from modelhub.queues.serializers import LabelOfQueueSerializer, PersonInput
from modelhub.scores.entries import PROPERTIES
from modelhub.scores.serializers import ScoreSerializer

MAX_EXCLUDED = 1000
MAX_REASON = 5000
REASONS = ("paused", "finished", "all_reserved", "none_for_you")


class ReleaseInput(PersonInput):
    """The reservation to end."""

    user_id = IdField(required=False, allow_null=True, help_text="For managers: the person that holds the item.")


class EntriesField(StrictField, serializers.ListField):
    """A list of scores, which are checked one by one later."""

    child = inline_serializer("AnnotationEntry", {name: serializers.JSONField(required=False) for name in PROPERTIES})

    def rule(self) -> str:
        return "a list of at least one score"

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return the entries. Raise `Invalid` for anything but a list with entries."""
        if not isinstance(data, list) or not data:
            raise self.invalid(data)
        return data


class SubmitInput(PersonInput):
    """Scores of an item and the person's note on it."""

    annotations = EntriesField()
    notes = TextField(required=False, allow_null=True, allow_blank=True, trim_whitespace=False)


class ImportInput(PersonInput):
    """Scores of an annotator."""

    annotations = EntriesField()


class ExcludeField(ManyField):
    """Ids of items, as a list or separated by commas."""

    def read(self, data: Any) -> list[Any] | None:
        return super().read([one for one in data.split(",") if one] if isinstance(data, str) else data)


class EndInput(PersonInput):
    """The items that the next one must not be."""

    exclude = ExcludeField(child=IdField(), required=False, allow_null=True, max_length=MAX_EXCLUDED)


class SkipInput(EndInput):
    """The reason of a skip."""

    reason = TextField(required=False, allow_null=True, allow_blank=True, max_length=MAX_REASON)


def _nullable_item() -> ItemSerializer:
    return ItemSerializer(allow_null=True)


ReservedAnswer = inline_serializer(
    "ReservedAnswer",
    {
        "reserved": serializers.BooleanField(),
        "reserved_until": serializers.DateTimeField(allow_null=True),
        "seat": serializers.IntegerField(allow_null=True),
    },
)
ReleasedAnswer = inline_serializer("ReleasedAnswer", {"released": serializers.BooleanField()})
SubmittedAnswer = inline_serializer(
    "SubmittedAnswer",
    {"submitted": serializers.IntegerField(), "skipped": serializers.ListField(child=serializers.UUIDField())},
)
ImportedAnswer = inline_serializer(
    "ImportedAnswer",
    {"imported": serializers.IntegerField(), "skipped": serializers.ListField(child=serializers.UUIDField())},
)
CompletedAnswer = inline_serializer(
    "CompletedAnswer",
    {
        "completed_item_id": serializers.UUIDField(allow_null=True),
        "next_item": _nullable_item(),
        "item": ItemSerializer(),
        "missing_labels": serializers.ListField(child=serializers.UUIDField()),
    },
)
SkippedAnswer = inline_serializer(
    "SkippedAnswer",
    {"skipped_item_id": serializers.UUIDField(), "next_item": _nullable_item(), "item": ItemSerializer()},
)
UndoneAnswer = inline_serializer("UndoneAnswer", {"undone_item_id": serializers.UUIDField(), "item": ItemSerializer()})
NextItemAnswer = inline_serializer(
    "NextItemAnswer",
    {
        "item": _nullable_item(),
        "reserved_until": serializers.DateTimeField(required=False),
        "reason": serializers.ChoiceField(REASONS, required=False),
        "until": serializers.DateTimeField(required=False),
    },
)
QueueOfItem = inline_serializer(
    "QueueOfItem",
    {
        "id": serializers.UUIDField(),
        "name": serializers.CharField(),
        "description": serializers.CharField(allow_blank=True),
        "instructions": serializers.CharField(allow_blank=True),
        "status": serializers.ChoiceField(QUEUE_STATUSES),
        "annotations_required": serializers.IntegerField(),
        "reservation_timeout_seconds": serializers.IntegerField(),
        "requires_review": serializers.BooleanField(),
        "blind": serializers.BooleanField(),
    },
)
ProgressOfItem = inline_serializer(
    "ProgressOfItem",
    {name: serializers.IntegerField() for name in ("total", "completed", "skipped", "own_completed", "own_skipped")},
)


DetailAnswer = inline_serializer(
    "ItemDetail",
    {
        "item": ItemWithContentSerializer(),
        "queue": QueueOfItem,
        "labels": LabelOfQueueSerializer(many=True),
        "annotations": ScoreSerializer(many=True),
        "progress": ProgressOfItem,
        "next_item_id": serializers.UUIDField(allow_null=True),
        "prev_item_id": serializers.UUIDField(allow_null=True),
        "review_comments": serializers.ListField(child=serializers.DictField()),
        "existing_notes": serializers.CharField(allow_blank=True),
        "item_notes": serializers.ListField(child=serializers.DictField()),
        "skips": SkipOfItem(many=True, required=False, help_text="For managers and reviewers."),
    },
)
