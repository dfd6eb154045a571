"""Access matrix: the status of every route for every kind of key."""

import json
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from modelhub import not_implemented
from modelhub.accounts.models import SCOPES
from modelhub.datasets.models import Dataset
from modelhub.labels.models import Label
from modelhub.queues.models import Item
from modelhub.sources.models import Source
from modelhub.urls import urlpatterns
from tests.client import Caller, entry
from tests.factories import (
    ApiKeyFactory,
    DatasetFactory,
    ItemFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SlotFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

# Each request is valid and about rows of the organization; the score is Alice's.
# Columns: no key, a wrong secret, an expired key; Alice's keys with one scope; `annotate` for her own score and for
# another's (Bob); a member's and an admin's key with the default scopes, an admin's without the scope `admin`, and an
# admin's of another organization.
MATRIX = """
GET    /model-hub/scores/                       401 401 401 403 200 403 200 200 403 403 200 200 200 200
POST   /model-hub/scores/                       401 401 401 403 403 201 201 201 403 403 201 201 201 404
POST   /model-hub/scores/bulk/                  401 401 401 403 403 201 201 201 403 403 201 201 201 404
POST   /model-hub/scores/bulk-delete/           401 401 401 403 403 200 200 200 403 403 403 200 200 200
GET    /model-hub/scores/for-source/            401 401 401 403 200 403 200 200 403 403 200 200 200 200
GET    /model-hub/scores/export/                401 401 401 403 200 403 200 200 403 403 200 200 200 200
GET    /model-hub/scores/{score}/               401 401 401 403 200 403 200 404 403 403 200 200 200 404
PUT    /model-hub/scores/{score}/               401 401 401 403 403 200 200 404 403 403 403 200 200 404
PATCH  /model-hub/scores/{score}/               401 401 401 403 403 200 200 404 403 403 403 200 200 404
DELETE /model-hub/scores/{score}/               401 401 401 403 403 200 200 404 403 403 403 200 200 404
GET    /model-hub/scores/{score}/history/       401 401 401 403 200 403 200 404 403 403 200 200 200 404
GET    /model-hub/sources/                      401 401 401 403 200 403 200 200 403 403 200 200 200 200
POST   /model-hub/sources/                      401 401 401 403 403 200 403 403 403 403 200 200 200 201
POST   /model-hub/sources/bulk/                 401 401 401 403 403 200 403 403 403 403 200 200 200 201
GET    /model-hub/sources/{source}/             401 401 401 403 200 403 200 200 403 403 200 200 200 404
GET    /model-hub/annotations-labels/           401 401 401 403 200 403 200 200 403 403 200 200 200 200
POST   /model-hub/annotations-labels/           401 401 401 403 403 200 403 403 403 403 200 200 200 200
GET    /model-hub/annotations-labels/{label}/   401 401 401 403 200 403 200 200 403 403 200 200 200 404
GET    /model-hub/annotations-labels/{label}/summary/ 401 401 401 403 200 403 403 403 403 403 200 200 200 404
PUT    /model-hub/annotations-labels/{label}/   401 401 401 403 403 200 403 403 403 403 200 200 200 404
PATCH  /model-hub/annotations-labels/{label}/   401 401 401 403 403 200 403 403 403 403 200 200 200 404
DELETE /model-hub/annotations-labels/{label}/   401 401 401 403 403 403 403 403 403 403 403 200 403 404
POST   /model-hub/annotations-labels/{deleted}/restore/ 401 401 401 403 403 200 403 403 403 403 200 200 200 404
GET    /tracer/get-annotation-labels/           401 401 401 403 200 403 200 200 403 403 200 200 200 200
POST   /tracer/project/                         401 401 401 403 403 201 403 403 403 403 201 201 201 201
GET    /tracer/project/list_projects/           401 401 401 403 200 403 403 403 403 403 200 200 200 200
GET    /model-hub/users/                        401 401 401 403 200 403 403 403 403 403 200 200 200 200
POST   /model-hub/users/                        401 401 401 403 403 403 403 403 403 403 403 201 403 201
GET    /model-hub/users/me/                     401 401 401 403 200 403 200 200 403 403 200 200 200 200
GET    /model-hub/users/{user}/                 401 401 401 403 200 403 403 403 403 403 200 200 200 404
PATCH  /model-hub/users/{user}/                 401 401 401 403 403 403 403 403 403 403 403 200 403 404
POST   /model-hub/users/{user}/activate/        401 401 401 403 403 403 403 403 403 403 403 200 403 404
POST   /model-hub/users/{user}/deactivate/      401 401 401 403 403 403 403 403 403 403 403 200 403 404
GET    /model-hub/datasets/                     401 401 401 403 200 403 403 403 403 403 200 200 200 200
GET    /model-hub/datasets/{dataset}/           401 401 401 403 200 403 403 403 403 403 200 200 200 404
DELETE /model-hub/datasets/{dataset}/           401 401 401 403 403 200 403 403 403 403 200 200 200 404
GET    /model-hub/datasets/{dataset}/rows/      401 401 401 403 200 403 403 403 403 403 200 200 200 404
GET    /model-hub/datasets/{dataset}/export/    401 401 401 403 200 403 403 403 403 403 200 200 200 404
POST   /tracer/bulk-annotation/                 401 401 401 403 403 200 200 200 403 403 200 200 200 200
GET    /model-hub/annotation-queues/            401 401 401 403 200 403 200 200 403 403 200 200 200 200
POST   /model-hub/annotation-queues/            401 401 401 403 403 201 403 403 403 403 201 201 201 201
GET    /model-hub/annotation-queues/for-source/ 401 401 401 403 200 403 200 200 403 403 200 200 200 200
POST   /model-hub/annotation-queues/get-or-create-default/  401 401 401 403 403 200 403 403 403 403 200 200 200 404
GET    /model-hub/annotation-queues/{queue}/    401 401 401 403 200 403 200 404 403 403 200 200 200 404
PUT    /model-hub/annotation-queues/{queue}/    401 401 401 403 403 200 403 403 403 403 403 200 200 404
PATCH  /model-hub/annotation-queues/{queue}/    401 401 401 403 403 200 403 403 403 403 403 200 200 404
DELETE /model-hub/annotation-queues/{queue}/    401 401 401 403 403 200 403 403 403 403 403 200 200 404
POST   /model-hub/annotation-queues/{gone}/restore/         401 401 401 403 403 200 403 403 403 403 403 200 200 404
POST   /model-hub/annotation-queues/{queue}/update-status/  401 401 401 403 403 200 403 403 403 403 403 200 200 404
POST   /model-hub/annotation-queues/{gone}/hard-delete/     401 401 401 403 403 200 403 403 403 403 403 200 200 404
GET    /model-hub/annotation-queues/{queue}/members/        401 401 401 403 200 403 200 404 403 403 200 200 200 404
POST   /model-hub/annotation-queues/{queue}/members/        401 401 401 403 403 200 403 403 403 403 403 200 200 404
DELETE /model-hub/annotation-queues/{queue}/members/{member}/ 401 401 401 403 403 200 403 403 403 403 403 200 200 404
POST   /model-hub/annotation-queues/{queue}/add-label/      401 401 401 403 403 200 403 403 403 403 403 200 200 404
GET    /model-hub/annotation-queues/{queue}/export/         401 401 401 403 200 403 403 403 403 403 403 200 200 404
GET    /model-hub/annotation-queues/{queue}/export-fields/  401 401 401 403 200 403 403 403 403 403 403 200 200 404
POST   /model-hub/annotation-queues/{queue}/export-to-dataset/ 401 401 401 403 403 200 403 403 403 403 403 200 200 404
POST   /model-hub/annotation-queues/{queue}/remove-label/   401 401 401 403 403 200 403 403 403 403 403 200 200 404
GET    {items}/               401 401 401 403 200 403 200 404 403 403 200 200 200 404
POST   {items}/add-items/     401 401 401 403 403 200 403 403 403 403 403 200 200 404
POST   {items}/assign/        401 401 401 403 403 200 403 403 403 403 403 200 200 404
POST   {items}/bulk-remove/   401 401 401 403 403 200 403 403 403 403 403 200 200 404
GET    {items}/{item}/        401 401 401 403 200 403 200 404 403 403 200 200 200 404
PATCH  {items}/{item}/        401 401 401 403 403 200 403 403 403 403 403 200 200 404
POST   {items}/bulk-review/   401 401 401 403 403 200 200 404 403 403 403 200 200 404
POST   {items}/{unscored}/review/ 401 401 401 403 403 200 200 404 403 403 403 200 200 404
DELETE {items}/{item}/        401 401 401 403 403 200 403 403 403 403 403 200 200 404
GET    {items}/next-item/     401 401 401 403 403 403 200 404 403 403 403 200 200 404
POST   {items}/undo/          401 401 401 403 403 200 200 404 403 403 403 200 200 404
POST   {items}/{item}/reserve/ 401 401 401 403 403 200 200 404 403 403 403 200 200 404
POST   {items}/{item}/release/ 401 401 401 403 403 200 200 404 403 403 403 200 200 404
GET    {items}/{item}/annotate-detail/ 401 401 401 403 200 403 200 404 403 403 403 200 200 404
GET    {items}/{item}/annotations/ 401 401 401 403 200 403 200 404 403 403 403 200 200 404
POST   {items}/{item}/annotations/submit/ 401 401 401 403 403 200 200 404 403 403 403 200 200 404
POST   {items}/{item}/complete/ 401 401 401 403 403 200 200 404 403 403 403 200 200 404
POST   {items}/{item}/skip/ 401 401 401 403 403 200 200 404 403 403 403 200 200 404
POST   {items}/{item}/annotations/import/ 401 401 401 403 403 200 403 403 403 403 403 200 200 404
POST   {items}/{ended}/undo/ 401 401 401 403 403 200 200 404 403 403 403 200 200 404
GET    /healthz                                 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /readyz                                  200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /metrics                                 404 404 404 404 404 404 404 404 404 404 404 404 404 404
GET    /schema/                                 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /docs/                                   200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /docs                                    302 302 302 302 302 302 302 302 302 302 302 302 302 302
GET    /favicon.ico                             302 302 302 302 302 302 302 302 302 302 302 302 302 302
GET    /admin/r/1/2/                            404 404 404 404 404 404 404 404 404 404 404 404 404 404
GET    /model-hub/annotation-queues/{queue}/progress/  401 401 401 403 200 403 200 404 403 403 200 200 200 404
GET    /model-hub/annotation-queues/{queue}/analytics/ 401 401 401 403 200 403 403 403 403 403 403 200 200 404
GET    /model-hub/annotation-queues/{queue}/disagreements/ 401 401 401 403 200 403 403 403 403 403 403 200 200 404
POST   /model-hub/annotation-queues/{queue}/adjudicate/ 401 401 401 403 403 200 200 404 403 403 403 200 200 404
GET    {items}/{item}/adjudications/ 401 401 401 403 200 403 403 403 403 403 403 200 200 404
GET    /model-hub/annotation-queues/{queue}/agreement/ 401 401 401 403 200 403 403 403 403 403 403 200 200 404
GET    /model-hub/agreement/                   401 401 401 403 200 403 403 403 403 403 200 200 200 200
"""
ROWS = [line.split() for line in MATRIX.strip().splitlines()]
CALLERS = (
    *("no key", "wrong secret", "expired"),
    *("no scope", "read", "write", "annotate", "annotate, another's", "admin", "act-as"),
    *("member", "administrator", "administrator without admin", "other organization"),
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def callers(alice: Caller, bob: Caller, charlie: Caller) -> dict[str, Caller | None]:
    def alices(*scopes: str) -> Caller:
        return Caller(ApiKeyFactory.create(user=alice.user, scopes=list(scopes)))

    expired = ApiKeyFactory.create(user=alice.user, expires_at=timezone.now())
    return {
        "no key": None,
        "wrong secret": Caller(alice.key, secret="wrong"),
        "expired": Caller(expired),
        "no scope": alices(),
        "read": alices("read"),
        "write": alices("write"),
        "annotate": alices("annotate"),
        "annotate, another's": Caller(ApiKeyFactory.create(user=bob.user, scopes=["annotate"])),
        "admin": alices("admin"),
        "act-as": alices("act-as"),
        "member": bob,
        "administrator": alice,
        "administrator without admin": alices("read", "write"),
        "other organization": charlie,
    }


def body_of(method: str, path: str, trace: Source, labels: dict[str, Label]) -> Any:
    """Return a valid body about rows of the organization."""
    source = {"source_type": "trace", "source_id": trace.source_id}
    bodies: dict[tuple[str, str], Any] = {
        ("POST", "/model-hub/scores/"): source | entry(labels["text"], "x"),
        ("POST", "/model-hub/scores/bulk/"): source | {"scores": [entry(labels["text"], "x")]},
        ("POST", "/model-hub/scores/bulk-delete/"): {"filter": source | {"score_source": "human"}},
        ("POST", "/model-hub/sources/"): source,
        ("POST", "/model-hub/sources/bulk/"): {"sources": [source]},
        ("POST", "/model-hub/annotations-labels/"): {"name": uuid.uuid4().hex, "type": "text"},
        ("POST", "/model-hub/users/"): {"email": "new@example.com"},
        ("POST", "/tracer/project/"): {"name": uuid.uuid4().hex},
        ("POST", "/tracer/bulk-annotation/"): {"records": [{"observation_span_id": "s", "notes": [{"text": "t"}]}]},
        ("POST", "/model-hub/annotation-queues/"): {"name": uuid.uuid4().hex},
    }
    if "/annotation-queues/" in path:
        label = {"label_id": str(labels["star"].pk)}
        items = {"item_ids": [str(uuid.uuid4())]}
        of_queue: dict[str, Any] = {
            "export-to-dataset": {"dataset_name": uuid.uuid4().hex},
            "update-status": {"status": "paused"},
            "add-label": label,
            "remove-label": label,
            "members": {"email": "alice@example.com"},
            "get-or-create-default": {"dataset_id": str(Dataset.objects.get().pk)},
            "hard-delete": {"force": True, "confirm_name": "Gone"},
            "add-items": {"items": [source]},
            "bulk-remove": items,
            "assign": items | {"user_id": None},
            "review": {"action": "comment", "notes": "n"},
            "bulk-review": items | {"action": "comment", "notes": "n"},
        }
        unscored = Item.objects.filter(queue__name="Work").latest("created_at")
        of_queue["adjudicate"] = entry(labels["star"], 3, item_id=str(unscored.pk))
        annotations = {"annotations": [entry(labels["star"], 3)]}
        of_queue |= {"submit": annotations, "import": annotations}
        of_queue |= {action: {} for action in ("reserve", "release", "complete", "skip", "undo")}
        return bodies.get((method, path), of_queue.get(path.split("/")[-2], {"name": uuid.uuid4().hex}))
    changes = {"value": 3} if "/scores/" in path else {"name" if "/users/" in path else "description": "d"}
    return bodies.get((method, path), changes if method in {"PUT", "PATCH"} else None)


@pytest.fixture
def ids(alice: Caller, trace: Source, labels: dict[str, Label]) -> dict[str, Any]:
    """Return the ids in the paths of the matrix."""
    score = ScoreFactory.create(source=trace, label=labels["star"], annotator=alice.user)
    deleted = labels["numeric"]
    deleted.deleted_at = timezone.now()
    deleted.save()
    dataset = DatasetFactory.create(organization=alice.user.organization)
    queue = QueueFactory.create(created_by=alice.user, name="Work")
    gone = QueueFactory.create(created_by=alice.user, name="Gone", deleted_at=timezone.now())
    for one in (queue, gone):
        QueueMemberFactory.create(queue=one, user=alice.user, roles=["manager", "reviewer", "annotator"])
        QueueLabelFactory.create(queue=one, label=labels["star"])
    item, ended = ItemFactory.create(queue=queue, source=trace), ItemFactory.create(queue=queue)
    of_item = {"label": labels["star"], "queue_item": item.pk, "queue_id": queue.pk}
    ScoreFactory.create(source=trace, annotator=alice.user, score_source="api", **of_item)
    SlotFactory.create(item=ended, user=alice.user, state="completed", ended_at=timezone.now(), seat=1)
    return {
        "score": score.pk,
        "user": UserFactory.create(organization=alice.user.organization).pk,
        "source": trace.pk,
        "label": labels["star"].pk,
        "deleted": deleted.pk,
        "dataset": dataset.pk,
        "queue": queue.pk,
        "member": QueueMemberFactory.create(queue=queue).user_id,
        "gone": gone.pk,
        "items": f"/model-hub/annotation-queues/{queue.pk}/items",
        "item": item.pk,
        "ended": ended.pk,
        "unscored": ItemFactory.create(queue=queue).pk,
    }


@pytest.mark.parametrize("row", ROWS, ids=[" ".join(row[:2]) for row in ROWS])
@pytest.mark.parametrize("column", range(len(CALLERS)), ids=CALLERS)
def test_the_status_of_each_cell(
    callers: dict[str, Caller | None],
    row: list[str],
    column: int,
    ids: dict[str, Any],
    trace: Source,
    labels: dict[str, Label],
) -> None:
    method, path, *statuses = row
    path = path.format(**ids)
    query = f"?source_type=trace&source_id={trace.source_id}" if path.endswith("for-source/") else ""
    caller = callers[CALLERS[column]]
    headers = {"X-Api-Key": caller.key.api_key, "X-Secret-Key": caller.secret} if caller else {}
    body = json.dumps(body_of(method, path, trace, labels))

    def send(method: str) -> Any:
        return Client().generic(method, path + query, body, content_type="application/json", headers=headers)

    response = send(method)
    assert response.status_code == int(statuses[column]), response.content
    if method == "GET":
        assert send("HEAD").status_code == response.status_code
    if CALLERS[column] == "other organization":
        text = response.getvalue().decode()
        assert "Acme" not in text
        assert "alice@" not in text
        assert str(ids["label"]) not in text.replace(path, "").replace(f"not found: {ids['label']}", "")


def test_the_matrix_has_every_route_and_method(alice: Caller, ids: dict[str, Any]) -> None:
    # One row stands for these: they have one view, which accepts every method.
    unimplemented = {str(pattern.pattern) for pattern in not_implemented.urlpatterns}
    rows = [(method, path) for method, path, *_ in ROWS if resolve(path.format(**ids)).route not in unimplemented]
    paths = {path.format(**ids): path for _, path in rows}
    assert {resolve(path).route for path in paths} == {str(pattern.pattern) for pattern in urlpatterns} - unimplemented
    headers = {"X-Api-Key": alice.key.api_key, "X-Secret-Key": alice.secret}
    allowed = {
        (method, name)
        for path, name in paths.items()
        for method in METHODS
        if Client().generic(method, path, headers=headers).status_code != 405
    }
    assert allowed == set(rows)


def test_the_matrix_has_every_scope() -> None:
    assert set(SCOPES) <= set(CALLERS)
