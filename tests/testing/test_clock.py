"""The clock of an organization: set, frozen, running, released."""

from datetime import UTC, datetime, timedelta

import pytest

from modelhub.core.errors import Invalid
from modelhub.testing.clock import REAL, Clock, change_clock
from tests.postgres import Postgres
from tests.servers import Server

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class TestAChange:
    def test_now_freezes_unless_the_clock_is_to_run(self) -> None:
        assert change_clock(REAL, now=NOON) == Clock(frozen_at=NOON)
        running = change_clock(REAL, now=NOON, frozen=False)
        assert running.frozen_at is None
        assert NOON <= running.now() < NOON + DAY

    def test_an_offset_is_from_the_real_time_and_runs_unless_it_is_to_be_frozen(self) -> None:
        assert change_clock(Clock(frozen_at=NOON), offset=DAY) == Clock(offset=DAY)
        before = datetime.now(UTC)
        frozen = change_clock(REAL, offset=-DAY, frozen=True)
        assert frozen.frozen_at is not None
        assert before - DAY <= frozen.frozen_at <= datetime.now(UTC) - DAY

    def test_advance_is_from_the_clock_and_keeps_it_frozen_or_running(self) -> None:
        assert change_clock(Clock(frozen_at=NOON), advance=DAY) == Clock(frozen_at=NOON + DAY)
        assert change_clock(Clock(frozen_at=NOON), advance=-DAY) == Clock(frozen_at=NOON - DAY)
        assert change_clock(Clock(offset=DAY), advance=DAY) == Clock(offset=2 * DAY)
        assert change_clock(REAL, advance=DAY) == Clock(offset=DAY)
        assert change_clock(Clock(frozen_at=NOON), advance=DAY, frozen=False).frozen_at is None

    def test_frozen_alone_stops_the_clock_or_lets_it_run_on(self) -> None:
        stopped = change_clock(Clock(offset=DAY), frozen=True)
        assert stopped.frozen_at is not None
        assert timedelta() <= datetime.now(UTC) + DAY - stopped.frozen_at < DAY
        assert NOON <= change_clock(stopped, now=NOON, frozen=False).now() < NOON + DAY
        assert change_clock(Clock(offset=DAY), frozen=False) == Clock(offset=DAY)

    def test_a_clock_stays_within_years_that_ids_and_sums_can_hold(self) -> None:
        for change in (
            {"now": datetime(1969, 12, 31, 23, 59, tzinfo=UTC)},
            {"now": datetime(9000, 1, 1, tzinfo=UTC)},
            {"offset": timedelta(days=-40_000)},
        ):
            with pytest.raises(Invalid, match=r"The clock must show a year from 1970 to 8999, got \d{4}-"):
                change_clock(REAL, **change)
        latest = Clock(frozen_at=datetime(8999, 12, 31, tzinfo=UTC))
        with pytest.raises(Invalid):
            change_clock(latest, advance=DAY)


@pytest.fixture(scope="module")
def first(controlled: Server, postgres: Postgres) -> str:
    """Return the id of the first organization."""
    [(organization_id,)] = postgres.execute(
        "SELECT id FROM modelhub_organization ORDER BY id LIMIT 1", controlled.database_url.rpartition("/")[2]
    )
    return str(organization_id)


NUMBER = "must be a number of seconds from -10000000000 to 10000000000, got"
TIME = "now must be a date or date-time of RFC 3339 such as 2026-01-31T12:00:00Z, got"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("", "The body must have one of now, offset and advance, or frozen alone, got none of them"),
        ('"now": "2026-01-31", "offset": 1', "The body must have one of now, offset and advance, or frozen alone, got"),
        ('"now": "yesterday"', f'{TIME} "yesterday"'),
        ('"now": 1770010112', f"{TIME} 1770010112"),
        ('"now": null', f"{TIME} null"),
        ('"now": "9999-12-31T23:59:59.9999999Z"', TIME),
        ('"now": "0001-01-01T00:00:00+23:00"', TIME),
        ('"now": "9999-12-31"', "The clock must show a year from 1970 to 8999, got 9999-12-31"),
        ('"advance": -10000000000', "The clock must show a year from 1970 to 8999, got 17"),
        ('"offset": true', f"offset {NUMBER} true"),
        ('"offset": "60"', f'offset {NUMBER} "60"'),
        ('"offset": NaN', f"offset {NUMBER} NaN"),
        ('"offset": 10000000001', f"offset {NUMBER} 10000000001"),
        ('"advance": 1e999999999', f"advance {NUMBER} 1"),
        (f'"advance": {"9" * 5000}', f"advance {NUMBER} 9"),
        ('"frozen": 1', "frozen must be true or false, got 1"),
        ('"frozen": null', "frozen must be true or false, got null"),
        ('"nwo": "2026-01-31"', 'Unknown field "nwo". Did you mean "now"?'),
    ],
)
def test_a_change_that_cannot_be_understood_gets_a_sentence_and_changes_nothing(
    controlled: Server, first: str, change: str, sentence: str
) -> None:
    body = f'{{"organization": "{first}"{", " if change else ""}{change}}}'
    answer = controlled.request("PUT", "/__admin/clock", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"].startswith(sentence)
    clock = controlled.request("GET", f"/__admin/clock?organization={first}", headers={}).json()
    assert clock["frozen"] is False
    assert abs(datetime.fromisoformat(clock["now"]) - datetime.now(UTC)) < DAY


@pytest.mark.parametrize("path", ["/__admin/clock", "/__admin/ids"])
def test_the_organization_must_exist(controlled: Server, path: str) -> None:
    for sent, status, sentence in (
        (None, 400, "organization must be a UUID, got null"),
        ("x", 400, 'organization must be a UUID, got "x"'),
        ("01a21b80-0664-7531-8ff6-4c6646ecee75", 404, "There is no organization 01a21b80-0664-7531-8ff6-4c6646ecee75."),
    ):
        query = "" if sent is None else f"?organization={sent}"
        body = {"seed": 1} if path.endswith("ids") else {"frozen": True}
        for answer in (
            controlled.request("DELETE", path + query, headers={}),
            controlled.request("PUT", path, json={"organization": sent, **body}, headers={}),
        ):
            assert (answer.status_code, answer.json()["detail"]) == (status, sentence)
