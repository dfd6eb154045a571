"""One measurement: a subject, a number of scores a request and of clients; and all of them, in turns."""

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.clients import Job
from benchmarks.processes import cpu_seconds
from benchmarks.sending import Sent
from benchmarks.stage import Stage
from benchmarks.world import state_of_scores

KINDS = {
    "raw": ("insert", "update"),
    "modelhub": ("insert", "update", "same"),
    "textbook": ("insert", "update"),
    "bare": ("insert", "update"),
    "floor": ("insert",),
}
# Requests that each client prepares until it is known how many it can send in the time.
FIRST_LIMITS = {1: 500, 10: 200, 100: 60, 1000: 12}
HEADSTART = 0.05


@dataclass(frozen=True, slots=True)
class Cell:
    """What is measured."""

    subject: str
    kind: str
    size: int
    clients: int


@dataclass(frozen=True, slots=True)
class Figure:
    """What came of it in one round: scores a second, seconds a request, CPU seconds a request."""

    rate: float
    p50: float
    p99: float
    requests: int
    server_cpu: float
    postgres_cpu: float
    client_cpu: float


@dataclass(slots=True)
class Written:
    """What requests that change nothing wrote, over all rounds."""

    requests: int = 0
    rows: int = 0
    revisions: int = 0
    log_bytes: int = 0


@dataclass(slots=True)
class Bench:
    """The run: figures by cell, one a round."""

    stage: Stage
    seconds: float
    kinds: Sequence[str] = ("insert", "update", "same")
    figures: dict[Cell, list[Figure]] = field(default_factory=lambda: defaultdict(list))
    limits: dict[tuple[str, int, int], int] = field(default_factory=dict)
    answers: dict[int, int] = field(default_factory=dict)
    same: Written = field(default_factory=Written)

    def run(self, subject: str, size: int, clients: int, *, keep: bool) -> None:
        """Insert into fresh sources, then update the same scores, then send the update again."""
        limit = self.limits.get((subject, size, clients), FIRST_LIMITS.get(size, 20))
        self.stage.clients.tell(clients, "prepare", Job(subject, size, limit, self.answers.get(size, 1000 * size)))
        for kind in [kind for kind in KINDS[subject] if kind in self.kinds]:
            self.stage.clients.tell(clients, "load", kind)
            act = self.watched if kind == "same" else self.send
            sent, cpu = act(subject, clients)
            figure = figure_of(sent, size, *cpu)
            if keep:
                self.figures[Cell(subject, kind, size, clients)].append(figure)
            if kind == "insert":
                each = figure.rate / size / clients
                self.limits[subject, size, clients] = int(each * self.seconds * 1.5) + 3
            if subject == "modelhub" and kind == "insert":
                self.answers[size] = sent[0].answer

    def spent(self, subject: str) -> tuple[float, float]:
        """CPU seconds of the subject's server and of PostgreSQL until now."""
        server, postgres = (self.stage.pids.get(name) for name in (subject, "postgres"))
        return cpu_seconds(server) if server else 0, cpu_seconds(postgres) if postgres else 0

    def send(self, subject: str, clients: int) -> tuple[list[Sent], tuple[float, float]]:
        """Start all clients at one moment; what they sent, and the CPU seconds of server and PostgreSQL."""
        before = self.spent(subject)
        begin = time.perf_counter() + HEADSTART
        sent: list[Sent] = self.stage.clients.tell(clients, "run", begin, self.seconds)
        after = self.spent(subject)
        return sent, (after[0] - before[0], after[1] - before[1])

    def watched(self, subject: str, clients: int) -> tuple[list[Sent], tuple[float, float]]:
        """The same, counting what is written meanwhile."""
        before = state_of_scores(self.stage.world)
        sent, cpu = self.send(subject, clients)
        after = state_of_scores(self.stage.world)
        self.same.requests += sum(len(one.seconds) for one in sent)
        self.same.rows += before[0] != after[0]
        self.same.revisions += after[1] - before[1]
        self.same.log_bytes += after[2] - before[2]
        return sent, cpu


def figure_of(sent: list[Sent], size: int, server_cpu: float, postgres_cpu: float) -> Figure:
    """Each client's rate is that of its own time; together they have the sum."""
    rate = sum(len(one.seconds) * size / (one.ended - one.began) for one in sent)
    taken = sorted(seconds for one in sent for seconds in one.seconds)
    count = len(taken)
    client_cpu = sum(one.cpu for one in sent)
    cpu = (server_cpu / count, postgres_cpu / count, client_cpu / count)
    return Figure(rate, statistics.median(taken), taken[int(count * 0.99)], count, *cpu)


def rounds(
    subjects: list[str], sizes: list[int], clients: list[int], count: int, left_out: set[tuple[str, int]]
) -> Iterator[tuple[int, str, int, int]]:
    """Every subject in turn, another one first in each round; round 0 only warms everything up."""
    for turn in range(count + 1):
        for many in clients:
            for size in sizes:
                shift = turn % len(subjects)
                order = subjects[shift:] + subjects[:shift] if turn else sorted(subjects, key=lambda s: s == "floor")
                for subject in order:
                    if (subject, size) not in left_out:
                        yield turn, subject, size, many
