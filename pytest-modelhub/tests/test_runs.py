"""A run has one server, which is gone when the run is over."""

import fcntl
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pytest
from projects import Project

from pytest_modelhub.processes import Run

SECONDS = 120
TESTS = """
    import os
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_uses_the_server(modelhub, modelhub_server, number):
        assert modelhub.scores() == []
        with open("servers.txt", "a") as file:
            print(modelhub_server.url, os.getpid(), file=file)
"""
WAITS = """
    import time

    def test_waits(modelhub, modelhub_server):
        with open("servers.txt", "a") as file:
            print(modelhub_server.url, file=file)
        time.sleep(60)
"""
ALONE, PARALLEL = ((), ()), (("-n2",), ("xdist",))
# Without xdist, and with two workers.
both = pytest.mark.parametrize(("arguments", "plugins"), [ALONE, PARALLEL], ids=["alone", "n2"])


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the runs a folder for temporary files.

    Not one of pytest's: PostgreSQL runs as another user, and has to reach it.
    """
    with tempfile.TemporaryDirectory(prefix="m-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def wait_for(condition: Callable[[], object], *, seconds: float = SECONDS) -> bool:
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return bool(found)


def servers(project: Project) -> list[str]:
    """Return the URL that each test saw so far."""
    path = project.folder / "servers.txt"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def listens(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname, parts.port)) == 0


@both
def test_all_tests_share_one_server(
    project: Project, temporary: Path, arguments: tuple[str, ...], plugins: tuple[str, ...]
) -> None:
    project.pytester.makepyfile(TESTS)

    project.run(*arguments, plugins=plugins).assert_outcomes(passed=4)
    lines = (project.folder / "servers.txt").read_text().splitlines()
    assert len({line.split()[1] for line in lines}) == (2 if "-n2" in arguments else 1)
    assert len(servers(project)) == 4
    assert len({*servers(project)}) == 1
    assert not listens(servers(project)[0])
    assert list(temporary.iterdir()) == []


def test_two_runs_at_once_have_a_server_each(project: Project, temporary: Path) -> None:
    project.pytester.makepyfile(TESTS)

    runs = [project.start(), project.start()]
    outputs = [run.communicate(timeout=SECONDS)[0].decode() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert len(servers(project)) == 8
    assert len({*servers(project)}) == 2
    assert list(temporary.iterdir()) == []


@both
def test_ctrl_c_stops_the_server(
    project: Project, temporary: Path, arguments: tuple[str, ...], plugins: tuple[str, ...]
) -> None:
    project.pytester.makepyfile(WAITS)
    run = project.start(*arguments, plugins=plugins)
    assert wait_for(lambda: servers(project))

    os.killpg(run.pid, signal.SIGINT)
    output, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == pytest.ExitCode.INTERRUPTED, output.decode()
    assert not listens(servers(project)[0])
    assert list(temporary.iterdir()) == []


@both
def test_the_server_of_a_killed_run_ends(
    project: Project, temporary: Path, arguments: tuple[str, ...], plugins: tuple[str, ...]
) -> None:
    project.pytester.makepyfile(WAITS)
    run = project.start(*arguments, plugins=plugins)
    assert wait_for(lambda: servers(project))

    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert wait_for(lambda: not listens(servers(project)[0]))
    # The run's own folder stays, with the log.
    assert wait_for(lambda: len([*temporary.iterdir()]) == 1)


def test_the_server_outlives_the_worker_that_started_it(project: Project, temporary: Path) -> None:
    project.pytester.makepyfile(
        """
        import os
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_in_turn(modelhub, modelhub_server, number):
            with open("servers.txt", "a") as file:
                print(modelhub_server.url, file=file)
            if number == 0:
                os._exit(1)
            assert modelhub.scores() == []
        """
    )
    project.run("-n1", plugins=("xdist",)).assert_outcomes(passed=3, failed=1)
    assert len(servers(project)) == 4
    assert len({*servers(project)}) == 1
    assert list(temporary.iterdir()) == []


def test_a_server_that_died_is_named_in_each_error(project: Project, temporary: Path) -> None:
    project.pytester.makepyfile(
        """
        import json, os, signal, socket, time
        from pathlib import Path
        from urllib.parse import urlsplit

        def is_open(address):
            with socket.socket() as probe:
                return probe.connect_ex((address.hostname, address.port)) == 0

        def test_kills_it(modelhub_server):
            folder, = Path(os.environ["TMPDIR"]).glob("pytest-modelhub-*")
            os.kill(json.loads((folder / "server.json").read_text())["pid"], signal.SIGTERM)
            while is_open(urlsplit(modelhub_server.url)):
                time.sleep(0.05)

        def test_one(modelhub): ...
        def test_two(modelhub): ...
        """
    )
    result = project.run()
    result.assert_outcomes(passed=1, errors=2)
    sentence = "The modelhub server at http://127.0.0.1:* does not answer: *Connection refused."
    result.stdout.fnmatch_lines([sentence, "*- modelhub: the server has ended -*", "The end of its log:", sentence])
    assert result.stdout.str().count("The end of its log:") == 1
    assert list(temporary.iterdir()) == []


def test_a_server_that_does_not_stop_is_killed_with_its_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_modelhub.processes.STOP_SECONDS", 0)
    program = """
