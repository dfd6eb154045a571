"""The servers under measurement: one PostgreSQL with a database per subject, and the server processes."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

from benchmarks.bodies import ADMIN, API_KEY, PASSWORD, SECRET_KEY, VERSIONS, new_labels
from tests.postgres import Postgres
from tests.servers import ROOT, free_port

SERVE = ("manage.py", "serve")
# The other subjects run in gunicorn as its documentation has it, with modelhub's defaults for workers and threads.
GUNICORN = ("-m", "gunicorn", "--workers=2", "--threads=4", "--keep-alive=75", "--log-level=warning")
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
OTHERS = {"raw": "benchmarks.raw:raw", "baseline": "benchmarks.baseline:application", "floor": "benchmarks.raw:floor"}


@dataclass
class Subject:
    """A server and its database; `registry` is the port of a modelhub that registers labels and sources there."""

    name: str
    registry: int
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    database: str
    kinds: list[str]
    labels: list[tuple[str, str]] = field(default_factory=list)
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Send one request to the registry and return its JSON."""
        headers = {"X-Api-Key": API_KEY, "X-Secret-Key": SECRET_KEY}
        url = f"http://127.0.0.1:{self.registry}/model-hub/{path}"
        response = self.session.request(method, url, json=body, headers=headers, timeout=60)
        response.raise_for_status()
        return response.json()

    def make_labels(self, count: int) -> None:
        for body in new_labels(count):
            created = self.call("POST", "annotations-labels/", body)["result"]
            self.labels.append((created["id"], created["type"]))

    def register(self, sources: Sequence[str]) -> None:
        """Register traces."""
        bodies = [{"source_type": "trace", "source_id": key} for key in sources]
        for at in range(0, len(bodies), 1000):
            answer = self.call("POST", "sources/bulk/", {"sources": bodies[at : at + 1000]})
            assert answer["errors"] == [], answer["errors"][:3]

    def memory(self) -> str:
        """Return the resident memory of each worker."""
        resident = [worker.memory_info().rss >> 20 for worker in psutil.Process(self.process.pid).children()]
        return ", ".join(f"{megabytes} MB" for megabytes in resident)

    def peak_memory(self) -> str:
        """Return the highest resident memory of each worker until now, "" where /proc has none."""
        files = [Path(f"/proc/{worker.pid}/status") for worker in psutil.Process(self.process.pid).children()]
        peaks = [PEAK.search(file.read_text()) for file in files if file.exists()]
        return ", ".join(f"{int(found[1]) >> 10} MB" for found in peaks if found)

    def logged(self, since: int) -> dict[str, float]:
        """Return the seconds of the server per request id, from the log behind so many bytes."""
        with self.log.open("rb") as log:
            log.seek(since)
            lines = [json.loads(line) for line in log if line.startswith(b"{")]
        return {line["request_id"]: line["ms"] / 1000 for line in lines if line["event"] == "request"}

    def cpu(self) -> float:
        """Return the CPU seconds of the workers until now."""
        return sum(sum(worker.cpu_times()[:2]) for worker in psutil.Process(self.process.pid).children())


@dataclass
class Stage:
    """Starts subjects, which run until the stack is closed."""

    stack: ExitStack
    folder: Path
    postgres: Postgres
    labels: int

    def start(self, name: str, tree: Path = ROOT) -> Subject:
        """Start a modelhub of a source tree on a new database, and beside it the subject that is none."""
        database = f"bench_{name}"
        self.postgres.make_database(database)
        registry, process = self.run(name, SERVE, tree)
        subject = Subject(name, registry, registry, process, self.log_of(name, SERVE), database, list(VERSIONS))
        if name in OTHERS:
            subject.port, subject.process = self.run(name, [*GUNICORN, OTHERS[name]], tree)
            subject.kinds = ["insert"]
        subject.make_labels(self.labels)
        return subject

    def log_of(self, name: str, command: Sequence[str]) -> Path:
        return self.folder / f"{name}-{command[0].strip('-')}.log"

    def run(self, name: str, command: Sequence[str], tree: Path) -> tuple[int, subprocess.Popen[bytes]]:
        """Start a server and return its port and process when it answers; its log goes into a file."""
        port = free_port()
        env = os.environ | {
            "DATABASE_URL": self.postgres.url(f"bench_{name}"),
            "DATABASE_URL_FILE": "",
            "MODELHUB_PGBOUNCER": "false",
            "MODELHUB_DATA_DIR": str(self.folder / name),
            "MODELHUB_BOOTSTRAP_API_KEY": API_KEY,
            "MODELHUB_BOOTSTRAP_SECRET_KEY": SECRET_KEY,
            "MODELHUB_BOOTSTRAP_EMAIL": ADMIN,
            "MODELHUB_BOOTSTRAP_PASSWORD": PASSWORD,
            "DJANGO_SETTINGS_MODULE": "config.settings" if command == SERVE else "benchmarks.settings",
            "HOST": "127.0.0.1",
            "PORT": str(port),  # gunicorn reads it, too
        }
        log = self.log_of(name, command)
        with log.open("wb") as output:
            process = subprocess.Popen([sys.executable, *command], env=env, cwd=tree, stdout=output, stderr=output)
        self.stack.callback(process.wait, 60)
        self.stack.callback(process.terminate)
        end = time.monotonic() + 120
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code < 500:
                    return port, process
            time.sleep(0.05)
        last = log.read_text(errors="replace").strip().splitlines() or ["no output"]
        raise SystemExit(f"{name} did not start: {last[-1]} ({log})")


@contextmanager
def source_tree(revision: str) -> Iterator[tuple[str, Path]]:
    """Check another revision out into a temporary worktree; yield its short name and the folder."""
    short = git("rev-parse", "--short", "--verify", f"{revision}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="modelhub-bench-") as folder:
        git("worktree", "add", "--detach", f"{folder}/tree", short)
        try:
            yield short, Path(folder, "tree")
        finally:
            git("worktree", "remove", "--force", f"{folder}/tree")


def git(*arguments: str) -> str:
    """Run git in this repository. Exit with its error."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()
