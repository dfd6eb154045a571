"""Queues and datasets of another organization, and queues of others for a key with `annotate` alone, do not exist.

Every route of queues and datasets has a case here; one without fails. Each case is sent with the ids of rows that exist
and with unknown ids. The answers must be equal, and the rows unchanged.
"""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import models, transaction
from django.urls import URLPattern
from django.utils import timezone

from modelhub.agreement.urls import urlpatterns as agreement_patterns
from modelhub.core.tenants import tenant_tables
from modelhub.datasets.models import Dataset, DatasetRow
from modelhub.datasets.urls import urlpatterns as dataset_patterns
from modelhub.queues.models import Adjudication, Assignment, Item, Queue, QueueLabel, QueueMember, Slot
from modelhub.queues.urls import urlpatterns as queue_patterns
from modelhub.scores.models import Score
from tests.client import Caller
from tests.factories import (
    AdjudicationFactory,
    ApiKeyFactory,
    DatasetFactory,
    ItemFactory,
    LabelFactory,
    ProjectFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

QUEUE, ITEMS = "annotation-queues/{queue}/", "annotation-queues/{queue}/items/"
ITEM = ITEMS + "{item}/"
SCORES = [{"label_id": "{label}", "value": 4}]
# The body by method and path below /model-hub/; the query of a path is part of it.
CASES: dict[str, Any] = {
    "GET annotation-queues/": None,
    "POST annotation-queues/": {"name": "x", "label_ids": ["{label}"], "annotator_ids": ["{user}"]},
    "GET annotation-queues/for-source/?source_type=trace&source_id={source}": None,
    "POST annotation-queues/get-or-create-default/": {"project_id": "{project}"},
    f"GET {QUEUE}": None,
    f"PATCH {QUEUE}": {"name": "x"},
    f"PUT {QUEUE}": {"name": "x"},
    f"DELETE {QUEUE}": None,
    "POST annotation-queues/{gone}/restore/": None,
    f"POST {QUEUE}hard-delete/": {"force": True, "confirm_name": "{name}"},
    f"POST {QUEUE}update-status/": {"status": "paused"},
    f"POST {QUEUE}add-label/": {"label_id": "{label}"},
    f"POST {QUEUE}remove-label/": {"label_id": "{label}"},
    f"GET {QUEUE}members/": None,
    f"POST {QUEUE}members/": {"user_id": "{user}", "roles": ["manager"]},
    f"DELETE {QUEUE}members/{{user}}/": None,
    f"GET {QUEUE}progress/": None,
    f"GET {QUEUE}analytics/": None,
    f"GET {QUEUE}disagreements/": None,
    f"POST {QUEUE}adjudicate/": {"item_id": "{item}", "label_id": "{label}", "value": 4},
    f"GET {QUEUE}agreement/": None,
    f"GET {QUEUE}export/": None,
    f"GET {QUEUE}export-fields/": None,
    f"POST {QUEUE}export-to-dataset/": {"dataset_id": "{dataset}"},
    f"GET {ITEMS}": None,
    f"POST {ITEMS}add-items/": {"items": [{"source_type": "trace", "source_id": "{source}"}]},
    f"POST {ITEMS}assign/": {"item_ids": ["{item}"], "user_id": "{user}"},
    f"POST {ITEMS}bulk-remove/": {"item_ids": ["{item}"]},
    f"GET {ITEMS}next-item/": None,
    f"POST {ITEMS}undo/": None,
    f"POST {ITEMS}bulk-review/": {"item_ids": ["{item}"], "action": "approve"},
    f"GET {ITEM}": None,
    f"PATCH {ITEM}": {"priority": 9},
    f"DELETE {ITEM}": None,
    f"GET {ITEM}annotate-detail/?reserve=true": None,
    f"POST {ITEM}reserve/": None,
    f"POST {ITEM}release/": {"user_id": "{user}"},
    f"GET {ITEM}annotations/": None,
    f"POST {ITEM}annotations/submit/": {"annotations": SCORES},
    f"POST {ITEM}annotations/import/": {"annotations": SCORES},
    f"POST {ITEM}complete/": None,
    f"POST {ITEM}skip/": None,
    f"POST {ITEM}undo/": None,
    f"POST {ITEM}review/": {"action": "approve"},
    f"GET {ITEM}adjudications/": None,
    "GET datasets/": None,
    "GET datasets/{dataset}/": None,
    "DELETE datasets/{dataset}/": None,
    "GET datasets/{dataset}/rows/": None,
    "GET datasets/{dataset}/export/": None,
}
# The kind of id after each word of a path.
KINDS = {"annotation-queues": "queue", "items": "item", "members": "user", "datasets": "dataset"}
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
TABLES = (Queue, QueueLabel, QueueMember, Item, Assignment, Slot, Adjudication, Score, Dataset, DatasetRow)
Ids = dict[str, str]


def routes(patterns: list[URLPattern]) -> Iterator[str]:
    """Yield method and path of every route, with the kinds of ids in braces."""
    for pattern in patterns:
        path = str(pattern.pattern).removeprefix("model-hub/")
        path = re.sub(r"([a-z-]+)/<id:\w+>", lambda found: f"{found[1]}/{{{KINDS[found[1]]}}}", path)
        view: Any = pattern.callback
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view.view_class, method):
                yield f"{method.upper()} {path.replace('{queue}/restore', '{gone}/restore')}"


def test_every_route_has_a_case() -> None:
    of_queues = [pattern for pattern in agreement_patterns if "annotation-queues" in str(pattern.pattern)]
    expected = {*routes([*queue_patterns, *of_queues, *dataset_patterns])}
    assert {name.partition("?")[0] for name in CASES} == expected


