"""The one loop that the clock runs over, and the sources that it needs beforehand."""

import itertools
import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from benchmarks.bodies import Batch
from benchmarks.servers import HEADERS
from benchmarks.subjects import Subject

SOURCES_A_REQUEST = 1000


@dataclass(frozen=True, slots=True)
class Sent:
    """What one client did: seconds of each request, when it began and ended, its CPU time, the bytes of an answer."""

    seconds: list[float]
    began: float
    ended: float
    cpu: float
    answer: int


def send_all(subject: Subject, requests: Iterable[Any], size: int, begin: float, seconds: float) -> Sent:
    """Send one after the other until the time or the requests are used up, then check every answer."""
    clock, send = time.perf_counter, subject.send
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
    sizes = [subject.check(answer, size) for answer in answers]
    return Sent(taken, began, before, cpu, sum(sizes) // max(1, len(sizes)))


def register(port: int, size: int, count: int, numbers: "itertools.count[int]") -> list[Batch]:
    """As many fresh sources, each for a batch of so many scores."""
    batches: list[Batch] = []
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    while len(batches) < count:
        some = min(SOURCES_A_REQUEST, count - len(batches))
        sources = [{"source_type": "trace", "source_id": str(uuid.uuid4())} for _ in range(some)]
        connection.request("POST", "/model-hub/sources/bulk/", json.dumps({"sources": sources}), HEADERS)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        assert answer.status == 201, found
        batches += [Batch(next(numbers), one["id"], one["source_id"], size) for one in found["sources"]]
    connection.close()
    return batches
