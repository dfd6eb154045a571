"""Measure cells: one subject with one kind of request, a batch size and a number of clients."""

import statistics
import uuid
from collections import defaultdict
from dataclasses import dataclass, field

from benchmarks.bodies import request, write_request
from benchmarks.clients import Sent, send
from benchmarks.servers import Subject

# Requests per client until it is known how many fit into the time.
FIRST_LIMITS = {1: 500, 10: 300, 100: 60, 1000: 12}
# A batch of 1,000 takes the baseline seconds.
LARGEST = {"baseline": 100}


@dataclass(frozen=True, slots=True)
class Cell:
    """The coordinates of a measurement; the size of a read is 0."""

    subject: str
    kind: str
    size: int
    clients: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One round of a cell: scores (or reads) per second, ms per request, CPU ms of the workers per request."""

    rate: float
    p50: float
    p95: float
    p99: float
    cpu: float


@dataclass
class Bench:
    """A run, with one figure per cell and round."""

    seconds: float
    figures: dict[Cell, list[Figure]] = field(default_factory=lambda: defaultdict(list))
    limits: dict[tuple[str, int, int], int] = field(default_factory=dict)

    def write(self, subject: Subject, size: int, clients: int, *, keep: bool = True) -> None:
        """Insert into new sources, then update the same scores, then repeat the update, as the subject's kinds say."""
        limit = self.limits.get((subject.name, size, clients)) or FIRST_LIMITS.get(size, 50)
        parts = [[str(uuid.uuid4()) for _ in range(limit)] for _ in range(clients)]
        subject.register([source for part in parts for source in part])
        for kind in subject.kinds:
            requests = [[write_request(source, subject.labels, size, kind) for source in part] for part in parts]
            sent = self.send(subject, Cell(subject.name, kind, size, clients), requests, keep=keep)
            parts = [part[: len(one.each)] for part, one in zip(parts, sent, strict=True)]
            if kind == "insert":
                most = max(len(one.each) / one.whole for one in sent)
                self.limits[subject.name, size, clients] = int(most * self.seconds * 1.5) + 3

    def read(self, subject: Subject, kind: str, path: str, *, clients: int = 1, keep: bool = True) -> None:
        """Read a path again and again."""
        requests = [request("GET", f"/model-hub/{path}")] * int(1000 * self.seconds)
        self.send(subject, Cell(subject.name, kind, 0, clients), [requests] * clients, keep=keep)

    def send(self, subject: Subject, cell: Cell, requests: list[list[bytes]], *, keep: bool) -> list[Sent]:
        before = subject.cpu()
        sent = send(subject.port, requests, cell.size, self.seconds)
        cpu = 1000 * (subject.cpu() - before)
        if keep:
            rate = sum(len(one.each) * (cell.size or 1) / one.whole for one in sent)
            self.add(cell, [seconds for one in sent for seconds in one.each], rate, cpu)
        return sent

    def add(self, cell: Cell, each: list[float], rate: float, cpu: float) -> None:
        """Add a round: the seconds of each request, and the CPU ms of all of them."""
        taken = sorted(1000 * seconds for seconds in each)
        p95, p99 = (taken[int(len(taken) * part)] for part in (0.95, 0.99))
        self.figures[cell].append(Figure(rate, statistics.median(taken), p95, p99, cpu / len(taken)))


def compare(bench: Bench, subjects: list[Subject], sizes: list[int], clients: list[int], rounds: int) -> None:
    """Measure every cell in each round, each round with another subject first; round 0 only warms up."""
    for turn in range(rounds + 1):
        first = (turn - 1) % len(subjects)
        for many in clients:
            for size in sizes:
                for subject in [*subjects[first:], *subjects[:first]]:
                    if size <= LARGEST.get(subject.name, size):
                        bench.write(subject, size, many, keep=turn > 0)
