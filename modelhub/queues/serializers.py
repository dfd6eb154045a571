"""Bodies of requests about queues, and queues, labels and members in answers."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.fields import empty

from modelhub.core.errors import Invalid
from modelhub.core.inputs import (
    FlagField,
    IdField,
    InputSerializer,
    ManyField,
    NameField,
    NumberField,
    ObjectField,
    StrictField,
    TextField,
    WordField,
)
from modelhub.core.serializers import OutputSerializer, render_list
from modelhub.core.text import show
from modelhub.labels.serializers import ALLOW_NOTES
from modelhub.labels.types import LABEL_TYPES
from modelhub.queues.defaults import SCOPES, SourceQueue
from modelhub.queues.members import roles_in_order
from modelhub.queues.models import (
    ITEM_STATUSES,
    NEW_QUEUE_STATUSES,
    QUEUE_ROLES,
    QUEUE_STATUSES,
    STRATEGIES,
    Queue,
    QueueLabel,
    QueueMember,
)

MAX_IDS = 1000
MAX_RESERVATION_SECONDS = 30 * 24 * 60 * 60
BLIND = "An annotator sees the scores of others only after completing an item."
Fields = dict[str, serializers.Field[Any, Any, Any, Any]]
IDS: dict[str, Any] = {"required": False, "allow_null": True, "max_length": MAX_IDS}
OPTIONAL: dict[str, Any] = {"required": False, "allow_null": True}


class PersonInput(InputSerializer):
    """The person that the work is done as, by default the key's user."""

    annotator_id = IdField(required=False, allow_null=True, rule="the id of an annotator")
    annotator_email = TextField(required=False, allow_null=True)


class RolesField(StrictField, serializers.ListField):
    """One role of a queue, or a list of them."""

    child = serializers.ChoiceField(QUEUE_ROLES)

    def rule(self) -> str:
        return f"one or more of {', '.join(QUEUE_ROLES)}"

    def read(self, data: Any) -> list[str] | None:
        words = [data] if isinstance(data, str) else data
        legal = isinstance(words, list) and words and all(isinstance(word, str) for word in words)
        return roles_in_order(words) if legal and set(words) <= set(QUEUE_ROLES) else None


class RolesByUserField(ObjectField):
    """Roles by the id or email of a user."""

    def read(self, data: Any) -> dict[str, Any] | None:
        """Return lists of roles. Raise `Invalid` for the first wrong one."""
        if not isinstance(data, dict) or len(data) > MAX_IDS:
            return None
        field = RolesField()
        for name, sent in data.items():
            if field.read(sent) is None:
                sentence = f"annotator_roles of {show(name)} must be {field.rule()}, got {show(sent)}"
                raise Invalid(sentence, field="annotator_roles")
        return {name: field.read(sent) for name, sent in data.items()}


