"""Fields of a queue's export to a dataset, and that export (contract 7.9)."""

import itertools
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count

from modelhub.core import exact_json
from modelhub.core.bounded import read_batch
from modelhub.core.errors import Invalid
from modelhub.core.keyset import BATCH_BYTES
from modelhub.core.models import LISTED, LIVE
from modelhub.core.text import Hint, fold, show
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.datasets.models import Dataset
from modelhub.datasets.services import NewRow, lock_dataset, lock_dataset_by_name, put_rows
from modelhub.labels.models import Label
from modelhub.queues.exporting import (
    Annotation,
    ExportedItem,
    ItemReview,
    ItemWithMetadata,
    labels_in_order,
    read_items,
)
from modelhub.queues.models import Item, Queue
from modelhub.scores.models import Score

# Items whose metadata is searched for attributes, and attributes that are named.
SAMPLE_ITEMS, MAX_ATTRIBUTES = 100, 200
# Slots per label; `annotations_required` is at most as large.
MAX_SLOTS = 100
# Slots of all labels together without a score: each has nine fields.
MAX_FREE_SLOTS = 1000
ATTRIBUTE = "attr:"
KINDS = {
    "value": "",
    "annotator_name": "text",
    "annotator_email": "text",
    "annotator_id": "text",
    "notes": "text",
    "score_source": "text",
    "created_at": "datetime",
    "updated_at": "datetime",
    "annotation": "json",
}
VALUE_TYPES = {"numeric": "float", "star": "float", "categorical": "array"}


class ItemCells:
    """The parts of an exported item that fields read."""

    def __init__(self, item: ExportedItem) -> None:
        self.item = item
        self.review = item.review if isinstance(item.review, ItemReview) else None
        by_time = sorted(item.annotations, key=attrgetter("created_at"))
        people = dict.fromkeys(one.annotator_id for one in by_time if not one.authoritative)
        # One person has the same number in all labels of an item, by the time of the first score.
        number = {person: at for at, person in enumerate(people, 1)}
        # A decision is alone in its label.
        self.slots: dict[tuple[str, int], Annotation] = {
            (one.label_id, 1 if one.authoritative else number[one.annotator_id]): one for one in item.annotations
        }
        self.by_label: dict[str, list[Annotation]] = {}
        for (label_id, _), one in sorted(self.slots.items(), key=lambda slot: slot[0][1]):
            self.by_label.setdefault(label_id, []).append(one)

    @cached_property
    def attributes(self) -> dict[str, Any]:
        metadata = self.item.metadata if isinstance(self.item, ItemWithMetadata) else b"{}"
        return flatten(exact_json.loads(bytes(metadata)))


@dataclass(frozen=True, slots=True)
class ExportField:
    """A field that a column of a dataset may hold; blank cells are `None`."""

    id: str
    column: str
    data_type: str
    group: str
    default: bool
    read: Callable[[ItemCells], Any]

    @property
    def label(self) -> str:
        return self.column


@dataclass(frozen=True, slots=True)
class Column:
    """A column to fill; without a name it takes that of the field."""

    field: str
    name: str | None = None


def _item_fields(queue: Queue, names: Mapping[str, str]) -> list[ExportField]:
    """Return the fields of an item. `names` has the distinct names of labels by id."""
    project_id = None if queue.project_id is None else str(queue.project_id)

    def metrics(cells: ItemCells) -> Any:
        found = {names[label_id]: ones[0] if len(ones) == 1 else ones for label_id, ones in cells.by_label.items()}
        return found or None

    def review(field_id: str, column: str, attribute: str) -> ExportField:
        return ExportField(
            field_id, column, "text", "review", True, lambda cells: getattr(cells.review, attribute, None) or None
        )

    return [
        ExportField("source_type", "source_type", "text", "source", True, attrgetter("item.source_type")),
        ExportField("source_id", "source_id", "text", "source", True, attrgetter("item.source_id")),
        ExportField("source_name", "source_name", "text", "source", True, attrgetter("item.source_name")),
        ExportField("project_id", "project_id", "text", "source", True, lambda cells: project_id),
        ExportField("item_status", "item_status", "text", "item", True, attrgetter("item.status")),
        ExportField("item_order", "item_order", "integer", "item", True, attrgetter("item.order")),
        ExportField(
            "queue_requires_review", "requires_review", "boolean", "review", True, lambda cells: queue.requires_review
        ),
        review("review_status", "review_status", "review_status"),
        review("reviewed_by_name", "reviewer_name", "reviewed_by_name"),
        review("reviewed_by_email", "reviewer_email", "reviewed_by_email"),
        review("reviewed_by_id", "reviewer_id", "reviewed_by"),
        review("reviewed_at", "reviewed_at", "reviewed_at"),
        review("review_notes", "review_notes", "review_notes"),
        ExportField("annotation_metrics", "annotation_metrics", "json", "annotations", True, metrics),
        ExportField("item_notes", "item_notes", "json", "item", True, lambda cells: cells.item.item_notes or None),
        ExportField("gold", "gold", "boolean", "gold", False, attrgetter("item.gold")),
        ExportField("expected", "expected", "json", "gold", False, lambda cells: cells.item.expected or None),
    ]


