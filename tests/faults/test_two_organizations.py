"""Two organizations: ids of the other one are answered like ids that do not exist.

Every operation of docs/openapi.yaml receives foreign ids in every place: path, query parameters, body, headers. The
answer must equal the one for an unknown id, byte for byte except for ids and times, after the same number of SQL
statements, so that neither text nor work tells them apart.

A long `make faults` puts every kind of id in every place; otherwise the fitting kind and one other.
"""

import json
import random
import re
import uuid
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import yaml
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from modelhub.accounts.invitations import create_invitation
from modelhub.accounts.people import session_actor
from modelhub.core.keyset import Position
from modelhub.core.pagination import scope_of
from modelhub.datasets.services import NewRow, put_rows
from modelhub.idempotency.models import IdempotencyRecord
from modelhub.labels.models import Label
from modelhub.scores.filters import FILTERS
from modelhub.scores.models import Score, ScoreRevision
from modelhub.sources.models import Source
from tests.client import BULK, Caller
from tests.factories import (
    SECRET,
    DatasetFactory,
    ItemFactory,
    LabelFactory,
    ProjectFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SourceFactory,
    UserFactory,
)
from tests.repeats import LONG
from tests.servers import ROOT

pytestmark = pytest.mark.django_db

DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
# The kind of id in each path.
OF_PATH = {
    "annotation-queues/{id}/restore": "gone_queue",
    "annotation-queues": "queue",
    "restore": "gone",
    "annotations-labels": "label",
    "scores": "score",
    "sources": "source",
    "datasets": "dataset",
    "users": "person",
    "": "label",
}
# The kinds of other ids in paths.
OF_NAME = {"user_id": "user", "item_id": "item"}
# The kind of id that belongs to a name with one of these words.
BELONGS = {
    "label": "label",
    "project": "project",
    "dataset": "dataset",
    "source_id": "source_id",
    "email": "email",
    "annotator": "user",
    "user": "person",
    "item": "item",
    "cursor": "cursor",
    "Idempotency": "idempotency_key",
    "exclude": "item",
    "ids": "score",
    "search": "name",
    "name": "name",
}
Place = tuple[str | int, ...]
OWN = {
    "label_id": "label",
    "label_ids": "label",
    "project_id": "project",
    "email": "email",
    "source_id": "source_id",
    "annotation_label_id": "label",
    "observation_span_id": "source_id",
    "item_id": "item",
    "item_ids": "item",
    "user_ids": "user",
}
# An email is the login of one user of the whole server: a taken one is a conflict.
TOLD: set[tuple[str, Place, str]] = {("POST /model-hub/users/", ("body", "email"), "email")}
MARK = "hush-hush"
VARIABLE = re.compile(
    r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z"
    r'|(?<="secret_key":")[\w-]+',
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Attempt:
    """One request."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Worlds:
    """Alice, and by kind the ids of both organizations and unknown ids."""

    alice: Caller
    own: dict[str, str]
    theirs: dict[str, str]
    unknown: dict[str, str]
    secrets: list[str]

    def ask(self, attempt: Attempt, sent: str) -> tuple[int, str, int]:
        """Return status, stable part of the body and number of statements; roll back."""
        body = b"" if attempt.body is None else json.dumps(attempt.body).encode()
        headers = {"X-Api-Key": self.alice.key.api_key, "X-Secret-Key": SECRET} | attempt.headers
        connection.queries_log.clear()  # it is of limited length
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            response = self.alice.client.generic(
                attempt.method, attempt.path, body, "application/json", headers=headers, query_params=attempt.query
            )
            text = response.getvalue().decode()
            transaction.set_rollback(True)
        text = text.replace(sent, "<sent>").replace(sent.replace("-", ""), "<sent>")
        for spelling in (sent, sent.lower()):  # emails are quoted as they are compared
            for length in range(len(spelling), 0, -1):  # sentences quote so much, and no more
                text = text.replace(f"{spelling[:length]}…", "<sent>…")
        for secret in self.secrets:
            assert secret == sent or secret not in text, (attempt, secret, text)
        return response.status_code, VARIABLE.sub("<varies>", text), len(queries)


@pytest.fixture
def worlds(alice: Caller, charlie: Caller) -> Worlds:
    """Make both organizations with rows of every kind, and a key with all scopes."""
    type(alice.key).objects.filter(pk=alice.key.pk).update(scopes=["read", "write", "admin", "act-as"])
    alice.get("/model-hub/sources/")  # records the use of the key, which is a statement
    own, theirs = things(alice, "mine"), things(charlie, MARK)
    unknown = {kind: alike(kind, value) for kind, value in theirs.items()}
    # The first score of a process reads the labels into the cache.
    first = {"source_type": "trace", "source_id": own["source_id"], "scores": [{"label_id": own["label"], "value": 1}]}
    assert alice.post(BULK + "?dry_run=true", first).status == 200
    return Worlds(alice, own, theirs, unknown, [MARK, *theirs.values()])


def things(caller: Caller, word: str) -> dict[str, str]:
    organization = caller.user.organization
    project = ProjectFactory.create(organization=organization, name=f"{word} project")
    label: Label = LabelFactory.create(organization=organization, name=f"{word} label", project=project)
    gone: Label = LabelFactory.create(organization=organization, name=f"{word} gone", deleted_at=timezone.now())
    source: Source = SourceFactory.create(organization=organization, name=f"{word} source", metadata={"is": word})
    SourceFactory.create(organization=organization, source_type="span", source_id=source.source_id)
    score: Score = ScoreFactory.create(
        source=source, label=label, annotator=caller.user, value={"rating": 4, "is": word}, notes=word
    )
    ScoreRevision.objects.create(
        organization=organization,
        score=score,
        value={"rating": 4, "is": word},
        replaced_by=caller.user,
        score_source="human",
    )
    dataset = DatasetFactory.create(organization=organization, name=f"{word} dataset", columns=[f"{word} column"])
    put_rows(dataset, dataset.columns, [[NewRow([word], {"is": word})]])
    scope = scope_of("/model-hub/scores/", organization.pk, "-created_at", {})
    key = f"{word}-key"
    IdempotencyRecord.objects.create(
        organization=organization, user=caller.user, key=key, digest="0" * 64, status=201, body=f'"{word}"'
    )
    queue, gone_queue = (
        QueueFactory.create(created_by=caller.user, name=f"{word} {kind}", instructions=word, deleted_at=deleted_at)
        for kind, deleted_at in (("queue", None), ("gone queue", timezone.now()))
    )
    QueueLabelFactory.create(queue=queue, label=label)
    # Its source is not that of the body of requests, which adds one.
    item = ItemFactory.create(queue=queue, source__name=f"{word} source of an item", gold=True)
    person = UserFactory.create(organization=organization, name=f"{word} person")
    create_invitation(session_actor(caller.user), person.pk)
    for manager in (caller.user, person):
        QueueMemberFactory.create(queue=queue, user=manager, roles=["manager", "annotator"])
    return {
        "person": str(person.pk),
        "queue": str(queue.pk),
        "item": str(item.pk),
        "gone_queue": str(gone_queue.pk),
        "dataset": str(dataset.pk),
        "label": str(label.pk),
        "gone": str(gone.pk),
        "project": str(project.pk),
        "source": str(source.pk),
        "source_id": source.source_id,
        "score": str(score.pk),
        "user": str(caller.user.pk),
        "organization": str(organization.pk),
        "email": caller.user.email,
        "api_key": caller.key.api_key,
        "idempotency_key": key,
        "name": label.name,
        "cursor": Position(score.created_at, score.pk).encode(scope=scope),
    }


def alike(kind: str, value: str) -> str:
    """Return an unknown id that looks alike."""
    if kind == "cursor":
        return Position(timezone.now(), uuid.uuid4()).encode(scope="another list")
    return str(uuid.uuid4()) if VARIABLE.fullmatch(value) else value[:-1] + ("x" if value[-1] != "x" else "y")


def requests_of(name: str, own: dict[str, str]) -> Iterator[tuple[Attempt, Place]]:
    """Yield valid requests, each with a place for another id."""
    operation = OPERATIONS[name]
    method, path = name.split()
    of_id = next(kind for word, kind in OF_PATH.items() if word in path)
    in_path = {name: own[OF_NAME.get(name, of_id)] for name in re.findall(r"\{(\w+)\}", path)}
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    body = fitting(next(iter(content["examples"].values()))["value"], own) if content else None
    query = {"source_type": "trace", "source_id": own["source_id"]} if "for-source" in path else {}
    right = Attempt(method, path.format(**in_path), query, body)
    for own_id in in_path.values():
        yield right, ("path", own_id)
    for parameter in operation.get("parameters", []):
        if parameter["in"] != "path":
            yield right, (parameter["in"], parameter["name"])
    if content:
        for at in [*places(body), *((field,) for field in fields_of(content["schema"]) if field not in (body or ()))]:
            yield right, ("body", *at)
    if "bulk-delete" in path:
        yield replace(right, body={"ids": [own["score"], own["score"]]}), ("body", "ids", 1)
        for filter_ in FILTERS:
            yield replace(right, body={"filter": {filter_: own["source_id"]}}), ("body", "filter", filter_)


def put(right: Attempt, place: Place, value: str) -> Attempt:
    """Return the request with a value in a place."""
    match place:
        case "path", str(old):
            return replace(right, path=right.path.replace(old, value))
        case "query", str(name):
            return replace(right, query=right.query | {name: value})
        case "header", str(name):
            return replace(right, headers={name: value})
    body = deepcopy(right.body)
    parent = body
    for step in place[1:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    return replace(right, body=body)


def places(node: Any, path: Place = ()) -> Iterator[Place]:
    """Yield the path of each part of a body."""
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, member in members:
        yield (*path, step)
        yield from places(member, (*path, step))


def fields_of(schema: dict[str, Any]) -> list[str]:
    """Return the fields of a body, also those that its example lacks."""
    named = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return sorted(named.get("properties", {}))


def fitting(example: Any, own: dict[str, str], known: str | None = None) -> Any:
    """Return the example with ids of the own organization; `known` replaces a text."""
    if isinstance(example, dict):
        return {
            key: fitting(value, own)
            if key not in OWN
            else [own[OWN[key]]]
            if isinstance(value, list)
            else own[OWN[key]]
            for key, value in example.items()
        }
    if isinstance(example, list):
        return [fitting(member, own, known) for member in example][: 1 if known else None]
    return known if known and isinstance(example, str) else example


def kinds_for(place: Place, everything: list[str], choose: random.Random) -> list[str]:
    """Return the kinds of ids to put into a place."""
    if LONG or place[0] == "path":
        return everything
    name = next((str(step) for step in reversed(place) if isinstance(step, str)), "")
    natural = [kind for word, kind in BELONGS.items() if word in name]
    return list({*natural, choose.choice(everything)})


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "/model-hub/" in name or "/tracer/" in name])
def test_foreign_ids_are_answered_like_unknown_ones(worlds: Worlds, name: str) -> None:
    choose = random.Random(name)
    asked = 0
    for right, place in requests_of(name, worlds.own):
        for kind in kinds_for(place, list(worlds.theirs), choose):
            if (name, place, kind) in TOLD:
                continue
            if place[0] == "path" and not VARIABLE.fullmatch(worlds.theirs[kind]):
                continue
            foreign, unknown = (
                worlds.ask(put(right, place, ids[kind]), ids[kind]) for ids in (worlds.theirs, worlds.unknown)
            )
            assert foreign == unknown, (place, kind)
            asked += 2
    print(f"\n{name}: {asked} requests, 0 that told a foreign id from an unknown one")


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "{id}" in name])
def test_own_ids_are_found(worlds: Worlds, name: str) -> None:
    """Control: the test above must not compare rejections for another reason."""
    right, place = next(requests_of(name, worlds.own))
    foreign = worlds.ask(put(right, place, worlds.theirs["score"]), worlds.theirs["score"])
    assert worlds.ask(right, str(place[1]))[0] in {200, 400}
    assert foreign[0] == 404


def test_foreign_keys_are_answered_like_unknown_ones(worlds: Worlds) -> None:
    """Foreign keys with a wrong secret, on a route of each kind."""
    for method, path in (("GET", "/model-hub/scores/"), ("POST", "/model-hub/scores/bulk/")):
        answers = [
            worlds.ask(
                Attempt(method, path, body={}, headers={"X-Api-Key": ids["api_key"], "X-Secret-Key": "x"}),
                ids["api_key"],
            )
            for ids in (worlds.theirs, worlds.unknown)
        ]
        assert answers[0] == answers[1]
        assert answers[0][0] == 401
