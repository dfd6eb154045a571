"""Start and stop of the embedded PostgreSQL, shared by the folder's processes.

Two lock files stand beside the folder. The kernel releases the locks of a killed process.

- `postgres.start`: exclusive, held by the process that starts or stops the server.
- `postgres.users`: shared by every process that uses the server. The last one gets it exclusively and stops the server.
  It names the machine and container of its users: PostgreSQL's own guard against two servers ends at a container.
"""

import atexit
import contextlib
import fcntl
import hashlib
import os
import shlex
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import OperationalError

from modelhub.serving.ephemeral import fits_socket, folder_on_disk
from modelhub.serving.processes import is_running

from . import prepared, wheel
from .cluster import ensure_cluster, initdb_options

USER, DATABASE = "postgres", "modelhub"
# A socket's path has at most 107 bytes (sun_path in unix(7)), of which PostgreSQL adds these to the folder.
MAX_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")
# A start includes recovery after a crash.
START_SECONDS, STOP_SECONDS = 600, 60
# A server that is ready accepts a connection at once, unless it is frozen.
ANSWER_SECONDS = 10
# Autovacuum every ten seconds, not every minute: until it has run, a new database has no statistics and bad plans.
OPTIONS = "-c max_connections=200 -c autovacuum_naptime=10s"
# For data that is removed at the end: nothing waits for a disk, and nothing is logged for a recovery or a replica.
EPHEMERAL_OPTIONS = (
    "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0 "
    "-c wal_recycle=off -c wal_init_zero=off"
)


