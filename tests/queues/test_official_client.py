"""The published Python package `futureagi`, unmodified, through the whole life of a queue."""

import csv
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pandas
import pytest
import requests
from fi.annotations import Annotation
from fi.queues import AnnotationQueue
from fi.utils.errors import InvalidAuthError, SDKException

from tests.servers import API_KEY, SECRET_KEY, Server, create_key

ABSENT = "01990000-0000-7000-8000-000000000000"
QUEUES = "/model-hub/annotation-queues/"


@pytest.fixture(scope="module")
def client(live: Server) -> Iterator[AnnotationQueue]:
    client = AnnotationQueue(API_KEY, SECRET_KEY, live.base_url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def annotation(live: Server) -> Iterator[Annotation]:
    client = Annotation(API_KEY, SECRET_KEY, live.base_url)
    yield client
    client.close()


def register(live: Server, source_type: str, word: str, number: int) -> list[dict[str, str]]:
    """Register sources, and return them as items."""
    sources = [{"source_type": source_type, "source_id": f"{word}-{one}"} for one in range(number)]
    answer = live.request("POST", "/model-hub/sources/bulk/", json={"sources": sources})
    assert answer.json()["errors"] == []
    return sources


def add_member(live: Server, queue: str, email: str) -> str:
    """Add a new user to a queue, which the client cannot, and return the id."""
    answer = live.request("POST", "/model-hub/users/", json={"email": email})
    assert answer.status_code == 201, answer.text
    answer = live.request("POST", f"{QUEUES}{queue}/members/", json={"email": email, "roles": ["annotator"]})
    assert answer.ok, answer.text
    return str(answer.json()["user_id"])


@dataclass(frozen=True)
class Life:
    """A queue that the client has made, with its labels and items."""

    client: AnnotationQueue
    word: str
    queue: str
    star: str
    text: str
    items: list[str]


def begin(live: Server, client: AnnotationQueue, word: str) -> Life:
    """Make a queue with 500 items."""
    star, text = client.create_label(f"Star {word}", "star"), client.create_label(f"Text {word}", "text")
    made = client.create(
        f"Life {word}",
        description="d",
        instructions="Judge",
        assignment_strategy="manual",
        annotations_required=1,
        reservation_timeout_minutes=5,
        requires_review=False,
    )
    queue = made.id
    assert (made.status, made.annotations_required, made.reservation_timeout_minutes) == ("draft", 1, 5)
    assert (made.requires_review, made.item_count, made.completed_count) == (False, 0, 0)
    assert client.get(queue_name=f"life {word.upper()}").id == queue
    assert client.update(queue, instructions="Judge well").instructions == "Judge well"
    assert [one.id for one in client.list_queues(search=word, status="draft")] == [queue]

    assert client.add_label(queue, star.id)["label"]["id"] == star.id
    assert client.add_label(queue_name=made.name, label_name=text.name)["created"] is True
    assert client.remove_label(queue, text.id) == {"removed": True}
    assert client.add_label(queue, text.id)["created"] is True

    sources = register(live, "trace", word, 500)
    added = client.add_items(queue, sources)
    assert (added.added, added.duplicates, added.errors) == (500, 0, [])
    again = client.add_items(queue, [*sources[:2], {"source_type": "trace", "source_id": "absent"}])
    assert (again.added, again.duplicates) == (0, 2)
    assert [error["source_id"] for error in again.errors or ()] == ["absent"]
    items = [item for page in range(1, 11) for item in client.list_items(queue, page=page)]
    assert [item.source_id for item in items] == [source["source_id"] for source in sources]
    assert {item.status for item in items} == {"pending"}
    return Life(client, word, queue, star.id, text.id, [item.id for item in items])


def assign(life: Life, person: str) -> None:
    """Assign items to a person, and take them back."""
    client, first = life.client, life.items[:20]
    assert client.assign_items(life.queue, first, user_id=person) == {"assigned": 20}
    assert [item.id for item in client.list_items(life.queue, assigned_to=person)] == first
    assert client.assign_items(life.queue, first) == {"assigned": 0}
    assert client.list_items(life.queue, assigned_to=person) == []


def work(life: Life, person: str) -> None:
    """Complete ten items, import into one, skip the eleventh, remove the twelfth."""
    client, queue, items = life.client, life.queue, life.items
    assert client.activate(queue).status == "active"
    assert client.activate(queue).status == "active"
    for number, item in enumerate(items[:10]):
        values = [{"label_id": life.star, "value": number % 5 + 1}, {"label_id": life.text, "value": f"Höhe {number}"}]
        assert client.submit_annotations(queue, item, values, notes="n")["submitted"] == 2
        done = client.complete_item(queue, item)
        assert (done["completed_item_id"], done["next_item"]["id"]) == (item, items[number + 1])
    values = [{"label_id": life.star, "value": 4}]
    assert client.import_annotations(queue, items[0], values, annotator_id=person).imported == 1
    scores = {(one.label_id, one.score_source) for one in client.get_annotations(queue, items[0])}
    assert scores == {(life.star, "human"), (life.text, "human"), (life.star, "imported")}
    assert client.skip_item(queue, items[10])["skipped_item_id"] == items[10]
    assert client.remove_items(queue, [items[11], ABSENT]) == {"removed": 1}


def read(life: Life) -> None:
    """Read progress, analytics, agreement and every export."""
    client, queue = life.client, life.queue
    progress = client.get_progress(queue)
    assert (progress.total, progress.pending, progress.in_progress) == (499, 488, 0)
    assert (progress.completed, progress.skipped, progress.progress_pct) == (10, 1, 2.0)
    analytics = client.get_analytics(queue)
    assert analytics.total == 499
    assert sum((analytics.status_breakdown or {}).values()) == 499
    assert (analytics.label_distribution or {})[life.star]["values"] == {"1": 2, "2": 2, "3": 2, "4": 3, "5": 2}
    agreement = client.get_agreement(queue)
    assert agreement.overall_agreement == 0
    [star, text] = agreement.per_label or []
    assert (star["label_id"], star["items"], star["disagreement_items"]) == (life.star, 1, life.items[:1])
    assert (text["label_id"], text["reason"]) == (life.text, "texts have no level of measurement")
    [pair] = agreement.annotator_pairs or []
    assert (pair["total_comparisons"], pair["agreement_pct"]) == (1, 0)

    exported = client.export(queue, status="completed")
    assert [item["item_id"] for item in exported] == life.items[:10]
    assert {one["value"] for one in exported[1]["annotations"]} == {2, "Höhe 1"}
    rows = list(csv.DictReader(io.StringIO(client.export(queue, export_format="csv", status="completed"))))
    assert len(rows) == 21
    assert "Höhe 1" in {row["value"] for row in rows}
    dataset = client.export_to_dataset(queue, dataset_name=f"Data {life.word}")
    assert (dataset.dataset_name, dataset.rows_created) == (f"Data {life.word}", 10)
    assert client.export_to_dataset(queue, dataset_id=dataset.dataset_id, status_filter="skipped").rows_created == 1


def test_the_life_of_a_queue(live: Server, client: AnnotationQueue) -> None:
    word = uuid4().hex
    life = begin(live, client, word)
    person = add_member(live, life.queue, f"{word}@example.com")
    assign(life, person)
    work(life, person)
    read(life)
    assert client.complete_queue(life.queue).status == "completed"
    assert client.complete_queue(life.queue).status == "completed"
    assert client.delete(life.queue)["deleted"] is True
    assert client.list_queues(search=word) == []


def test_a_queue_completes_by_itself_before_the_client_closes_it(live: Server, client: AnnotationQueue) -> None:
    word = uuid4().hex
    label = client.create_label(f"Thumbs {word}", "thumbs_up_down")
    queue = client.create(f"Short {word}").id
    client.add_label(queue, label.id)
    client.add_items(queue, register(live, "trace", word, 2))
    client.activate(queue)
    for item in client.list_items(queue):
        client.submit_annotations(queue, item.id, [{"label_id": label.id, "value": "up"}])
        client.complete_item(queue, item.id)
    assert client.get(queue).status == "completed"
    assert client.complete_queue(queue).status == "completed"


Call = Callable[[AnnotationQueue, dict[str, str]], Any]
# In the queue of `ids` one item is completed and one is not; the draft is a queue without members but its creator.
FAILURES: list[tuple[Call, str]] = [
    (lambda q, i: q.create(""), "name must be a string of 1 to 255 visible characters"),
    (lambda q, i: q.create(i["name"].upper()), "already"),
    (lambda q, i: q.create(i["fresh"], assignment_strategy="fair"), "assignment_strategy must be one of manual"),
    (lambda q, i: q.create(i["fresh"], annotations_required=0), "annotations_required must be a whole number from 1"),
    (lambda q, i: q.create(i["fresh"], reservation_timeout_minutes=-1), "reservation_timeout_minutes must be"),
    (lambda q, i: q.create(i["fresh"], project=ABSENT), "project must be the id of a project"),
    (lambda q, i: q.create(i["fresh"], dataset=ABSENT), "dataset must be the id of a dataset"),
    (lambda q, i: q.list_queues(status="open"), "status must be one of draft"),
    (lambda q, i: q.list_queues(page=99), "page"),
    (lambda q, i: q.get(ABSENT), f"Queue not found: {ABSENT}"),
    (lambda q, i: q.get("not-a-uuid"), "There is no path"),
    (lambda q, i: q.get(queue_name="absent"), "Queue with name 'absent' not found"),
    (lambda q, i: q.update(i["draft"], name=i["name"]), "already"),
    (lambda q, i: q.update(ABSENT, name="n"), f"Queue not found: {ABSENT}"),
    (lambda q, i: q.delete(ABSENT), f"Queue not found: {ABSENT}"),
    (lambda q, i: q.activate(ABSENT), f"Queue not found: {ABSENT}"),
    (lambda q, i: q.complete_queue(i["draft"]), "Cannot transition from 'draft' to 'completed'"),
    (lambda q, i: q.add_label(i["draft"], ABSENT), f"Label not found: {ABSENT}"),
    (lambda q, i: q.remove_label(i["draft"], i["label"]), "Label"),
    (lambda q, i: q.add_items(i["draft"], [{"source_type": "robot", "source_id": "r"}]), "source_type must be one of"),
    (lambda q, i: q.list_items(i["queue"], status="open"), "status must be one of pending"),
    (lambda q, i: q.list_items(i["queue"], assigned_to="x"), "assigned_to must be"),
    (lambda q, i: q.remove_items(ABSENT, [ABSENT]), f"Queue not found: {ABSENT}"),
    (lambda q, i: q.assign_items(i["queue"], [i["open"]], user_id=ABSENT), "user_id must name members of the queue"),
    (
        lambda q, i: q.import_annotations(i["queue"], i["open"], [{"label_id": i["label"], "value": 9}]),
        "rating must be a whole number from 1 to 5, got 9",
    ),
    (
        lambda q, i: q.import_annotations(
            i["queue"], i["open"], [{"label_id": i["label"], "value": 4}], annotator_id=ABSENT
        ),
        "annotator_id must be the id of an annotator",
    ),
    (
        lambda q, i: q.submit_annotations(i["queue"], i["open"], [{"label_id": i["label"], "value": 9}]),
        "rating must be a whole number from 1 to 5, got 9",
    ),
    (
        lambda q, i: q.submit_annotations(i["draft"], ABSENT, [{"label_id": i["label"], "value": 4}]),
        f"Item not found: {ABSENT}",
    ),
    (lambda q, i: q.get_annotations(i["queue"], ABSENT), f"Item not found: {ABSENT}"),
    (lambda q, i: q.complete_item(i["queue"], i["open"]), "score"),
    (lambda q, i: q.skip_item(i["queue"], i["done"]), "completed"),
    (lambda q, i: q.get_progress(ABSENT), f"Queue not found: {ABSENT}"),
    (lambda q, i: q.get_analytics(ABSENT), f"Queue not found: {ABSENT}"),
    (lambda q, i: q.get_agreement(ABSENT), f"Queue not found: {ABSENT}"),
    (lambda q, i: q.export(i["queue"], export_format="xml"), "export_format must be one of json, csv"),
    (lambda q, i: q.export(i["queue"], status="open"), "status must be one of"),
    (lambda q, i: q.export_to_dataset(i["queue"], dataset_id=ABSENT), f"Dataset not found: {ABSENT}"),
    (lambda q, i: q.export_to_dataset(i["queue"], dataset_name=""), "dataset_name must be"),
]


@pytest.fixture(scope="module")
def ids(live: Server, client: AnnotationQueue) -> dict[str, str]:
    word = uuid4().hex
    label = client.create_label(f"Failures {word}", "star").id
    queue = client.create(f"Failures {word}")
    draft = client.create(f"Draft {word}")
    client.add_label(queue.id, label)
    client.add_items(queue.id, register(live, "trace", word, 2))
    client.activate(queue.id)
    done, untouched = (item.id for item in client.list_items(queue.id))
    client.submit_annotations(queue.id, done, [{"label_id": label, "value": 4}])
    client.complete_item(queue.id, done)
    return {
        "label": label,
        "queue": queue.id,
        "name": queue.name,
        "draft": draft.id,
        "done": done,
        "open": untouched,
        "fresh": f"Fresh {word}",
    }


def test_failures_raise_with_the_servers_words(live: Server, client: AnnotationQueue, ids: dict[str, str]) -> None:
    """All at once, because the client tries each three times, a second apart."""

    def fail(call: Call) -> object:
        try:
            return call(client, ids)
        except SDKException as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        found = pool.map(fail, [call for call, _ in FAILURES])
    wrong = [(words, one) for (_, words), one in zip(FAILURES, found, strict=True) if words not in str(one)]
    assert not wrong, "\n".join(map(str, wrong))
    assert [line for line in live.log if "unforeseen_error" in line] == []


def test_an_annotator_is_refused_as_the_client_reads_it(live: Server, client: AnnotationQueue) -> None:
    """The client has one fixed text for 403; the queue stays as it is."""
    word = uuid4().hex
    queue = client.create(f"Refused {word}").id
    add_member(live, queue, f"{word}@example.com")
    other = AnnotationQueue(*create_key(live, f"{word}@example.com").values(), live.base_url)
    try:
        with pytest.raises(InvalidAuthError):
            other.activate(queue)
    finally:
        # The client keeps the keys of the last one made on its class.
        other.close()
        AnnotationQueue(API_KEY, SECRET_KEY, live.base_url).close()
    assert client.get(queue).status == "draft"


def test_a_frame_of_two_hundred_rows_is_logged(live: Server, client: AnnotationQueue, annotation: Annotation) -> None:
    word = uuid4().hex
    project = live.request("POST", "/tracer/project/", json={"name": f"Project {word}"}).json()
    live.request("POST", "/tracer/project/", json={"name": f"Project {word} 2"})
    settings: dict[str, dict[str, Any]] = {"categorical": {"options": ["good", "bad"]}}
    kinds = {"rating": "star", "text": "text", "label": "categorical", "score": "numeric", "thumbs": "thumbs_up_down"}
    for kind in kinds.values():
        client.create_label(f"logged {kind}", kind, settings=settings.get(kind), project=project["id"])
    spans = register(live, "observation_span", word, 200)
    few: list[Any] = [None] * 199
    frame = pandas.DataFrame(
        {
            "context.span_id": [span["source_id"] for span in spans],
            "annotation.logged star.rating": [number % 5 + 1 for number in range(200)],
            "annotation.logged text.text": [f"Text {number}" for number in range(200)],
            # The client asks for all labels again per cell.
            "annotation.logged categorical.label": ["good", *few],
            "annotation.logged numeric.score": [2.0, *few],
            "annotation.logged thumbs_up_down.thumbs": [False, *few],
            "annotation.notes": ["A note"] * 200,
        }
    )
    answer = annotation.log_annotations(frame, project_name=project["name"])
    assert (answer.annotationsCreated, answer.annotationsUpdated, answer.notesCreated) == (403, 0, 200)
    assert (answer.succeededCount, answer.errorsCount, answer.errors) == (200, 0, None)
    values = [one.value for one in client.get_scores("observation_span", f"{word}-0")]
    expected = [{"rating": 1}, {"text": "Text 0"}, {"selected": ["good"]}, {"value": 2.0}, {"value": "down"}]
    assert sorted(map(str, values)) == sorted(map(str, expected))

    frame.loc[1, "context.span_id"] = "absent"
    frame.loc[0, "annotation.logged text.text"] = "Changed"
    answer = annotation.log_annotations(frame, project_name=project["name"])
    assert (answer.annotationsCreated, answer.errorsCount) == (0, 1)
    assert answer.errors is not None
    assert (answer.errors[0]["record_index"], answer.errors[0]["span_id"]) == (2, "absent")


def test_a_frame_that_the_server_refuses_raises(annotation: Annotation, live: Server) -> None:
    frame = pandas.DataFrame({"context.span_id": ["s"] * 1001, "annotation.notes": ["n"] * 1001})
    with pytest.raises(requests.HTTPError, match="400"):
        annotation.log_annotations(frame)


def test_projects_are_listed_in_pages(annotation: Annotation, live: Server) -> None:
    word = uuid4().hex
    for number in range(5):
        live.request("POST", "/tracer/project/", json={"name": f"{word} {number}"})
    pages = [annotation.list_projects(name=word, page_number=page, page_size=2) for page in range(4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert sorted(project.name for page in pages for project in page) == [f"{word} {number}" for number in range(5)]
    assert [project.name for project in annotation.list_projects(name=f"{word} 3")] == [f"{word} 3"]