def fill(node: Any, ids: Ids) -> Any:
    """Return a path or body with ids in place of their kinds."""
    if isinstance(node, dict):
        return {key: fill(value, ids) for key, value in node.items()}
    if isinstance(node, list):
        return [fill(value, ids) for value in node]
    return node.format(**ids) if isinstance(node, str) else node


def things(caller: Caller, word: str) -> Ids:
    """Make rows of every kind, and return their ids."""
    organization = caller.user.organization
    project = ProjectFactory.create(organization=organization, name=f"{word} project")
    queue = QueueFactory.create(created_by=caller.user, name=f"{word} queue", project=project)
    gone = QueueFactory.create(created_by=caller.user, name=f"{word} gone", deleted_at=timezone.now())
    label = LabelFactory.create(organization=organization, name=f"{word} label")
    QueueLabelFactory.create(queue=queue, label=label)
    member = QueueMemberFactory.create(queue=queue)
    item = ItemFactory.create(queue=queue, source__name=f"{word} source", status="in_progress")
    Assignment.objects.create(organization=organization, queue=queue, item=item, user=member.user)
    Slot.objects.create(
        organization=organization, queue=queue, item=item, user=member.user, state="completed", seat=1,
        ended_at=timezone.now(), notes=f"{word} note",
    )  # fmt: skip
    ScoreFactory.create(
        source=item.source,
        label=label,
        annotator=member.user,
        queue_item=item.pk,
        queue_id=queue.pk,
        notes=f"{word} note",
    )
    AdjudicationFactory.create(item=item, label=label, notes=f"{word} note")
    dataset = DatasetFactory.create(organization=organization, name=f"{word} dataset", columns=[f"{word} column"])
    DatasetRow.objects.create(
        organization=organization, dataset=dataset, position=1, cells={f"{word} column": f"{word} cell"}
    )
    rows: dict[str, models.Model] = {
        "queue": queue,
        "gone": gone,
        "item": item,
        "label": label,
        "user": member.user,
        "project": project,
        "dataset": dataset,
    }
    return {kind: str(row.pk) for kind, row in rows.items()} | {"source": item.source.source_id, "name": queue.name}


def snapshot(organization_id: uuid.UUID) -> list[Any]:
    return [list(table.objects.filter(organization_id=organization_id).order_by("pk").values()) for table in TABLES]


def ask(caller: Caller, name: str, ids: Ids) -> tuple[int, str]:
    """Send a case and roll it back. Return the status, and the text without ids and times."""
    method, path = name.split()
    headers = {"X-Api-Key": caller.key.api_key, "X-Secret-Key": caller.secret}
    body = json.dumps(fill(CASES[name], ids)) if CASES[name] is not None else ""
    with transaction.atomic():
        response: Any = caller.client.generic(
            method, "/model-hub/" + fill(path, ids), body, content_type="application/json", headers=headers
        )
        text = response.getvalue().decode()
        transaction.set_rollback(True)
    for value in sorted(ids.values(), key=len, reverse=True):
        text = text.replace(value, "<sent>")
    return response.status_code, TIME.sub("<time>", ID.sub("<id>", text))


def unknown(ids: Ids) -> Ids:
    """Return ids of the same kinds that no row has."""
    return {kind: str(uuid.uuid4()) if kind not in {"source", "name"} else f"{value}x" for kind, value in ids.items()}


def check(caller: Caller, name: str, theirs: Ids, others: Ids, owner: Caller) -> int:
    """Check that a case is answered alike for both, and that rows stay. Return the status."""
    before = snapshot(owner.user.organization_id)
    with transaction.atomic():
        status, text = ask(caller, name, theirs)
        assert snapshot(owner.user.organization_id) == before
    assert (status, text) == ask(caller, name, others)
    assert "hush" not in text
    return status


@pytest.mark.parametrize("name", CASES)
def test_another_organization_finds_and_changes_nothing(alice: Caller, charlie: Caller, name: str) -> None:
    theirs, own = things(alice, "hush"), things(charlie, "own")
    status = check(charlie, name, theirs, unknown(theirs), alice)
    assert status == (404 if "{" in name.partition("?")[0] else status)
    # Beside an own queue.
    mixed = {kind: own[kind] if kind in {"queue", "name"} else value for kind, value in theirs.items()}
    others = unknown(theirs) | {kind: own[kind] for kind in ("queue", "name")}
    check(charlie, name, mixed, others, alice)


@pytest.mark.parametrize("name", CASES)
def test_own_ids_are_found(alice: Caller, name: str) -> None:
    """Control: the tests above must not compare rejections for another reason."""
    own = things(alice, "own")
    status, text = ask(alice, name, own)
    assert status in {200, 201, 400, 409}, text


@pytest.mark.parametrize("name", CASES)
def test_a_key_of_an_annotator_finds_no_queue_of_others(alice: Caller, name: str) -> None:
    theirs = things(alice, "hush")
    dora = UserFactory.create(organization=alice.user.organization)
    annotator = Caller(ApiKeyFactory.create(user=dora, scopes=["annotate"]))
    status = check(annotator, name, theirs, unknown(theirs), alice)
    assert status in ({403, 404} if "{" in name.partition("?")[0] else {200, 403})


def test_every_table_of_queues_is_compared() -> None:
    tables = {
        table
        for table in tenant_tables()
        if re.match(r"modelhub_(queue|item|slot|assignment|adjudication|dataset)", table)
    }
    assert tables == {table._meta.db_table for table in TABLES} - {Score._meta.db_table}
