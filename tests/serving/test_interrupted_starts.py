"""Interrupted starts and stops leave no process, and the next start works."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.repeats import LONG
from tests.servers import EMBEDDED, ROOT, Server, environment, free_port, manage, running_server

STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@contextmanager
def starting_server(data_dir: Path, *, until: Callable[[int], object]) -> Iterator[subprocess.Popen[str]]:
    """Start `serve` and yield it when `until`, called with its pid, becomes true."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "serve"],
        env=environment(data_dir, PORT=str(free_port()), **EMBEDDED),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        end = time.monotonic() + 30
        while not until(process.pid):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.002)
        try:
            yield process
        finally:
            process.kill()


def running_in(data_dir: Path) -> list[str]:
    """Return the command lines of PostgreSQL's programs in a data folder."""
    return [
        " ".join(process.info["cmdline"])
        for process in psutil.process_iter(["cmdline"])
        if process.pid != os.getpid() and str(data_dir) in " ".join(process.info["cmdline"] or [])
    ]


@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
def test_a_stop_during_the_first_start_stops_everything(folder: Path, number: signal.Signals) -> None:
    """Ctrl-C, a supervisor, a closed terminal: status 0, no traceback, no database."""
    with starting_server(folder, until=lambda pid: list(folder.glob("postgres/postmaster.pid"))) as process:
        os.killpg(process.pid, number)
        output, errors = process.communicate(timeout=60)

    assert (process.returncode, output, errors) == (0, "", "")
    assert running_in(folder) == []
    assert not (folder / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
def test_a_stop_before_anything_has_begun(folder: Path, number: signal.Signals) -> None:
    """Handlers are set before the import of Django, a third of a second."""
    with starting_server(folder, until=lambda pid: caught(pid, number)) as process:
        os.killpg(process.pid, number)
        output, errors = process.communicate(timeout=30)

    assert (process.returncode, output, errors) == (0, "", "")
    assert running_in(folder) == []


def caught(pid: int, number: signal.Signals) -> bool:
    """Return whether the process handles this signal and the last of the three."""
    mask = int(Path(f"/proc/{pid}/status").read_text().split("SigCgt:")[1].split()[0], 16)
    return all(mask >> (one - 1) & 1 for one in (number, STOPS[-1]))


def test_a_first_start_that_is_killed_in_the_middle_can_be_repeated(folder: Path) -> None:
    """initdb writes PG_VERSION early: half a database must not look like a whole one."""
    with starting_server(folder, until=lambda pid: list(folder.glob("postgres*/PG_VERSION"))) as process:
        os.killpg(process.pid, signal.SIGKILL)
        for child in psutil.process_iter(["cmdline"]):
            if "initdb" in " ".join(child.info["cmdline"] or []) and str(folder) in " ".join(child.info["cmdline"]):
                child.kill()

    with running_server(folder, **EMBEDDED) as server:
        assert server.request("GET", "/model-hub/sources/").json()["count"] == 4


def test_a_closed_terminal_ends_the_server(folder: Path) -> None:
    """A locale that the machine does not have, as ssh passes them on, changes nothing."""
    with running_server(folder, LC_ALL="xx_YY.UTF-8", **EMBEDDED) as server:
        for name, status in (("Übung", 200), ("übung", 409)):
            label = {"name": name, "type": "star"}
            answer = server.request("POST", "/model-hub/annotations-labels/", json=label)
            assert answer.status_code == status, answer.text
        server.signal_group(signal.SIGHUP)
        assert server.process.wait(timeout=30) == 0
    assert running_in(folder) == []


def test_a_pid_that_is_another_postgres_by_now(folder: Path) -> None:
    """After a power failure the number in the pid file may be another process."""
    with running_server(folder, **EMBEDDED):
        pid_file = folder / "postgres" / "postmaster.pid"
        text = pid_file.read_text()
    owner = (folder / "postgres").stat()
    impostor = shutil.copy(shutil.which("sleep") or "", folder / "postgres-impostor")
    rights: dict[str, Any] = (
        {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    with subprocess.Popen([impostor, "60"], **rights) as other:
        try:
            for file in (pid_file, folder / "postgres" / ".s.PGSQL.5432.lock"):
                file.write_text("\n".join([str(other.pid), *text.split("\n")[1:]]))
                shutil.chown(file, owner.st_uid, owner.st_gid)
            with running_server(folder, **EMBEDDED) as server:
                assert server.request("GET", "/readyz").status_code == 200
            assert other.poll() is None
        finally:
            other.kill()


def test_the_reason_that_postgres_gives_is_told(folder: Path) -> None:
    with running_server(folder, **EMBEDDED):
        pass
    with (folder / "postgres" / "postgresql.conf").open("a") as file:
        file.write("nonsense = 1\n")
    result = manage("serve", env=environment(folder, PORT=str(free_port()), **EMBEDDED))

    assert result.returncode == 1
    assert "contains errors" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def ignores_the_terminal(worker: psutil.Process) -> bool:
    """Return whether the worker ignores SIGINT and SIGHUP."""
    mask = int(Path(f"/proc/{worker.pid}/status").read_text().split("SigIgn:")[1].split()[0], 16)
    return all(mask >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGHUP))


def test_no_worker_listens_to_ctrl_c(folder: Path) -> None:
    """SIGINT of the terminal and SIGQUIT of the master at once could deadlock it."""
    with running_server(folder) as server:
        workers = psutil.Process(server.process.pid).children()
        end = time.monotonic() + 10
        # One worker is enough to be ready; the others may have just been forked.
        while not all(map(ignores_the_terminal, workers)) and time.monotonic() < end:
            time.sleep(0.05)
        assert workers
        assert all(map(ignores_the_terminal, workers))
        server.signal_group(signal.SIGINT)
        assert server.process.wait(timeout=20) == 0


def new_worker(server: Server, *, instead_of: psutil.Process) -> psutil.Process:
    """Kill a worker and return its successor at the first moment that it exists."""
    master = psutil.Process(server.process.pid)
    before = set(master.children())
    instead_of.kill()
    end = time.monotonic() + 10
    while not (new := set(master.children()) - before):
        assert time.monotonic() < end
    [worker] = new
    return worker


def test_a_stop_reaches_a_worker_that_has_just_been_forked(folder: Path) -> None:
    """It still has the master's handlers, which queue signals for the master's loop."""
    with running_server(folder, MODELHUB_WORKERS="1") as server:
        for _ in range(10 if LONG else 3):
            [worker] = psutil.Process(server.process.pid).children()
            young = new_worker(server, instead_of=worker)
            young.terminate()
            young.wait(timeout=5)
            assert server.request("GET", "/readyz").status_code == 200
    assert not [line for line in server.log if "Exception" in line]
