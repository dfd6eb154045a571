"""Fields of a queue's export, and the export to a dataset."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from modelhub.core import clock, exact_json
from modelhub.datasets.models import Dataset, DatasetRow
from modelhub.labels.models import Label
from modelhub.queues import export_fields
from modelhub.queues.models import Adjudication, Item, QueueLabel
from modelhub.scores.models import Score
from tests.client import Answer, Caller
from tests.factories import AdjudicationFactory, DatasetFactory, LabelFactory, ProjectFactory, SourceFactory
from tests.queues.exports import Judged, judged

pytestmark = pytest.mark.django_db

ITEM_FIELDS = [
    *("source_type", "source_id", "source_name", "project_id", "item_status", "item_order"),
    *("queue_requires_review", "review_status", "reviewed_by_name", "reviewed_by_email", "reviewed_by_id"),
    *("reviewed_at", "review_notes", "annotation_metrics", "item_notes"),
]
KINDS = [
    *("value", "annotator_name", "annotator_email", "annotator_id", "notes", "score_source"),
    *("created_at", "updated_at", "annotation"),
]


@pytest.fixture
def queue(alice: Caller, labels: dict[str, Label]) -> Judged:
    return judged(alice.user, {"star": labels["star"]}, annotations_required=2)


def fields_of(caller: Caller, queue: Judged) -> dict[str, dict[str, Any]]:
    answer = caller.get(f"{queue.path}export-fields/")
    assert answer.status == 200, answer.body
    return {one["id"]: one for one in answer.body["fields"]}


def fill(caller: Caller, queue: Judged, **body: Any) -> Answer:
    given = {"dataset_name": "Answers", **body}
    return caller.post(f"{queue.path}export-to-dataset/", given)


def cells_of(caller: Caller, queue: Judged, *fields: str, **body: Any) -> list[list[Any]]:
    """Return the cells of an export of all items with these fields."""
    mapping = [{"field": field, "column": field} for field in fields]
    answer = fill(
        caller, queue, **{"dataset_name": uuid.uuid4().hex, "status_filter": "all", "column_mapping": mapping, **body}
    )
    assert answer.status == 200, answer.body
    rows = caller.get(f"/model-hub/datasets/{answer.body['dataset_id']}/rows/").body["results"]
    return [[row["cells"][field] for field in fields] for row in rows]


class TestFields:
    """`export-fields/`."""

    def test_fields_of_the_item_and_a_slot_per_required_annotation_are_the_default(
        self, alice: Caller, queue: Judged
    ) -> None:
        body = alice.get(f"{queue.path}export-fields/").body
        star = f"label:{queue.labels['star'].pk}"
        default = [one["id"] for one in body["fields"] if one["default"]]
        assert default == [*ITEM_FIELDS, *(f"{star}:slot:{number}:{kind}" for number in (1, 2) for kind in KINDS)]
        assert [one["id"] for one in body["fields"] if not one["default"]] == [
            "gold",
            "expected",
            *(f"{star}:{kind}" for kind in KINDS),
        ]
        assert body["default_mapping"] == [
            {"field": one["id"], "column": one["column"], "enabled": True} for one in body["fields"] if one["default"]
        ]

    def test_columns_and_types(self, alice: Caller, labels: dict[str, Label]) -> None:
        queue = judged(alice.user, labels)
        fields = fields_of(alice, queue)
        types = {name: fields[f"label:{label.pk}:slot:1:value"]["data_type"] for name, label in labels.items()}
        assert types == {
            "star": "float",
            "numeric": "float",
            "categorical": "array",
            "text": "text",
            "thumbs_up_down": "text",
        }
        slot = fields[f"label:{labels['star'].pk}:slot:1:annotator_name"]
        assert slot["column"] == slot["label"] == "Star annotation 1 annotator name"
        assert fields[f"label:{labels['star'].pk}:value"]["column"] == "Star value"
        assert {one: fields[one]["column"] for one in ITEM_FIELDS if fields[one]["column"] != one} == {
            "queue_requires_review": "requires_review",
            "reviewed_by_name": "reviewer_name",
            "reviewed_by_email": "reviewer_email",
            "reviewed_by_id": "reviewer_id",
        }

    def test_more_annotators_than_required_have_slots(self, alice: Caller, bob: Caller, queue: Judged) -> None:
        item, other = queue.item(), queue.item()
        for user in (alice.user, bob.user):
            queue.score(item, user, "star", {"rating": 1})
        queue.score(other, alice.user, "star", {"rating": 1})
        star = f"label:{queue.labels['star'].pk}"
        assert f"{star}:slot:3:value" not in fields_of(alice, queue)
        type(queue.queue).objects.filter(pk=queue.queue.pk).update(annotations_required=1)
        fields = fields_of(alice, queue)
        assert f"{star}:slot:2:value" in fields
        assert f"{star}:slot:3:value" not in fields

    def test_many_labels_have_fewer_slots_without_a_score(
        self, alice: Caller, labels: dict[str, Label], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """65 labels and 100 required annotations were 59,000 fields, 21 MB."""
        monkeypatch.setattr(export_fields, "MAX_FREE_SLOTS", 7)
        queue = judged(alice.user, {name: labels[name] for name in ("star", "text")}, annotations_required=100)
        values = [field for field in fields_of(alice, queue) if field.endswith(":value") and ":slot:" in field]
        assert len(values) == 2 * 3

    def test_a_name_of_two_labels_never_is_one_column(self, alice: Caller, queue: Judged) -> None:
        organization = alice.user.organization
        twins = {
            "text": LabelFactory.create(organization=organization, name="Quality", type="text"),
            "numeric": LabelFactory.create(organization=organization, name="quality", type="numeric"),
        }
        queue = judged(alice.user, twins)
        columns = [one["column"] for one in fields_of(alice, queue).values()]
        assert len({column.lower() for column in columns}) == len(columns)
        assert "Quality annotation 1 value" in columns
        assert "quality annotation 1 value 2" in columns
        item = queue.item()
        queue.score(item, alice.user, "text", {"text": "good"})
        queue.score(item, alice.user, "numeric", {"value": 7})
        answer = fill(alice, queue, status_filter="all").body
        [row] = alice.get(f"/model-hub/datasets/{answer['dataset_id']}/rows/").body["results"]
        assert row["cells"]["Quality annotation 1 value"] == "good"
        assert row["cells"]["quality annotation 1 value 2"] == 7
        metrics = row["cells"]["annotation_metrics"]
        assert {name: one["value"] for name, one in metrics.items()} == {"Quality": "good", "quality 2": 7}

    def test_attributes_of_sources_have_dotted_paths(self, alice: Caller, queue: Judged) -> None:
        metadata = {"model": "m", "usage": {"tokens": 7, "cached": True, "by": {"day": [1]}}, "empty": {}, "no": None}
        queue.item(source__metadata=metadata)
        queue.item(source__metadata={"model": 1, "late": "x"})
        attributes = {name: one for name, one in fields_of(alice, queue).items() if name.startswith("attr:")}
        assert {name: one["data_type"] for name, one in attributes.items()} == {
            "attr:model": "text",
            "attr:usage.tokens": "float",
            "attr:usage.cached": "boolean",
            "attr:usage.by.day": "array",
            "attr:empty": "json",
            "attr:late": "text",
        }
        assert not any(one["default"] for one in attributes.values())
        assert cells_of(alice, queue, "attr:model", "attr:usage.by.day", "attr:late", "attr:not.in.the.sample") == [
            ["m", [1], None, None],
            [1, None, "x", None],
        ]

    def test_statements_do_not_grow_with_items_and_labels(
        self, alice: Caller, labels: dict[str, Label], django_assert_num_queries: Any
    ) -> None:
        for number, some in ((1, {"star": labels["star"]}), (20, labels)):
            queue = judged(alice.user, some)
            for _ in range(number):
                queue.score(queue.item(), alice.user, "star", {"rating": 1})
            alice.get("/model-hub/sources/")
            # The key, the queue, its labels, the most annotators, the first items (in a savepoint here).
            with django_assert_num_queries(7):
                fields_of(alice, queue)


class TestCells:
    """The values of fields."""

    def test_slots_are_people_by_the_time_of_their_first_score(
        self, alice: Caller, bob: Caller, labels: dict[str, Label]
    ) -> None:
        queue = judged(alice.user, labels, annotations_required=2)
        item, empty = queue.item(order=1), queue.item(order=2)
        # Bob is the first one, though not by the first label.
        queue.score(item, bob.user, "text", {"text": "x"})
        queue.score(item, alice.user, "star", {"rating": 2})
        queue.score(item, alice.user, "categorical", {"selected": ["positive"]})
        queue.score(item, bob.user, "star", {"rating": 4}, notes="n")
        star, options = (f"label:{labels[name].pk}" for name in ("star", "categorical"))
        fields = [
            *(f"{star}:slot:{number}:{kind}" for number in (1, 2) for kind in ("value", "annotator_name", "notes")),
            *(f"{options}:slot:{number}:value" for number in (1, 2)),
            *(f"{star}:value", f"{star}:annotator_email", f"{options}:value"),
        ]
        assert cells_of(alice, queue, *fields) == [
            [
                4,
                "Bob",
                "n",
                2,
                "Alice",
                "",
                None,
                ["positive"],
                [4, 2],
                ["bob@example.com", "alice@example.com"],
                [["positive"]],
            ],
            [None] * 11,
        ]
        [[annotation, both], _] = cells_of(alice, queue, f"{star}:slot:1:annotation", "annotation_metrics")
        assert (annotation["value"], annotation["annotator_id"]) == (4, str(bob.user.pk))
        assert [one["value"] for one in both["Star"]] == [4, 2]
        assert both["Categorical"]["value"] == "positive"
        assert empty.status == "pending"

    def test_fields_of_the_item(self, alice: Caller, bob: Caller, labels: dict[str, Label]) -> None:
        project = ProjectFactory.create(organization=alice.user.organization)
        queue = judged(alice.user, labels, requires_review=True, project=project)
        gold = {str(labels["star"].pk): {"rating": 5}}
        item = queue.item(order=7, review_status="approved", reviewed_by=bob.user, gold=True, expected=gold)
        queue.note(item, bob.user, "odd")
        names = [name for name in ITEM_FIELDS if name not in {"source_id", "annotation_metrics", "item_notes"}]
        [cells] = cells_of(alice, queue, *names, "gold", "expected")
        assert dict(zip([*names, "gold", "expected"], cells, strict=True)) == {
            "source_type": "trace",
            "source_name": "",
            "project_id": str(project.pk),
            "item_status": "pending",
            "item_order": 7,
            "queue_requires_review": True,
            "review_status": "approved",
            "reviewed_by_name": "Bob",
            "reviewed_by_email": "bob@example.com",
            "reviewed_by_id": str(bob.user.pk),
            "reviewed_at": None,
            "review_notes": None,
            "gold": True,
            "expected": {str(labels["star"].pk): 5},
        }
        [[notes]] = cells_of(alice, queue, "item_notes")
        assert [(note["annotator_name"], note["notes"]) for note in notes] == [("Bob", "odd")]

    def test_a_row_remembers_its_item(self, alice: Caller, bob: Caller, queue: Judged) -> None:
        item = queue.item(status="completed")
        queue.score(item, bob.user, "star", {"rating": 4})
        fill(alice, queue)
        row = DatasetRow.objects.get()
        annotations = row.metadata.pop("annotations")
        assert row.metadata == {
            "queue_id": str(queue.queue.pk),
            "queue_item_id": str(item.pk),
            "source_type": "trace",
            "source_id": item.source.source_id,
            "review": None,
        }
        assert [one["value"] for one in annotations[str(queue.labels["star"].pk)]] == [4]

    def test_numbers_keep_their_digits(self, alice: Caller, labels: dict[str, Label]) -> None:
        queue = judged(alice.user, labels)
        number = exact_json.loads("0.1000000000000000000000001")
        queue.score(queue.item(), alice.user, "numeric", {"value": number})
        assert cells_of(alice, queue, f"label:{labels['numeric'].pk}:slot:1:value") == [[number]]


class TestDecisions:
    """`prefer` of an export to a dataset."""

    def test_a_decision_is_in_the_first_slot_of_its_label(
        self, alice: Caller, bob: Caller, labels: dict[str, Label]
    ) -> None:
        queue = judged(alice.user, labels, annotations_required=2)
        item = queue.item()
        for person in (alice, bob):
            queue.score(item, person.user, "text", {"text": person.user.name})
            queue.score(item, person.user, "star", {"rating": 1})
        # Older than all scores: the adjudicator takes no number from the annotators.
        decision = AdjudicationFactory.create(
            item=item, label=labels["star"], value={"rating": 5}, adjudicator__name="Rita"
        )
        Adjudication.objects.filter(pk=decision.pk).update(created_at=item.created_at)
        star, text = (f"label:{labels[name].pk}" for name in ("star", "text"))
        fields = [f"{star}:slot:1:value", f"{star}:slot:2:value", f"{text}:slot:1:value", f"{text}:slot:2:value"]
        assert cells_of(alice, queue, *fields) == [[1, 1, "Alice", "Bob"]]
        assert cells_of(alice, queue, *fields, prefer="scores") == [[1, 1, "Alice", "Bob"]]
        assert cells_of(alice, queue, *fields, prefer=None) == [[1, 1, "Alice", "Bob"]]
        assert cells_of(alice, queue, *fields, prefer="authoritative") == [[5, None, "Alice", "Bob"]]
        [[name, annotations]] = cells_of(
            alice, queue, f"{star}:slot:1:annotator_name", f"{star}:annotation", prefer="authoritative"
        )
        assert name == "Rita"
        assert [(one["value"], one["authoritative"]) for one in annotations] == [(5, True)]

    def test_another_word_is_an_error(self, alice: Caller, queue: Judged) -> None:
        answer = fill(alice, queue, prefer="majority")
        assert (answer.status, answer.body["detail"]) == (
            400,
            'prefer must be one of scores, authoritative, got "majority"',
        )
        assert not Dataset.objects.exists()


class TestDataset:
    """Which dataset is filled."""

    def test_a_missing_name_is_created_and_a_known_one_is_reused(self, alice: Caller, queue: Judged) -> None:
        queue.item(status="completed", order=1)
        queue.item(status="pending", order=2)
        first = fill(alice, queue)
        assert first.status == 200
        dataset = Dataset.objects.get()
        assert first.body == {
            "dataset_id": str(dataset.pk),
            "dataset_name": "Answers",
            "rows_created": 1,
            "rows_updated": 0,
            "columns": dataset.columns,
        }
        assert dataset.columns[:3] == ["source_type", "source_id", "source_name"]
        again = fill(alice, queue, dataset_name="ANSWERS", status_filter="all").body
        assert (again["dataset_id"], again["dataset_name"]) == (str(dataset.pk), "Answers")
        assert (again["rows_created"], again["rows_updated"]) == (1, 1)
        assert [*DatasetRow.objects.order_by("position").values_list("position", flat=True)] == [1, 2]

    def test_the_id_wins_over_the_name(self, alice: Caller, queue: Judged) -> None:
        dataset = DatasetFactory.create(organization=alice.user.organization, name="Mine")
        answer = fill(alice, queue, dataset_id=str(dataset.pk))
        assert (answer.body["dataset_name"], answer.body["rows_created"]) == ("Mine", 0)
        assert Dataset.objects.count() == 1

    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            ({}, "dataset_name or dataset_id must be given"),
            ({"dataset_name": None, "dataset_id": None}, "dataset_name or dataset_id must be given"),
            ({"dataset_id": "x"}, 'dataset_id must be the id of a dataset, got "x"'),
            ({"dataset_name": " "}, 'dataset_name must be a string of 1 to 255 visible characters, got " "'),
            (
                {"dataset_name": "a\u200b"},
                'dataset_name must be a string of 1 to 255 visible characters, got "a\\u200b"',
            ),
            ({"dataset_nam": "d"}, 'Unknown field "dataset_nam". Did you mean "dataset_name"?'),
            (
                {"dataset_name": "d", "status_filter": "done"},
                'status_filter must be one of pending, in_progress, completed, skipped, all, got "done"',
            ),
        ],
    )
    def test_a_body_that_cannot_be(self, alice: Caller, queue: Judged, body: Any, sentence: str) -> None:
        answer = alice.post(f"{queue.path}export-to-dataset/", body)
        assert (answer.status, answer.body["detail"]) == (400, sentence)
        assert not Dataset.objects.exists()

    def test_a_dataset_that_does_not_exist_here(self, alice: Caller, charlie: Caller, queue: Judged) -> None:
        theirs = DatasetFactory.create(organization=charlie.user.organization, name="Answers")
        for dataset_id in (theirs.pk, uuid.uuid4()):
            answer = fill(alice, queue, dataset_id=str(dataset_id))
            assert (answer.status, answer.body["code"]) == (404, "dataset_not_found")
            assert answer.body["detail"] == f"Dataset not found: {dataset_id}"
        assert fill(alice, queue).body["dataset_id"] != str(theirs.pk)
        theirs.refresh_from_db()
        assert theirs.columns == []

    def test_a_repeat_adds_no_rows(self, alice: Caller, queue: Judged) -> None:
        queue.item(status="completed")
        path, body = f"{queue.path}export-to-dataset/", {"dataset_name": "Answers"}
        once = [alice.post(path, body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
        assert once[0].body == once[1].body
        assert once[1].headers["Idempotency-Replayed"] == "true"
        assert DatasetRow.objects.count() == 1
        repeated = alice.post(path, body).body
        assert (repeated["rows_created"], repeated["rows_updated"]) == (0, 1)
        assert DatasetRow.objects.count() == 1

    def test_a_later_export_updates_its_own_columns(self, alice: Caller, queue: Judged) -> None:
        item = queue.item(status="completed", order=1)
        queue.score(item, alice.user, "star", {"rating": 3})
        path = f"{queue.path}export-to-dataset/"
        columns = [{"field": "item_order", "column": "Order"}, {"field": "annotation_metrics", "column": "All"}]
        alice.post(path, {"dataset_name": "Answers", "column_mapping": columns})
        Item.objects.filter(pk=item.pk).update(order=7)
        Score.objects.update(deleted_at=clock.now())
        other = [{"field": "item_status", "column": "Status"}]
        alice.post(path, {"dataset_name": "Answers", "column_mapping": other})
        cells = DatasetRow.objects.get().cells
        assert (cells["Order"], cells["Status"]) == (1, "completed")
        assert cells["All"]["Star"]["value"] == 3
        alice.post(path, {"dataset_name": "Answers", "column_mapping": columns})
        cells = DatasetRow.objects.get().cells
        assert (cells["Order"], cells["Status"], cells.get("All") or None) == (7, "completed", None)

    def test_it_has_no_limit_of_items_and_statements_come_by_the_batch(
        self, alice: Caller, queue: Judged, django_assert_num_queries: Any
    ) -> None:
        sources = SourceFactory.create_batch(1001, organization=alice.user.organization)
        made = Item.objects.bulk_create(
            Item(organization=queue.queue.organization, queue=queue.queue, source=source, order=at, status="completed")
            for at, source in enumerate(sources)
        )
        alice.get("/model-hub/sources/")
        # Per batch a read in a savepoint and an insert; the last one is empty. Without cursors, batches of 10 rows.
        batches = 102 if connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] else 3
        with django_assert_num_queries(11 + 4 * batches):
            answer = fill(alice, queue)
        assert answer.body["rows_created"] == 1001
        rows = DatasetRow.objects.order_by("position")
        assert [row.metadata["queue_item_id"] for row in rows] == [str(item.pk) for item in made]


class TestMapping:
    """`column_mapping`."""

    def test_it_chooses_and_names_columns(self, alice: Caller, queue: Judged) -> None:
        queue.item(status="completed", source__name="s")
        mapping = [
            {"field": "source_name", "column": "Name"},
            {"id": "item_order"},
            {"id": "item_status", "field": "item_status", "column": None},
            {"field": "source_id", "column": "off", "enabled": False},
            {"field": "source_name", "column": "again", "enabled": True},
        ]
        answer = fill(alice, queue, column_mapping=mapping).body
        assert answer["columns"] == ["Name", "item_order", "item_status", "again"]
        [row] = alice.get(f"/model-hub/datasets/{answer['dataset_id']}/rows/").body["results"]
        assert (row["cells"]["Name"], row["cells"]["again"], row["cells"]["item_status"]) == ("s", "s", "completed")

    def test_the_default_mapping_is_the_default(self, alice: Caller, queue: Judged) -> None:
        queue.score(queue.item(status="completed"), alice.user, "star", {"rating": 3})
        mapping = alice.get(f"{queue.path}export-fields/").body["default_mapping"]
        fill(alice, queue, column_mapping=mapping, dataset_name="Mapped")
        fill(alice, queue)
        first, second = DatasetRow.objects.all()
        assert first.cells == second.cells
        assert first.cells["Star annotation 1 value"] == 3

    def test_columns_of_the_dataset_are_reused_in_any_case(self, alice: Caller, queue: Judged) -> None:
        queue.item(status="completed", source__name="s")
        DatasetFactory.create(organization=alice.user.organization, name="Answers", columns=["NAME", "other"])
        mapping = [{"field": "item_status", "column": "new"}, {"field": "source_name", "column": "name"}]
        answer = fill(alice, queue, column_mapping=mapping).body
        assert answer["columns"] == ["new", "NAME"]
        assert Dataset.objects.get().columns == ["NAME", "other", "new"]
        assert DatasetRow.objects.get().cells == {"NAME": "s", "new": "completed"}

    @pytest.mark.parametrize(
        ("mapping", "sentence"),
        [
            ([], "column_mapping must have at least one enabled column"),
            ([{"field": "gold", "enabled": False}], "column_mapping must have at least one enabled column"),
            ({}, "column_mapping must be a list of objects, got {}"),
            ([1], "column_mapping[0] must be an object, got 1"),
            ([{"column": "c"}], "column_mapping[0]: field must be given"),
            (
                [{"field": "gold"}, {"field": "gold", "id": "order"}],
                "column_mapping[1]: field and id are both given and differ",
            ),
            (
                [{"field": "gold", "column": "A"}, {"field": "source_id", "column": "a"}],
                'column_mapping must name each column once, got "A" twice',
            ),
            ([{"field": "gold"}, {"field": "gold"}], 'column_mapping must name each column once, got "gold" twice'),
            (
                [{"field": "sorce_id"}],
                'field must be one of export-fields/, got "sorce_id". Did you mean "source_id"?',
            ),
            ([{"field": "attr:"}], 'field must be one of export-fields/, got "attr:"'),
            (
                [{"field": "gold", "column": ""}],
                'column_mapping[0]: column must be a string of 1 to 500 visible characters, got ""',
            ),
            ([{"field": "gold", "enabled": "no"}], 'column_mapping[0]: enabled must be true or false, got "no"'),
        ],
    )
    def test_one_that_cannot_be(self, alice: Caller, queue: Judged, mapping: Any, sentence: str) -> None:
        answer = fill(alice, queue, column_mapping=mapping)
        assert (answer.status, answer.body["detail"]) == (400, sentence)
        assert not Dataset.objects.exists()

    def test_labels_that_were_removed_and_those_of_other_queues_have_no_fields(
        self, alice: Caller, queue: Judged
    ) -> None:
        star = queue.labels["star"]
        QueueLabel.objects.all().delete()
        assert fill(alice, queue, column_mapping=[{"field": f"label:{star.pk}:value"}]).status == 400
        queue.score(queue.item(), alice.user, "star", {"rating": 1})
        assert Score.objects.count() == 1
        assert cells_of(alice, queue, "annotation_metrics") == [[None]]


@pytest.mark.django_db(transaction=True)
def test_exports_at_once_fill_one_dataset(alice: Caller, labels: dict[str, Label]) -> None:
    queues = [judged(alice.user, labels) for _ in range(4)]
    for queue in queues:
        for _ in range(5):
            queue.item(status="completed")
    start = threading.Barrier(8)

    def export(queue: Judged) -> Answer:
        start.wait()
        answer = fill(Caller(alice.key), queue)
        connection.close()
        return answer

    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(export, queues * 2)]
    assert [answer.status for answer in answers] == [200] * 8
    assert {answer.body["dataset_id"] for answer in answers} == {str(Dataset.objects.get().pk)}
    rows = DatasetRow.objects.order_by("position")
    assert [row.position for row in rows] == list(range(1, 21))
    assert {row.queue_item for row in rows} == {*Item.objects.values_list("pk", flat=True)}
    assert sum(answer.body["rows_created"] for answer in answers) == 20
