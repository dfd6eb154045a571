"""The clock of an organization: set, frozen, running, released."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
import requests

from modelhub.core.errors import Invalid
from modelhub.testing.clock import REAL, Clock, change_clock
from tests.client import BULK
from tests.postgres import Postgres
from tests.servers import Server, data_folder, running_server
from tests.testing.made import Made, database_of, making
from tests.waiting import wait_for

LABELS = "/model-hub/annotations-labels/"
SHOWN = "2026-01-31T12:00:00.000000Z"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def read(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


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


@pytest.fixture
def tenant(controlled: Server) -> Iterator[Made]:
    with making(controlled) as tenant:
        yield tenant


def test_everything_that_is_stored_has_the_time_of_the_clock(tenant: Made) -> None:
    assert tenant.set_clock(now="2026-01-31T12:00:00Z") == {"organization": tenant.id, "now": SHOWN, "frozen": True}

    label = tenant.request("POST", LABELS, json={"name": "New", "type": "star"}).json()["result"]
    source = tenant.request("POST", "/model-hub/sources/", json={"source_type": "trace", "source_id": "new"}).json()
    score = tenant.stars(3)
    for row in (label, source, score):
        assert (row["created_at"], row["updated_at"]) == (SHOWN, SHOWN)
    tenant.set_clock(advance=60)
    changed = tenant.request("PATCH", f"/model-hub/scores/{score['id']}/", json={"notes": "later"}).json()
    assert (changed["created_at"], changed["updated_at"]) == (SHOWN, "2026-01-31T12:01:00.000000Z")
    tenant.request("PATCH", f"{LABELS}{label['id']}/", json={"name": "Newer"})
    assert tenant.request("GET", f"{LABELS}{label['id']}/").json()["updated_at"] == "2026-01-31T12:01:00.000000Z"
    history = tenant.request("GET", f"/model-hub/scores/{score['id']}/history/").json()
    assert [one["replaced_at"] for one in history["results"]] == ["2026-01-31T12:01:00.000000Z"]
    filtered = tenant.request("GET", "/model-hub/scores/?created_before=2026-01-31T12:00:01Z").json()
    assert filtered["count"] == 1


def test_a_frozen_clock_gives_later_values_of_a_score_a_microsecond_each(tenant: Made) -> None:
    tenant.set_clock(now="2026-01-31T12:00:00Z")
    assert [tenant.stars(rating)["updated_at"] for rating in (1, 2, 2, 3)] == [
        SHOWN,
        "2026-01-31T12:00:00.000001Z",
        "2026-01-31T12:00:00.000001Z",
        "2026-01-31T12:00:00.000002Z",
    ]


def test_a_running_clock_runs_from_where_it_was_set(tenant: Made) -> None:
    tenant.set_clock(now="2026-01-31T12:00:00Z", frozen=False)
    moments = [read(tenant.stars(rating)["updated_at"]) for rating in (1, 2, 3)]
    assert NOON < moments[0] < moments[1] < moments[2] < NOON + DAY
    tenant.set_clock(offset=-86_400.5)
    before = datetime.now(UTC)
    moment = read(tenant.stars(4)["updated_at"])
    assert before <= moment + timedelta(seconds=86_400.5) <= datetime.now(UTC)


def test_a_clock_is_frozen_and_released_by_its_own_time(tenant: Made) -> None:
    tenant.set_clock(offset=-86_400)
    stopped = tenant.set_clock(frozen=True)
    assert stopped["frozen"] is True
    assert tenant.call_control("GET", "clock").json() == stopped
    assert tenant.stars(1)["created_at"] == stopped["now"]
    running = tenant.set_clock(frozen=False)
    assert running["frozen"] is False
    assert read(stopped["now"]) <= read(running["now"]) < read(stopped["now"]) + DAY

    assert tenant.call_control("DELETE", "clock").status_code == 204
    before = datetime.now(UTC)
    assert before <= read(tenant.stars(2)["updated_at"]) <= datetime.now(UTC)


def test_a_key_expires_by_the_clock_and_is_valid_again_before(tenant: Made, postgres: Postgres) -> None:
    tomorrow = (datetime.now(UTC) + DAY).isoformat()
    sql = f"UPDATE modelhub_apikey SET expires_at = '{tomorrow}' WHERE organization_id = '{tenant.id}'"
    postgres.execute(sql, database_of(tenant.server))
    for change, status in (
        ({"offset": 0}, 200),
        ({"advance": 2 * 86_400}, 401),
        ({"advance": -43_200}, 401),
        ({"advance": -86_400}, 200),
        ({"frozen": True}, 200),
        ({"advance": 3 * 86_400}, 401),
    ):
        tenant.set_clock(**change)
        assert tenant.request("GET", LABELS).status_code == status, change
    tenant.call_control("DELETE", "clock")
    assert tenant.request("GET", LABELS).status_code == 200


def test_the_last_use_of_a_key_follows_the_clock_in_both_directions(tenant: Made, postgres: Postgres) -> None:
    for moment in ("2026-01-31T12:00:00Z", "2026-03-31T12:00:00Z", "2026-02-28T12:00:00Z"):
        tenant.set_clock(now=moment)
        tenant.request("GET", LABELS)
        sql = f"SELECT last_used_at FROM modelhub_apikeyuse WHERE organization_id = '{tenant.id}'"
        assert postgres.execute(sql, database_of(tenant.server)) == [(read(moment),)]


def test_an_idempotency_key_ends_after_a_day_of_the_clock(tenant: Made) -> None:
    tenant.set_clock(now="2026-01-31T12:00:00Z")
    score = {"label_id": tenant.body["labels"]["star"], "value": {"rating": 1}}
    for advance, replayed in ((0, False), (1, True), (86_398, True), (2, False), (60, True)):
        tenant.set_clock(advance=advance)
        answer = tenant.bulk(score, headers={"Idempotency-Key": "one"})
        assert answer.status_code == 201
        assert ("Idempotency-Replayed" in answer.headers) is replayed, advance


def test_a_clock_belongs_to_one_organization_also_at_the_same_moment(controlled: Server) -> None:
    moments = ["2020-02-29T00:00:00.000000Z", "2040-12-31T23:59:59.999999Z", None]
    with ExitStack() as stack:
        tenants = [stack.enter_context(making(controlled)) for _ in moments]
        for tenant, moment in zip(tenants, moments, strict=True):
            if moment:
                tenant.set_clock(now=moment)

        def write(tenant: Made, moment: str | None) -> list[str]:
            source = {"source_type": "trace"}
            found = []
            for number in range(25):
                registered = tenant.request("POST", "/model-hub/sources/", json={**source, "source_id": f"{number}"})
                score = {"label_id": tenant.body["labels"]["star"], "value": {"rating": 1}}
                stored = tenant.bulk(score, source_id=f"{number}").json()["scores"][0]
                found += [registered.json()["created_at"], stored["created_at"], stored["updated_at"]]
            return found

        began = datetime.now(UTC)
        with ThreadPoolExecutor(3) as pool:
            futures = [pool.submit(write, tenants[index], moments[index]) for index in range(3)]
            found = [future.result() for future in futures]
    assert [set(times) for times in found[:2]] == [{moments[0]}, {moments[1]}]
    assert all(began <= read(moment) <= datetime.now(UTC) for moment in found[2])


@pytest.fixture(scope="module")
def narrow() -> Iterator[Server]:
    """Start a server with one thread, and so with one session and its prepared statements."""
    with data_folder() as folder, running_server(folder, MODELHUB_TEST_CONTROLS="true", MODELHUB_THREADS="1") as server:
        yield server


class TestOneSession:
    def test_organizations_with_and_without_a_clock_take_turns(self, narrow: Server) -> None:
        with making(narrow) as first, making(narrow) as second, making(narrow) as real:
            first.set_clock(now="2020-02-29")
            second.set_clock(now="2040-12-31")
            # In all orders: a pool with a second session must not give each organization one of its own.
            years = [(first, 2020), (second, 2040), (real, datetime.now(UTC).year)]
            for turn, tenants in enumerate([*permutations(years)] * 3):
                for tenant, year in tenants:
                    began = datetime.now(UTC)
                    stored = read(tenant.stars(1 + turn % 5)["updated_at"])
                    assert stored.year == year
                    assert tenant is not real or began <= stored <= datetime.now(UTC)

    def test_a_clock_of_the_past_is_gone_after_a_request_that_fails(self, narrow: Server) -> None:
        with making(narrow) as tenant, making(narrow) as real:
            tenant.set_clock(now="2020-02-29")
            unknown = "/model-hub/scores/01a21b80-0664-7531-8ff6-4c6646ecee75/"
            # In a transaction that is rolled back, before authentication and in it, and after it.
            failures: list[Callable[[], requests.Response]] = [
                lambda: tenant.bulk({}, source_id="unknown", headers={"Idempotency-Key": "one"}),
                lambda: tenant.request("POST", BULK, data=b"{", headers={"Content-Type": "application/json"}),
                lambda: tenant.request("GET", LABELS, headers={"X-Secret-Key": "wrong"}),
                lambda: tenant.request("DELETE", unknown),
            ]
            for number, (fail, status) in enumerate(zip(failures, (404, 400, 401, 404), strict=True), start=1):
                assert fail().status_code == status
                began = datetime.now(UTC)
                assert began <= read(real.stars(number)["updated_at"])

    def test_a_new_session_in_place_of_a_lost_one_has_the_clock(self, narrow: Server, postgres: Postgres) -> None:
        with making(narrow) as tenant:
            tenant.set_clock(now="2026-01-31T12:00:00Z")
            score = {"label_id": tenant.body["labels"]["star"], "value": {"rating": 1}}
            postgres.cut_all(database_of(narrow))
            wait_for(lambda: tenant.bulk(score).status_code == 201)
            [stored] = tenant.request("GET", "/model-hub/scores/").json()["results"]
            assert stored["created_at"] == SHOWN

    def test_an_export_that_is_read_slowly_leaves_no_clock(self, narrow: Server) -> None:
        with making(narrow) as tenant, making(narrow) as real:
            tenant.set_clock(now="2026-01-31T12:00:00Z")
            tenant.stars(1)
            lines = tenant.request("GET", "/model-hub/scores/export/").text.splitlines()
            assert SHOWN in lines[0]
            began = datetime.now(UTC)
            assert began <= read(real.stars(1)["created_at"])
            assert real.request("GET", "/model-hub/scores/export/").text.count("2026-01-31T12") == 0
