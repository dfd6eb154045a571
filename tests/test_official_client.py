"""The published Python package `futureagi`, unmodified, against a running server."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from inspect import isfunction
from typing import Any

import pandas
import pytest
import requests
from fi.annotations import Annotation
from fi.queues import AnnotationQueue
from fi.utils.errors import InvalidAuthError, SDKException

from tests.servers import API_KEY, ROOT, SECRET_KEY, Server

NOBODY = "01990000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def queues(live: Server) -> Iterator[AnnotationQueue]:
    client = AnnotationQueue(API_KEY, SECRET_KEY, live.base_url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def annotations(live: Server) -> Iterator[Annotation]:
    client = Annotation(API_KEY, SECRET_KEY, live.base_url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def trace(live: Server) -> str:
    live.request("POST", "/model-hub/sources/", json={"source_type": "trace", "source_id": "sdk-trace"})
    return "sdk-trace"


def test_labels_are_made_listed_read_and_deleted(queues: AnnotationQueue) -> None:
    made = queues.create_label("SDK quality", "star", settings={"no_of_stars": 5}, description="How good")

    assert (made.name, made.type, made.description, made.settings) == (
        "SDK quality",
        "star",
        "How good",
        {"no_of_stars": 5},
    )
    assert made.id in [label.id for label in queues.list_labels()]
    assert queues.get_label(made.id).name == "SDK quality"
    assert queues.get_label(label_name="sdk QUALITY").id == made.id
    assert queues.delete_label(made.id) == {"deleted": True}
    assert made.id not in [label.id for label in queues.list_labels()]


def test_a_label_by_name_is_found_beyond_a_page(queues: AnnotationQueue) -> None:
    for number in range(25):
        queues.create_label(f"SDK many {number}", "text")
    assert queues.get_label(label_name="SDK many 0").name == "SDK many 0"


def test_scores_are_stored_and_read(queues: AnnotationQueue, trace: str) -> None:
    star = queues.create_label("SDK star", "star")
    thumbs = queues.create_label("SDK thumbs", "thumbs_up_down")

    score = queues.create_score("trace", trace, label_id=star.id, value=4, notes="n")
    assert (score.value, score.score_source, score.label_name, score.notes) == ({"rating": 4}, "api", "SDK star", "n")
    assert score.annotator_id

    answer = queues.create_scores(
        "trace",
        trace,
        [{"label_id": star.id, "value": 5}, {"label_id": thumbs.id, "value": True}, {"label_id": star.id, "value": 9}],
        notes="all",
    )
    assert [one["value"] for one in answer["scores"]] == [{"rating": 5}, {"value": "up"}]
    assert answer["scores"][0]["id"] == score.id
    assert [error[:10] for error in answer["errors"]] == ["scores[2]:"]

    found = {one.label_name: one for one in queues.get_scores("trace", trace)}
    assert found["SDK star"].value == {"rating": 5}
    assert found["SDK thumbs"].notes == "all"
    by_name = queues.create_score("trace", trace, label_name="SDK star", value=1)
    assert by_name.id == score.id


def test_reads_of_the_class_annotation(annotations: Annotation, queues: AnnotationQueue, live: Server) -> None:
    project = live.request("POST", "/tracer/project/", json={"name": "SDK project", "project_type": "observe"}).json()
    label = queues.create_label("SDK of project", "text", project=project["id"])

    assert [one.id for one in annotations.get_labels(project_id=project["id"])] == [label.id]
    assert label.id in [one.id for one in annotations.get_labels()]
    [found] = annotations.list_projects(name="SDK project")
    assert (found.id, found.name, found.project_type) == (project["id"], "SDK project", "observe")
    assert annotations.list_projects(project_type="nothing") == []


def test_two_hundred_rows_of_annotations_are_logged(
    annotations: Annotation, queues: AnnotationQueue, live: Server
) -> None:
    """The client reads project and labels again for each cell."""
    project = live.request("POST", "/tracer/project/", json={"name": "SDK log"}).json()
    kinds = {"tone": "text", "topic": "categorical", "words": "numeric", "stars": "star", "good": "thumbs_up_down"}
    settings = {"topic": {"options": ["refund", "other"]}, "words": {"min": 0, "max": 100, "step_size": 0.1}}
    for name, kind in kinds.items():
        queues.create_label(name, kind, settings=settings.get(name), project=project["id"])
    spans = [f"log-span-{number}" for number in range(200)]
    sources = [{"source_type": "observation_span", "source_id": span} for span in spans]
    live.request("POST", "/model-hub/sources/bulk/", json={"sources": sources})
    frame = pandas.DataFrame(
        {
            "context.span_id": spans,
            "annotation.tone.text": ["calm"] * 200,
            "annotation.topic.label": ["refund", None] * 100,
            "annotation.words.score": [number * 0.1 for number in range(200)],
            "annotation.stars.rating": [4] * 200,
            "annotation.good.thumbs": [True, False] * 100,
            "annotation.notes": ["read twice", None] * 100,
        }
    )
    first = annotations.log_annotations(frame, project_name="SDK log")
    assert (first.annotationsCreated, first.annotationsUpdated, first.notesCreated) == (900, 0, 100)
    assert (first.succeededCount, first.errors, first.warnings) == (200, None, None)
    again = annotations.log_annotations(frame, project_name="SDK log")
    assert (again.annotationsCreated, again.annotationsUpdated, again.notesCreated) == (0, 900, 0)
    assert again.warningsCount == len(again.warnings or ()) == 900
    scores = queues.get_scores("observation_span", "log-span-3")
    assert {score.label_name: score.value for score in scores} == {
        "tone": {"text": "calm"},
        "words": {"value": 0.3},
        "stars": {"rating": 4},
        "good": {"value": "down"},
    }


FAILURES: list[tuple[Callable[[AnnotationQueue, Annotation, str], Any], type[Exception], str]] = [
    (lambda q, a, t: q.create_label("", "star"), SDKException, "name must be a string of 1 to 255 characters"),
    (lambda q, a, t: q.create_label("x", "stars"), SDKException, "type must be one of text, numeric"),
    (lambda q, a, t: q.list_labels(project_id="x"), SDKException, 'project_id must be a UUID, got "x"'),
    (lambda q, a, t: q.get_label(NOBODY), SDKException, f"Label not found: {NOBODY}"),
    (lambda q, a, t: q.delete_label(NOBODY), SDKException, f"Label not found: {NOBODY}"),
    (
        lambda q, a, t: q.create_score("trace", t, label_id=NOBODY, value=1),
        SDKException,
        f"Label not found: {NOBODY}",
    ),
    (
        lambda q, a, t: q.create_score("trace", "nowhere", label_id=NOBODY, value=1),
        SDKException,
        "Source not found: trace nowhere",
    ),
    (lambda q, a, t: q.create_scores("robot", t, [{"value": 1}]), SDKException, "source_type must be one of trace"),
    (lambda q, a, t: q.get_scores("robot", t), SDKException, "source_type must be one of trace"),
    (lambda q, a, t: a.get_labels(project_id=NOBODY), requests.HTTPError, "404"),
    (lambda q, a, t: a.list_projects(page_number=-1), requests.HTTPError, "400"),
    (lambda q, a, t: a.log_annotations(pandas.DataFrame()), requests.HTTPError, "400"),
    (
        lambda q, a, t: a.log_annotations(pandas.DataFrame({"context.span_id": ["s"], "annotation.no.text": ["x"]})),
        ValueError,
        "No annotation label found for name 'no'",
    ),
]


def test_failures_raise_with_the_servers_words(queues: AnnotationQueue, annotations: Annotation, trace: str) -> None:
    """All at once, because the client tries each three times, a second apart."""

    def fail(number: int) -> Exception:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is asserted below
            FAILURES[number][0](queues, annotations, trace)
        return raised.value

    with ThreadPoolExecutor(len(FAILURES)) as pool:
        errors = list(pool.map(fail, range(len(FAILURES))))
    for error, (_, kind, words) in zip(errors, FAILURES, strict=True):
        assert isinstance(error, kind), error
        assert words in str(error)


class World:
    """An active queue with a label and two items, for one call of a method."""

    def __init__(self, live: Server, queues: AnnotationQueue, word: str) -> None:
        self.q, self.word = queues, word
        self.sources = [{"source_type": "span", "source_id": f"{word}-{number}"} for number in range(3)]
        live.request("POST", "/model-hub/sources/bulk/", json={"sources": self.sources})
        self.label = queues.create_label(f"Label of {word}", "star").id
        self.queue = queues.create(f"Queue of {word}").id
        queues.add_label(self.queue, self.label)
        queues.add_items(self.queue, self.sources[:2])
        queues.activate(self.queue)
        self.item = queues.list_items(self.queue)[0].id
        self.entries = [{"label_id": self.label, "value": 4}]

    def submit(self) -> Any:
        return self.q.submit_annotations(self.queue, self.item, self.entries)

    def complete(self) -> Any:
        self.submit()
        return self.q.complete_item(self.queue, self.item)

    def frame(self) -> pandas.DataFrame:
        span = self.sources[0]["source_id"]
        return pandas.DataFrame({"context.span_id": [span], f"annotation.Label of {self.word}.rating": [3]})


# One call per public method.
CALLS: dict[str, Callable[[World, Annotation], Any]] = {
    "create_label": lambda w, a: w.q.create_label(f"New {w.word}", "text"),
    "list_labels": lambda w, a: w.q.list_labels(),
    "get_label": lambda w, a: w.q.get_label(w.label),
    "delete_label": lambda w, a: w.q.delete_label(w.label),
    "create_score": lambda w, a: w.q.create_score("span", w.sources[0]["source_id"], label_id=w.label, value=4),
    "create_scores": lambda w, a: w.q.create_scores("span", w.sources[0]["source_id"], w.entries),
    "get_scores": lambda w, a: w.q.get_scores("span", w.sources[0]["source_id"]),
    "create": lambda w, a: w.q.create(f"New {w.word}"),
    "list_queues": lambda w, a: w.q.list_queues(),
    "get": lambda w, a: w.q.get(queue_name=f"queue of {w.word}"),
    "update": lambda w, a: w.q.update(w.queue, name=f"Changed {w.word}"),
    "delete": lambda w, a: w.q.delete(w.queue),
    "activate": lambda w, a: w.q.activate(w.queue),
    "complete_queue": lambda w, a: w.q.complete_queue(w.queue),
    "add_label": lambda w, a: w.q.add_label(w.queue, w.label),
    "remove_label": lambda w, a: w.q.remove_label(w.queue, w.label),
    "add_items": lambda w, a: w.q.add_items(w.queue, w.sources[2:]),
    "list_items": lambda w, a: w.q.list_items(w.queue),
    "remove_items": lambda w, a: w.q.remove_items(w.queue, [w.item]),
    "assign_items": lambda w, a: w.q.assign_items(w.queue, [w.item]),
    "import_annotations": lambda w, a: w.q.import_annotations(w.queue, w.item, w.entries),
    "submit_annotations": lambda w, a: w.submit(),
    "get_annotations": lambda w, a: w.q.get_annotations(w.queue, w.item),
    "complete_item": lambda w, a: w.complete(),
    "skip_item": lambda w, a: w.q.skip_item(w.queue, w.item),
    "get_progress": lambda w, a: w.q.get_progress(w.queue),
    "get_analytics": lambda w, a: w.q.get_analytics(w.queue),
    "get_agreement": lambda w, a: w.q.get_agreement(w.queue),
    "export": lambda w, a: (w.q.export(w.queue), w.q.export(w.queue, export_format="csv")),
    "export_to_dataset": lambda w, a: w.q.export_to_dataset(w.queue, dataset_name=f"Data of {w.word}"),
    "get_labels": lambda w, a: a.get_labels(),
    "list_projects": lambda w, a: a.list_projects(),
    "log_annotations": lambda w, a: a.log_annotations(w.frame()),
}


def test_the_table_of_the_readme_is_true(live: Server, queues: AnnotationQueue, annotations: Annotation) -> None:
    """Every public method is called, and stands in the table. Any error fails the test."""

    def call(name: str) -> None:
        CALLS[name](World(live, queues, name), annotations)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, CALLS))
    assert [line for line in live.log if "unforeseen_error" in line] == []
    page = (ROOT / "README.md").read_text()
    for kind in (AnnotationQueue, Annotation):
        public = {name for name, one in vars(kind).items() if isfunction(one) and not name.startswith("_")}
        rows = re.findall(rf"^\| `{kind.__name__}`[^|]*\|([^|]*)\|$", page, re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", "".join(rows))) == public
        assert public <= CALLS.keys()


def test_wrong_keys_raise_the_errors_of_the_client(live: Server) -> None:
    wrong = AnnotationQueue("nobody", "nothing", live.base_url)
    with pytest.raises(InvalidAuthError):
        wrong.list_labels()
    wrong.close()
    # The client keeps the keys of the last one made on its class.
    AnnotationQueue(API_KEY, SECRET_KEY, live.base_url).close()
