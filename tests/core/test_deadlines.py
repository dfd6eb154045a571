"""How long one wait of a request may take."""

import math
import threading
from collections.abc import Callable

from modelhub.core import deadlines


def in_a_thread_of_its_own(act: Callable[[], float | None]) -> list[float | None]:
    found: list[float | None] = []
    thread = threading.Thread(target=lambda: found.append(act()))
    thread.start()
    thread.join()
    return found


def test_a_command_has_no_deadline() -> None:
    assert in_a_thread_of_its_own(deadlines.patience) == [None]


def test_a_request_has_one_and_what_is_streamed_after_it_has_the_bound_of_each_wait() -> None:
    def act() -> float | None:
        with deadlines.within(10, each=20):
            left = deadlines.patience()
            assert left is not None
            assert 9 < left <= 10
        with deadlines.within(0.0, each=20):
            assert deadlines.patience() == 0.0
        return deadlines.patience()

    assert in_a_thread_of_its_own(act) == [20]


def test_without_a_bound_for_each_only_the_whole_counts() -> None:
    def act() -> float | None:
        with deadlines.within(5, each=math.inf):
            left = deadlines.patience()
            assert left is not None
            assert left <= 5
        return deadlines.patience()

    assert in_a_thread_of_its_own(act) == [None]
