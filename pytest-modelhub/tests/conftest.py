"""Fixtures of the plugin's own tests."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import HERE, SERVER, Project

from pytest_modelhub import Modelhub, ModelhubServer
from pytest_modelhub.controls import Controls
from pytest_modelhub.processes import Run
from pytest_modelhub.programs import server_environment

# Background jobs of a shell ignore SIGINT, and child processes would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the cache folder of all processes, so that only the first start creates a cluster."""
    return str(tmp_path_factory.getbasetemp().parent / "modelhub-cache")


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, cache: str) -> Project:
    """Make a project that runs the server of this checkout."""
    monkeypatch.setenv("XDG_CACHE_HOME", cache)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.delenv("MODELHUB_URL", raising=False)
    pytester.makeini(f"[pytest]\nmodelhub_command = {' '.join(SERVER)}\n")
    return Project(pytester)


@pytest.fixture(scope="session")
def run() -> Iterator[Run]:
    run = Run(Path(tempfile.mkdtemp(prefix="m-")), os.getpid())
    yield run
    run.stop_server()


@pytest.fixture(scope="session")
def server(run: Run, cache: str) -> ModelhubServer:
    """Start a server of this checkout, for tests that do not need one of their own."""
    environment = server_environment(os.environ, []) | {"XDG_CACHE_HOME": cache}
    return ModelhubServer(Controls(run.ensure_server(SERVER, environment)))


@pytest.fixture
def organization(server: ModelhubServer) -> Iterator[Modelhub]:
    with server.organization(name="a test") as organization:
        yield organization
