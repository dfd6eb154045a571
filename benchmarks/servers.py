"""The servers that are measured: `manage.py serve` as it is, in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
API_KEY, SECRET_KEY = "benchmark", "benchmark-secret-key"
HEADERS = {"X-Api-Key": API_KEY, "X-Secret-Key": SECRET_KEY, "Content-Type": "application/json"}
START_SECONDS = 120


@dataclass
class Server:
    """A running server, and how long its start took."""

    process: subprocess.Popen[bytes]
    port: int
    started_in: float

    def workers(self) -> list[psutil.Process]:
        """The processes that answer, oldest first."""
        return psutil.Process(self.process.pid).children()


def folder(name: str) -> Path:
    """Where a program keeps its data: `BENCHMARK_DATA_DIR`, or a folder of that name beside the server's own.

    Never the server's own settings: the programs throw away what scores they find.
    """
    return Path(os.environ.get("BENCHMARK_DATA_DIR", ROOT / ".data" / name)).absolute()


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """The environment of a server with the benchmark's own folder and keys; other settings are the caller's."""
    return os.environ | {
        "DATABASE_URL": os.environ.get("BENCHMARK_DATABASE_URL", ""),
        "DATABASE_URL_FILE": "",
        "MODELHUB_DATA_DIR": str(data_dir),
        "MODELHUB_BOOTSTRAP_API_KEY": API_KEY,
        "MODELHUB_BOOTSTRAP_SECRET_KEY": SECRET_KEY,
        **more,
    }


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(data_dir: Path, *, settings: str = "config.settings") -> Iterator[Server]:
    """A server that is ready; it is stopped afterwards. What it logs goes into a file, as in production."""
    data_dir.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log_file = data_dir / f"{settings}.log"
    started = time.perf_counter()
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "serve"],
            env=environment(data_dir, PORT=str(port), HOST="127.0.0.1", DJANGO_SETTINGS_MODULE=settings),
            stdout=log,
            stderr=log,
            cwd=ROOT,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, port, log_file)
            yield Server(process, port, time.perf_counter() - started)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def measure_starts(data_dir: Path, times: int) -> list[float]:
    """Seconds from the call of `manage.py serve` until `/readyz` says 200."""
    taken = []
    for _ in range(times):
        with serving(data_dir) as server:
            taken.append(server.started_in)
    return taken


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log_file: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if _is_ready(port):
            return
        time.sleep(0.01)
    message = f"the server did not start:\n{log_file.read_text(errors='replace')[-2000:]}"
    raise SystemExit(message)


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
