"""Datasets: lists, rows, JSON lines, deletion."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction

from modelhub.core import exact_json
from modelhub.datasets.models import Dataset, DatasetRow
from modelhub.datasets.services import NewRow, lock_dataset_by_name, put_rows
from tests.client import Answer, Caller
from tests.factories import ApiKeyFactory, DatasetFactory, QueueFactory
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db

DATASETS = "/model-hub/datasets/"


@pytest.fixture
def dataset(alice: Caller) -> Dataset:
    """Create a dataset whose second export brought a column."""
    dataset: Dataset = DatasetFactory.create(organization=alice.user.organization, name="Answers")
    put_rows(dataset, ["id", "Quality"], [[NewRow(["t1", 4], {"item": 1}), NewRow(["t2", None], {"item": 2})]])
    put_rows(dataset, ["QUALITY", "Text"], [[NewRow([5, "=x\u2028"], {})]])
    return dataset


def lines_of(caller: Caller, dataset: Dataset) -> tuple[list[Any], Any]:
    headers = {"X-Api-Key": caller.key.api_key, "X-Secret-Key": caller.secret}
    response: Any = caller.client.get(f"{DATASETS}{dataset.pk}/export/", headers=headers)
    assert response.status_code == 200
    return [exact_json.loads(line) for line in response.getvalue().decode().splitlines()], response.headers


def test_a_dataset_has_its_columns_and_the_number_of_its_rows(alice: Caller, dataset: Dataset) -> None:
    DatasetFactory.create(organization=alice.user.organization, name="Empty")
    listed = alice.get(DATASETS).body
    assert [(one["name"], one["row_count"], one["columns"]) for one in listed["results"]] == [
        ("Empty", 0, []),
        ("Answers", 3, ["id", "Quality", "Text"]),
    ]
    assert (listed["count"], alice.get(DATASETS + "?search=ANSW").body["count"]) == (2, 1)
    body = alice.get(f"{DATASETS}{dataset.pk}/").body
    assert body == listed["results"][1]
    assert body["organization"] == str(alice.user.organization_id)


def test_rows_are_in_order_with_a_cell_per_column(alice: Caller, dataset: Dataset) -> None:
    page = alice.get(f"{DATASETS}{dataset.pk}/rows/?limit=2").body
    assert (page["count"], page["total_pages"]) == (3, 2)
    assert [(row["position"], row["cells"], row["metadata"]) for row in page["results"]] == [
        (1, {"id": "t1", "Quality": 4, "Text": None}, {"item": 1}),
        (2, {"id": "t2", "Quality": None, "Text": None}, {"item": 2}),
    ]
    [last] = alice.get(f"{DATASETS}{dataset.pk}/rows/?limit=2&page=2").body["results"]
    assert last["cells"] == {"id": None, "Quality": 5, "Text": "=x\u2028"}
    assert alice.get(f"{DATASETS}{dataset.pk}/rows/?page=7").status == 404


def test_an_export_is_one_line_per_row_in_the_order_of_the_columns(alice: Caller, dataset: Dataset) -> None:
    lines, headers = lines_of(alice, dataset)
    assert headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    assert headers["Content-Disposition"] == f'attachment; filename="dataset_{dataset.pk}.jsonl"'
    assert [[*line.items()] for line in lines] == [
        [("id", "t1"), ("Quality", 4), ("Text", None)],
        [("id", "t2"), ("Quality", None), ("Text", None)],
        [("id", None), ("Quality", 5), ("Text", "=x\u2028")],
    ]


def test_numbers_keep_their_digits(alice: Caller) -> None:
    dataset = DatasetFactory.create(organization=alice.user.organization)
    numbers = exact_json.loads("[12345678901234567890123, 0.10000000000000000000001]")
    put_rows(dataset, ["n"], [[NewRow([number], {}) for number in numbers]])
    assert [line["n"] for line in lines_of(alice, dataset)[0]] == numbers


def test_an_export_reads_in_batches(alice: Caller, django_assert_num_queries: Any) -> None:
    dataset = DatasetFactory.create(organization=alice.user.organization)
    put_rows(dataset, ["n"], [[NewRow([at], {}) for at in range(1001)]])
    alice.get(DATASETS)
    # Two batches and an empty one, each in a savepoint here; without cursors (PgBouncer), 101 batches of 10 rows.
    batches = 102 if connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] else 3
    with django_assert_num_queries(2 + 3 * batches):
        assert [line["n"] for line in lines_of(alice, dataset)[0]] == list(range(1001))


def test_a_dataset_is_deleted_with_its_rows(alice: Caller, bob: Caller, dataset: Dataset) -> None:
    other = DatasetFactory.create(organization=alice.user.organization)
    put_rows(other, ["a"], [[NewRow([1], {})]])
    reader = Caller(ApiKeyFactory.create(user=bob.user, scopes=["read"]))
    assert reader.delete(f"{DATASETS}{dataset.pk}/").body["code"] == "scope"
    assert bob.delete(f"{DATASETS}{dataset.pk}/").body == {"deleted": True}
    assert [*DatasetRow.objects.values_list("dataset", flat=True)] == [other.pk]
    for again in (bob.delete, bob.get):
        answer = again(f"{DATASETS}{dataset.pk}/")
        assert (answer.status, answer.body["code"]) == (404, "dataset_not_found")


def test_the_scope_of_a_queue_is_not_deleted(alice: Caller, dataset: Dataset) -> None:
    QueueFactory.create(created_by=alice.user, dataset=dataset)
    answer = alice.delete(f"{DATASETS}{dataset.pk}/")
    assert (answer.status, answer.body["code"]) == (409, "dataset_in_use")
    assert alice.get(f"{DATASETS}{dataset.pk}/").body["row_count"] == 3


def test_datasets_of_another_organization_do_not_exist(charlie: Caller, dataset: Dataset) -> None:
    assert charlie.get(DATASETS).body["count"] == 0
    for path in ("", "rows/", "export/"):
        assert charlie.get(f"{DATASETS}{dataset.pk}/{path}").status == 404
    assert charlie.delete(f"{DATASETS}{dataset.pk}/").status == 404
    assert Dataset.objects.filter(pk=dataset.pk).exists()


@pytest.mark.parametrize("word", ["1", "x", "%00", "00000000"])
def test_a_malformed_id_is_a_missing_one(alice: Caller, word: str) -> None:
    assert alice.get(f"{DATASETS}{word}/").status == 404


def test_a_name_is_found_in_any_case_and_form(alice: Caller, charlie: Caller) -> None:
    names = ["Maße é", "maße é", "MAßE e\u0301"]
    organization_id = alice.user.organization_id
    with transaction.atomic():
        found = {lock_dataset_by_name(organization_id=organization_id, name=name).pk for name in names}
        theirs = lock_dataset_by_name(organization_id=charlie.user.organization_id, name=names[0])
    [dataset] = Dataset.objects.filter(organization_id=organization_id)
    assert (found, dataset.name) == ({dataset.pk}, "Maße é")
    assert isinstance(theirs.pk, uuid.UUID)
    assert theirs.pk not in found


def another_waits() -> bool:
    """Return whether a session of this database waits for a lock."""
    with connection.cursor() as cursor:
        # A transaction reads the activity once.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return bool(cursor.rowcount)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "status"),
    [("", 400), ("get-or-create-default/", 404), ("{queue}/", 400)],
    ids=["create", "default", "update"],
)
def test_a_queue_waits_for_the_deletion_of_its_dataset(
    alice: Caller, bob: Caller, dataset: Dataset, path: str, status: int
) -> None:
    queue = QueueFactory.create(created_by=alice.user)

    def send() -> Answer:
        body = {"dataset_id": str(dataset.pk)} | ({} if "default" in path else {"name": "Late"})
        try:
            method = "PATCH" if "queue" in path else "POST"
            return alice.request(method, "/model-hub/annotation-queues/" + path.format(queue=queue.pk), body)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert bob.delete(f"{DATASETS}{dataset.pk}/").status == 200
            late = pool.submit(send)
            wait_for(another_waits)
        assert late.result().status == status
