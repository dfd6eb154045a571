"""The counting itself: how many events get through, and that processes count together."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from modelhub.accounts import rates
from modelhub.accounts.rates import Buckets, Marks, Rate, hashed

RATE = Rate(6, "minute")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock forward by so many seconds."""
    clock = [time.monotonic_ns()]
    monkeypatch.setattr(time, "monotonic_ns", lambda: clock[0])

    def forward(seconds: float) -> None:
        clock[0] += int(seconds * rates.NANO)

    return forward


def test_as_many_at_once_as_the_rate_says_and_then_one_at_a_time(now: Callable[[float], None]) -> None:
    buckets, name = Buckets(), hashed("somebody")
    assert [buckets.take(name, RATE) for _ in range(6)] == [0.0] * 6
    assert buckets.take(name, RATE) == pytest.approx(10)
    now(9)
    assert buckets.take(name, RATE) == pytest.approx(1)
    now(1)
    assert buckets.take(name, RATE) == 0.0
    assert buckets.take(name, RATE) == pytest.approx(10)
    now(3600)
    assert sum(buckets.take(name, RATE) == 0.0 for _ in range(20)) == 6


def test_asking_counts_nothing_and_neither_does_being_refused(now: Callable[[float], None]) -> None:
    buckets, name = Buckets(), hashed("somebody")
    assert {buckets.wait(name, RATE) for _ in range(20)} == {0.0}
    for _ in range(50):
        buckets.take(name, RATE)
    assert buckets.wait(name, RATE) == pytest.approx(10)


def test_names_do_not_share(now: Callable[[float], None]) -> None:
    buckets = Buckets()
    for _ in range(7):
        buckets.take(hashed("somebody"), RATE)
    assert buckets.take(hashed("somebody", "else"), RATE) == 0.0
    assert hashed("ab", "c") != hashed("a", "bc")


def test_a_number_that_no_count_writes_is_an_untouched_bucket(now: Callable[[float], None]) -> None:
    buckets, name = Buckets(), hashed("somebody")
    buckets.numbers[name % rates.SLOTS] = 2**63
    assert buckets.take(name, RATE) == 0.0


def test_marks() -> None:
    marks, name = Marks(), hashed("somebody")
    assert name not in marks
    marks.add(name)
    assert name in marks
    assert name + rates.SLOTS not in marks
    marks.discard(name + rates.SLOTS)
    assert name in marks
    marks.discard(name)
    assert name not in marks


def test_forked_processes_count_together() -> None:
    """Lost updates let some more through; four that counted by themselves would let four times as many through."""
    buckets, name, rate = Buckets(), hashed("somebody"), Rate(1000, "day")
    assert buckets.take(name, rate) == 0.0
    children = [forked(lambda: sum(buckets.take(name, rate) == 0.0 for _ in range(1000))) for _ in range(4)]
    assert 999 <= sum(read() for _, read in children) < 3000
    assert buckets.take(name, rate) > 0


def test_one_that_is_killed_while_it_counts_stops_nobody() -> None:
    buckets, name, rate = Buckets(), hashed("somebody"), Rate(1_000_000, "day")
    for _ in range(10):
        children = [forked(lambda: sum(buckets.take(name, rate) for _ in range(10**9))) for _ in range(2)]
        time.sleep(0.02)
        for child, _ in children:
            os.kill(child, signal.SIGKILL)
        assert {read() for _, read in children} == {-1}
        buckets.take(name, rate)
    assert time.monotonic_ns() < buckets.numbers[name % rates.SLOTS] < time.monotonic_ns() + 86400 * rates.NANO


def forked(work: Callable[[], float]) -> tuple[int, Callable[[], int]]:
    """A child that does some work: its process, and what waits for its end and answers its result, -1 for none."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, str(int(work())).encode())
        finally:
            os._exit(0)
    os.close(writer)

    def read() -> int:
        with os.fdopen(reader) as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        return int(text or -1)

    return child, read
