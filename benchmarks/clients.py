"""Clients in processes of their own: they prepare before the clock, send while it runs, and check afterwards."""

import itertools
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.bodies import Batch
from benchmarks.sending import Sent, register, send_all
from benchmarks.subjects import Http, Raw, Reader, Subject

# The version of the values that each kind of request sends; "same" sends what "update" has stored.
VERSIONS = {"insert": 0, "update": 1, "same": 1}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a client needs to know: where the servers are, and what is in the database."""

    database: dict[str, Any]
    organization: str
    annotator: str
    labels: list[tuple[str, str]]
    ports: dict[str, int]


@dataclass(frozen=True, slots=True)
class Job:
    """What to get ready: at most `limit` requests of `size` scores. `answer` is the size of the floor's answers."""

    subject: str
    size: int
    limit: int
    answer: int = 0


class Client:
    """What runs in the process; each method is a verb that may be asked for."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.numbers = itertools.count()
        self.subject: Subject | None = None
        self.batches: list[Batch] = []
        self.requests: list[Any] = []
        self.size = 0

    def prepare(self, job: Job) -> None:
        """Register fresh sources and connect."""
        if self.subject:
            self.subject.close()
        self.size = job.size
        self.batches = register(self.setting.ports["modelhub"], job.size, job.limit, self.numbers)
        self.subject = self._connect(job)

    def load(self, kind: str) -> None:
        """Make the requests of one kind."""
        assert self.subject
        self.requests = self.subject.prepare(self.batches, VERSIONS[kind])

    def run(self, begin: float, seconds: float) -> Sent:
        """Send them. What comes next is for what was reached: nothing to update where nothing was inserted."""
        assert self.subject
        sent = send_all(self.subject, self.requests, self.size, begin, seconds)
        self.batches = self.batches[: len(sent.seconds)]
        return sent

    def read(self, paths: Sequence[str], begin: float, seconds: float) -> Sent:
        """Ask for one path after the other, over and over."""
        reader = Reader(self.setting.ports["modelhub"])
        try:
            return send_all(reader, itertools.cycle([reader.get(path) for path in paths]), 0, begin, seconds)
        finally:
            reader.close()

    def _connect(self, job: Job) -> Subject:
        known = self.setting
        if job.subject == "raw":
            return Raw(known.database, known.organization, known.annotator, known.labels)
        paths = {
            "textbook": "/textbook/scores/bulk/",
            "bare": "/bare/scores/bulk/",
            "floor": f"/floor/{job.answer}/",
        }
        path = paths.get(job.subject, "/model-hub/scores/bulk/")
        return Http(known.ports[job.subject], path, known.labels)


def work(setting: Setting, pipe: Connection) -> None:
    """Do what is asked until the pipe is closed."""
    client = Client(setting)
    try:
        while True:
            verb, arguments = pipe.recv()
            pipe.send(getattr(client, verb)(*arguments))
    except (EOFError, KeyboardInterrupt):
        pass


class Clients:
    """Some clients, told what to do all at once."""

    def __init__(self, setting: Setting, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipes, self.processes = [], []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(setting, theirs), daemon=True)
            process.start()
            theirs.close()
            self.pipes.append(ours)
            self.processes.append(process)

    def tell(self, count: int, verb: str, *arguments: Any) -> list[Any]:
        """Have the first `count` clients do it side by side, and wait for their answers."""
        for pipe in self.pipes[:count]:
            pipe.send((verb, arguments))
        return [pipe.recv() for pipe in self.pipes[:count]]

    def close(self) -> None:
        """End the processes."""
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.join(10)
