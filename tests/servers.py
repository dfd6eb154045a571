"""Real servers for tests: `modelhub serve` on a free port."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import requests

from tests import folders
from tests.databases import USER, database_for, drop_database_for

ROOT = folders.ROOT
API_KEY, SECRET_KEY = "test-api-key", "test-secret-key"
START_SECONDS = 60
# Selects the embedded database; all other servers use the PostgreSQL of the run.
EMBEDDED = {"DATABASE_URL": ""}


@dataclass
class Server:
    """A running server; `output` and `log` are its standard output and error."""

    process: subprocess.Popen[str]
    base_url: str
    database_url: str
    output: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Api-Key": API_KEY, "X-Secret-Key": SECRET_KEY}

    def request(self, method: str, path: str, **options: object) -> requests.Response:
        """Send a request with the known keys, over a connection of its own."""
        options = {"headers": self.headers, "timeout": 30} | options
        return requests.request(method, self.base_url + path, **options)  # type: ignore[arg-type]

    def logged(self, words: str, *, seconds: float = 10) -> list[str]:
        """Wait for lines of the log that contain these words, and return them."""
        end = time.monotonic() + seconds
        while not (lines := [line for line in self.log if words in line]) and time.monotonic() < end:
            time.sleep(0.01)
        return lines

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes that run now."""
        return psutil.Process(self.process.pid).children()

    def signal_group(self, number: int) -> None:
        """Signal every process of the group, as Ctrl-C in a terminal does with SIGINT."""
        os.killpg(self.process.pid, number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop the server by a signal and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=60)


@contextmanager
def data_folder() -> Iterator[Path]:
    """Make a data folder; remove it and drop its database afterwards."""
    with folders.temporary_folder() as folder:
        try:
            yield folder
        finally:
            drop_database_for(folder)


def free_port() -> int:
    """Return a port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """Return the environment of a server with its own data folder and database.

    Nothing of it comes from the settings of the test process.
    """
    names = ("PATH", "HOME", "LANG", "TMPDIR")
    own = {name: os.environ[name] for name in names if name in os.environ}
    return own | {
        "MODELHUB_DATA_DIR": str(data_dir),
        "MODELHUB_BOOTSTRAP_API_KEY": API_KEY,
        "MODELHUB_BOOTSTRAP_SECRET_KEY": SECRET_KEY,
        # Test controls need sessions, which PgBouncer shares.
        **({} if "DATABASE_URL" in more else database_for(data_dir, direct="MODELHUB_TEST_CONTROLS" in more)),
        **more,
    }


def direct_url(env: dict[str, str]) -> str:
    """Return the URL of a server's database, past PgBouncer."""
    embedded = f"postgresql://{USER}@/modelhub?host={quote(env['MODELHUB_DATA_DIR'], safe='')}%2Fpostgres"
    return env.get("MODELHUB_DIRECT_DATABASE_URL") or env.get("DATABASE_URL") or embedded


def manage(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of modelhub to its end."""
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def create_key(server: Server, email: str, *scopes: str) -> dict[str, str]:
    """Return the headers of a new key of a user, without `scopes` with the default ones."""
    words = [word for scope in scopes for word in ("--scope", scope)]
    with folders.temporary_folder() as folder:
        made = manage("create-api-key", email, *words, env=environment(folder, DATABASE_URL=server.database_url))
    assert made.returncode == 0, made.stderr
    api_key, secret_key = re.findall(r"^(?:API|Secret) key +(\S+)", made.stdout, re.MULTILINE)
    return {"X-Api-Key": api_key, "X-Secret-Key": secret_key}


@contextmanager
def running_server(data_dir: Path, **more: str) -> Iterator[Server]:
    """Start a server, wait until it is ready, and stop it in the end."""
    env = environment(data_dir, **{"PORT": str(free_port()), **more})
    with serving([sys.executable, str(ROOT / "manage.py"), "serve"], env=env) as server:
        yield server


@contextmanager
def serving(command: list[str], *, env: dict[str, str], cwd: Path | None = None) -> Iterator[Server]:
    """Start a server by any command; fail with its output if it does not start."""
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    server = Server(process, "", direct_url(env))
    assert process.stdout is not None
    assert process.stderr is not None
    readers = [
        threading.Thread(target=lambda: server.output.extend(process.stdout or ())),
        threading.Thread(target=lambda: server.log.extend(process.stderr or ())),
    ]
    for reader in readers:
        reader.start()
    try:
        _wait_until_ready(server, int(env["PORT"]))
        yield server
    finally:
        server.stop()
        for reader in readers:
            reader.join()
        process.stdout.close()
        process.stderr.close()


def _wait_until_ready(server: Server, port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.process.poll() is None:
        printed = "".join(server.output)
        if port == 0 and (address := re.search(r"ready at \S+:([0-9]+)\n", printed)):
            port = int(address[1])
        server.base_url = f"http://127.0.0.1:{port}"
        try:
            answer = requests.get(server.base_url + "/readyz", timeout=5)
            if answer.status_code == 200 and "Ctrl-C" in printed:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    message = f"the server did not start:\n{''.join(server.output)}\n{''.join(server.log)}"
    raise AssertionError(message)
