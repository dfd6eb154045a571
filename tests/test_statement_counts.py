"""Pinned numbers of SQL statements per endpoint, for few rows and for many.

`tests/statement_counts.txt` is the table. A change of it is a decision: run with UPDATE_COUNTS=1 to write it anew.
"""

import os
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from modelhub.accounts.models import User
from modelhub.datasets.services import NewRow, put_rows
from modelhub.labels.models import Label
from modelhub.queues.models import Queue
from modelhub.sources.models import Source
from tests.client import Answer, Caller, entry
from tests.factories import (
    DatasetFactory,
    ItemFactory,
    LabelFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SlotFactory,
    SourceFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = Path(__file__).with_name("statement_counts.txt")
BULK_SOURCES = "/model-hub/sources/bulk/"


def count(act: Callable[[], Answer], expected: int) -> int:
    with CaptureQueriesContext(connection) as captured:
        answer = act()
    assert answer.status == expected, answer.body
    return len(captured)


def bulk_sources(caller: Caller, number: int, name: str) -> Callable[[], Answer]:
    sources = [{"source_type": "span", "source_id": f"{number}-{at}", "name": name} for at in range(number)]
    return lambda: caller.post(BULK_SOURCES, {"sources": sources})


def annotate_span(caller: Caller, labels: list[Label]) -> Callable[[], Answer]:
    annotations = [{"annotation_label_id": str(label.pk), "value_float": 1} for label in labels]
    notes = [{"text": f"of {label.pk}"} for label in labels]
    record = {"observation_span_id": "1-0", "annotations": annotations, "notes": notes}
    return lambda: caller.post("/tracer/bulk-annotation/", {"records": [record]})


def count_reports(caller: Caller, label: Label, number: int) -> dict[str, int]:
    """Count for a queue in which so many people, and another one, have scored so many gold items."""
    queue = QueueFactory.create(created_by=caller.user, name=f"Worked on by {number}")
    QueueLabelFactory.create(queue=queue, label=label)
    ids, other = [], UserFactory.create(organization=queue.organization)
    in_review = {"status": "in_progress", "review_status": "pending_review"}
    for user in UserFactory.create_batch(number, organization=queue.organization):
        item = ItemFactory.create(queue=queue, gold=True, expected={str(label.pk): {"value": 4}}, **in_review)
        ids.append(str(item.pk))
        of_item = {"source": item.source, "queue_item": item.pk, "queue_id": queue.pk}
        ScoreFactory.create(label=label, annotator=user, value={"value": 4}, **of_item)
        ScoreFactory.create(label=label, annotator=other, value={"value": 5}, **of_item)
        SlotFactory.create(item=item, user=user)
    path, counts = f"/model-hub/annotation-queues/{queue.pk}/", {}
    for report in ("progress", "analytics", "agreement", "disagreements"):
        name = f"GET annotation-queues/{{id}}/{report}/ {number}"
        counts[name] = count(lambda r=report: caller.get(f"{path}{r}/"), 200)  # type: ignore[misc]
    summary = f"/model-hub/annotations-labels/{label.pk}/summary/"
    counts[f"GET annotations-labels/{{id}}/summary/ {number}"] = count(partial(caller.get, summary), 200)
    counts[f"GET agreement/ {number}"] = count(lambda: caller.get("/model-hub/agreement/"), 200)
    for action in ("reject", "comment"):
        name = f"POST annotation-queues/{{id}}/items/bulk-review/ {action} {number}"
        body = {"item_ids": ids, "action": action, "notes": "n"}
        counts[name] = count(lambda b=body: caller.post(f"{path}items/bulk-review/", b), 200)  # type: ignore[misc]
    decisions = [{"item_id": item_id, "label_id": str(label.pk), "value": 1} for item_id in ids]
    for action in ("new", "repeated"):
        name = f"POST annotation-queues/{{id}}/adjudicate/ {action} {number}"
        counts[name] = count(partial(caller.post, f"{path}adjudicate/", {"decisions": decisions}), 200)
    name = f"GET annotation-queues/{{id}}/items/{{item_id}}/adjudications/ {number}"
    counts[name] = count(partial(caller.get, f"{path}items/{ids[0]}/adjudications/"), 200)
    return counts


@pytest.fixture
def measured(alice: Caller, trace: Source) -> dict[str, int]:
    """Every endpoint, each for several numbers of rows."""
    alice.get("/model-hub/sources/")  # the key's first use is noted here
    labels: list[Label] = LabelFactory.create_batch(100, organization=alice.user.organization, type="numeric")
    alice.bulk(trace, [entry(labels[0], 1)], "?dry_run=true")  # and the labels are read
    counts: dict[str, int] = {}
    for number in (1, 10, 100):
        some = labels[:number]
        for what, value, status in (
            ("insert", 1, 201),
            ("update", 2, 201),
            ("no change", 2, 201),
            ("all wrong", -1, 200),
        ):
            batch = [entry(label, value) for label in some]
            counts[f"POST scores/bulk/ {what} {number}"] = count(lambda b=batch: alice.bulk(trace, b), status)  # type: ignore[misc]
        for what, status in (("insert", 201), ("update", 200)):
            counts[f"POST sources/bulk/ {what} {number}"] = count(bulk_sources(alice, number, what), status)
        counts[f"POST tracer/bulk-annotation/ one span {number}"] = count(annotate_span(alice, some[:20]), 200)
        counts |= count_reports(alice, labels[0], number)
        connection.cursor().execute("TRUNCATE modelhub_score CASCADE")
    score = {"source_type": "trace", "source_id": trace.source_id, **entry(labels[0], 3)}
    label = {"name": "Another", "type": "star"}
    source = {"source_type": "span", "source_id": "one"}
    counts["POST scores/ insert"] = count(lambda: alice.post("/model-hub/scores/", score), 201)
    stored = alice.get("/model-hub/scores/").body["results"][0]["id"]
    counts["POST scores/ no change"] = count(lambda: alice.post("/model-hub/scores/", score), 201)
    counts["POST sources/ insert"] = count(lambda: alice.post("/model-hub/sources/", source), 201)
    counts["GET sources/"] = count(lambda: alice.get("/model-hub/sources/"), 200)
    counts["GET sources/{id}/"] = count(lambda: alice.get(f"/model-hub/sources/{trace.pk}/"), 200)
    counts["POST annotations-labels/"] = count(lambda: alice.post("/model-hub/annotations-labels/", label), 200)
    counts["GET annotations-labels/"] = count(lambda: alice.get("/model-hub/annotations-labels/"), 200)
    counts["GET annotations-labels/{id}/"] = count(
        lambda: alice.get(f"/model-hub/annotations-labels/{labels[0].pk}/"), 200
    )
    score_path, label_path = f"/model-hub/scores/{stored}/", f"/model-hub/annotations-labels/{labels[1].pk}/"
    for path in ("scores/", "scores/?cursor=", f"scores/for-source/?source_type=trace&source_id={trace.source_id}"):
        counts[f"GET {path.replace(trace.source_id, '…')}"] = count(lambda p=path: alice.get(f"/model-hub/{p}"), 200)  # type: ignore[misc]
    counts["GET scores/{id}/"] = count(lambda: alice.get(score_path), 200)
    counts["PATCH scores/{id}/"] = count(lambda: alice.patch(score_path, {"value": 4}), 200)
    counts["PATCH scores/{id}/ no change"] = count(lambda: alice.patch(score_path, {"value": 4}), 200)
    counts["GET scores/{id}/history/"] = count(lambda: alice.get(score_path + "history/"), 200)
    counts["DELETE scores/{id}/"] = count(lambda: alice.delete(score_path), 200)
    everything = {"filter": {"created_after": "2000-01-01T00:00:00Z"}}
    counts["POST scores/bulk-delete/ filter, none"] = count(
        lambda: alice.post("/model-hub/scores/bulk-delete/", everything), 200
    )
    counts["PATCH annotations-labels/{id}/"] = count(lambda: alice.patch(label_path, {"description": "d"}), 200)
    counts["PATCH annotations-labels/{id}/ settings"] = count(
        lambda: alice.patch(label_path, {"settings": {"max": 11}}), 200
    )
    counts["POST scores/bulk/ insert, after a label changed"] = count(
        lambda: alice.bulk(trace, [entry(labels[0], 3)]), 201
    )
    counts["DELETE annotations-labels/{id}/"] = count(lambda: alice.delete(label_path), 200)
    counts["POST annotations-labels/{id}/restore/"] = count(lambda: alice.post(label_path + "restore/"), 200)
    counts["POST tracer/project/"] = count(lambda: alice.post("/tracer/project/", {"name": "P"}), 201)
    counts["GET tracer/project/list_projects/"] = count(lambda: alice.get("/tracer/project/list_projects/?name=p"), 200)
    counts["GET tracer/get-annotation-labels/"] = count(lambda: alice.get("/tracer/get-annotation-labels/"), 200)
    for number in (1, 10, 100):
        dataset = DatasetFactory.create(organization=alice.user.organization)
        put_rows(dataset, ["name"], [[NewRow([at], {}) for at in range(number)]])
        path = f"/model-hub/datasets/{dataset.pk}/"
        counts[f"GET datasets/{{id}}/rows/ {number}"] = count(lambda p=path: alice.get(f"{p}rows/?limit=50"), 200)  # type: ignore[misc]
    counts["GET datasets/"] = count(lambda: alice.get("/model-hub/datasets/"), 200)
    counts["GET datasets/{id}/"] = count(lambda: alice.get(path), 200)
    counts["DELETE datasets/{id}/"] = count(lambda: alice.delete(path), 200)
    return counts | count_of_queues(alice, labels) | count_of_work(alice, labels) | count_of_users(alice)


def count_of_queues(alice: Caller, labels: list[Label]) -> dict[str, int]:
    """Measure the routes of queues, for several numbers of rows."""
    queues, counts = "/model-hub/annotation-queues/", {}
    for number in (1, 10, 100):
        people = UserFactory.create_batch(number, organization=alice.user.organization)
        fields: dict[str, Any] = {
            "label_ids": [str(label.pk) for label in labels[-number:]],
            "annotator_ids": [str(person.pk) for person in people],
        }
        new = {"name": f"Queue {number}", **fields}
        counts[f"POST annotation-queues/ {number}"] = count(partial(alice.post, queues, new), 201)
        queue = Queue.objects.latest("created_at")
        ItemFactory.create_batch(number, queue=queue)
        path = f"{queues}{queue.pk}/"
        counts[f"GET annotation-queues/ {number}"] = count(lambda: alice.get(queues), 200)
        counts[f"GET annotation-queues/{{id}}/ {number}"] = count(partial(alice.get, path), 200)
        counts |= count_of_items(alice, f"{path}items/", number)
        fields = {"label_ids": fields["label_ids"][::-1], "annotator_ids": []}
        counts[f"PATCH annotation-queues/{{id}}/ {number}"] = count(partial(alice.patch, path, fields), 200)
        counts[f"GET annotation-queues/{{id}}/export-fields/ {number}"] = count(
            partial(alice.get, path + "export-fields/"), 200
        )
        everything = {"dataset_name": f"Queue {number}", "status_filter": "all"}
        counts[f"POST annotation-queues/{{id}}/export-to-dataset/ {number}"] = count(
            partial(alice.post, path + "export-to-dataset/", everything), 200
        )
    label = {"label_id": str(labels[-1].pk)}
    counts["POST annotation-queues/{id}/add-label/"] = count(lambda: alice.post(path + "add-label/", label), 200)
    counts["POST annotation-queues/{id}/remove-label/"] = count(lambda: alice.post(path + "remove-label/", label), 200)
    status = {"status": "active"}
    counts["POST annotation-queues/{id}/update-status/"] = count(
        lambda: alice.post(path + "update-status/", status), 200
    )
    scope = {"agent_definition_id": str(uuid.uuid4())}
    for action in ("create", "fetch"):
        name = f"POST annotation-queues/get-or-create-default/ {action}"
        counts[name] = count(partial(alice.post, f"{queues}get-or-create-default/", scope), 200)
    counts["GET annotation-queues/for-source/"] = count(
        partial(alice.get, f"{queues}for-source/?source_type=trace&source_id=x"), 200
    )
    person = {"user_id": str(people[0].pk)}
    counts["POST annotation-queues/{id}/members/"] = count(partial(alice.post, f"{path}members/", person), 201)
    counts["GET annotation-queues/{id}/members/"] = count(partial(alice.get, f"{path}members/"), 200)
    counts["DELETE annotation-queues/{id}/members/{user_id}/"] = count(
        partial(alice.delete, f"{path}members/{people[0].pk}/"), 200
    )
    counts["DELETE annotation-queues/{id}/"] = count(lambda: alice.delete(path), 200)
    counts["POST annotation-queues/{id}/restore/"] = count(lambda: alice.post(path + "restore/"), 200)
    confirmed = {"force": True, "confirm_name": "Queue 100"}
    counts["POST annotation-queues/{id}/hard-delete/"] = count(
        partial(alice.post, f"{path}hard-delete/", confirmed), 200
    )
    return counts


def count_of_items(alice: Caller, items: str, number: int) -> dict[str, int]:
    """Measure the routes of a queue's items, for a number of them and of its people."""
    kind = "annotation-queues/{id}/items/"
    sources: list[Source] = SourceFactory.create_batch(number, organization=alice.user.organization)
    listed = {"items": [{"source_type": "trace", "source_id": source.source_id} for source in sources]}
    selected = {"filter": {"source_type": "trace", "limit": number}}
    Queue.objects.update(assignment_strategy="load_balanced")
    path, counts = f"{items}add-items/", {}
    counts[f"POST {kind}add-items/ a list {number}"] = count(partial(alice.post, path, listed), 200)
    SourceFactory.create_batch(number, organization=alice.user.organization)
    counts[f"POST {kind}add-items/ a filter {number}"] = count(partial(alice.post, path, selected), 200)
    counts[f"GET {kind} {number}"] = count(partial(alice.get, f"{items}?limit=50"), 200)
    rows = alice.get(f"{items}?limit={number}").body["results"]
    item_ids = [row["id"] for row in rows]
    people = [row["user_id"] for row in alice.get(items.removesuffix("items/")).body["annotators"]]
    counts[f"GET {kind}{{item_id}}/ {number}"] = count(partial(alice.get, f"{items}{item_ids[0]}/"), 200)
    counts[f"PATCH {kind}{{item_id}}/ {number}"] = count(
        partial(alice.patch, f"{items}{item_ids[0]}/", {"priority": 1}), 200
    )
    assignment = {"item_ids": item_ids, "user_ids": people, "action": "set"}
    counts[f"POST {kind}assign/ {number}"] = count(partial(alice.post, f"{items}assign/", assignment), 200)
    removal = {"item_ids": item_ids}
    counts[f"POST {kind}bulk-remove/ {number}"] = count(partial(alice.post, f"{items}bulk-remove/", removal), 200)
    return counts


def count_of_work(alice: Caller, labels: list[Label]) -> dict[str, int]:
    """Measure the work on items, for several numbers of labels, members and items."""
    counts: dict[str, int] = {}
    for number in (1, 10, 100):
        queue = QueueFactory.create(created_by=alice.user, name=f"Work {number}", annotations_required=number)
        QueueMemberFactory.create(queue=queue, user=alice.user)
        QueueMemberFactory.create_batch(number, queue=queue)
        for label in labels[:number]:
            QueueLabelFactory.create(queue=queue, label=label)
        items = f"/model-hub/annotation-queues/{queue.pk}/items/"
        first, second, *_, last = ItemFactory.create_batch(number + 2, queue=queue)
        annotations = [entry(label, 1) for label in labels[:number]]
        alice.bulk(last.source, annotations)  # the labels that were changed before are read
        for item in (first, second):
            SlotFactory.create_batch(number - 1, item=item, state="completed", ended_at=timezone.now())
        of_first, of_second = f"{items}{first.pk}/", f"{items}{second.pk}/"
        for action, path, body in (
            ("next-item/", "", None),
            ("{item}/reserve/", f"{of_first}reserve/", None),
            ("{item}/annotations/submit/", f"{of_first}annotations/submit/", {"annotations": annotations}),
            ("{item}/annotations/import/", f"{of_second}annotations/import/", {"annotations": annotations}),
            ("{item}/annotations/", "annotations/", None),
            ("{item}/annotate-detail/", "annotate-detail/", None),
            ("{item}/complete/", f"{of_first}complete/", None),
            ("{item}/undo/", f"{of_first}undo/", None),
            ("{item}/release/", f"{of_first}release/", None),
            ("{item}/skip/", f"{of_second}skip/", None),
            ("undo/", f"{items}undo/", None),
        ):
            is_read = not path.startswith("/")
            read = partial(alice.get, of_first + path if path else f"{items}next-item/")
            act = read if is_read else partial(alice.post, path, body)
            counts[f"{'GET' if is_read else 'POST'} annotation-queues/{{id}}/items/{action} {number}"] = count(act, 200)
    return counts


def count_of_users(alice: Caller) -> dict[str, int]:
    """Measure the routes of users."""
    users, counts = "/model-hub/users/", {}
    for number in (1, 10, 100):
        UserFactory.create_batch(number, organization=alice.user.organization)
        counts[f"GET users/ {number}"] = count(lambda: alice.get(f"{users}?limit=50"), 200)
    invitation = {"email": "new@example.com", "create_key": True}
    counts["POST users/"] = count(lambda: alice.post(users, invitation), 201)
    path = f"{users}{User.objects.get(email='new@example.com').pk}/"
    counts["GET users/me/"] = count(lambda: alice.get(f"{users}me/"), 200)
    counts["GET users/{id}/"] = count(lambda: alice.get(path), 200)
    counts["PATCH users/{id}/"] = count(lambda: alice.patch(path, {"role": "admin"}), 200)
    counts["POST users/{id}/deactivate/"] = count(lambda: alice.post(f"{path}deactivate/"), 200)
    return counts


def test_statement_counts_are_as_committed(measured: dict[str, int]) -> None:
    text = "".join(f"{number:3}  {name}\n" for name, number in measured.items())
    if os.environ.get("UPDATE_COUNTS"):
        TABLE.write_text(text)
    assert text == TABLE.read_text()


def test_the_number_of_rows_makes_no_difference(measured: dict[str, int]) -> None:
    by_kind: dict[str, set[int]] = {}
    for name, number in measured.items():
        kind, _, rows = name.rpartition(" ")
        if rows.isdigit():
            by_kind.setdefault(kind, set()).add(number)
    assert len(by_kind) >= 12
    assert all(len(numbers) == 1 for numbers in by_kind.values()), by_kind
