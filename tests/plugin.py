"""Starts the PostgreSQL of a test run before Django reads its settings."""

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from tests.databases import POSTGRES
from tests.folders import temporary_folder
from tests.postgres import running_postgres


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Start PostgreSQL, unless the environment names one.

    The processes of pytest-xdist inherit the environment of the first one.
    """
    if POSTGRES not in os.environ:
        stack = ExitStack()
        early_config.add_cleanup(stack.close)
        folder = stack.enter_context(temporary_folder())
        server = stack.enter_context(running_postgres(folder / "postgres"))
        os.environ[POSTGRES] = str(server.port)
        os.environ["DATABASE_URL"] = server.url("modelhub")
    yield
