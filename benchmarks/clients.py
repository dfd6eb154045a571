"""A client in a process of its own: prepares before the clock, sends while it runs, checks afterwards."""

import itertools
import json
import multiprocessing
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.bodies import Batch
from benchmarks.servers import HEADERS
from benchmarks.subjects import Http, Raw, Subject

SOURCES_A_REQUEST = 1000
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


@dataclass(frozen=True, slots=True)
class Sent:
    """What one client did: seconds of each request, when it began and ended, its CPU time, the bytes of an answer."""

    seconds: list[float]
    began: float
    ended: float
    cpu: float
    answer: int


class Client:
    """What runs in the process."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.numbers = itertools.count()
        self.subject: Subject | None = None
        self.batches: list[Batch] = []
        self.size = 0

    def prepare(self, job: Job) -> None:
        """Register fresh sources and connect."""
        if self.subject:
            self.subject.close()
        self.size = job.size
        self.batches = register(self.setting.ports["modelhub"], job, self.numbers)
        self.subject = self._connect(job)

    def _connect(self, job: Job) -> Subject:
        known = self.setting
        if job.subject == "raw":
            return Raw(known.database, known.organization, known.annotator, known.labels)
        paths = {"textbook": "/textbook/scores/bulk/", "floor": f"/floor/{job.answer}/"}
        path = paths.get(job.subject, "/model-hub/scores/bulk/")
        return Http(known.ports[job.subject], path, known.labels)

    def load(self, kind: str) -> list[Any]:
        """The requests of one kind; those that follow an insert are for the sources that it reached."""
        assert self.subject
        return self.subject.prepare(self.batches, VERSIONS[kind])

    def run(self, kind: str, requests: Sequence[Any], begin: float, seconds: float) -> Sent:
        """Send until the time or the requests are used up, then see that everything was stored."""
        assert self.subject
        clock, send = time.perf_counter, self.subject.send
        taken, answers = [], []
        time.sleep(max(0, begin - clock()))
        cpu = time.process_time()
        began = before = clock()
        for request in requests:
            answers.append(send(request))
            now = clock()
            taken.append(now - before)
            before = now
            if now - began >= seconds:
                break
        cpu = time.process_time() - cpu
        # What comes next is for what was reached: nothing to update where nothing was inserted.
        self.batches = self.batches[: len(taken)]
        sizes = [self.subject.check(answer, self.size) for answer in answers]
        return Sent(taken, began, before, cpu, sum(sizes) // max(1, len(sizes)))


def register(port: int, job: Job, numbers: "itertools.count[int]") -> list[Batch]:
    """As many fresh sources as there may be requests."""
    batches: list[Batch] = []
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    while len(batches) < job.limit:
        some = min(SOURCES_A_REQUEST, job.limit - len(batches))
        sources = [{"source_type": "trace", "source_id": str(uuid.uuid4())} for _ in range(some)]
        connection.request("POST", "/model-hub/sources/bulk/", json.dumps({"sources": sources}), HEADERS)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        assert answer.status == 201, found
        batches += [Batch(next(numbers), one["id"], one["source_id"], job.size) for one in found["sources"]]
    connection.close()
    return batches


def work(setting: Setting, pipe: Connection) -> None:
    """Do what is asked until the pipe is closed."""
    client = Client(setting)
    requests: list[Any] = []
    try:
        while True:
            verb, arguments = pipe.recv()
            if verb == "prepare":
                client.prepare(*arguments)
                pipe.send(None)
            elif verb == "load":
                requests = client.load(*arguments)
                pipe.send(None)
            else:
                kind, begin, seconds = arguments
                pipe.send(client.run(kind, requests, begin, seconds))
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
