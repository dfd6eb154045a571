"""The cast and the client that most tests use."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelhub.accounts.models import Organization
from modelhub.labels.models import Label
from modelhub.sources.models import Source
from tests.client import Caller
from tests.factories import (
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

# What these do to the embedded database, or over its socket, cannot be done to one elsewhere.
EMBEDDED_ONLY = (
    "tests/config/test_embedded_postgres.py",
    "tests/config/test_fresh_connections.py",
    "tests/serving/test_interrupted_starts.py",
    "tests/test_benchmarks.py",
    "tests/serving/test_deploy.py::test_an_embedded_database_in_production_is_said_aloud",
    "tests/core/test_secrecy.py",
    "tests/scores/test_write_plans.py::test_the_plan_for_one_label_is_kept",
    "tests/serving/test_serve.py::TestWhatStopsAStart::test_a_database_that_is_not_there",
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
