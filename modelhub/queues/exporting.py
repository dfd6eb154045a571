"""Exports of a queue: its live items with their scores (contract 7.9)."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Func, JSONField, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, JSONObject, NullIf
from django.http import StreamingHttpResponse
from msgspec import UNSET

from modelhub.accounts.models import User
from modelhub.core import exact_json
from modelhub.core.bounded import read_batch
from modelhub.core.csv_cells import BYTE_ORDER_MARK, write_rows
from modelhub.core.downloads import CSV, JSON, JSON_LINES, download, in_pieces, json_line
from modelhub.core.keyset import BATCH_BYTES
from modelhub.core.models import LISTED, LIVE
from modelhub.core.replica import alias_for_long_read
from modelhub.core.structs import (
    Choice,
    Flag,
    JsonList,
    JsonObject,
    Moment,
    Number,
    PlainValue,
    StructRows,
    Text,
    Uuid,
    columns_of,
    declarations,
)
from modelhub.labels.models import Label
from modelhub.labels.types import LABEL_TYPES, get_type
from modelhub.queues.models import IN_FORCE, ITEM_STATUSES, REVIEW_STATUSES, Adjudication, Item, Queue, QueueLabel, Slot
from modelhub.scores.cells import cell
from modelhub.scores.models import SCORE_SOURCES, Score

BATCH_ROWS = 1000
# Items of one FETCH: with 16 scores of 64 KB each, 10 MB.
FETCH_ITEMS = 10


NAME, EMAIL = Coalesce(NullIf("name", Value("")), "email", output_field=TextField()), F("email")


def _of_user(key: str, column: Combinable) -> Subquery:
    """Return the expression of a user's column.

    By the key: while tables are new, a join could read all users of the organization for each item.
    """
    user = User.objects.filter(organization=OuterRef("organization"), pk=OuterRef(key))
    return Subquery(user.values(shown=column)[:1])


class Annotation(msgspec.Struct, gc=False):
    """A score of an item.

    `value` is JSON text, and name and type of the label are blank, until `read_items` has completed it.
    """

    label_id: Annotated[str, Uuid()]
    label_name: Annotated[str, Text(Value(""))]
    label_type: Annotated[str, Choice(Value(""), LABEL_TYPES)]
    value: Annotated[Any, PlainValue()]
    notes: Annotated[str, Text()]
    annotator_id: Annotated[str, Uuid()]
    annotator_name: Annotated[str, Text(_of_user("annotator_id", NAME))]
    annotator_email: Annotated[str, Text(_of_user("annotator_id", EMAIL))]
    score_source: Annotated[str, Choice(words=SCORE_SOURCES)]
    created_at: Annotated[str, Moment()]
    updated_at: Annotated[str, Moment()]
    completed: Annotated[bool, Flag(Value(True))]
    authoritative: Annotated[bool, Flag(Value(False))]


class AuthoritativeAnnotation(Annotation, gc=False):
    """A reviewer's decision in the form of a score."""

    annotator_id: Annotated[str, Uuid("adjudicator_id")]
    annotator_name: Annotated[str, Text(_of_user("adjudicator_id", NAME))]
    annotator_email: Annotated[str, Text(_of_user("adjudicator_id", EMAIL))]
    score_source: Annotated[str, Choice(Value("human"), SCORE_SOURCES)]
    updated_at: Annotated[str, Moment("created_at")]
    authoritative: Annotated[bool, Flag(Value(True))]


class ItemNote(msgspec.Struct, frozen=True, gc=False):
    """A person's note on an item."""

    annotator_id: Annotated[str, Uuid("user_id")]
    annotator_name: Annotated[str, Text(_of_user("user_id", NAME))]
    annotator_email: Annotated[str, Text(_of_user("user_id", EMAIL))]
    notes: Annotated[str, Text()]


class ItemSkip(msgspec.Struct, frozen=True, gc=False):
    """A person's skip of an item."""

    annotator_id: Annotated[str, Uuid("user_id")]
    annotator_name: Annotated[str, Text(_of_user("user_id", NAME))]
    reason: Annotated[str, Text("skip_reason")]
    skipped_at: Annotated[str, Moment("ended_at")]


class ItemWork(msgspec.Struct, frozen=True, gc=False):
    """A slot that has a note or is not completed."""

    annotator_id: Annotated[str, Uuid("user_id")]
    annotator_name: Annotated[str, Text(_of_user("user_id", NAME))]
    annotator_email: Annotated[str, Text(_of_user("user_id", EMAIL))]
    notes: Annotated[str, Text()]
    state: Annotated[str, Text()]
    reason: Annotated[str, Text("skip_reason")]
    ended_at: Annotated[str | None, Moment()]


