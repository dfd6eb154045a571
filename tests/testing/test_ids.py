"""Ids that follow from a seed: equal in every run, growing, and UUIDv7."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from modelhub.testing.ids import SeededIds
from tests.servers import Server, running_server
from tests.testing.made import Made, control, make, making
from tests.waiting import wait_for

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


@pytest.fixture
def tenant(controlled: Server) -> Iterator[Made]:
    with making(controlled) as tenant:
        yield tenant


def seed(tenant: Made, value: object) -> requests.Response:
    return control(tenant.server, "PUT", "/__admin/ids", json={"organization": tenant.id, "seed": value})


def new_source(tenant: Made) -> uuid.UUID:
    body = {"source_type": "trace", "source_id": str(uuid.uuid4())}
    return uuid.UUID(tenant.request("POST", "/model-hub/sources/", json=body).json()["id"])


@pytest.mark.parametrize("value", [True, None, 1.0, "", "a" * 1001, [], {}, 10**1001, "\x00"])
def test_a_seed_is_an_integer_or_a_text(tenant: Made, value: object) -> None:
    answer = seed(tenant, value)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("seed ")


def test_a_sequence_begins_with_the_seed_and_ends_with_its_deletion(tenant: Made) -> None:
    tenant.set_clock(now="2026-01-31T12:00:00Z")
    value = uuid.uuid4().int % 2**63
    assert seed(tenant, value).json() == {"organization": tenant.id, "seed": str(value)}
    expected = SeededIds(str(value))
    assert new_source(tenant) == expected.next(NOON)
    # Neither reads nor errors take one.
    for path, status in (("/model-hub/scores/", 200), ("/model-hub/unknown/", 404)):
        assert tenant.request("GET", path).status_code == status
    assert new_source(tenant) == expected.next(NOON)
    assert tenant.call_control("DELETE", "ids").status_code == 204
    assert new_source(tenant).int >> 80 > int(NOON.timestamp() * 1000)


def test_a_seed_that_comes_again_repeats_no_id(tenant: Made) -> None:
    tenant.set_clock(now="2026-01-31T12:00:00Z")
    values = [uuid.uuid4().hex, uuid.uuid4().hex]
    ids = []
    for value in (*values, *values, values[1]):
        assert seed(tenant, value).status_code == 200
        ids += [new_source(tenant) for _ in range(5)]
        tenant.call_control("DELETE", "ids")
    assert ids == sorted(set(ids))


def test_ids_grow_while_the_clock_is_set_back(tenant: Made) -> None:
    seed(tenant, uuid.uuid4().hex)
    ids = []
    for day in (31, 1, 15, 30):
        tenant.set_clock(now=f"2026-01-{day:02}")
        ids.append(new_source(tenant))
    assert ids == sorted(set(ids))
    assert {one.int >> 80 for one in ids} == {int(datetime(2026, 1, 31, tzinfo=UTC).timestamp() * 1000)}


def test_a_seed_belongs_to_one_organization_until_that_is_deleted(tenant: Made, controlled: Server) -> None:
    value = uuid.uuid4().hex
    with making(controlled, seed=value) as other:
        sentence = f'seed must be one that no other organization uses, got "{value}" of organization {other.id}; '
        sentence += f"DELETE /__admin/organizations/{other.id} deletes that one, POST /__admin/reset all"
        for answer in (
            seed(tenant, value),
            control(controlled, "POST", "/__admin/organizations", json={"seed": value}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
            assert answer.json()["detail"] == sentence
        # Also a seed that it does not use any more: rows with its ids are there.
        seed(other, uuid.uuid4().hex)
        assert seed(tenant, value).status_code == 409
    assert seed(tenant, value).status_code == 200


def test_of_organizations_that_are_made_at_once_one_has_the_seed(controlled: Server) -> None:
    body = {"seed": uuid.uuid4().hex, "now": "2026-01-31"}
    with ThreadPoolExecutor(6) as pool:
        answers = [*pool.map(lambda _: control(controlled, "POST", "/__admin/organizations", json=body), range(6))]
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    [made] = [answer.json() for answer in answers if answer.status_code == 201]
    path = f"/__admin/organizations/{made['id']}"
    assert control(controlled, "DELETE", path).status_code == 204
    # A creation that fails leaves the seed free.
    wrong = control(controlled, "POST", "/__admin/organizations", json={**body, "sources": [{"source_type": "x"}]})
    assert wrong.status_code == 400
    with making(controlled, **body) as again:
        assert again.id == made["id"]


def test_the_next_start_frees_seeds_with_the_rows_that_have_their_ids(folder: Path) -> None:
    body = {"seed": 7, "now": "2026-01-31"}
    with running_server(folder, MODELHUB_TEST_CONTROLS="true") as server:
        organization_id = make(server, **body).id
    with running_server(folder, MODELHUB_TEST_CONTROLS="true") as server:
        assert make(server, **body).id == organization_id


def test_a_seed_whose_ids_are_stored_is_in_use_after_the_end_of_a_worker(folder: Path) -> None:
    body = {"seed": 7, "now": "2026-01-31"}
    with running_server(folder, MODELHUB_TEST_CONTROLS="true") as server:
        made = make(server, **body)
        [worker] = server.workers()
        worker.kill()
        wait_for(lambda: worker not in server.workers())
        answer = control(server, "POST", "/__admin/organizations", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert made.delete().status_code == 204
        assert make(server, **body).id == made.id
