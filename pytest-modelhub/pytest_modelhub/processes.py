"""The server process of a test run, which all processes of the run share."""

import json
import os
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from pytest_modelhub.errors import ModelhubError

if sys.platform != "win32":
    import fcntl

FOLDER = "pytest-modelhub-{}"
# uvx and pipx may have to download the server first.
START_SECONDS = 300
STOP_SECONDS = 30
LEFTOVER_SECONDS = 3600
POLL_SECONDS = 0.02
LOG_LINES = 20


class Run:
    """A test run: the folder of its processes, and the process `pid` that started it.

    The server ends with that process. `start.lock` is locked by a process that looks for the server or starts it, and
    `alive.lock` by the server, which inherits the lock: the number of an ended process is never taken for the server.
    """

    def __init__(self, folder: Path, pid: int) -> None:
        self.folder = folder
        self.pid = pid
        # The server, if this process started it.
        self.process: subprocess.Popen[bytes] | None = None
        self.has_shown_log = False

    def ensure_server(self, command: list[str], environment: Mapping[str, str]) -> str:
        """Return the URL of the run's server. The first call of all processes starts it.

        Raise `ModelhubError` if it does not start; later calls raise the same, without another try.
        """
        if sys.platform == "win32":
            raise ModelhubError("The server does not run on Windows; set MODELHUB_URL to one on another machine.")
        self.folder.mkdir(mode=0o700, exist_ok=True)
        ready, failed = self.folder / "server.json", self.folder / "failed.txt"
        with (self.folder / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if failed.exists():
                raise ModelhubError(failed.read_text())
            if not ready.exists():
                self._remove_killed_runs()
                try:
                    answer = self._start(command, environment)
                except ModelhubError as error:
                    failed.write_text(str(error))
                    raise
                # The keys of the server stay in no file.
                ready.write_text(json.dumps({"url": answer["url"], "pid": answer["pid"]}))
        return str(json.loads(ready.read_text())["url"])

    def stop_server(self) -> None:
        """Stop the server, if there is one, wait for its end, and remove the folder."""
        with suppress(FileNotFoundError):
            pid = int(json.loads((self.folder / "server.json").read_text())["pid"])
            # It may end between the look and the signal.
            with suppress(ProcessLookupError):
                if self._is_server_alive():
                    os.kill(pid, signal.SIGTERM)
                    if self._is_server_alive(for_seconds=STOP_SECONDS):
                        # With its workers, which a frozen one would outlive.
                        os.killpg(os.getpgid(pid), signal.SIGKILL)
            if self.process:
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def take_last_log(self) -> str:
        """Return the end of the log of a server that has ended, once per process."""
        ready = self.folder / "server.json"
        if self.has_shown_log or not ready.exists():
            return ""
        address = urlsplit(json.loads(ready.read_text())["url"])
        try:
            socket.create_connection((address.hostname, address.port)).close()
        except ConnectionRefusedError:
            self.has_shown_log = True
            return self.end_of_log()
        return ""

    def end_of_log(self) -> str:
        """Return the last lines of the server's log."""
        with suppress(FileNotFoundError):
            if lines := (self.folder / "server.log").read_text(errors="replace").splitlines():
                return "\n".join(["The end of its log:", *lines[-LOG_LINES:]])
        return "It has no log."

    def log_lines(self, marks: Iterable[str]) -> list[str]:
        """Return the lines of the server's log that have one of these texts."""
        with suppress(FileNotFoundError):
            lines = (self.folder / "server.log").read_text(errors="replace").splitlines()
            return [line for line in lines if any(mark in line for mark in marks)]
        return []

    def _remove_killed_runs(self) -> None:
        """Remove old folders of runs of this user whose processes are gone."""
        for folder in self.folder.parent.glob(FOLDER.format("[0-9a-f]" * 12)):
            with suppress(OSError):
                status = folder.lstat()
                is_old = time.time() - status.st_mtime > LEFTOVER_SECONDS
                if is_old and status.st_uid == os.getuid() and stat.S_ISDIR(status.st_mode):
                    Run(folder, 0)._remove_if_killed()

    def _remove_if_killed(self) -> None:
        # Not created: another program may have a folder of this name.
        with (self.folder / "start.lock").open("r+") as lock:
            if _lock(lock) and not self._is_server_alive():
                shutil.rmtree(self.folder)

    def _start(self, command: list[str], environment: Mapping[str, str]) -> Any:
        """Start a server and return the JSON that it prints when it is ready."""
        command = [*command, "serve", "--port", "0", "--ephemeral", "--json", "--stop-with", str(self.pid)]
        # A server whose process of pytest was killed during the start may hold these files, and still write to them.
        for name in ("alive.lock", "server.out"):
            (self.folder / name).unlink(missing_ok=True)
        with (
            (self.folder / "alive.lock").open("w") as alive,
            (self.folder / "server.out").open("wb") as output,
            (self.folder / "server.log").open("wb") as log,
        ):
            _lock(alive)
            try:
                # In a session of its own: Ctrl-C is for pytest, which then stops the server.
                self.process = subprocess.Popen(
                    command,
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=[alive.fileno()],
                )
            except OSError as error:
                raise ModelhubError(f"`{shlex.join(command)}` cannot be run: {error}.") from error
        try:
            return self._wait_until_ready(self.process, shlex.join(command))
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
            raise

    def _wait_until_ready(self, process: subprocess.Popen[bytes], command: str) -> Any:
        end = time.monotonic() + START_SECONDS
        ended = False
        while not (line := (self.folder / "server.out").read_text(errors="replace")).endswith("\n"):
            if ended:
                raise ModelhubError(f"`{command}` ended with status {process.returncode}. {self.end_of_log()}")
            if time.monotonic() > end:
                raise ModelhubError(f"`{command}` was not ready after {START_SECONDS} seconds. {self.end_of_log()}")
            time.sleep(POLL_SECONDS)
            ended = process.poll() is not None
        try:
            answer = json.loads(line)
            answer["url"], answer["pid"]
        except (ValueError, TypeError, KeyError):
            raise ModelhubError(f"`{command}` is not the program of modelhub-server: it printed {line!r}.") from None
        (self.folder / "server.out").unlink()
        return answer

    def _is_server_alive(self, *, for_seconds: float = 0) -> bool:
        """Return whether the server still runs after at most this time."""
        end = time.monotonic() + for_seconds
        with (self.folder / "alive.lock").open("w") as alive:
            while not _lock(alive):
                if time.monotonic() >= end:
                    return True
                time.sleep(POLL_SECONDS)
        return False


def _lock(file: IO[str]) -> bool:
    """Lock the file unless another process has. Return whether it is locked now."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