class ItemReview(msgspec.Struct, frozen=True, gc=False):
    """The state of an item's review; all null before the first one."""

    review_status: Annotated[str | None, Choice(NullIf("review_status", Value("")), REVIEW_STATUSES)]
    reviewed_by: Annotated[str | None, Uuid("reviewed_by_id")]
    reviewed_by_name: Annotated[str | None, Text(_of_user("reviewed_by_id", NAME))]
    reviewed_by_email: Annotated[str | None, Text(_of_user("reviewed_by_id", EMAIL))]
    reviewed_at: Annotated[str | None, Moment()]
    review_notes: Annotated[str, Text()]


def json_of(struct: type[msgspec.Struct]) -> JSONObject:
    """Return the expression of a struct as a JSON object."""
    return JSONObject(**{name: declared.column(name) for name, declared, _ in declarations(struct)})


def _list_of(*parts: tuple[type[msgspec.Struct], QuerySet[Any]]) -> Func:
    """Return the expression of the rows of subqueries as one JSON array."""
    arrays = [ArraySubquery(rows.values(shown=json_of(struct))) for struct, rows in parts]
    return Func(*arrays, function="array_to_json", arg_joiner=" || ", output_field=JSONField())


# By the source first: so begins the unique index of scores.
SCORES = Score.objects.filter(
    LIVE, organization=OuterRef("organization"), source=OuterRef("source"), queue_item=OuterRef("pk")
).order_by("created_at", "id")
ADJUDICATIONS = Adjudication.objects.filter(
    IN_FORCE, organization=OuterRef("organization"), item=OuterRef("pk")
).order_by("created_at", "id")
WORK = Slot.objects.filter(
    ~Q(notes="") | ~Q(state="completed"), organization=OuterRef("organization"), item=OuterRef("pk")
).order_by("created_at", "id")


class ExportedItem(msgspec.Struct, gc=False):
    """An item with its annotations, in the order in which JSON shows it.

    The last ones are JSON text until `read_items` has read them. `review` is left out unless the queue requires one.
    """

    item_id: Annotated[str, Uuid("id")]
    source_type: Annotated[str, Text("source__source_type")]
    source_id: Annotated[str, Text("source__source_id")]
    source_name: Annotated[str, Text("source__name")]
    status: Annotated[str, Choice(words=ITEM_STATUSES)]
    order: Annotated[int, Number()]
    gold: Annotated[bool, Flag()]
    expected: Annotated[Any, JsonObject()]
    annotations: Annotated[Any, JsonList(_list_of((Annotation, SCORES)))]
    item_notes: Annotated[Any, JsonList(_list_of((ItemWork, WORK)))]
    # Read out of the slots in `item_notes`.
    skips: Annotated[Any, JsonList(Value("[]"))]
    review: Annotated[Any, JsonObject(json_of(ItemReview))]


# In place of the column of `ExportedItem.annotations`.
WITH_ADJUDICATIONS = JsonList(_list_of((Annotation, SCORES), (AuthoritativeAnnotation, ADJUDICATIONS)))


class ItemWithMetadata(ExportedItem, gc=False):
    """An item with the metadata of its source, which may be long."""

    metadata: Annotated[Any, JsonObject("source__metadata")]


class ItemRows(StructRows[ExportedItem]):
    struct = ExportedItem


class ItemRowsWithMetadata(StructRows[ExportedItem]):
    struct = ItemWithMetadata


def labels_in_order(queue: Queue) -> list[Label]:
    """Return the labels that the queue has, in its order."""
    attached = QueueLabel.objects.filter(organization_id=queue.organization_id, queue=queue).select_related("label")
    return [one.label for one in attached.order_by("order", "created_at", "id")]


def read_items(
    queue: Queue,
    labels: Sequence[Label],
    *,
    status: str | None,
    using: str,
    metadata: bool = False,
    authoritative: bool = False,
) -> Iterator[list[ExportedItem]]:
    """Yield the live items of a status, or all, by `order` in batches.

    With `authoritative`, the decision on an item by a label stands in place of the scores by it.

    Each batch has bounded memory and is one statement by keyset; no cursor stays open between them.
    """
    of_status = Q() if status is None else Q(status=status)
    kind = ItemRowsWithMetadata if metadata else ItemRows
    rows: Any = kind(Item).filter(LIVE, LISTED, of_status, organization_id=queue.organization_id, queue=queue)
    columns = dict(zip(kind.struct.__struct_fields__, columns_of(kind.struct), strict=True))
    if authoritative:
        columns["annotations"] = WITH_ADJUDICATIONS.column("annotations")
    rows = rows.order_by("order", "id").values_list(*columns.values()).using(using)
    by_id = {str(label.pk): label for label in labels}
    after = Q()
    while batch := read_batch(rows.filter(after), size=BATCH_ROWS, max_bytes=BATCH_BYTES, fetch=FETCH_ITEMS):
        for item in batch:
            _complete(item, by_id, requires_review=queue.requires_review)
        yield batch
        last = batch[-1]
        after = Q(order__gte=last.order) & (Q(order__gt=last.order) | Q(pk__gt=last.item_id))


