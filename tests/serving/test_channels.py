"""Connections of a worker, without a server around them."""

import queue
import socket
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from waitress.adjustments import Adjustments
from waitress.task import ThreadedTaskDispatcher
from waitress.wasyncore import dispatcher

from modelhub.serving.channels import LARGE_BODY_BYTES, Channel, FairQueue, Lanes


@dataclass
class Request:
    """A complete request that reports the thread that it gets."""

    path: str
    body_bytes_received: int
    error: str | None = None
    threads: "queue.SimpleQueue[int]" = field(default_factory=queue.SimpleQueue)
    api_key: str = ""

    @property
    def requests(self) -> list["Request"]:
        return [self]

    def postpone(self) -> bool:
        return False

    def service(self) -> None:
        self.threads.put(threading.get_ident())


def test_large_bodies_have_one_thread_of_their_own() -> None:
    """Several at once would need gigabytes of memory."""
    others = ThreadedTaskDispatcher()
    others.set_thread_count(2)
    lanes = Lanes(others, exports=1, large=1)

    def threads_of(path: str, size: int, error: str | None = None) -> set[int]:
        request = Request(path, size, error)
        for _ in range(20):
            lanes.add_task(request)  # type: ignore[arg-type]
        return {request.threads.get(timeout=10) for _ in range(20)}

    try:
        large, small = threads_of("/x/", LARGE_BODY_BYTES + 1), threads_of("/x/", LARGE_BODY_BYTES)
        refused = threads_of("/x/", LARGE_BODY_BYTES + 1, "too large")
        exports, probes = threads_of("/x/export/", 0), threads_of("/healthz", 0)
    finally:
        for each in (others, lanes.large, lanes.exports, lanes.probes):
            each.shutdown()
    assert [len(large), len(exports), len(probes)] == [1, 1, 1]
    assert not large & small
    assert not large & refused
    assert len(large | small | exports | probes) == 3 + len(small)


def test_api_keys_take_turns_with_their_exports() -> None:
    waiting = FairQueue()
    waiting.extend(SimpleNamespace(api_key=key) for key in "aaabbc")  # type: ignore[misc]
    order = "".join(waiting.popleft().api_key for _ in range(4))
    waiting.append(SimpleNamespace(api_key="d"))  # type: ignore[arg-type]
    assert (order, "".join(waiting.popleft().api_key for _ in range(3))) == ("abca", "dba")


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A connection with a request of an hour ago."""
    ours, theirs = socket.socketpair()
    server = SimpleNamespace(active_channels={}, pull_trigger=lambda: None)
    channel = Channel(server, ours, ("127.0.0.1", 1), Adjustments(), map={})
    channel.last_activity -= 3600
    yield channel
    channel.cut()
    theirs.close()


def test_the_time_of_a_client_begins_with_its_answer(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop may check the client before the first bytes are sent: the request may have taken longer."""

    def send(data: bytes, do_close: bool = True) -> int:
        channel.check_client(channel.creation_time)
        return len(data)

    monkeypatch.setattr(channel, "send", send)
    channel.write_soon(b"x" * 100_000)
    assert channel.connected
    assert not channel.total_outbufs_len


def test_a_client_that_reads_byte_by_byte_is_too_slow(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold the thread of exports, or a file of 16 MB, without an end."""
    rooms = iter([160 * 1024, 0])
    monkeypatch.setattr(dispatcher, "send", lambda self, data, **options: next(rooms))
    channel.write_soon(b"x" * 1_000_000)
    began, seconds = channel.unread_since, settings.SERVE_CLIENT_TIMEOUT + 10
    for later in range(1, seconds + 1):
        channel.last_activity = began + later  # one byte more
        channel.check_client(began + later - 0.5)
        assert channel.connected, later
    channel.check_client(began + seconds + 1)
    assert not channel.connected


def test_a_client_that_keeps_up_has_no_deadline(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "send", lambda self, data, **options: len(data))
    for later in (0, 3600):
        channel.unread_since -= later
        channel.write_soon(b"x" * 1_000)
        assert not channel.total_outbufs_len
    assert channel.unread_since > channel.creation_time
    assert channel.sent == 1_000
