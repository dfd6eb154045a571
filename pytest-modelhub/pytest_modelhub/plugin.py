"""Hooks, options and fixtures for pytest."""

import inspect
import json
import os
import tempfile
import uuid
import warnings
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pytest_modelhub.controls import Controls, check_url
from pytest_modelhub.errors import ModelhubError, ModelhubWarning
from pytest_modelhub.organization import Modelhub
from pytest_modelhub.processes import FOLDER, Run
from pytest_modelhub.programs import CHOICES, PACKAGE, find_command, server_environment
from pytest_modelhub.report import sections, show_fault, show_paths
from pytest_modelhub.server import ModelhubServer

RUN = pytest.StashKey[Run]()
ORGANIZATION = pytest.StashKey[Modelhub]()
HAS_PASSED = pytest.StashKey[bool]()
OPTIONS = [*inspect.signature(ModelhubServer.organization).parameters][1:]
MARKER = f"modelhub({', '.join(OPTIONS)}): create the test's organization with these."


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("modelhub")
    group.addoption("--modelhub-url", metavar="URL", help="use this running server (default: $MODELHUB_URL)")
    parser.addini("modelhub_command", "command that runs modelhub (default: found on the PATH)", type="args")
    parser.addini("modelhub_env", "settings of the server, one NAME=value per line", type="linelist")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    # A worker of pytest-xdist has the folder and the process of the run from its controller.
    received: dict[str, Any] = getattr(config, "workerinput", {})
    folder = received.get("modelhub_folder") or Path(tempfile.gettempdir(), FOLDER.format(uuid.uuid4().hex[:12]))
    config.stash[RUN] = Run(Path(folder), received.get("modelhub_pid", os.getpid()))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give a new worker of pytest-xdist the folder of the run."""
    run = node.config.stash[RUN]
    node.workerinput |= {"modelhub_folder": str(run.folder), "modelhub_pid": run.pid}


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server of the run, except in the workers of pytest-xdist."""
    run = config.stash.get(RUN, None)
    if run and not hasattr(config, "workerinput"):
        run.stop_server()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Add sections about the organization to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    item.stash[HAS_PASSED] = report.when == "call" and report.passed
    organization = item.stash.get(ORGANIZATION, None)
    run = item.config.stash[RUN]
    if organization and report.failed:
        report.sections.extend(sections(organization, run))
    if report.failed and "modelhub_server" in getattr(item, "fixturenames", ()) and (log := run.take_last_log()):
        report.sections.append(("modelhub: the server has ended", log))


@pytest.fixture(scope="session")
def modelhub_server(pytestconfig: pytest.Config) -> ModelhubServer:
    """Return the server of the run, which the first test that needs it starts."""
    try:
        return ModelhubServer(find_controls(pytestconfig))
    except ModelhubError as error:
        # From None: pytest would print the error twice.
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture
def modelhub(
    request: pytest.FixtureRequest, modelhub_server: ModelhubServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Modelhub]:
    """Create an organization for the test.

    The environment variables of the official clients name it: FI_BASE_URL, FI_API_KEY and FI_SECRET_KEY.
    """
    node = request.node
    with ExitStack() as stack:
        try:
            organization = stack.enter_context(modelhub_server.organization(**organization_options(node)))
        except ModelhubError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        # The test's own: one of this fixture would end before an earlier one, which then sets the variables again.
        for name, value in organization.environment.items():
            monkeypatch.setenv(name, value)
        node.stash[ORGANIZATION] = organization
        yield organization
        del node.stash[ORGANIZATION]
        if node.stash.get(HAS_PASSED, False):
            warn_of_unused_faults(node, organization)


def warn_of_unused_faults(node: pytest.Item, organization: Modelhub) -> None:
    """Issue a warning for each fault that met no request."""
    try:
        unused = organization.faults.unused()
        requests = organization.requests if unused else []
    except ModelhubError:
        # The test has reset or stopped the server.
        return
    for fault in unused:
        sentence = f"The fault {show_fault(fault)} met no request. Requests: {show_paths(requests)}."
        node.warn(ModelhubWarning(sentence))


def organization_options(node: pytest.Item) -> dict[str, Any]:
    """Return name and markers of the test. Raise `ModelhubError` for a wrong marker."""
    # Not the node id: pytest-xdist appends the group of a test to it, and seeds must not depend on that.
    path, _, test = node.location
    options: dict[str, Any] = {"name": f"{path}::{test}"}
    # The closest marker comes first, and wins.
    for marker in reversed([*node.iter_markers("modelhub")]):
        if marker.args:
            raise ModelhubError(f"The marker modelhub takes names only, got {marker.args!r}.")
        if unknown := [name for name in marker.kwargs if name not in OPTIONS]:
            raise ModelhubError(f"The marker modelhub has no {unknown[0]!r}; it has {', '.join(OPTIONS)}.")
        options |= marker.kwargs
    return options


def find_controls(config: pytest.Config) -> Controls:
    """Return the controls of the named server, else the run's. Raise `ModelhubError`."""
    if url := config.getoption("--modelhub-url") or os.environ.get("MODELHUB_URL"):
        controls = Controls(check_url(url))
    else:
        controls = Controls(ensure_server(config))
    controls.check()
    return controls


def ensure_server(config: pytest.Config) -> str:
    """Return the URL of the run's server, started if need be. Raise `ModelhubError`."""
    run = config.stash[RUN]
    command = find_command(config.getini("modelhub_command"), root=config.rootpath)
    environment = server_environment(os.environ, config.getini("modelhub_env"))
    try:
        url = run.ensure_server(command, environment)
    except ModelhubError as error:
        # With uvx or pipx, the package may be out of reach.
        raise ModelhubError(f"{error}\n{CHOICES}" if PACKAGE in command else str(error)) from None
    if run.process:
        for line in map(json.loads, run.log_lines(['"event": "unknown_setting"'])):
            similar = f"; did you mean {line['did_you_mean']}?" if line["did_you_mean"] else "."
            warnings.warn(ModelhubWarning(f"The server has no setting {line['name']}{similar}"), stacklevel=1)
    return url
