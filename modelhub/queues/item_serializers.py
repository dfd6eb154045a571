"""Items of queues: the bodies of requests, and the objects of answers."""

import uuid
from datetime import datetime
from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from modelhub.accounts.models import normalize_login
from modelhub.core.errors import Invalid, Refused, TooLarge
from modelhub.core.ids import parse_uuid
from modelhub.core.inputs import FlagField, IdField, InputSerializer, NumberField, ObjectField, StrictField, WordField
from modelhub.core.serializers import StructSerializer
from modelhub.core.text import show
from modelhub.core.times import read_time
from modelhub.examples import ITEM_ID, SESSION_ID, TRACE_ID, USER_ID
from modelhub.queues.adding import MAX_FILTERED, ItemEntry, ItemError, SourceSelection
from modelhub.queues.assignment import ACTIONS, People
from modelhub.queues.models import QUEUE_STATUSES
from modelhub.queues.rows import GoldItemRow, GoldItemWithContentRow, ItemRow
from modelhub.sources.refs import SOURCE_WORDS, check_source_ref

MAX_PRIORITY = 1_000_000
# A statement of PostgreSQL has at most 65,535 parameters, and one may name items and their sources.
MAX_ITEM_IDS, MAX_PEOPLE = 20_000, 1000
EXAMPLE_ITEMS = {
    "items": [
        {"source_type": "trace", "source_id": TRACE_ID},
        {"source_type": "session", "source_id": SESSION_ID, "priority": 5, "expected": {"Quality": 4}},
    ]
}
EXAMPLE_SELECTION = {"filter": {"source_type": "trace", "registered_after": "2026-01-01", "limit": 500}}
EXAMPLE_ASSIGNMENT = {"item_ids": [ITEM_ID], "user_ids": [USER_ID], "action": "add"}


# Of an entry that cannot be read, for its error.
SENT_NAMES = (("source_type", "sourceType"), ("source_id", "sourceId"))
PEOPLE = ("user_id", "user_ids", "annotator_email", "annotator_emails")


class ItemIdsField(StrictField, serializers.ListField):
    """A list of at least one id."""

    def rule(self) -> str:
        return "a list of at least one UUID"

    def read(self, data: Any) -> list[uuid.UUID] | None:
        ids = [parse_uuid(item_id) for item_id in data] if isinstance(data, list) else []
        return list(dict.fromkeys(pk for pk in ids if pk)) if ids and all(ids) else None

    def to_internal_value(self, data: Any) -> Any:
        """Return the ids without repetitions.

        Raise `TooLarge`, and `Invalid`, naming the first wrong one.
        """
        if isinstance(data, list) and len(data) > MAX_ITEM_IDS:
            sentence = f"item_ids must have at most {MAX_ITEM_IDS} ids, got {len(data)}"
            raise TooLarge(sentence, code="items_too_large", field="item_ids")
        if (ids := self.read(data)) is None:
            wrong = [one for one in data if parse_uuid(one) is None] if isinstance(data, list) and data else [data]
            raise self.invalid(wrong[0])
        return ids


class TimeField(StrictField, serializers.DateTimeField):
    """A date or date-time of RFC 3339, in UTC unless it has an offset."""

    def rule(self) -> str:
        return "a date, or a time with its seconds, such as 2026-01-31 or 2026-01-31T12:00:00Z"

    def read(self, data: Any) -> datetime | None:
        try:
            return read_time(data) if isinstance(data, str) else None
        except (ValueError, OverflowError):
            return None


class ScalarsField(ObjectField):
    """An object of strings, numbers, booleans and nulls."""

    def rule(self) -> str:
        return "an object of strings, numbers, booleans or nulls"

    def read(self, data: Any) -> dict[str, Any] | None:
        members = super().read(data)
        return members if not any(isinstance(one, dict | list) for one in (members or {}).values()) else None


