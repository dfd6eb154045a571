"""A deletion waits for requests in flight, and later requests wait for it."""

import threading
import uuid

import pytest

from modelhub.core.errors import Unavailable
from modelhub.testing import gates

ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.mark.parametrize("closed", [ONE, None])
def test_a_request_that_lasts_too_long_is_a_503_and_opens_the_gate_again(
    monkeypatch: pytest.MonkeyPatch, closed: uuid.UUID | None
) -> None:
    monkeypatch.setattr(gates, "SECONDS", 0.01)
    with gates.passing(ONE):
        with pytest.raises(Unavailable, match="still in flight"), gates.closed(closed):
            raise AssertionError
        with gates.closed(OTHER), gates.passing(ONE):
            pass
    with gates.closed(closed):
        pass


def test_one_deletion_waits_for_the_other_of_the_same_organization(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "SECONDS", 0.01)
    with gates.closed(ONE):
        with pytest.raises(Unavailable), gates.closed(ONE):
            raise AssertionError
        with gates.closed(OTHER):
            pass
    with gates.closed(ONE):
        pass


@pytest.mark.parametrize("closed", [ONE, None])
def test_a_request_waits_until_the_deletion_is_over(closed: uuid.UUID | None) -> None:
    passed = threading.Event()

    def pass_through() -> None:
        with gates.passing(ONE):
            passed.set()

    request = threading.Thread(target=pass_through)
    with gates.closed(closed):
        request.start()
        assert not passed.wait(0.05)
    assert passed.wait(10)
    request.join()
    assert not gates._inside
