"""Fixtures of the plugin's own tests."""

import pytest
from projects import HERE, SERVER, Project


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Make a project that runs the server of this checkout."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.delenv("MODELHUB_URL", raising=False)
    pytester.makeini(f"[pytest]\nmodelhub_command = {' '.join(SERVER)}\n")
    return Project(pytester)
