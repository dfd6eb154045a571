"""A failed start is tried once per run, and its reason is in each test."""

import fcntl
import os
import signal
import sys
from pathlib import Path

import pytest
from projects import Project

from pytest_modelhub.processes import Run

TESTS = """
    def test_one(modelhub): ...
    def test_two(modelhub): ...
    def test_without(): ...
"""
FAILS = "print('the log', file=sys.stderr); sys.exit(3)"
REASON = "*/program serve --port 0 --ephemeral --json --stop-with *` ended with status 3. The end of its log:*"


def make_program(project: Project, text: str) -> Path:
    """Make a program the server of the project. Return a file with a line per start."""
    starts, program = project.folder / "starts.txt", project.folder / "program"
    program.write_text(f"#!{sys.executable}\nimport sys\nprint('start', file=open({str(starts)!r}, 'a'))\n{text}\n")
    program.chmod(0o755)
    project.pytester.makeini(f"[pytest]\nmodelhub_command = {program}\n")
    project.pytester.makepyfile(TESTS)
    return starts


def test_the_reason_is_the_end_of_the_log(project: Project) -> None:
    starts = make_program(project, FAILS)

    result = project.run()
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines([REASON, "the log"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*During handling*")
    assert starts.read_text() == "start\n"


def test_the_processes_of_xdist_try_once_together(project: Project) -> None:
    starts = make_program(project, FAILS)

    result = project.run("-n2", plugins=("xdist",))
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines([REASON, "the log"])
    assert starts.read_text() == "start\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "print('usage: modelhub COMMAND')",
            "is not the program of modelhub-server: it printed 'usage: modelhub COMMAND",
        ),
        ("print('{}')", "is not the program of modelhub-server: it printed '{}"),
        ("", "ended with status 0. It has no log."),
    ],
)
def test_another_program_of_that_name_is_reported(project: Project, text: str, reason: str) -> None:
    make_program(project, text)

    result = project.run()
    result.assert_outcomes(passed=1, errors=2)
    assert reason in result.stdout.str()


def test_a_program_that_does_not_exist_is_reported(project: Project) -> None:
    project.pytester.makepyfile(TESTS)

    result = project.run("-o", "modelhub_command=no-such-program --fast")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["`no-such-program --fast serve * cannot be run: *No such file or directory*"])


def test_a_failed_start_by_uvx_names_the_other_ways(project: Project) -> None:
    """The package may not be published."""
    make_program(project, FAILS)

    command = f"{project.folder}/program --from modelhub-server[embedded] modelhub"
    result = project.run("-o", f"modelhub_command={command}")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*ended with status 3*", "the log", "*clone of its repository*modelhub_command*"])


def test_a_url_without_a_server_is_reported(project: Project) -> None:
    project.pytester.makepyfile(TESTS)

    result = project.run("--modelhub-url", "http://127.0.0.1:9")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["The modelhub server at http://127.0.0.1:9 does not answer: *Connection refused."])


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://127.0.0.1:x"])
def test_a_url_that_is_none_is_reported(project: Project, url: str) -> None:
    project.pytester.makepyfile(TESTS)

    result = project.run("--modelhub-url", url)
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines([f"MODELHUB_URL must be an address like http://127.0.0.1:8000, got '{url}'."])


def test_a_start_after_one_whose_worker_was_killed_has_files_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals: list[int] = []
    kill = os.kill

    def send(pid: int, number: int) -> None:
        signals.append(number)
        kill(pid, number)

    monkeypatch.setattr(os, "kill", send)
    monkeypatch.setattr("pytest_modelhub.processes.STOP_SECONDS", 10)
    program = "import json, os, time; print(json.dumps({'url': 'new', 'pid': os.getpid()}), flush=True); time.sleep(60)"
    run = Run(tmp_path, os.getpid())
    with (tmp_path / "alive.lock").open("w") as held, (tmp_path / "server.out").open("w") as output:
        fcntl.flock(held, fcntl.LOCK_EX)
        output.write('{"url": "old", "pid": 0}\n')
        output.flush()

        assert run.ensure_server([sys.executable, "-c", program], os.environ) == "new"
        run.stop_server()
    assert signals == [signal.SIGTERM]


def test_a_run_that_needs_no_server_starts_none(project: Project) -> None:
    starts = make_program(project, FAILS)

    project.run("-k", "without").assert_outcomes(passed=1, deselected=2)
    assert not starts.exists()