class QueueInput(InputSerializer):
    """The settings, labels and members of a queue; null means the default."""

    name = NameField(min_length=1, max_length=255)
    description = TextField(**OPTIONAL, allow_blank=True, trim_whitespace=False)
    instructions = TextField(**OPTIONAL, allow_blank=True, trim_whitespace=False)
    status = WordField(choices=QUEUE_STATUSES, required=False, help_text="At creation draft, active or paused.")
    assignment_strategy = WordField(choices=STRATEGIES, **OPTIONAL)
    auto_assign = FlagField(**OPTIONAL)
    annotations_required = NumberField(least=1, most=100, **OPTIONAL)
    reservation_timeout_minutes = NumberField(least=1, most=MAX_RESERVATION_SECONDS // 60, **OPTIONAL)
    reservation_timeout_seconds = NumberField(least=1, most=MAX_RESERVATION_SECONDS, **OPTIONAL)
    requires_review = FlagField(**OPTIONAL)
    blind = FlagField(**OPTIONAL, help_text=BLIND)
    project = IdField(**OPTIONAL, source="project_id", rule="the id of a project")
    project_id = IdField(**OPTIONAL, rule="the id of a project")
    dataset = IdField(**OPTIONAL, source="dataset_id", rule="the id of a dataset")
    dataset_id = IdField(**OPTIONAL, rule="the id of a dataset")
    agent_definition = IdField(**OPTIONAL, source="agent_definition_id")
    agent_definition_id = IdField(**OPTIONAL)
    label_ids = ManyField(child=IdField(rule="the id of a label"), **IDS, help_text="Replaces the labels.")
    annotator_ids = ManyField(
        child=IdField(rule="the id of a user"), **IDS, help_text="Replaces the members, except for the creator."
    )
    annotator_emails = ManyField(child=TextField(max_length=254), **IDS, help_text="Like `annotator_ids`.")
    annotator_roles = RolesByUserField(
        **OPTIONAL, help_text="A role or a list of roles by the id or email of a member; new members are annotators."
    )

    def run_validation(self, data: Any = empty) -> Any:
        """Return the fields. The lists of a queue as it was read are ignored."""
        if isinstance(data, dict):
            data = {key: value for key, value in data.items() if not (key in _LISTS and _is_objects(value))}
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        """Return the fields, scopes under one of their names, the timeout in seconds."""
        _check_scopes(data)
        fields = super().to_internal_value(data)
        names = [name for name in _TIMEOUTS if name in fields]
        seconds, minutes = (fields.pop(name, None) for name in _TIMEOUTS)
        if seconds and minutes and -(-seconds // 60) != minutes:
            raise _conflict(*_TIMEOUTS)
        if names:
            fields["reservation_seconds"] = seconds or (minutes and minutes * 60)
        return fields


_LISTS = ("labels", "annotators")
_TIMEOUTS = ("reservation_timeout_seconds", "reservation_timeout_minutes")


def _check_scopes(data: Any) -> None:
    """Raise `Invalid` for a scope whose two names differ."""
    for name in SCOPES:
        other = f"{name}_id"
        if name in data and other in data and data[name] != data[other]:
            raise _conflict(name, other)


def _is_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _conflict(name: str, other: str) -> Invalid:
    return Invalid(f"{name} and {other} are both given and differ", code="conflicting_fields", field=name)


class NewQueueInput(QueueInput):
    """A queue to create."""

    status = WordField(choices=NEW_QUEUE_STATUSES, **OPTIONAL)


class StatusInput(InputSerializer):
    """The new status of a queue."""

    status = WordField(choices=QUEUE_STATUSES)


class QueueLabelInput(InputSerializer):
    """A label of a queue; omitted, `required` keeps its value, false at first."""

    label_id = IdField(rule="the id of a label")

    def get_fields(self) -> Fields:
        # Not declared above: the name is an attribute of every field.
        return super().get_fields() | {"required": FlagField(**OPTIONAL)}


class LabelIdInput(InputSerializer):
    """A label of a queue."""

    label_id = IdField(rule="the id of a label")


class ScopeInput(InputSerializer):
    """Exactly one scope of a default queue."""

    project_id = IdField(**OPTIONAL, rule="the id of a project")
    project = IdField(**OPTIONAL, source="project_id", rule="the id of a project")
    dataset_id = IdField(**OPTIONAL, rule="the id of a dataset")
    dataset = IdField(**OPTIONAL, source="dataset_id", rule="the id of a dataset")
    agent_definition_id = IdField(**OPTIONAL)
    agent_definition = IdField(**OPTIONAL, source="agent_definition_id")

    def to_internal_value(self, data: Any) -> Any:
        """Return `scope` and `scope_id`."""
        _check_scopes(data)
        fields = super().to_internal_value(data)
        given = [scope for scope in SCOPES if fields.get(f"{scope}_id")]
        if len(given) != 1:
            sentence = "Exactly one of project_id, dataset_id and agent_definition_id must be given, got "
            raise Invalid(sentence + (" and ".join(given) or "none"), field="project_id")
        return {"scope": given[0], "scope_id": fields[f"{given[0]}_id"]}


class TrueField(FlagField):
    def rule(self) -> str:
        return "true"

    def read(self, data: Any) -> bool | None:
        return data is True or None


class HardDeleteInput(InputSerializer):
    """The confirmation that a queue is deleted with its items."""

    force = TrueField()
    confirm_name = TextField(trim_whitespace=False, help_text="The name of the queue.")


class MemberInput(InputSerializer):
    """A member of a queue by id or email, and one or more roles; annotator by default."""

    user_id = IdField(required=False, rule="the id of a user")
    annotator_id = IdField(required=False, rule="the id of a user")
    email = TextField(required=False)
    annotator_email = TextField(required=False)
    role = RolesField(required=False)
    roles = RolesField(required=False)

    def to_internal_value(self, data: Any) -> Any:
        """Return `user_id`, `email` and `roles`, None where they are missing."""
        fields = super().to_internal_value(data)
        both = {"user_id": "annotator_id", "email": "annotator_email", "roles": "role"}
        for name, other in both.items():
            if name in fields and other in fields and fields[name] != fields[other]:
                raise _conflict(name, other)
        member = {name: fields.get(name, fields.get(other)) for name, other in both.items()}
        if member["user_id"] is None and member["email"] is None:
            raise Invalid("user_id must be given, as the id of a user", code="required", field="user_id")
        return member | {"user_id": member["user_id"] and str(member["user_id"])}


class LabelOfQueueSerializer(OutputSerializer[QueueLabel]):
    """A label with its place in a queue; `id` and `label_id` are that of the label."""

    id = serializers.UUIDField(source="label_id")
    # The name that scores and the labels of a queue have for it.
    label_id = serializers.UUIDField()
    name = serializers.CharField(source="label.name")
    type = serializers.ChoiceField(LABEL_TYPES, source="label.type")
    settings = serializers.DictField(source="label.settings")
    description = serializers.CharField(source="label.description", allow_blank=True)
    allow_notes = serializers.BooleanField(source="label.allow_notes", help_text=ALLOW_NOTES)
    order = serializers.IntegerField()

    def get_fields(self) -> Fields:
        return super().get_fields() | {"required": serializers.BooleanField()}


class QueueLabelSerializer(LabelOfQueueSerializer):
    """A label of a queue."""

    id = serializers.UUIDField()


class QueueMemberSerializer(OutputSerializer[QueueMember]):
    """A member of a queue; `role` is the first of manager, reviewer, annotator."""

    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    name = serializers.CharField(source="user.display_name")
    email = serializers.CharField(source="user.email")
    role = serializers.ChoiceField(QUEUE_ROLES)
    roles = serializers.ListField(child=serializers.ChoiceField(QUEUE_ROLES))


class QueueSerializer(OutputSerializer[Queue]):
    """A queue."""

    # Contract 7. No field is named `result` or `data`: clients would unwrap it.
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    instructions = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(QUEUE_STATUSES)
    assignment_strategy = serializers.ChoiceField(STRATEGIES)
    auto_assign = serializers.BooleanField()
    annotations_required = serializers.IntegerField()
    reservation_timeout_minutes = serializers.IntegerField(help_text="Rounded up.")
    reservation_timeout_seconds = serializers.IntegerField(source="reservation_seconds")
    requires_review = serializers.BooleanField()
    blind = serializers.BooleanField(help_text=BLIND)
    is_default = serializers.BooleanField()
    organization = serializers.UUIDField(source="organization_id")
    project = serializers.UUIDField(source="project_id", allow_null=True)
    dataset = serializers.UUIDField(source="dataset_id", allow_null=True)
    agent_definition = serializers.UUIDField(allow_null=True)
    labels = QueueLabelSerializer(many=True)
    annotators = QueueMemberSerializer(many=True)
    created_by = serializers.UUIDField(source="created_by_id")
    created_by_name = serializers.CharField(source="created_by.display_name")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    archived = serializers.BooleanField()
    item_count = serializers.IntegerField()
    pending_count = serializers.IntegerField()
    in_progress_count = serializers.IntegerField(help_text="Without items in review.")
    in_review_count = serializers.IntegerField()
    completed_count = serializers.IntegerField()
    skipped_count = serializers.IntegerField()
    viewer_role = serializers.ChoiceField(QUEUE_ROLES, allow_null=True)
    viewer_roles = serializers.ListField(child=serializers.ChoiceField(QUEUE_ROLES))

    def to_representation(self, instance: Queue) -> dict[str, Any]:
        return super().to_representation(instance) | {
            "labels": render_list(QueueLabelSerializer, instance.labels),
            "annotators": render_list(QueueMemberSerializer, instance.annotators),
        }


# A label after a change, and the effect on completed items.
LabelChangeAnswer = inline_serializer(
    "LabelChange",
    {
        "label": LabelOfQueueSerializer(),
        "created": serializers.BooleanField(),
        "reopened_items": serializers.IntegerField(),
        "queue_status": serializers.ChoiceField(QUEUE_STATUSES),
    },
)
RemovedOutput = inline_serializer("Removed", {"removed": serializers.BooleanField()})

DefaultQueueAnswer = inline_serializer(
    "DefaultQueue",
    {
        "queue": QueueSerializer(),
        "labels": QueueLabelSerializer(many=True),
        "created": serializers.BooleanField(),
        "action": serializers.ChoiceField(("created", "restored", "fetched")),
    },
)


class SourceQueueSerializer(OutputSerializer[SourceQueue]):
    """A queue of a source with own scores and notes; `item` may be null."""

    queue = inline_serializer(
        "QueueOfSource",
        {
            "id": serializers.UUIDField(),
            "name": serializers.CharField(),
            "instructions": serializers.CharField(allow_blank=True),
            "status": serializers.ChoiceField(QUEUE_STATUSES),
            "is_default": serializers.BooleanField(),
        },
    )
    item = inline_serializer(
        "ItemOfSource",
        {
            "id": serializers.UUIDField(),
            "status": serializers.ChoiceField(ITEM_STATUSES),
            "source_type": serializers.CharField(),
            "source_id": serializers.CharField(),
        },
        allow_null=True,
    )
    labels = QueueLabelSerializer(many=True)
    existing_scores = serializers.DictField(help_text="Own values by the id of the label.")
    existing_notes = serializers.CharField(allow_blank=True, help_text="The own note on the item.")
    existing_label_notes = serializers.DictField(child=serializers.CharField(), help_text="By the id of the label.")
    span_notes = serializers.ListField(child=serializers.DictField(), help_text="Own notes on the source.")

    def to_representation(self, instance: SourceQueue) -> dict[str, Any]:
        queue, source, item = instance.queue, instance.source, instance.item
        return {
            "queue": {name: getattr(queue, name) for name in ("id", "name", "instructions", "status", "is_default")},
            "item": item
            and {
                "id": item.pk,
                "status": item.status,
                "source_type": source.source_type,
                "source_id": source.source_id,
            },
            "labels": render_list(QueueLabelSerializer, instance.labels),
            "existing_scores": {str(score.label_id): score.value for score in instance.scores},
            "existing_notes": instance.notes,
            "existing_label_notes": {str(score.label_id): score.notes for score in instance.scores if score.notes},
            "span_notes": [
                {"id": note.id, "text": note.notes, "created_at": note.created_at} for note in instance.source_notes
            ],
        }
