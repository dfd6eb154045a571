"""Find the program of the server; its environment has no other application."""

import sysconfig
from pathlib import Path

import pytest

from pytest_modelhub import ModelhubError
from pytest_modelhub.programs import CHOICES, find_command, server_environment


def install(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the empty folder for programs of this Python; the PATH is another one."""
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / name))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    install(tmp_path / "scripts")
    return tmp_path / "scripts"


def test_the_configured_command_comes_first(scripts: Path) -> None:
    install(scripts, "modelhub")

    assert find_command(["docker", "run", "modelhub"], root=scripts) == ["docker", "run", "modelhub"]
    assert find_command(["/bin/modelhub"], root=scripts) == ["/bin/modelhub"]


def test_the_path_of_the_configured_command_begins_in_the_root_folder_of_the_tests(tmp_path: Path) -> None:
    """The server does not run there."""
    command = find_command(["../server/bin/modelhub", "-v"], root=tmp_path)
    assert command == [f"{tmp_path}/../server/bin/modelhub", "-v"]


def test_the_program_beside_this_python_comes_before_the_path(scripts: Path, tmp_path: Path) -> None:
    """A virtual environment need not be active."""
    install(tmp_path / "path", "modelhub", "uvx")
    assert find_command([], root=tmp_path) == [str(tmp_path / "path" / "modelhub")]

    install(scripts, "modelhub")
    assert find_command([], root=tmp_path) == [str(scripts / "modelhub")]


def test_without_a_program_uvx_or_pipx_runs_it(scripts: Path, tmp_path: Path) -> None:
    install(tmp_path / "path", "pipx")
    package = "modelhub-server[embedded]"
    assert find_command([], root=tmp_path) == [str(tmp_path / "path" / "pipx"), "run", "--spec", package, "modelhub"]

    install(tmp_path / "path", "uvx")
    assert find_command([], root=tmp_path) == [str(tmp_path / "path" / "uvx"), "--from", package, "modelhub"]


def test_without_anything_a_sentence_says_how_to_install_it(scripts: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelhubError) as caught:
        find_command([], root=tmp_path)
    assert str(caught.value) == f"No modelhub server was found. {CHOICES}"
    assert all(choice in CHOICES for choice in ("modelhub-server", "clone", "modelhub_command", "MODELHUB_URL"))


def test_the_server_inherits_nothing_of_the_tested_application() -> None:
    harmless = {"PATH": "/bin", "HOME": "/root", "LANG": "C.UTF-8", "TMPDIR": "/var/tmp", "HTTPS_PROXY": "http://proxy"}
    application = {
        "DATABASE_URL": "postgresql://app@db/app",
        "DJANGO_SETTINGS_MODULE": "app.settings",
        "HOST": "0.0.0.0",
        "PORT": "80",
        "PGHOST": "db",
        "PYTHONPATH": "/app",
        "PYTHONWARNINGS": "error",
        "MODELHUB_PRODUCTION": "true",
        "MODELHUB_URL": "http://127.0.0.1:8000",
        "GUNICORN_CMD_ARGS": "--workers 4",
        "COVERAGE_PROCESS_START": "/app/.coveragerc",
    }
    assert server_environment(harmless | application, []) == harmless | {"MODELHUB_TEST_CONTROLS": "true"}


def test_settings_of_the_project_reach_the_server() -> None:
    settings = ["MODELHUB_AUTO_CREATE_SOURCES = true", "MODELHUB_MAX_SCORES=10"]

    environment = server_environment({"MODELHUB_MAX_SCORES": "9"}, settings)
    assert environment["MODELHUB_AUTO_CREATE_SOURCES"] == "true"
    assert environment["MODELHUB_MAX_SCORES"] == "10"


def test_a_setting_without_a_value_is_rejected() -> None:
    with pytest.raises(ModelhubError, match="modelhub_env must have lines NAME=value, got 'MODELHUB_MAX_SCORES'"):
        server_environment({}, ["MODELHUB_MAX_SCORES"])
