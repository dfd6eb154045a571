"""A reset: every organization is gone, and the first one is as it was when the server was ready."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from tests.client import BULK
from tests.servers import API_KEY, SECRET_KEY, Server, running_server
from tests.testing.made import Made, control, fill, make, rows_of, write_anything

CONTROLS = {"MODELHUB_TEST_CONTROLS": "true"}


def first_organization(server: Server) -> Made:
    """Return the first organization, as if the controls had made it."""
    with psycopg.connect(server.database_url) as database:
        first = "SELECT id::text, organization_id::text FROM modelhub_user ORDER BY id LIMIT 1"
        [(user, organization)] = database.execute(first).fetchall()
    labels = server.request("GET", "/model-hub/annotations-labels/").json()["results"]
    sources = server.request("GET", "/model-hub/sources/").json()["results"]
    body: dict[str, Any] = {"id": organization, "user": {"id": user}, "api_key": API_KEY, "secret_key": SECRET_KEY}
    body["labels"] = {one["type"]: one["id"] for one in labels}
    body["sources"] = {one["source_type"]: one["source_id"] for one in sources}
    return Made(server, body)


def reset(server: Server) -> None:
    answer = control(server, "POST", "/__admin/reset")
    assert (answer.status_code, answer.json()) == (200, {})


def test_the_first_organization_has_the_rows_of_the_start_and_there_is_no_other(folder: Path) -> None:
    with running_server(folder, **CONTROLS) as server:
        first = first_organization(server)
        make(server, seed="reset").score(4)
        before = rows_of(server, first.id)
        # The use of the key that read labels and sources.
        assert before.pop("modelhub_apikeyuse")
        for _ in range(2):
            fill(first)
            label = f"/model-hub/annotations-labels/{first.body['labels']['star']}/"
            assert first.request("PATCH", label, json={"settings": {"no_of_stars": 10}}).status_code == 200
            assert first.request("DELETE", label).status_code == 200
            reset(server)
            assert control(server, "GET", "/__admin/").json()["organizations"] == 0
            after = rows_of(server, first.id)
            assert after.pop("modelhub_apikeyuse") == []
            assert after == before
            with psycopg.connect(server.database_url) as database:
                for table in ("organization", "user", "apikey", "labelversion"):
                    [(count,)] = database.execute(f"SELECT count(*) FROM modelhub_{table}".encode()).fetchall()
                    assert count == 1, table
            # The cached labels are those of the start, too: five stars.
            assert first.score(6).json()["scores"] == []
            assert first.score(4).status_code == 201
            reset(server)
        make(server, seed="reset")


def test_data_of_before_the_start_come_back(folder: Path) -> None:
    with running_server(folder) as server:
        fill(first_organization(server))
    with running_server(folder, **CONTROLS) as server:
        first = first_organization(server)
        before = rows_of(server, first.id)
        assert all(before.values())
        query = {"filter": {"created_after": "2000-01-01T00:00:00Z"}}
        assert first.request("POST", "/model-hub/scores/bulk-delete/", json=query).json()["deleted"] == 1
        made = make(server)
        reset(server)
        assert rows_of(server, first.id) == before
        assert made.score(4).status_code == 401
    # Without controls everything stays as it is.
    with running_server(folder) as server:
        assert server.request("GET", "/model-hub/scores/").json()["count"] == 1


def test_clocks_end_and_the_revisions_stay_append_only(controlled: Server) -> None:
    first = first_organization(controlled)
    clock = {"organization": first.id, "now": "2030-01-01T00:00:00Z"}
    assert control(controlled, "PUT", "/__admin/clock", json=clock).status_code == 200
    reset(controlled)
    shown = control(controlled, "GET", f"/__admin/clock?organization={first.id}").json()
    assert (shown["frozen"], shown["now"] < "2030") == (False, True)
    first.score(3)
    first.score(4)
    with (
        psycopg.connect(controlled.database_url) as database,
        pytest.raises(psycopg.errors.RestrictViolation, match="append-only"),
    ):
        database.execute("DELETE FROM modelhub_scorerevision")
    reset(controlled)


def test_faults_records_and_seeds_end(controlled: Server) -> None:
    first, made = first_organization(controlled), make(controlled, seed="of a reset", now="2026-01-31")
    for one in (first, made):
        fault = {"organization": one.id, "match": {}, "then": {"status": 503}}
        assert control(controlled, "POST", "/__admin/faults", json=fault).status_code == 201
        assert one.score(3).status_code == 503
    assert (
        control(controlled, "PUT", "/__admin/ids", json={"organization": first.id, "seed": "mine"}).status_code == 200
    )
    reset(controlled)
    for path in ("faults", "requests"):
        assert control(controlled, "GET", f"/__admin/{path}?organization={first.id}").json() == {path: []}
        assert control(controlled, "GET", f"/__admin/{path}?organization={made.id}").status_code == 404
    assert first.score(3).status_code == 201
    for seed in ("of a reset", "mine"):
        # The clock of before, and so the same id.
        make(controlled, seed=seed, now="2026-01-31").delete()
    reset(controlled)


def test_while_requests_run_none_of_them_is_an_error(controlled: Server) -> None:
    first = first_organization(controlled)
    stop = threading.Event()
    statuses: Counter[int] = Counter()

    def write() -> None:
        with requests.Session() as session:
            at = 0
            while not stop.is_set():
                made = first if at % 3 else make(controlled)
                statuses[write_anything(made, session, at)] += 1
                at += 1

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        stop.wait(0.1)
        reset(controlled)
    stop.set()
    for thread in threads:
        thread.join()
    reset(controlled)
    assert set(statuses) - {401, 404} == {200, 201}, statuses
    answer = first.request("GET", "/model-hub/scores/")
    assert (answer.status_code, answer.json()["count"]) == (200, 0)
    assert first.request("POST", BULK, json={}).status_code == 400