def _complete(item: ExportedItem, labels: Mapping[str, Label], *, requires_review: bool) -> None:
    """Read an item's JSON texts; drop scores and expected values of removed labels."""
    work = msgspec.json.decode(item.item_notes, type=list[ItemWork])
    unfinished = {one.annotator_id for one in work if one.state != "completed"}
    by_label: dict[str, list[Annotation]] = {label_id: [] for label_id in labels}
    for one in msgspec.json.decode(item.annotations, type=list[Annotation]):
        if label := labels.get(one.label_id):
            one.label_name, one.label_type = label.name, label.type
            one.value = get_type(label.type).plain(exact_json.loads(one.value))
            one.completed = one.authoritative or one.annotator_id not in unfinished
            by_label[one.label_id].append(one)
    item.annotations = [*itertools.chain.from_iterable(map(_prefer_authoritative, by_label.values()))]
    item.item_notes = [
        ItemNote(one.annotator_id, one.annotator_name, one.annotator_email, one.notes) for one in work if one.notes
    ]
    item.skips = [
        ItemSkip(one.annotator_id, one.annotator_name, one.reason, one.ended_at or "")
        for one in work
        if one.state == "skipped"
    ]
    item.review = msgspec.json.decode(item.review, type=ItemReview) if requires_review else UNSET
    expected = exact_json.loads(bytes(item.expected))
    item.expected = {
        label_id: get_type(labels[label_id].type).plain(value)
        for label_id, value in expected.items()
        if label_id in labels
    }


def _prefer_authoritative(annotations: list[Annotation]) -> list[Annotation]:
    """Return the decision among annotations by one label, else all of them."""
    return [one for one in annotations if one.authoritative] or annotations


Batches = Iterator[list[ExportedItem]]


def write_json(queue: Queue, batches: Batches) -> Iterator[bytes]:
    """Yield a JSON array with one item per line."""
    yield b"["
    lines = (exact_json.encode(item) for batch in batches for item in batch)
    yield from in_pieces(line if at == 0 else b",\n" + line for at, line in enumerate(lines))
    yield b"]\n"


def write_jsonl(queue: Queue, batches: Batches) -> Iterator[bytes]:
    """Yield one item per line."""
    yield from in_pieces(json_line(item) for batch in batches for item in batch)


# The columns of the hosted service, and then those that only this server has.
CSV_COLUMNS = (
    *("item_id", "source_type", "status", "order", "requires_review", "review_status"),
    *("reviewer_name", "reviewer_email", "reviewer_id", "reviewed_at", "review_notes"),
    *("label_id", "label_name", "value", "score_source", "notes", "annotator_name", "created_at"),
    *("source_id", "source_name", "label_type", "annotator_id", "annotator_email", "updated_at"),
    *("item_notes", "gold", "expected", "completed", "authoritative"),
)


def write_csv(queue: Queue, batches: Batches) -> Iterator[bytes]:
    """Yield a header, then a line per annotation; an item without any has one line."""
    yield write_rows([CSV_COLUMNS])
    yield from in_pieces(write_rows(_csv_rows(queue, item)) for batch in batches for item in batch)


def _csv_rows(queue: Queue, item: ExportedItem) -> Iterator[list[str]]:
    columns = msgspec.structs.asdict(item) | {
        "requires_review": queue.requires_review,
        "item_notes": item.item_notes or None,
        "expected": item.expected or None,
    }
    if isinstance(item.review, ItemReview):
        columns |= msgspec.structs.asdict(item.review) | {
            "reviewer_name": item.review.reviewed_by_name,
            "reviewer_email": item.review.reviewed_by_email,
            "reviewer_id": item.review.reviewed_by,
        }
    for annotation in item.annotations or [None]:
        cells = columns | (msgspec.structs.asdict(annotation) if annotation else {})
        yield [cell(name, cells.get(name)) for name in CSV_COLUMNS]


FORMATS: dict[str, tuple[str, Callable[[Queue, Batches], Iterator[bytes]]]] = {
    "json": (JSON, write_json),
    "csv": (CSV, write_csv),
    "jsonl": (JSON_LINES, write_jsonl),
}


def export_items(
    queue: Queue, *, name: str, status: str | None = None, authoritative: bool = False, bom: bool = False
) -> StreamingHttpResponse:
    """Return a file of the items in their order, streamed in bounded memory.

    `name` is one of `FORMATS`. `bom` begins with a byte order mark, by which spreadsheets recognize UTF-8.
    """
    content_type, write = FORMATS[name]
    batches = read_items(
        queue,
        labels_in_order(queue),
        status=status,
        using=alias_for_long_read(),
        authoritative=authoritative,
    )
    return download(
        write(queue, batches),
        content_type=content_type,
        name=f"queue_{queue.pk}_annotations.{name}",
        start=BYTE_ORDER_MARK if bom else b"",
    )