def _label_fields(label: Label, name: str, slots: int) -> Iterator[ExportField]:
    label_id, value_type = str(label.pk), VALUE_TYPES.get(label.type, "text")

    def shown(one: Annotation | None, kind: str) -> Any:
        if one is None or kind == "annotation":
            return one
        value = getattr(one, kind)
        is_single = kind == "value" and value_type == "array" and not isinstance(value, list)
        return [value] if is_single else value

    def of_slot(number: int, kind: str, data_type: str) -> ExportField:
        slot, words = (label_id, number), kind.replace("_", " ")
        return ExportField(
            f"label:{label_id}:slot:{number}:{kind}",
            f"{name} annotation {number} {words}",
            data_type or value_type,
            "annotations",
            True,
            lambda cells: shown(cells.slots.get(slot), kind),
        )

    def of_all(kind: str) -> ExportField:
        return ExportField(
            f"label:{label_id}:{kind}",
            f"{name} {kind.replace('_', ' ')}",
            "array",
            "annotations",
            False,
            lambda cells: [shown(one, kind) for one in cells.by_label.get(label_id, ())] or None,
        )

    for number in range(1, slots + 1):
        yield from (of_slot(number, kind, data_type) for kind, data_type in KINDS.items())
    yield from map(of_all, KINDS)


def attribute_field(path: str, data_type: str = "text") -> ExportField:
    """Return the field of an attribute: a dotted path in the source's metadata."""
    return ExportField(
        f"{ATTRIBUTE}{path}", path, data_type, "attributes", False, lambda cells: cells.attributes.get(path)
    )