class ItemChangeInput(InputSerializer):
    """Fields of an item that managers set; null restores the default."""

    priority = NumberField(least=-MAX_PRIORITY, most=MAX_PRIORITY, required=False, allow_null=True)
    gold = FlagField(required=False, allow_null=True, help_text="By default true with `expected` values, else false.")
    expected = ObjectField(
        required=False, allow_null=True, help_text="Expected values by id or name of a label of the queue."
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the given fields, without nulls."""
        defaults = {"priority": 0, "gold": False, "expected": {}}
        fields = super().to_internal_value(data)
        return {name: defaults[name] if value is None else value for name, value in fields.items()}


class ItemInput(ItemChangeInput):
    """A source to add to a queue."""

    source_type = serializers.ChoiceField(list(SOURCE_WORDS))
    source_id = serializers.CharField()

    def to_internal_value(self, data: Any) -> ItemEntry:  # type: ignore[override] # an entry instead of its fields
        """Return the entry. Raise `Invalid`."""
        ref = check_source_ref(data.get("source_type"), data.get("source_id"))
        given = {name: data[name] for name in ("priority", "gold", "expected") if data.get(name) is not None}
        return ItemEntry(ref, **{name: self.fields[name].run_validation(value) for name, value in given.items()})


class SelectionInput(InputSerializer):
    """A filter over sources; all given conditions must hold."""

    source_type = WordField(choices=list(SOURCE_WORDS), required=False)
    registered_after = TimeField(required=False, help_text="From this moment on.")
    registered_before = TimeField(required=False, help_text="Before this moment.")
    label_id = IdField(required=False, rule="the id of a label")
    scored = FlagField(required=False, help_text="Whether the source has a score of `label_id`; true by default.")
    metadata = ScalarsField(required=False, help_text="Values that the metadata of the source must have.")
    limit = NumberField(least=1, most=MAX_FILTERED, required=False)

    def to_internal_value(self, data: Any) -> SourceSelection:
        """Return the filter. Raise `Invalid` for an empty one, and `scored` alone."""
        fields = super().to_internal_value(data)
        if not fields:
            raise Invalid(f"filter must have at least one of {', '.join(self.fields)}", field="filter")
        if "scored" in fields and "label_id" not in fields:
            raise Invalid("label_id must be given with scored", code="required", field="label_id")
        if "source_type" in fields:
            fields["source_type"] = SOURCE_WORDS[fields["source_type"]]
        return SourceSelection(**fields)


class AddItemsInput(InputSerializer):
    """Sources to add to a queue: a list of `items`, or a `filter` over all sources."""

    items = serializers.ListField(
        child=ItemInput(), required=False, allow_null=True, help_text="At most 1,000 sources."
    )
    filter = SelectionInput(required=False, allow_null=True)
    selection = SelectionInput(required=False, allow_null=True, help_text="The same as `filter`.")

    def to_internal_value(self, data: Any) -> list[ItemEntry | ItemError] | SourceSelection:
        """Return an entry or an error per item, or the filter. Raise `Invalid`."""
        given = [name for name in ("items", "filter", "selection") if data.get(name) is not None]
        if len(given) != 1:
            sentence = f"Exactly one of items and filter must be given, got {' and '.join(given) or 'neither'}"
            raise Invalid(sentence, code="required", fields={"items": [sentence], "filter": [sentence]})
        if given != ["items"]:
            if not isinstance(data[given[0]], dict):
                raise Invalid(f"{given[0]} must be an object, got {show(data[given[0]])}", field=given[0])
            selection: SourceSelection = self.fields["filter"].run_validation(data[given[0]])
            return selection
        items = data["items"]
        if not isinstance(items, list) or not items:
            raise Invalid(f"items must be a list of at least one item, got {show(items)}", field="items")
        reader = ItemInput()
        return [_entry_or_error(reader, at, item) for at, item in enumerate(items)]


def _entry_or_error(reader: ItemInput, at: int, item: Any) -> ItemEntry | ItemError:
    if not isinstance(item, dict):
        return ItemError(None, None, f"items[{at}] must be an object, got {show(item)}")
    try:
        entry: ItemEntry = reader.run_validation(item)
    except Refused as refused:
        sent = [item.get(name, item.get(camel)) for name, camel in SENT_NAMES]
        source_type, source_id = [one if isinstance(one, str | None) else show(one) for one in sent]
        return ItemError(source_type, source_id, f"items[{at}]: {refused}")
    return entry


class ItemIdsInput(InputSerializer):
    """Items of a queue by their ids."""

    item_ids = ItemIdsField(child=serializers.UUIDField())


class AssignInput(ItemIdsInput):
    """Items and people; exactly one of the four names of people is given."""

    user_id = serializers.UUIDField(required=False, allow_null=True, help_text="Null ends all assignments.")
    user_ids = serializers.ListField(child=serializers.UUIDField(), required=False)
    annotator_email = serializers.EmailField(required=False)
    annotator_emails = serializers.ListField(child=serializers.EmailField(), required=False)
    action = WordField(
        choices=ACTIONS,
        required=False,
        allow_null=True,
        help_text="`set` by default for one person, else `add`. No people with `set` end all assignments.",
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return items, people and action. Raise `Invalid`."""
        given = [name for name in PEOPLE if data.get(name) is not None or (name == "user_id" and name in data)]
        if len(given) > 1 and data.get("user_id") is None:
            given = [name for name in given if name != "user_id"]
        if len(given) != 1:
            sentence = f"Exactly one of {', '.join(PEOPLE)} must be given, got {', '.join(given) or 'none'}"
            raise Invalid(sentence, code="required", fields={"user_id": [sentence]})
        people = _people(given[0], data[given[0]])
        action = self.fields["action"].run_validation(data.get("action"))
        if data[given[0]] is None:
            action = "set"
        action = action or ("add" if given[0] in {"user_ids", "annotator_emails"} else "set")
        if not people.names and action != "set":
            raise Invalid(f"{people.field} must not be empty to {action} people, got []", field=people.field)
        return {
            "item_ids": self.fields["item_ids"].run_validation(data.get("item_ids")),
            "people": people,
            "action": action,
        }


def _people(field: str, sent: Any) -> People:
    """Return the people that a field names. Raise `Invalid`."""
    listed = sent if field.endswith("s") else [] if sent is None else [sent]
    if not isinstance(listed, list):
        raise Invalid(f"{field} must be a list, got {show(sent)}", field=field)
    if len(listed) > MAX_PEOPLE:
        raise Invalid(f"{field} must have at most {MAX_PEOPLE} people, got {len(listed)}", field=field)
    kind, read = ("the email", _email) if "email" in field else ("the id", parse_uuid)
    names = [read(name) for name in listed]
    for name, one in zip(names, listed, strict=True):
        if name is None:
            raise Invalid(f"{field} must be {kind} of a member of the queue, got {show(one)}", field=field)
    return People(field, [name for name in names if name])


def _email(sent: Any) -> str | None:
    return normalize_login(sent) if isinstance(sent, str) and "@" in sent and sent.isprintable() else None


class ItemSerializer(StructSerializer[ItemRow]):
    """An item of a queue."""

    class Meta:
        struct = GoldItemRow

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for name in ("gold", "expected"):
            fields[name].required = False
            fields[name].help_text = "For managers and reviewers only."
        return fields


class ItemWithContentSerializer(ItemSerializer):
    """An item with the content of its source."""

    class Meta:
        struct = GoldItemWithContentRow


AddItemsAnswer = inline_serializer(
    "AddItemsAnswer",
    {
        "added": serializers.IntegerField(),
        "duplicates": serializers.IntegerField(help_text="Sources that the queue had, and repetitions of the request."),
        "errors": inline_serializer(
            "ItemError",
            {
                "source_type": serializers.CharField(allow_null=True),
                "source_id": serializers.CharField(allow_null=True),
                "error": serializers.CharField(),
            },
            many=True,
        ),
        "queue_status": serializers.ChoiceField(QUEUE_STATUSES),
    },
)
RemoveItemsAnswer = inline_serializer("RemoveItemsAnswer", {"removed": serializers.IntegerField()})
AssignAnswer = inline_serializer("AssignAnswer", {"assigned": serializers.IntegerField()})
