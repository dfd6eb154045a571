"""The one load loop: each client sends prepared requests over a kept connection, and checks the answers afterwards."""

import json
import re
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

TIMEOUT = 120
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sent:
    """Seconds of each request of one client, and of all of them together."""

    each: list[float]
    whole: float


def send(port: int, parts: Sequence[list[bytes]], size: int, seconds: float) -> list[Sent]:
    """Send each part from a client of its own; all of them start at the same moment."""
    together = Barrier(len(parts), timeout=TIMEOUT)
    with ThreadPoolExecutor(len(parts)) as pool:
        return list(pool.map(lambda part: load(port, part, size, seconds, together), parts))


def load(port: int, requests: list[bytes], size: int, seconds: float, together: Barrier) -> Sent:
    """Send until the time or the requests end. Raise `AssertionError` for an answer that is not as it must be."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answers, each = [], []
        together.wait()
        began = before = time.perf_counter()
        for request in requests:
            answers.append(exchange(connection, request))
            now = time.perf_counter()
            each.append(now - before)
            before = now
            if now - began >= seconds:
                break
    for answer in answers:
        check(answer, size)
    return Sent(each, before - began)


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """Send a request and return the whole answer, with no more parsing than HTTP needs."""
    connection.sendall(request)
    answer = b""
    while (end := answer.find(b"\r\n\r\n")) < 0:
        answer += receive(connection)
    length = LENGTH.search(answer, 0, end + 2)
    assert length, answer[:end]
    parts, missing = [answer], end + 4 + int(length[1]) - len(answer)
    while missing > 0:
        parts.append(receive(connection))
        missing -= len(parts[-1])
    return b"".join(parts)


def receive(connection: socket.socket) -> bytes:
    if part := connection.recv(1 << 20):
        return part
    raise ConnectionError("the server closed the connection in the middle of an answer")


def check(answer: bytes, size: int) -> None:
    """Raise `AssertionError` unless `size` scores were stored; a read (0) needs only to succeed."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 201 ", b"HTTP/1.1 200 ")), answer[:1000]
    if size:
        found = json.loads(body)
        assert (len(found["scores"]), found["errors"]) == (size, []), (len(found["scores"]), found["errors"][:3])
