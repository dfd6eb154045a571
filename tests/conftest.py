"""The cast and the client that most tests use."""

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from modelhub import exact_json
from modelhub.models import ApiKey, Label, Organization, Source, User
from tests.factories import (
    SECRET,
    ApiKeyFactory,
    LabelFactory,
    OrganizationFactory,
    SourceFactory,
    UserFactory,
)
from tests.postgres import Postgres, running_postgres
from tests.servers import POSTGRES, Server, data_folder, running_server

# A shell that starts the tests in the background ignores SIGINT, nohup ignores SIGHUP, and so would the servers that
# they stop with it. What has a handler here has none there.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda number, frame: None)

BULK = "/model-hub/scores/bulk/"
# What these do to the embedded database, or over its socket, cannot be done to one elsewhere.
EMBEDDED_ONLY = (
    "tests/test_embedded_postgres.py",
    "tests/test_fresh_connections.py",
    "tests/test_interrupted_starts.py",
    "tests/test_benchmarks.py",
    "tests/test_deploy.py::test_an_embedded_database_in_production_is_said_aloud",
    "tests/test_secrecy.py",
    "tests/test_write_plans.py::test_the_plan_for_one_label_is_kept",
    "tests/test_serve.py::TestWhatStopsAStart::test_a_database_that_is_not_there",
    "tests/faults/test_transactions.py",
    "tests/faults/test_kills.py",
    "tests/faults/test_mix.py",
    "tests/faults/test_stops.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test-postgres` and `make test-pgbouncer` run everything that they can."""
    if POSTGRES in os.environ:
        for item in items:
            if item.nodeid.startswith(EMBEDDED_ONLY):
                item.add_marker(pytest.mark.skip(reason="is about the embedded database"))


@dataclass
class Answer:
    """An answer, with its JSON read the exact way."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Caller:
    """Somebody with an API key, who talks to the API the way a client does."""

    key: ApiKey
    secret: str = SECRET
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    @property
    def user(self) -> User:
        return self.key.user

    def request(self, method: str, path: str, body: object = None, *, raw: bytes | None = None, **extra: Any) -> Answer:
        content = raw if raw is not None else b"" if body is None else exact_json.dumps(body).encode()
        headers = {"X-Api-Key": self.key.api_key, "X-Secret-Key": self.secret, **extra.pop("headers", {})}
        response = self.client.generic(method, path, content, content_type="application/json", headers=headers, **extra)
        text = response.content
        return Answer(response.status_code, response.headers, exact_json.loads(text) if text else None)

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, body: object = None, **extra: Any) -> Answer:
        return self.request("POST", path, body, **extra)

    def bulk(self, source: Source, scores: object, query: str = "", **more: Any) -> Answer:
        """Post a batch on a source."""
        body = {"source_type": source.source_type, "source_id": source.source_id, "scores": scores, **more}
        return self.post(BULK + query, body)


@pytest.fixture
def organization(db: None) -> Organization:
    return OrganizationFactory.create(name="Acme")


@pytest.fixture
def alice(organization: Organization) -> Caller:
    user = UserFactory.create(organization=organization, email="alice@example.com", name="Alice", role="admin")
    return Caller(ApiKeyFactory.create(user=user))


@pytest.fixture
def bob(organization: Organization) -> Caller:
    user = UserFactory.create(organization=organization, email="bob@example.com", name="Bob")
    return Caller(ApiKeyFactory.create(user=user))


@pytest.fixture
def charlie(db: None) -> Caller:
    user = UserFactory.create(email="charlie@example.org", name="Charlie", role="admin")
    return Caller(ApiKeyFactory.create(user=user))


@pytest.fixture
def trace(organization: Organization) -> Source:
    return SourceFactory.create(organization=organization)


@pytest.fixture
def labels(organization: Organization) -> dict[str, Label]:
    """One label of each type, by type."""
    types = ("star", "categorical", "text", "numeric", "thumbs_up_down")
    return {type_: LabelFactory.create(organization=organization, type=type_, name=type_.title()) for type_ in types}


def execute(statement: str, *parameters: Any) -> None:
    """As somebody with psql."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def entry(label: Label, value: object, **more: Any) -> dict[str, Any]:
    """One entry of a batch."""
    return {"label_id": str(label.pk), "value": value, **more}


@pytest.fixture(scope="session")
def live() -> Iterator[Server]:
    """A running server with a database of its own, for tests in which HTTP is the point."""
    with data_folder() as folder, running_server(folder) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL on a port, for servers with a `DATABASE_URL`; each test makes a database of its own."""
    with data_folder() as folder, running_postgres(folder / "postgres") as server:
        yield server


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a server of the test's own."""
    with data_folder() as folder:
        yield folder
