"""Fixtures of all tests: the cast, a running server, the run's PostgreSQL."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from modelhub.accounts.models import Organization, User
from modelhub.labels.models import Label
from modelhub.sources.models import Source
from tests.client import Caller
from tests.databases import POSTGRES, ensure_template
from tests.factories import (
    ApiKeyFactory,
    LabelFactory,
    OrganizationFactory,
    SourceFactory,
    UserFactory,
)
from tests.folders import temporary_folder
from tests.installed import Installed, build, copy_sources, install
from tests.plans import Plans
from tests.postgres import Postgres
from tests.servers import Server, data_folder, running_server

# Background jobs of a shell ignore SIGINT, and nohup ignores SIGHUP: child processes would inherit that. A signal that
# has a handler here has the default one in child processes.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda number, frame: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests about faults, which `make faults` repeats for longer."""
    for item in items:
        if item.nodeid.startswith("tests/faults/"):
            item.add_marker("faults")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Create the template that pytest-django clones for the test process."""
    ensure_template()


PLANS = Plans()


@pytest.fixture(autouse=True)
def every_statement_names_the_organization() -> Iterator[None]:
    """Fail on a plan that scans a tenant's table for all organizations."""
    with connection.execute_wrapper(PLANS):
        yield
    found, PLANS.found = PLANS.found, []
    assert not found, "\n\n".join(found)


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
def staff(alice: Caller) -> Client:
    """Return a browser in which Alice is logged in to the admin."""
    User.objects.filter(pk=alice.user.pk).update(is_staff=True, is_superuser=True)
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(pk=alice.user.pk), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def trace(organization: Organization) -> Source:
    return SourceFactory.create(organization=organization)


@pytest.fixture
def labels(organization: Organization) -> dict[str, Label]:
    """Create one label per type."""
    types = ("star", "categorical", "text", "numeric", "thumbs_up_down")
    return {type_: LabelFactory.create(organization=organization, type=type_, name=type_.title()) for type_ in types}


@pytest.fixture(scope="session")
def live() -> Iterator[Server]:
    """Start a server with default settings, for tests over HTTP."""
    with data_folder() as folder, running_server(folder) as server:
        yield server


@pytest.fixture(scope="session")
def installed() -> Iterator[Installed]:
    """Build the wheel and install it into an environment outside of the clone."""
    with temporary_folder() as folder:
        wheel = build("wheel", copy_sources(folder / "sources"), folder)
        yield install(wheel, folder / "environment")


@pytest.fixture(scope="session")
def controlled() -> Iterator[Server]:
    """Start a server with test controls."""
    with data_folder() as folder, running_server(folder, MODELHUB_TEST_CONTROLS="true") as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """Return the PostgreSQL of the run, for queries past the server."""
    return Postgres(Path(), int(os.environ[POSTGRES]))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a data folder for the test's own server."""
    with data_folder() as folder:
        yield folder
