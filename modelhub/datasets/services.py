"""Find, fill, read and delete datasets."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from modelhub.core import clock, exact_json
from modelhub.core.bounded import read_batch
from modelhub.core.downloads import in_pieces, json_line
from modelhub.core.errors import Conflict, NotFound
from modelhub.core.ids import new_id, new_id_text
from modelhub.core.keyset import BATCH_BYTES
from modelhub.core.models import LISTED
from modelhub.core.sql import read_sql
from modelhub.core.text import fold
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.datasets.models import Dataset, DatasetRow

UPSERT_DATASET = read_sql("datasets", "upsert_dataset")
# Rows of one FETCH: they may be long.
FETCH_ROWS = 10
PUT_ROWS = read_sql("datasets", "put_rows")
DELETE_DATASET = "DELETE FROM modelhub_dataset WHERE organization_id = %s AND id = %s"


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to store: cells in the order of columns, origin, item of a queue."""

    cells: Sequence[Any]
    metadata: dict[str, Any]
    queue_item: str | None = None


def datasets_of(organization_id: uuid.UUID) -> QuerySet[Dataset]:
    """Return the organization's datasets with their `row_count`, newest first."""
    # Positions count from 1, and single rows are never deleted: the last one is the number of rows.
    last = (
        DatasetRow.objects.filter(organization_id=organization_id, dataset=OuterRef("pk"))
        .order_by("-position")
        .values("position")[:1]
    )
    counted = Coalesce(Subquery(last), Value(0), output_field=IntegerField())
    datasets = Dataset.objects.filter(LISTED, organization_id=organization_id).annotate(row_count=counted)
    return datasets.order_by("-created_at", "-id")


def get_dataset(*, organization_id: uuid.UUID, dataset_id: uuid.UUID) -> Dataset:
    """Return a dataset with its `row_count`. Raise `NotFound`."""
    dataset = datasets_of(organization_id).filter(pk=dataset_id).first()
    if dataset is None:
        raise _not_found(dataset_id)
    return dataset


def lock_dataset(*, organization_id: uuid.UUID, dataset_id: uuid.UUID) -> Dataset:
    """Return a dataset, locked until the transaction ends. Raise `NotFound`."""
    locked = Dataset.objects.select_for_update().filter(organization_id=organization_id, pk=dataset_id)
    dataset = locked.first()
    if dataset is None:
        raise _not_found(dataset_id)
    return dataset


def lock_dataset_by_name(*, organization_id: uuid.UUID, name: str) -> Dataset:
    """Return the dataset of this name in any case, locked; create a missing one."""
    parameters = {"id": new_id(), "organization_id": organization_id, "name": name, "now": clock.now()}
    [dataset] = Dataset.objects.raw(UPSERT_DATASET, parameters)
    return dataset


def put_rows(
    dataset: Dataset, columns: Sequence[str], batches: Iterable[Sequence[NewRow]]
) -> tuple[list[str], int, int]:
    """Store rows in a locked dataset, one statement per batch: a repeat adds none.

    An item of a queue that has a row gets its cells there; other rows come behind those of the dataset. Columns that
    the dataset has already, in any case, are reused; the others are added to it. Blank cells (`None`) are not stored.
    Return the columns as the dataset spells them, and the numbers of added and of updated rows.
    """
    known = {fold(name): name for name in dataset.columns}
    spelled = [known.setdefault(fold(name), name) for name in columns]
    dataset.columns, dataset.updated_at = [*known.values()], clock.now()
    dataset.save(update_fields=["columns", "updated_at"])
    last = _rows_of(dataset).order_by("-position").values_list("position", flat=True).first() or 0
    created = stored = 0
    for batch in batches:
        sent = [
            {
                "id": new_id_text(),
                "number": number,
                "queue_item": row.queue_item,
                "cells": {name: cell for name, cell in zip(spelled, row.cells, strict=True) if cell is not None},
                "metadata": row.metadata,
            }
            for number, row in enumerate(batch)
        ]
        created += _put(dataset, spelled, sent, last + created)
        stored += len(sent)
    return spelled, created, stored - created


def _put(dataset: Dataset, columns: list[str], rows: Sequence[dict[str, Any]], last: int) -> int:
    """Store a batch. Return the number of added rows."""
    parameters: dict[str, Any] = {
        "organization_id": dataset.organization_id,
        "dataset_id": dataset.pk,
        "columns": columns,
        "last": last,
        "now": clock.now(),
        "rows": exact_json.dumps(rows),
    }
    with connection.cursor() as cursor:
        cursor.execute(PUT_ROWS, parameters)
        added: int = cursor.rowcount
    return added


def rows_in_order(dataset: Dataset) -> QuerySet[DatasetRow]:
    return _rows_of(dataset).order_by("position")


def complete_cells(dataset: Dataset, row: DatasetRow) -> dict[str, Any]:
    """Return a cell for each column of the dataset, null for a blank one."""
    return {name: row.cells.get(name) for name in dataset.columns}


def write_rows(dataset: Dataset, *, using: str) -> Iterator[bytes]:
    """Yield the cells of each row as a line of JSON, in pieces."""
    yield from in_pieces(json_line(complete_cells(dataset, row)) for batch in _batches(dataset, using) for row in batch)


def _batches(dataset: Dataset, using: str) -> Iterator[list[DatasetRow]]:
    # Metadata may be longer than the cells: it has all annotations of an item.
    last, rows = 0, rows_in_order(dataset).defer("metadata").using(using)
    while batch := read_batch(rows.filter(position__gt=last), size=1000, max_bytes=BATCH_BYTES, fetch=FETCH_ROWS):
        yield batch
        last = batch[-1].position


@repeat_aborted
@in_transaction
def delete_dataset(*, organization_id: uuid.UUID, dataset_id: uuid.UUID) -> None:
    """Delete a dataset with its rows. Raise `NotFound`, `Conflict` for a queue's scope."""
    dataset = lock_dataset(organization_id=organization_id, dataset_id=dataset_id)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            _rows_of(dataset).delete()
            cursor.execute(DELETE_DATASET, [organization_id, dataset_id])
    except IntegrityError:
        sentence = f"Dataset {dataset_id} is the scope of an annotation queue; delete the queue for good first"
        raise Conflict(sentence, code="dataset_in_use") from None


def _rows_of(dataset: Dataset) -> QuerySet[DatasetRow]:
    return DatasetRow.objects.filter(organization_id=dataset.organization_id, dataset=dataset)


def _not_found(dataset_id: uuid.UUID) -> NotFound:
    return NotFound(f"Dataset not found: {dataset_id}", code="dataset_not_found")
