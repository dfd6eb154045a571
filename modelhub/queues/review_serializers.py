"""Bodies and answers of reviews."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from modelhub.core.errors import Invalid
from modelhub.core.inputs import IdField, InputSerializer, StrictField, TextField, WordField
from modelhub.queues.item_serializers import ItemIdsInput, ItemSerializer
from modelhub.queues.models import QUEUE_STATUSES, REVIEW_ACTIONS
from modelhub.queues.reviewing import LabelComment
from modelhub.queues.serializers import PersonInput

MAX_COMMENTS = 1000


class LabelCommentInput(InputSerializer):
    """A comment on the scores by one label, of one annotator or of all."""

    label_id = IdField(rule="the id of a label of the queue")
    comment = TextField(min_length=1, max_length=settings.MAX_NOTES_LENGTH)
    target_annotator_id = IdField(rule="the id of a user", required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> LabelComment:
        return LabelComment(**super().to_internal_value(data))


class LabelCommentsField(StrictField, serializers.ListField):
    child = LabelCommentInput()

    def rule(self) -> str:
        return f"a list of at most {MAX_COMMENTS} objects"

    def read(self, data: Any) -> list[LabelComment] | None:
        """Return the comments. Raise `Invalid` for the first wrong one."""
        if not isinstance(data, list) or len(data) > MAX_COMMENTS:
            return None
        return [self._read_comment(index, sent) for index, sent in enumerate(data)]

    def _read_comment(self, index: int, sent: object) -> LabelComment:
        try:
            comment: LabelComment = LabelCommentInput().run_validation(sent)
        except Invalid as invalid:
            raise invalid.prefixed(f"label_comments[{index}]: ") from invalid
        return comment


class DecisionFields(PersonInput):
    """A decision; the person that reviews is by default the key's user."""

    action = WordField(choices=REVIEW_ACTIONS)
    notes = TextField(
        required=False,
        allow_null=True,
        max_length=settings.MAX_NOTES_LENGTH,
        help_text="Required for request_changes, reject and comment, unless there are comments on labels.",
    )


class ReviewInput(DecisionFields):
    """A decision on one item."""

    label_comments = LabelCommentsField(
        required=False,
        allow_null=True,
        help_text="With targets in all of them, only the work of these annotators is returned.",
    )


class BulkReviewInput(ItemIdsInput, DecisionFields):
    """One decision on many items."""


ReviewAnswer = inline_serializer(
    "ReviewAnswer",
    {
        "reviewed_item_id": serializers.UUIDField(),
        "item": ItemSerializer(),
        "queue_status": serializers.ChoiceField(QUEUE_STATUSES),
    },
)
BulkReviewAnswer = inline_serializer(
    "BulkReviewAnswer",
    {
        "reviewed": serializers.IntegerField(min_value=0),
        "errors": inline_serializer(
            "ReviewError", {"item_id": serializers.UUIDField(), "error": serializers.CharField()}, many=True
        ),
    },
)
