"""Ids that follow from a seed: equal in every run, growing, and UUIDv7."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from modelhub.testing.ids import SeededIds

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_seed_and_a_clock_give_the_same_ids_in_every_run() -> None:
    first, second, other = SeededIds("7"), SeededIds("7"), SeededIds("8")
    moments = [NOON, NOON, NOON + timedelta(seconds=1)]
    assert [first.next(moment) for moment in moments] == [second.next(moment) for moment in moments]
    assert other.next(NOON) not in {SeededIds("7").next(NOON), first.next(NOON)}
    # Also with other versions of Python and of this server: users keep ids in snapshots.
    assert str(SeededIds("7").next(NOON)) == "019c13ec-9e00-746f-81e8-9b73beac8c45"


def test_ids_are_uuid7_with_the_time_of_the_clock() -> None:
    one = SeededIds("7").next(NOON)
    assert (one.version, one.variant) == (7, uuid.RFC_4122)
    assert one.int >> 80 == int(NOON.timestamp() * 1000)


@pytest.mark.parametrize(
    "step",
    [timedelta(), timedelta(microseconds=1), timedelta(milliseconds=1), timedelta(days=1), timedelta(days=-1)],
)
def test_each_id_is_greater_than_the_one_before(step: timedelta) -> None:
    sequence = SeededIds("7")
    ids = [sequence.next(NOON + number * step) for number in range(2000)]
    assert ids == sorted(set(ids))
    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}


def test_a_sequence_goes_on_after_an_earlier_one() -> None:
    earlier = SeededIds("7")
    before = {earlier.next(NOON) for _ in range(100)}
    again = SeededIds("7", after=earlier.last)
    assert min(again.next(NOON) for _ in range(100)) > max(before)


def test_the_last_id_of_a_millisecond_is_followed_by_the_first_of_the_next() -> None:
    full = SeededIds("7", after=((int(NOON.timestamp() * 1000) + 1) << 74) - 1)
    following = full.next(NOON)
    assert following.int >> 80 == int(NOON.timestamp() * 1000) + 1
    assert (following.version, following.variant) == (7, uuid.RFC_4122)
