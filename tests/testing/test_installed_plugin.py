"""Server and plugin from their wheels, in the project of a tester."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.folders import temporary_folder
from tests.installed import Installed, add_wheel, build, copy_sources, make_environment

# The environment of a tester whose server is in another one.
PYTEST = ("pytest", "pluggy", "iniconfig", "packaging", "pygments", "pytest-xdist", "execnet")
# The request of the founding page.
TEST = """
def test_the_batch_of_the_page_is_stored(modelhub):
    batch = {
        "source_type": "trace",
        "source_id": modelhub.source("trace"),
        "scores": [
            {"label_id": modelhub.label("star"), "value": {"rating": 4}, "score_source": "human"},
            {"label_id": modelhub.label("categorical"), "value": {"selected": ["positive"]}, "score_source": "human"},
        ],
        "notes": "Batch annotation",
    }
    data = modelhub.request("POST", "/model-hub/scores/bulk/", json=batch).json()
    assert (len(data["scores"]), data["errors"], len(modelhub.scores())) == (2, [], 2)
"""
OTHER_DJANGO = "VERSION = (1, 11, 29, 'final', 0)\n"
TEST_OTHER_DJANGO = """
def test_django_is_the_one_of_the_project():
    import config, django
    assert (config.NAME, django.VERSION[0]) == ("the config of the project", 1)
"""
SETTINGS = """
NAME = SECRET_KEY = "the config of the project"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""
TEST_SAME_DJANGO = """
def test_django_has_the_settings_of_the_project(db):
    from django.conf import settings
    assert settings.NAME == "the config of the project"
"""


@pytest.fixture
def project() -> Iterator[Path]:
    """Make a folder outside of the clone, with the test and a package `config`."""
    with temporary_folder() as folder:
        folder.chmod(0o755)
        (folder / "project" / "config").mkdir(parents=True)
        (folder / "project" / "test_scores.py").write_text(TEST)
        yield folder / "project"


@pytest.fixture(scope="session")
def plugin() -> Iterator[Path]:
    """Build the wheel of the plugin."""
    with temporary_folder() as folder:
        sources = copy_sources(folder / "sources", ("pytest-modelhub",))
        yield build("wheel", sources / "pytest-modelhub", folder)


def outcome(project: Path, python: Path, *arguments: str, path: Path | None = None, **variables: str) -> str:
    """Run pytest in the project, and return the last line of its output."""
    env = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    env |= {"PATH": f"{path or python.parent}:/usr/bin:/bin", "DATABASE_URL": "postgresql://app@db/app", **variables}
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, timeout=120, check=False)
    return f"{done.stdout}{done.stderr}".strip().splitlines()[-1]


def test_server_and_tests_in_two_environments_with_two_versions_of_django(
    project: Path, installed: Installed, plugin: Path
) -> None:
    python = make_environment(project.parent / "environment", *PYTEST)
    add_wheel(plugin, python)
    [packages] = python.parent.parent.glob("lib/python*/site-packages")
    (packages / "django").mkdir()
    (packages / "django" / "__init__.py").write_text(OTHER_DJANGO)
    (project / "config" / "__init__.py").write_text("NAME = 'the config of the project'\n")
    (project / "test_django.py").write_text(TEST_OTHER_DJANGO)

    last = outcome(project, python, "-n2", path=installed.environment / "bin", PYTHONPATH=f"{project}:{packages}")
    assert " 2 passed in " in f" {last.strip('=')}"


def test_server_and_tests_in_one_environment(project: Path, installed: Installed, plugin: Path) -> None:
    python = make_environment(project.parent / "environment")
    add_wheel(installed.wheel, python)
    add_wheel(plugin, python)
    (project / "config" / "__init__.py").touch()
    (project / "config" / "settings.py").write_text(SETTINGS)
    (project / "test_django.py").write_text(TEST_SAME_DJANGO)

    last = outcome(project, python, DJANGO_SETTINGS_MODULE="config.settings", PYTHONPATH=str(project))
    assert " 2 passed in " in f" {last.strip('=')}"
