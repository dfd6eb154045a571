"""Access matrix: the status of every route for every kind of key."""

import json
import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from modelhub.core import not_implemented
from modelhub.labels.models import Label
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from modelhub.urls import urlpatterns
from tests.client import Caller, entry
from tests.factories import ApiKeyFactory, ScoreFactory

pytestmark = pytest.mark.django_db

# Each request is valid and about rows of the organization.
# Columns: no key, wrong secret, expired key, read-only key, member, admin, another organization.
MATRIX = """
GET    /model-hub/scores/                              401 401 401 200 200 200 200
POST   /model-hub/scores/                              401 401 401 403 201 201 404
POST   /model-hub/scores/bulk/                         401 401 401 403 201 201 404
POST   /model-hub/scores/bulk-delete/                  401 401 401 403 403 200 200
GET    /model-hub/scores/for-source/                   401 401 401 200 200 200 200
GET    /model-hub/scores/export/                       401 401 401 200 200 200 200
GET    /model-hub/scores/{score}/                      401 401 401 200 200 200 404
PUT    /model-hub/scores/{score}/                      401 401 401 403 403 200 404
PATCH  /model-hub/scores/{score}/                      401 401 401 403 403 200 404
DELETE /model-hub/scores/{score}/                      401 401 401 403 403 200 404
GET    /model-hub/scores/{score}/history/              401 401 401 200 200 200 404
GET    /model-hub/sources/                             401 401 401 200 200 200 200
POST   /model-hub/sources/                             401 401 401 403 200 200 201
POST   /model-hub/sources/bulk/                        401 401 401 403 200 200 201
GET    /model-hub/sources/{source}/                    401 401 401 200 200 200 404
GET    /model-hub/annotations-labels/                  401 401 401 200 200 200 200
POST   /model-hub/annotations-labels/                  401 401 401 403 200 200 200
GET    /model-hub/annotations-labels/{label}/          401 401 401 200 200 200 404
PUT    /model-hub/annotations-labels/{label}/          401 401 401 403 200 200 404
PATCH  /model-hub/annotations-labels/{label}/          401 401 401 403 200 200 404
DELETE /model-hub/annotations-labels/{label}/          401 401 401 403 200 200 404
POST   /model-hub/annotations-labels/{deleted}/restore/ 401 401 401 403 200 200 404
GET    /tracer/get-annotation-labels/                  401 401 401 200 200 200 200
POST   /tracer/project/                                401 401 401 403 201 201 201
GET    /tracer/project/list_projects/                  401 401 401 200 200 200 200
GET    /healthz                                        200 200 200 200 200 200 200
GET    /readyz                                         200 200 200 200 200 200 200
GET    /metrics                                        404 404 404 404 404 404 404
GET    /schema/                                        200 200 200 200 200 200 200
GET    /docs/                                          200 200 200 200 200 200 200
GET    /favicon.ico                                    302 302 302 302 302 302 302
GET    /model-hub/annotation-queues/                   401 401 401 501 501 501 501
POST   /tracer/bulk-annotation/                        401 401 401 501 501 501 501
GET    /                                               302 302 302 302 302 302 302
"""
ROWS = [line.split() for line in MATRIX.strip().splitlines()]
CALLERS = ("no key", "wrong secret", "expired", "read-only", "member", "admin", "other organization")


@pytest.fixture
def callers(alice: Caller, bob: Caller, charlie: Caller) -> dict[str, Caller | None]:
    expired = ApiKeyFactory.create(user=alice.user, expires_at=timezone.now())
    reader = ApiKeyFactory.create(user=alice.user, scopes=["read"])
    return {
        "no key": None,
        "wrong secret": Caller(alice.key, secret="wrong"),
        "expired": Caller(expired),
        "read-only": Caller(reader),
        "member": bob,
        "admin": alice,
        "other organization": charlie,
    }


def body_of(method: str, path: str, score: Score, labels: dict[str, Label]) -> Any:
    """Return a valid body about rows of the organization."""
    source = {"source_type": "trace", "source_id": score.source.source_id}
    bodies: dict[tuple[str, str], Any] = {
        ("POST", "/model-hub/scores/"): source | entry(labels["text"], "x"),
        ("POST", "/model-hub/scores/bulk/"): source | {"scores": [entry(labels["text"], "x")]},
        ("POST", "/model-hub/scores/bulk-delete/"): {"filter": source},
        ("POST", "/model-hub/sources/"): source,
        ("POST", "/model-hub/sources/bulk/"): {"sources": [source]},
        ("POST", "/model-hub/annotations-labels/"): {"name": uuid.uuid4().hex, "type": "text"},
        ("POST", "/tracer/project/"): {"name": uuid.uuid4().hex},
    }
    changes = {"value": 3} if "/scores/" in path else {"description": "d"}
    return bodies.get((method, path), changes if method in {"PUT", "PATCH"} else None)


@pytest.mark.parametrize("row", ROWS, ids=[" ".join(row[:2]) for row in ROWS])
@pytest.mark.parametrize("column", range(len(CALLERS)), ids=CALLERS)
def test_the_status_of_each_cell(
    callers: dict[str, Caller | None],
    row: list[str],
    column: int,
    alice: Caller,
    trace: Source,
    labels: dict[str, Label],
) -> None:
    method, path, *statuses = row
    score = ScoreFactory.create(source=trace, label=labels["star"], annotator=alice.user)
    deleted = labels["numeric"]
    deleted.deleted_at = timezone.now()
    deleted.save()
    path = path.format(score=score.pk, source=trace.pk, label=labels["star"].pk, deleted=deleted.pk)
    query = f"?source_type=trace&source_id={trace.source_id}" if path.endswith("for-source/") else ""
    caller = callers[CALLERS[column]]
    if caller is None:
        status = Client().generic(method, path + query, content_type="application/json").status_code
    else:
        headers = {"X-Api-Key": caller.key.api_key, "X-Secret-Key": caller.secret}
        body = body_of(method, path, score, labels)
        response = caller.client.generic(
            method, path + query, json.dumps(body), content_type="application/json", headers=headers
        )
        status = response.status_code
        if CALLERS[column] == "other organization":
            text = response.getvalue().decode()
            assert "Acme" not in text
            assert "alice@" not in text
            assert str(labels["star"].pk) not in text.replace(path, "").replace(f"not found: {labels['star'].pk}", "")
    assert status == int(statuses[column])


def test_the_matrix_has_every_route() -> None:
    unimplemented = {str(pattern.pattern) for pattern in not_implemented.urlpatterns}
    routes = {str(pattern.pattern) for pattern in urlpatterns} - unimplemented
    redirects = {route for route in routes if route.startswith("^")}
    named = {row[1][1:] for row in ROWS}
    for name in ("score", "source", "label", "deleted"):
        named = {path.replace(f"{{{name}}}", "<id:pk>") for path in named}
    assert named - unimplemented == routes - redirects