def find_fields(queue: Queue, labels: Sequence[Label]) -> list[ExportField]:
    """Return the fields of a queue, each with a column name of its own."""
    names = dict(zip((str(label.pk) for label in labels), _distinct(label.name for label in labels), strict=True))
    expected = min(queue.annotations_required, max(1, MAX_FREE_SLOTS // max(1, len(labels))))
    slots = min(MAX_SLOTS, max(expected, _most_annotators(queue)))
    fields = [
        *_item_fields(queue, names),
        *itertools.chain.from_iterable(_label_fields(label, label.name, slots) for label in labels),
        *(attribute_field(path, data_type) for path, data_type in _find_attributes(queue).items()),
    ]
    columns = _distinct(field.column for field in fields)
    return [replace(field, column=column) for field, column in zip(fields, columns, strict=True)]


def _distinct(names: Iterable[str]) -> list[str]:
    """Return the names with " 2", " 3" behind those that another one has in any case."""
    taken: set[str] = set()
    distinct = []
    for name in names:
        candidates = itertools.chain([name], (f"{name} {number}" for number in itertools.count(2)))
        free = next(one for one in candidates if fold(one) not in taken)
        taken.add(fold(free))
        distinct.append(free)
    return distinct


def _most_annotators(queue: Queue) -> int:
    """Return the largest number of people that have scored one item."""
    scores = Score.objects.filter(LIVE, organization_id=queue.organization_id, queue_id=queue.pk)
    counted = scores.values("queue_item").annotate(people=Count("annotator", distinct=True))
    return counted.order_by("-people").values_list("people", flat=True).first() or 0


def _find_attributes(queue: Queue) -> dict[str, str]:
    """Return the data types by path of the attributes of the first items' sources."""
    items = Item.objects.filter(LIVE, LISTED, organization_id=queue.organization_id, queue=queue)
    rows = items.order_by("order", "id").values_list("source__metadata", flat=True)
    found: dict[str, str] = {}
    for metadata in read_batch(rows, size=SAMPLE_ITEMS, max_bytes=BATCH_BYTES):
        for path, value in flatten(metadata).items():
            if value is not None and len(found) < MAX_ATTRIBUTES:
                found.setdefault(path, _data_type(value))
    return found


def flatten(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of nested objects by dotted path; the first of equal paths."""
    found: dict[str, Any] = {}
    waiting = [("", metadata)]
    while waiting:
        prefix, node = waiting.pop()
        for key, value in node.items():
            if isinstance(value, dict) and value:
                waiting.append((f"{prefix}{key}.", value))
            else:
                found.setdefault(f"{prefix}{key}", value)
    return found


def _data_type(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Decimal):
        return "float"
    if isinstance(value, list):
        return "array"
    return "json" if isinstance(value, dict) else "text"


def map_columns(fields: Sequence[ExportField], mapping: Sequence[Column] | None) -> list[ExportField]:
    """Return the fields of a mapping with its column names; without one the defaults.

    Raise `Invalid` for an unknown field, for two columns of one name, and for none at all.
    """
    if mapping is None:
        return [field for field in fields if field.default]
    known = {field.id: field for field in fields}
    chosen = [
        replace(field, column=column.name or field.column)
        for column in mapping
        for field in [_find_field(column.field, known)]
    ]
    if not chosen:
        raise Invalid("column_mapping must have at least one enabled column", field="column_mapping")
    names = [fold(field.column) for field in chosen]
    counts = Counter(names)
    if twice := [field.column for field, name in zip(chosen, names, strict=True) if counts[name] > 1]:
        sentence = f"column_mapping must name each column once, got {show(twice[0])} twice"
        raise Invalid(sentence, field="column_mapping")
    return chosen


def _find_field(field_id: str, known: Mapping[str, ExportField]) -> ExportField:
    """Return a field by its id, also an attribute out of the sample. Raise `Invalid`."""
    if field_id in known:
        return known[field_id]
    if field_id.startswith(ATTRIBUTE) and field_id != ATTRIBUTE:
        return attribute_field(field_id.removeprefix(ATTRIBUTE))
    sentence = f"field must be one of export-fields/, got {show(field_id)}"
    raise Invalid(sentence, code="unknown_field", field="column_mapping", hint=Hint(field_id, [*known]))


@dataclass(frozen=True, slots=True)
class FilledDataset:
    """The result of an export to a dataset."""

    dataset: Dataset
    rows_created: int
    rows_updated: int
    columns: list[str]


@repeat_aborted
@in_transaction
def export_to_dataset(
    queue: Queue,
    *,
    dataset_id: uuid.UUID | None = None,
    dataset_name: str = "",
    status: str | None,
    mapping: Sequence[Column] | None = None,
    authoritative: bool = False,
) -> FilledDataset:
    """Store a row per live item of a status, or of all, in a dataset; all or none.

    The dataset of this id, else of this name; a missing name is created. Raise `NotFound`, and `Invalid` for an unfit
    mapping. The row of an item that the dataset has is updated. `authoritative` is that of `read_items`.
    """
    labels = labels_in_order(queue)
    fields = map_columns(find_fields(queue, labels), mapping)
    if dataset_id is not None:
        dataset = lock_dataset(organization_id=queue.organization_id, dataset_id=dataset_id)
    else:
        dataset = lock_dataset_by_name(organization_id=queue.organization_id, name=dataset_name)
    with_metadata = any(field.id.startswith(ATTRIBUTE) for field in fields)
    batches = read_items(
        queue,
        labels,
        status=status,
        using=DEFAULT_DB_ALIAS,
        metadata=with_metadata,
        authoritative=authoritative,
    )
    rows = ([_row_of(queue, item, fields) for item in batch] for batch in batches)
    columns, created, updated = put_rows(dataset, [field.column for field in fields], rows)
    return FilledDataset(dataset, created, updated, columns)


def _row_of(queue: Queue, item: ExportedItem, fields: Sequence[ExportField]) -> NewRow:
    cells = ItemCells(item)
    metadata = {
        "queue_id": str(queue.pk),
        "queue_item_id": item.item_id,
        "source_type": item.source_type,
        "source_id": item.source_id,
        "annotations": cells.by_label,
        "review": cells.review,
    }
    return NewRow([field.read(cells) for field in fields], metadata, item.item_id)