import fcntl, json, os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
fcntl.flock(os.open("held", os.O_CREAT | os.O_RDWR), fcntl.LOCK_EX)
pid = os.getpid()
if os.fork():
    print(json.dumps({"url": "", "pid": pid}), flush=True)
time.sleep(60)
"""
    run = Run(tmp_path / "run", os.getpid())
    run.ensure_server([sys.executable, "-c", program], os.environ)
    with (tmp_path / "run" / "held").open() as held:
        run.stop_server()
        assert wait_for(lambda: can_lock(held), seconds=10)


def can_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def test_a_server_that_dies_during_a_test_is_no_error_of_its_teardown(project: Project) -> None:
    project.pytester.makepyfile(
        """
        import json, os, signal
        from pathlib import Path

        def test_kills_it(modelhub):
            folder, = Path(os.environ["TMPDIR"]).glob("pytest-modelhub-*")
            os.kill(json.loads((folder / "server.json").read_text())["pid"], signal.SIGTERM)
            while True:
                modelhub.request("GET", "/model-hub/scores/")
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*- modelhub -*", "The modelhub server at * does not answer: *", "The end of its log:"]
    )


def test_a_setting_that_the_server_lacks_is_a_warning(project: Project) -> None:
    project.pytester.makepyfile(TESTS)
    setting = "modelhub_env=MODELHUB_AUTO_CREATE_SORCES=true"

    result = project.run("-n2", "-W", "always::pytest_modelhub.ModelhubWarning", "-o", setting, plugins=("xdist",))
    result.assert_outcomes(passed=4, warnings=1)
    result.stdout.fnmatch_lines(
        ["*The server has no setting MODELHUB_AUTO_CREATE_SORCES; did you mean MODELHUB_AUTO_CREATE_SOURCES[?]"]
    )


def test_the_folder_of_a_run_holds_no_key(project: Project) -> None:
    project.pytester.makepyfile(
        """
        import os
        from pathlib import Path

        def test_files(modelhub_server):
            folder, = Path(os.environ["TMPDIR"]).glob("pytest-modelhub-*")
            files = [file for file in folder.iterdir() if file.is_file()]
            assert "server.log" in {file.name for file in files}
            assert [file.name for file in files if "_key" in file.read_text()] == []
        """
    )
    project.run().assert_outcomes(passed=1)


def test_a_later_run_removes_old_folders_of_killed_runs(project: Project, temporary: Path) -> None:
    hours_ago = time.time() - 2 * 3600
    folders = {name: temporary / f"pytest-modelhub-{name}" for name in ("a" * 12, "b" * 12, "c" * 12, "d" * 12, "main")}
    for folder in folders.values():
        folder.mkdir()
        for name in ("start.lock", "alive.lock", "server.log"):
            (folder / name).touch()
    # In use by its server, not of this plugin, and young.
    in_use, foreign, young = folders["b" * 12], folders["c" * 12], folders["d" * 12]
    (foreign / "start.lock").unlink()
    for folder in folders.values():
        os.utime(folder, (hours_ago, hours_ago))
    os.utime(young)
    project.pytester.makepyfile(TESTS)

    with (in_use / "alive.lock").open("w") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        project.run().assert_outcomes(passed=4)
    assert {*temporary.iterdir()} == {in_use, foreign, young, folders["main"]}


def test_a_run_inside_of_a_run_has_its_own_server(project: Project, temporary: Path) -> None:
    """As in the tests of another plugin."""
    project.pytester.makepyfile(
        test_inner=TESTS,
        test_outer="""
        import pytest

        def test_runs_pytest(modelhub, modelhub_server):
            with open("servers.txt", "a") as file:
                print(modelhub_server.url, 0, file=file)
            assert pytest.main(["-p", "pytest_modelhub.plugin", "test_inner.py"]) == 0
            assert modelhub.scores() == []
    """,
    )
    project.run("test_outer.py").assert_outcomes(passed=1)
    assert len({*servers(project)}) == 2
    assert list(temporary.iterdir()) == []
