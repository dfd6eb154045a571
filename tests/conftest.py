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
from tests.databases import PGBOUNCER, POSTGRES, ensure_template
from tests.factories import (
    ApiKeyFactory,
    LabelFactory,
    OrganizationFactory,
    SourceFactory,
    UserFactory,
)
from tests.postgres import Postgres
from tests.servers import Server, data_folder, running_server

# A shell that starts the tests in the background ignores SIGINT, nohup ignores SIGHUP, and so would the servers that
# they stop with it. What has a handler here has none there.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda number, frame: None)

# These look at one session of PostgreSQL, and PgBouncer lends them another one for each transaction.
ONE_SESSION = (
    "tests/config/test_connections.py",
    "tests/scores/test_write_plans.py::test_the_plan_for_one_label_is_kept",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of `make faults`, and skip those that `make test-pgbouncer` cannot run."""
    for item in items:
        if item.nodeid.startswith("tests/faults/"):
            item.add_marker("faults")
        if PGBOUNCER in os.environ and item.nodeid.startswith(ONE_SESSION):
            item.add_marker(pytest.mark.skip(reason="needs a session of its own"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Clone the migrated template for the test process, too: `TEST` in tests/settings.py names it."""
    ensure_template()


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
def postgres() -> Postgres:
    """The PostgreSQL of the run, for tests that look into it or begin with an empty database."""
    return Postgres(Path(), int(os.environ[POSTGRES]))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a server of the test's own."""
    with data_folder() as folder:
        yield folder