class EmbeddedServer:
    """Server of one data folder, for use from any thread and process.

    An ephemeral one loses its data in a crash, and begins with a prepared cluster if there is one.
    """

    def __init__(self, folder: Path, *, ephemeral: bool) -> None:
        self.folder, self.ephemeral = folder.resolve(), ephemeral
        self.socket_folder = _socket_folder(self.folder)
        self._log, self._pid_file = self.folder / "server.log", self.folder / "postmaster.pid"
        self._log_read = 0
        self._users: IO[str] | None = None

    def ensure_running(self, *, create: bool = False) -> None:
        """Start the server unless it runs, and return when it answers.

        Raise `ImproperlyConfigured` with one sentence for a folder in which no server can run. Without `create`, raise
        `OperationalError` for a folder without data.
        """
        if self._users and self._is_ready():
            return
        try:
            if not create:
                self._check_data()
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with self._alone():
                self._register()
                self._start()
        except OSError as error:
            variable = "TMPDIR" if self.ephemeral else "MODELHUB_DATA_DIR"
            raise ImproperlyConfigured(
                f"The data folder {self.folder.parent} cannot be used ({error.strerror or error}); "
                f"point {variable} at a folder that can be written."
            ) from error
        except wheel.CommandFailed as error:
            raise ImproperlyConfigured(
                f"The embedded PostgreSQL in {self.folder} does not start: {self._fatal_line() or error}"
            ) from error

    def _check_data(self) -> None:
        """Raise `OperationalError` for a folder without data, before anything is written."""
        try:
            (self.folder / "PG_VERSION").stat()
        except FileNotFoundError:
            raise OperationalError(
                f"the data folder {self.folder.parent} has no database yet; "
                "start the server, run modelhub migrate, or set MODELHUB_DATA_DIR."
            ) from None

    def stop_if_unused(self) -> None:
        """Stop the server unless another process uses it."""
        with self._alone():
            if self._users is None:
                return
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            finally:
                self._users.close()
                self._users = None
            # A server that does not end in time has much to write, and ends afterwards.
            with contextlib.suppress(wheel.CommandFailed):
                self._stop("immediate" if self.ephemeral else "fast")
            if self.socket_folder != self.folder:
                with contextlib.suppress(OSError):
                    self.socket_folder.rmdir()

    def store_copy(self) -> None:
        """Store a copy for later ephemeral servers, if there is none.

        Nothing may be connected: the server restarts.
        """
        options = initdb_options(USER, ephemeral=True)
        if not self.ephemeral or not prepared.is_missing(options):
            return
        with contextlib.suppress(wheel.CommandFailed), self._alone():
            self._stop("fast")
            prepared.store(self.folder, options)
        self.ensure_running()

    def discard(self) -> None:
        """Stop the server of a folder that is removed, for which no process waits."""
        with contextlib.suppress(wheel.CommandFailed, OSError):
            self._stop("immediate")

    def _stop(self, mode: str) -> None:
        """Stop the server if it runs. Raise `wheel.CommandFailed`."""
        if process := self._process():
            self._pg_ctl("stop", "-m", mode, seconds=STOP_SECONDS)
            # pg_ctl returns when the pid file is gone, a moment before the process is.
            end = time.monotonic() + 1
            while is_running(process) and time.monotonic() < end:
                time.sleep(0.01)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock for starting and stopping, against other threads, too."""
        with self.folder.with_suffix(".start").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _register(self) -> None:
        """Hold the users' lock until the process ends.

        Forked children share the lock and never stop the server.
        """
        if self._users is not None:
            return
        users = self.folder.with_suffix(".users").open("a+")
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            users.seek(0)
            if users.read() not in {"", _place()}:
                users.close()
                raise ImproperlyConfigured(
                    f"The data folder {self.folder.parent} is in use by a server in another container or on another "
                    "machine; stop it first, or give this one a MODELHUB_DATA_DIR of its own."
                ) from None
        else:
            users.truncate(0)
            users.write(_place())
            users.flush()
        fcntl.flock(users, fcntl.LOCK_SH)
        self._users = users
        own = os.getpid()
        atexit.register(lambda: self.stop_if_unused() if os.getpid() == own else None)

    def _start(self) -> None:
        if self._process() is None:
            if "\n" in str(self.folder):
                raise ImproperlyConfigured(f"The data folder {str(self.folder)!r} must have a name of one line.")
            ensure_cluster(self.folder, user=USER, ephemeral=self.ephemeral)
            self._forget_pid()
            self._make_socket_folder()
            self._log_read = self._log.stat().st_size if self._log.exists() else 0
            options = f"-h '' -k {shlex.quote(str(self.socket_folder))} {OPTIONS}"
            if self.ephemeral:
                options += f" {EPHEMERAL_OPTIONS}"
            self._pg_ctl("start", "-l", self._log.name, "-o", options, seconds=START_SECONDS)
        end = time.monotonic() + START_SECONDS
        while not self._is_ready():
            time.sleep(0.05)
            if self._process() is None:
                raise wheel.CommandFailed("it ended while it was starting")
            if time.monotonic() > end:
                raise wheel.CommandFailed(f"it was not ready within {START_SECONDS} seconds")
        self._make_database()

    def _make_database(self) -> None:
        with psycopg.connect(
            host=str(self.socket_folder), user=USER, dbname="postgres", connect_timeout=ANSWER_SECONDS, autocommit=True
        ) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                connection.execute(f'CREATE DATABASE "{DATABASE}"')

    def _make_socket_folder(self) -> None:
        """Create the folder of the socket. Raise `PermissionError` for another's."""
        if self.socket_folder == self.folder:
            return
        try:
            self.socket_folder.mkdir(mode=0o700)
            wheel.give(self.socket_folder, like=self.folder)
        except FileExistsError:
            # Every user of the machine can create folders, and links to folders, beside temporary files.
            found = self.socket_folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.folder.stat().st_uid:
                raise PermissionError(f"{self.socket_folder} belongs to somebody else") from None

    def _forget_pid(self) -> None:
        """Remove stale pid files, because of which PostgreSQL would not start.

        The files prevent a second server on the same data; PostgreSQL's shared memory does so, too.
        """
        if psutil.pid_exists(self._pid()):
            for file in (self._pid_file, self.socket_folder / ".s.PGSQL.5432.lock"):
                file.unlink(missing_ok=True)

    def _fatal_line(self) -> str:
        """Return the reason in the log for the failure of this start, if there is one."""
        try:
            lines = self._log.read_bytes()[self._log_read :].decode(errors="replace").splitlines()
        except OSError:
            return ""
        return next((line for line in reversed(lines) if "FATAL:" in line or "PANIC:" in line), "")

    def _pg_ctl(self, verb: str, *arguments: str, seconds: int) -> None:
        # pg_ctl passes the name of the folder to a shell, without escapes.
        wheel.run("pg_ctl", verb, "-w", "-t", str(seconds), "-D", ".", *arguments, cwd=self.folder)

    def _pid_lines(self) -> list[str]:
        try:
            return self._pid_file.read_text().splitlines()
        except OSError:
            return []

    def _pid(self) -> int:
        """Return the number in the pid file, or 0, which is no process."""
        first = "".join(self._pid_lines()[:1])
        return int(first) if first.isdecimal() else 0

    def _process(self) -> psutil.Process | None:
        """Return the running server, if the pid file names one and not a later process."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self._pid())
            # A zombie has neither, and a child of the server has another command line.
            if process.cwd() == str(self.folder) and "-D" in process.cmdline():
                return process
        return None

    def _is_ready(self) -> bool:
        return [line.strip() for line in self._pid_lines()[7:]] == ["ready"] and self._process() is not None


def _place() -> str:
    """Return the name of this start of the machine and of the container in it."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"{boot.read_text().strip()} {Path('/proc/self/ns/pid').readlink()}" if boot.exists() else "one machine"


def _socket_folder(folder: Path) -> Path:
    """Return the data folder, or one with a plainer path, equal for all processes."""
    if fits_socket(folder, MAX_SOCKET_FOLDER):
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return folder_on_disk() / f"modelhub-{name}"
