"""`/__admin/faults`: requests that fail on command, as they fail for real."""

import json
import random
import re
import socket
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from modelhub.testing.faults import Match
from tests.client import BULK
from tests.postgres import Postgres
from tests.servers import API_KEY, SECRET_KEY, Server, environment, manage, running_server
from tests.testing.tester import Tester, new_tester, shape

FAULTS = "/__admin/faults"
STATUSES = "400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 502, 503, 504"
HTML = "text/html; charset=utf-8"
NO_EFFECT = "then must be an object with at least one of status, delay_ms, drop, refuse_scores, got"
NO_ROUTE = "match.path must be a path of the API that needs a key, or have a *, got"
SOME_ID = "019c13ec-9e00-751b-851a-0964afbac760"
OF_BULK = {"method": "POST", "path": BULK}


class TestAStatus:
    """Each injected failure equals the real one that the tester provokes in the same organization."""

    @pytest.mark.parametrize(
        ("status", "real"),
        [
            (400, lambda t: t.request("POST", BULK, data='{"scores": [', headers={"Content-Type": "application/json"})),
            (401, lambda t: t.bulk(headers={"X-Secret-Key": "wrong"})),
            (404, lambda t: t.request("POST", BULK, json=t.batch() | {"source_id": "nowhere"})),
            (415, lambda t: t.request("POST", BULK, data="x", headers={"Content-Type": "text/plain"})),
        ],
    )
    def test_is_the_real_answer(self, tester: Tester, status: int, real: Callable[[Tester], requests.Response]) -> None:
        expected = shape(real(tester))
        tester.fault(status=status, times=1)
        body = tester.batch() | ({"source_id": "nowhere"} if status == 404 else {})
        injected = tester.request("POST", BULK, json=body)
        assert shape(injected) == expected
        assert injected.status_code == status

    def test_422_is_that_of_a_reused_idempotency_key(self, tester: Tester) -> None:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        assert tester.bulk(headers=key).status_code == 201
        real = tester.bulk([tester.entry("star", 2)], headers=key)
        tester.fault(status=422, times=1)
        injected = tester.bulk(headers=key)
        assert shape(injected) == shape(real)
        assert injected.status_code == 422

    def test_409_is_that_of_a_taken_name(self, tester: Tester) -> None:
        path, body = "/model-hub/annotations-labels/", {"name": f"Name {uuid.uuid4()}", "type": "text"}
        assert tester.request("POST", path, json=body).status_code == 200
        real = tester.request("POST", path, json=body)
        tester.fault(status=409, times=1)
        injected = tester.request("POST", path, json=body)
        assert shape(injected) == shape(real)
        assert injected.status_code == 409

    def test_413_has_the_body_of_a_body_above_the_limit(self, tester: Tester) -> None:
        """The real one is answered before Django, and closes the connection."""
        real = tester.request("POST", BULK, data=b" " * (8 * 1024 * 1024 + 1))
        tester.fault(status=413, times=1)
        injected = tester.bulk()
        assert shape(injected)["body"] == shape(real)["body"]
        assert injected.status_code == real.status_code == 413

    @pytest.mark.parametrize("method", ["GET", "PUT"])
    def test_404_of_a_score_is_that_of_an_unknown_id(self, tester: Tester, method: str) -> None:
        path = f"/model-hub/scores/{uuid.uuid4()}/"
        real = tester.request(method, path, json={"value": 3})
        tester.fault(status=404, times=1)
        assert shape(tester.request(method, path, json={"value": 3})) == shape(real)

    @pytest.mark.parametrize("path", ["/model-hub/sources/", "/model-hub/scores/"])
    def test_404_elsewhere_is_that_of_a_path(self, tester: Tester, path: str) -> None:
        tester.fault(status=404, times=1)
        answer = tester.request("GET", path)
        assert answer.json()["detail"] == f'There is no path "{path}" here.'

    def test_stores_nothing_and_is_logged_and_counted(self, tester: Tester) -> None:
        before = tester.stored()
        tester.fault(status=503, times=1)
        request_id = f"fault-{uuid.uuid4()}"
        entry = tester.entry("star", 1 if before.get("star") == {"rating": 5} else 5)
        answer = tester.bulk([entry], headers={"X-Request-Id": request_id})
        assert (answer.status_code, answer.headers["X-Request-Id"]) == (503, request_id)
        lines = [json.loads(line) for line in tester.server.logged(request_id)]
        assert {line["event"] for line in lines} == {"database_unavailable", "request"}
        assert tester.stored() == before

    def test_500_logs_an_error_of_the_server(self, tester: Tester) -> None:
        tester.fault(status=500, times=1)
        request_id = f"fault-{uuid.uuid4()}"
        answer = tester.bulk(headers={"X-Request-Id": request_id})
        assert (answer.status_code, answer.json()["code"]) == (500, "server_error")
        assert "Allow" not in answer.headers
        assert "a fault that a test asked for" not in answer.text
        events = [json.loads(line)["event"] for line in tester.server.logged(request_id)]
        assert "unforeseen_error" in events

    @pytest.mark.parametrize(("status", "code"), [(429, "rate_limited"), (503, "service_unavailable")])
    @pytest.mark.parametrize("wait", [0, 1, 7, 3600, None])
    def test_retry_after_is_in_the_header(self, tester: Tester, status: int, code: str, wait: int | None) -> None:
        tester.fault(status=status, times=1, **({} if wait is None else {"retry_after": wait}))
        answer = tester.bulk()
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["Retry-After"] == str(1 if wait is None else wait)
        if status == 429 and wait is not None:
            assert answer.json()["detail"].endswith(f"Try again in {wait} second{'' if wait == 1 else 's'}.")

    def test_comes_after_the_check_of_the_key(self, tester: Tester) -> None:
        tester.fault(status=429, retry_after=7)
        answer = tester.bulk(headers={"X-Secret-Key": "wrong"})
        assert (answer.status_code, "Retry-After" in answer.headers) == (401, False)

    @pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
    def test_comes_before_the_501_of_a_path_that_is_not_implemented(self, tester: Tester, status: int) -> None:
        tester.fault(status=status, times=1)
        path = "/model-hub/annotation-queues/x/automation-rules/"
        assert [tester.request("GET", path).status_code for _ in range(2)] == [status, 501]

    @pytest.mark.parametrize(("status", "title"), [(502, "502 Bad Gateway"), (504, "504 Gateway Timeout")])
    def test_of_a_proxy_is_a_page_without_headers_of_the_server(self, tester: Tester, status: int, title: str) -> None:
        tester.fault(status=status, times=2)
        answer, wrong_key = tester.bulk(), tester.bulk(headers={"X-Secret-Key": "wrong"})
        preferred = tester.bulk(headers={"Prefer": f"code={status}", "X-Api-Key": "unknown"})
        page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
        for each in (answer, wrong_key, preferred):
            assert (each.status_code, each.text, each.headers["Content-Type"]) == (status, page, HTML)
            assert not {"X-Request-Id", "X-Content-Type-Options", "Vary"} & set(each.headers)
        assert preferred.headers["Preference-Applied"] == f"code={status}"
        assert (tester.stored(), tester.applied()) == ({}, [2])
        record = tester.requests()[-1]
        assert (record["status"], record["response_body"]) == (status, page)

    def test_of_a_proxy_keeps_the_connection_open(self, tester: Tester) -> None:
        tester.fault(status=502, match={"path": "/model-hub/*"}, times=2)
        connection, seen = HTTPConnection(tester.server.base_url.removeprefix("http://"), timeout=30), []
        for method in ("HEAD", "GET", "GET"):
            connection.request(method, "/model-hub/sources/", headers=tester.headers)
            answer = connection.getresponse()
            seen.append((answer.status, answer.headers["Connection"], len(answer.read())))
        connection.close()
        assert [(status, kept) for status, kept, _ in seen] == [(502, None), (502, None), (200, None)]
        assert (seen[0][2], seen[1][2]) == (0, 93)

    def test_is_met_by_no_path_that_needs_no_key(self, tester: Tester) -> None:
        tester.fault(status=500)
        assert tester.request("GET", "/healthz").status_code == 200
        assert tester.request("GET", "/schema/").status_code == 200
        assert tester.request("GET", "/nothing/").status_code == 404
        assert tester.applied() == [0]


def test_403_is_that_of_a_key_without_the_scope_and_429_that_of_its_limit(folder: Path) -> None:
    with running_server(folder, MODELHUB_TEST_CONTROLS="true", MODELHUB_RATE_PER_KEY="3/minute") as server:
        tester = new_tester(server)
        scopes = ("--scope", "read", "--scope", "admin", "--scope", "act-as")
        made = manage("create_api_key", tester.email, *scopes, env=environment(folder))
        api_key, secret_key = re.findall(r"^\w+ key +(\S+)$", made.stdout, re.MULTILINE)
        real = tester.bulk(headers={"X-Api-Key": api_key, "X-Secret-Key": secret_key})
        assert real.status_code == 403
        tester.fault(status=403, times=1)
        assert shape(tester.bulk()) == shape(real)

        tester.fault(status=429, retry_after=60, times=1)
        injected, _, limited = tester.bulk(), tester.bulk(), tester.bulk()
        assert limited.status_code == 429
        seconds = re.compile(r"\b[0-9]+(?= seconds)")
        expected, found = shape(limited), shape(injected)
        assert 1 <= int(expected["headers"].pop("Retry-After")) <= int(found["headers"].pop("Retry-After")) == 60
        assert seconds.sub("60", json.dumps(expected)) == json.dumps(found)


def test_503_is_that_of_a_database_that_does_not_answer(folder: Path, postgres: Postgres) -> None:
    more = {"MODELHUB_POOL_TIMEOUT": "1", "MODELHUB_METRICS_TOKEN": "token"}
    with running_server(folder, MODELHUB_TEST_CONTROLS="true", **more) as server:
        tester, database = new_tester(server), server.database_url.rpartition("/")[2]
        tester.fault(status=503, times=1)
        injected = tester.bulk(headers={"X-Request-Id": "injected"})
        assert injected.status_code == 503
        postgres.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
        postgres.cut_all(database)
        try:
            real = tester.bulk(headers={"X-Request-Id": "real"})
        finally:
            postgres.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
        assert shape(real) == shape(injected)
        assert lines_of(server, "injected") == lines_of(server, "real")
        metrics = server.request("GET", "/metrics", headers={"Authorization": "Bearer token"}).text
        assert 'modelhub_problems_total{code="service_unavailable"} 2.0' in metrics
        assert 'modelhub_requests_total{method="POST",route="scores-bulk",status="503"} 2.0' in metrics


def lines_of(server: Server, request_id: str) -> list[dict[str, Any]]:
    """Return the log lines of a request, without the fields that differ between equal ones."""
    server.logged(f'"request_id": "{request_id}"')
    lines = [json.loads(line) for line in server.log if f'"request_id": "{request_id}"' in line]
    differ = {"ms", "timestamp", "request_id"}
    return [{name: value for name, value in line.items() if name not in differ} for line in lines]


class TestADelay:
    def test_comes_before_the_answer_and_with_any_other_effect(self, tester: Tester) -> None:
        for then, status in (({}, 201), ({"status": 503}, 503)):
            tester.fault(times=1, delay_ms=300, **then)
            started = time.monotonic()
            assert tester.bulk().status_code == status
            assert time.monotonic() - started >= 0.3

    def test_holds_back_no_other_request(self, tester: Tester) -> None:
        tester.fault(delay_ms=5000, times=1, match=OF_BULK)
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(tester.bulk)
            while not tester.applied()[0]:
                time.sleep(0.01)
            started = time.monotonic()
            assert tester.request("GET", "/model-hub/sources/").status_code == 200
            assert not slow.done() or time.monotonic() - started > 5
            assert slow.result().status_code == 201

    def test_ends_when_the_server_stops(self, folder: Path) -> None:
        with running_server(folder, MODELHUB_TEST_CONTROLS="true") as server, ThreadPoolExecutor(1) as pool:
            tester = new_tester(server)
            tester.fault(delay_ms=30_000)
            slow = pool.submit(tester.bulk)
            while not tester.applied()[0]:
                time.sleep(0.01)
            started = time.monotonic()
            assert server.stop() == 0
            assert slow.result().status_code == 201
            assert time.monotonic() - started < 15

    def test_is_limited_by_the_timeout_of_requests_so_that_the_worker_stays(self, folder: Path) -> None:
        with running_server(folder, MODELHUB_TEST_CONTROLS="true", MODELHUB_REQUEST_TIMEOUT="1") as server:
            tester, workers = new_tester(server), server.workers()
            body = {"organization": tester.id, "then": {"delay_ms": 1001}}
            answer = server.request("POST", FAULTS, json=body)
            assert answer.json()["detail"] == "then.delay_ms must be a whole number from 0 to 1000, got 1001"
            tester.fault(delay_ms=1000)
            assert tester.bulk().status_code == 201
            assert server.workers() == workers


def on_the_wire(server: Server, text: str) -> bytes:
    """Send these bytes and return all that comes back until the connection closes."""
    port = int(server.base_url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(text.encode())
        answer = b""
        while part := client.recv(65536):
            answer += part
    return answer


class TestADrop:
    def message(self, tester: Tester, method: str, path: str, body: object = None, version: str = "1.1") -> str:
        content = "" if body is None else json.dumps(body)
        keys = f"X-Api-Key: {tester.api_key}\r\nX-Secret-Key: {tester.secret_key}\r\n"
        head = f"{method} {path} HTTP/{version}\r\nHost: x\r\nConnection: keep-alive\r\n{keys}"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n{content}"

    @pytest.mark.parametrize("version", ["1.0", "1.1"])
    @pytest.mark.parametrize("drop", ["before", "after_commit"])
    @pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
    def test_sends_no_byte(self, tester: Tester, drop: str, method: str, version: str) -> None:
        tester.fault(drop=drop, times=1)
        path, body = (BULK, tester.batch()) if method == "POST" else ("/model-hub/sources/", None)
        assert on_the_wire(tester.server, self.message(tester, method, path, body, version)) == b""
        assert tester.applied()[-1] == 1

    def test_of_a_streamed_export_sends_no_byte_and_frees_its_thread(self, tester: Tester) -> None:
        tester.bulk()
        for _ in range(3):
            tester.fault(drop="after_commit", times=1)
            assert on_the_wire(tester.server, self.message(tester, "GET", "/model-hub/scores/export/")) == b""
        assert tester.request("GET", "/model-hub/scores/export/").status_code == 200

    def test_of_a_pipelined_request_leaves_the_answer_before_it(self, tester: Tester) -> None:
        tester.fault(drop="before", times=1, match=OF_BULK)
        get = self.message(tester, "GET", "/model-hub/sources/")
        answer = on_the_wire(tester.server, get + self.message(tester, "POST", BULK, tester.batch()) + get)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.count(b"HTTP/1.1") == 1

    def test_before_executes_nothing(self, tester: Tester) -> None:
        tester.bulk([tester.entry("star", 2)])
        tester.fault(drop="before", times=1)
        with pytest.raises(requests.ConnectionError):
            tester.bulk([tester.entry("star", 3)])
        assert tester.stored()["star"] == {"rating": 2}

    def test_after_commit_stores_the_scores_and_the_answer_of_the_idempotency_key(self, tester: Tester) -> None:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        tester.bulk([tester.entry("star", 2)])
        tester.fault(drop="after_commit", times=1)
        with pytest.raises(requests.ConnectionError):
            tester.bulk([tester.entry("star", 3)], headers=key)
        assert tester.stored()["star"] == {"rating": 3}
        repeated = tester.bulk([tester.entry("star", 3)], headers=key)
        assert (repeated.status_code, repeated.headers["Idempotency-Replayed"]) == (201, "true")
        assert repeated.json()["scores"][0]["value"] == {"rating": 3}


class TestRefusedScores:
    @pytest.fixture
    def salt(self, tester: Tester) -> int:
        """Store other scores than those with the salt."""
        salt = random.randrange(2, 9)
        tester.bulk(self.entries(tester, salt - 1))
        return salt

    def entries(self, tester: Tester, salt: int) -> list[dict[str, object]]:
        star = tester.entry("star", 1 + salt % 5)
        return [star, tester.entry("numeric", salt), tester.entry("text", f"text {salt}")]

    def sentence(self, tester: Tester, index: int, label: str) -> str:
        labels = tester.request("GET", "/model-hub/annotations-labels/").json()["results"]
        [name] = [one["name"] for one in labels if one["id"] == tester.labels[label]]
        return f"scores[{index}]: Label {tester.labels[label]} ({name}, {label}): the database refused this score"

    def test_have_the_words_of_the_database_and_cost_no_other_score(self, tester: Tester, salt: int) -> None:
        tester.fault(refuse_scores=[1], times=1)
        answer = tester.bulk(self.entries(tester, salt), "?error_details=true").json()
        assert answer["errors"] == [self.sentence(tester, 1, "numeric")]
        assert answer["error_details"][0]["code"] == "database_refused"
        assert [score["label_type"] for score in answer["scores"]] == ["star", "text"]
        stored = tester.stored()
        assert (stored["numeric"], stored["text"]) == ({"value": salt - 1}, {"text": f"text {salt}"})

    def test_of_an_atomic_batch_store_nothing(self, tester: Tester, salt: int) -> None:
        before = tester.stored()
        tester.fault(refuse_scores=[0, 2], times=1)
        answer = tester.bulk(self.entries(tester, salt), "?atomic=true").json()
        assert answer["errors"] == [self.sentence(tester, 0, "star"), self.sentence(tester, 2, "text")]
        assert (answer["scores"], tester.stored()) == ([], before)

    def test_of_a_dry_run_are_found(self, tester: Tester, salt: int) -> None:
        tester.fault(refuse_scores=[0], times=1)
        answer = tester.bulk(self.entries(tester, salt), "?dry_run=true").json()
        assert answer["errors"] == [self.sentence(tester, 0, "star")]

    def test_with_a_lost_answer_are_in_the_answer_of_the_idempotency_key(self, tester: Tester, salt: int) -> None:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        tester.fault(refuse_scores=[0], drop="after_commit", times=1)
        with pytest.raises(requests.ConnectionError):
            tester.bulk(self.entries(tester, salt), headers=key)
        repeated = tester.bulk(self.entries(tester, salt), headers=key)
        assert repeated.headers["Idempotency-Replayed"] == "true"
        assert repeated.json()["errors"] == [self.sentence(tester, 0, "star")]

    def test_of_the_single_route_are_a_400(self, tester: Tester, salt: int) -> None:
        body = {**tester.batch(), **tester.entry("numeric", salt)}
        del body["scores"]
        tester.fault(refuse_scores=[0], times=1)
        answer = tester.request("POST", "/model-hub/scores/", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "database_refused")
        assert tester.request("POST", "/model-hub/scores/", json=body).status_code == 201

    def test_are_named_by_the_entry_that_would_be_stored(self, tester: Tester, salt: int) -> None:
        """Not by another one with its label: a wrong entry before, a second one behind."""
        star, numeric, text = self.entries(tester, salt)
        camel = {"labelId": tester.labels["star"].upper().replace("-", ""), "value": star["value"]}
        sent = [tester.entry("star", 99), camel, star, 7, numeric, text]
        tester.fault(refuse_scores=[0, 2, 3, 99], times=1)
        assert len(tester.bulk(sent).json()["scores"]) == 3
        star, numeric, text = self.entries(tester, salt + 1)
        tester.fault(refuse_scores=[1], times=1)
        answer = tester.bulk([tester.entry("star", 99), star, numeric])
        assert answer.json()["errors"][1] == self.sentence(tester, 1, "star")

    def test_may_be_those_of_another_annotator(self, tester: Tester, salt: int) -> None:
        annotator = tester.bulk(self.entries(tester, salt)).json()["scores"][0]["annotator_id"]
        tester.fault(refuse_scores=[1], times=1)
        body = tester.batch(self.entries(tester, salt - 1)) | {"annotatorId": annotator}
        assert tester.request("POST", BULK, json=body).json()["errors"] == [self.sentence(tester, 1, "numeric")]

    def test_never_leak_to_other_requests(self, tester: Tester) -> None:
        """One worker and its pool: sessions of refused requests serve the others."""
        sources = [f"leak-{number}" for number in range(40)]
        entries = [{"source_type": "trace", "source_id": source} for source in sources]
        assert tester.request("POST", "/model-hub/sources/bulk/", json={"sources": entries}).status_code in {200, 201}
        tester.fault(refuse_scores=[0], match={"path": BULK, "label_id": tester.labels["text"]})
        scores = {True: [tester.entry("text", "refused")], False: [tester.entry("star", 3)]}

        def store(number: int) -> tuple[bool, int]:
            refused = number % 2 == 0
            body = tester.batch(scores[refused]) | {"source_id": sources[number]}
            return refused, len(tester.request("POST", BULK, json=body).json()["errors"])

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(store, range(40))) == {(True, 1), (False, 0)}
        tester.server.request("DELETE", f"{FAULTS}?organization={tester.id}", headers={})
        assert tester.bulk([tester.entry("text", f"text {uuid.uuid4()}")]).json()["errors"] == []

    def test_of_bodies_without_scores_are_no_error(self, tester: Tester) -> None:
        tester.fault(refuse_scores=[0])
        for body in ("", "{", "[1]", '{"scores": 7}', '{"scores": [], "scores": null}', '{"a": ' * 3000):
            assert tester.request("POST", BULK, data=body).status_code == 400


class TestOrganizations:
    def test_meet_only_their_own_faults(self, controlled: Server, tester: Tester) -> None:
        other = new_tester(controlled)
        tester.fault(status=500)
        assert (other.bulk().status_code, other.applied()) == (201, [])
        assert (tester.bulk().status_code, tester.applied()) == (500, [1])

    def test_leave_neither_faults_nor_records(self, controlled: Server, tester: Tester) -> None:
        fault = tester.fault(status=500)
        tester.bulk()
        assert controlled.request("DELETE", f"/__admin/organizations/{tester.id}", headers={}).status_code == 204
        for path in (f"faults?organization={tester.id}", f"requests?organization={tester.id}"):
            assert controlled.request("GET", f"/__admin/{path}", headers={}).status_code == 404
        assert controlled.request("DELETE", f"{FAULTS}/{fault}", headers={}).status_code == 404
        assert tester.bulk(headers={"Prefer": "code=503"}).status_code == 503

    def test_that_are_reset_get_no_score_of_a_delayed_request(self, folder: Path) -> None:
        with running_server(folder, MODELHUB_TEST_CONTROLS="true") as server, ThreadPoolExecutor(1) as pool:
            with psycopg.connect(server.database_url) as connection:
                [(organization,)] = connection.execute("SELECT id::text FROM modelhub_organization").fetchall()
                [(label,)] = connection.execute("SELECT id::text FROM modelhub_label WHERE type = 'star'").fetchall()
                [(trace,)] = connection.execute("SELECT source_id FROM modelhub_source WHERE source_type = 'trace'")
            first = Tester(server, organization, "", API_KEY, SECRET_KEY, {"star": label}, {"trace": trace})
            first.fault(delay_ms=30_000, match=OF_BULK)
            slow = pool.submit(first.bulk)
            while not first.applied()[0]:
                time.sleep(0.01)
            assert server.request("POST", "/__admin/reset", headers={}).status_code == 200
            with pytest.raises(requests.ConnectionError):
                slow.result()
            assert (first.stored(), first.bulk().status_code) == ({}, 201)

    def test_that_are_deleted_end_delays(self, controlled: Server, tester: Tester) -> None:
        tester.fault(delay_ms=30_000)
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(tester.bulk)
            while not tester.applied()[0]:
                time.sleep(0.01)
            started = time.monotonic()
            assert controlled.request("DELETE", f"/__admin/organizations/{tester.id}", headers={}).status_code == 204
            with pytest.raises(requests.ConnectionError):
                slow.result()
            assert time.monotonic() - started < 15


class TestRules:
    def test_the_first_that_fits_wins_until_it_is_used_up(self, tester: Tester) -> None:
        tester.fault(match={"method": "delete"}, status=500)
        tester.fault(match=OF_BULK, times=2, status=429)
        tester.fault(match={"path": "/model-hub/*/bulk/"}, times=1, status=503)
        assert [tester.bulk().status_code for _ in range(4)] == [429, 429, 503, 201]
        assert tester.applied() == [0, 2, 1]

    @pytest.mark.parametrize(
        "path", [BULK, f"/model-hub/scores/{SOME_ID}/", "/model-hub/annotation-queues/", "/tracer/project/", "*", "/a*"]
    )
    def test_may_be_for_each_path_of_the_api_and_for_any_pattern(self, tester: Tester, path: str) -> None:
        tester.fault(match={"path": path}, status=500)

    def test_are_deleted_one_by_one_or_all(self, tester: Tester) -> None:
        first, _ = tester.fault(status=500), tester.fault(status=503)
        deleted = tester.server.request("DELETE", f"{FAULTS}/{first}", headers={})
        assert (deleted.status_code, deleted.content) == (204, b"")
        assert tester.bulk().status_code == 503
        again = tester.server.request("DELETE", f"{FAULTS}/{first}", headers={})
        assert (again.status_code, again.json()["detail"]) == (404, f"Fault not found: {first}")
        assert tester.server.request("DELETE", f"{FAULTS}?organization={tester.id}").status_code == 204
        assert (tester.applied(), tester.bulk().status_code) == ([], 201)

    @pytest.mark.parametrize("seed", [0, -1, 2**70, 10**200, "", "ü" * 100])
    def test_may_have_any_seed(self, tester: Tester, seed: object) -> None:
        tester.fault(probability=1, seed=seed, status=503)
        [fault] = tester.server.request("GET", f"{FAULTS}?organization={tester.id}", headers={}).json()["faults"]
        assert (fault["seed"], fault["probability"], tester.bulk().status_code) == (seed, 1.0, 503)

    def test_are_listed_as_they_were_made(self, tester: Tester) -> None:
        match = {"method": "post", "path": "/a*", "labelId": tester.labels["star"].upper()}
        then = {"delayMs": 0, "status": 429, "retryAfter": 0}
        body = {"organization": tester.id, "match": match, "probability": 0.5, "seed": "s", "then": then}
        made = tester.server.request("POST", FAULTS, headers={}, json=body).json()
        assert made == {
            "id": made["id"],
            "match": {"method": "POST", "path": "/a*", "label_id": tester.labels["star"]},
            "probability": 0.5,
            "seed": "s",
            "then": {"status": 429, "retry_after": 0, "delay_ms": 0},
            "applied": 0,
        }
        listed = tester.server.request("GET", f"{FAULTS}?organization={tester.id}", headers={}).json()
        assert listed == {"faults": [made]}

    def test_with_a_seed_repeat_their_sequence(self, tester: Tester) -> None:
        def sequence(**fields: object) -> list[int]:
            fault = tester.fault(probability=0.5, status=503, **fields)
            statuses = [tester.request("GET", "/model-hub/sources/").status_code for _ in range(24)]
            tester.server.request("DELETE", f"{FAULTS}/{fault}")
            return statuses

        first = sequence(seed=42)
        assert first == sequence(seed=42)
        assert set(first) == {200, 503}
        assert first != sequence(seed="42 and more")

    def test_of_a_label_fit_requests_that_name_it(self, tester: Tester) -> None:
        star = tester.labels["star"]
        tester.fault(match={"label_id": star.replace("-", "").upper()}, status=503)
        entry = {"labelId": star, "value": 3}
        named = [
            tester.bulk([tester.entry("numeric", 1), entry]),
            tester.request("POST", "/model-hub/scores/", json=tester.batch()["scores"][0]),
            tester.request("GET", f"/model-hub/scores/?label_id={star}"),
            tester.request("GET", f"/model-hub/annotations-labels/{star}/"),
            tester.request("POST", "/model-hub/scores/bulk-delete/", json={"filter": {"label_id": star}}),
        ]
        assert [answer.status_code for answer in named] == [503] * len(named)
        others = [
            tester.bulk([tester.entry("numeric", 1)]),
            tester.request("GET", "/model-hub/scores/"),
            tester.request("POST", BULK, data="{ not JSON"),
            tester.request("POST", BULK, data=b"\xff\x00"),
            tester.request("POST", BULK, json=[star]),
            tester.request("POST", BULK, json={"scores": {"label_id": star}}),
            tester.request("POST", BULK, json={"scores": [1, [star], {"label_id": [star]}, {"label_id": {}}]}),
        ]
        assert 503 not in {answer.status_code for answer in others}
        assert tester.applied() == [len(named)]

    def test_are_counted_exactly_by_requests_of_the_same_moment(self, tester: Tester) -> None:
        tester.fault(match=OF_BULK, times=7, status=429)
        tester.fault(match=OF_BULK, times=5, status=503)
        with ThreadPoolExecutor(10) as pool:
            statuses = [*pool.map(lambda _: tester.bulk().status_code, range(30))]
        assert (statuses.count(429), statuses.count(503), statuses.count(201)) == (7, 5, 18)
        assert tester.applied() == [7, 5]

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({}, "then must be an object with at least one of status, delay_ms, drop, refuse_scores, got {}"),
            ({"then": [1]}, "then must be an object, got [1]"),
            ({"then": {"status": 418}}, f"then.status must be one of {STATUSES}, got 418"),
            ({"then": {"status": True}}, f"then.status must be one of {STATUSES}, got true"),
            ({"then": {"status": [503]}}, f"then.status must be one of {STATUSES}, got [503]"),
            ({"then": {"status": 429.0}}, f"then.status must be one of {STATUSES}, got 429.0"),
            ({"then": {"drop": "always"}}, 'then.drop must be one of before, after_commit, got "always"'),
            ({"then": {"drop": {}}}, "then.drop must be one of before, after_commit, got {}"),
            ({"then": {"delay_ms": 30001}}, "then.delay_ms must be a whole number from 0 to 30000, got 30001"),
            ({"then": {"delay_ms": -1}}, "then.delay_ms must be a whole number from 0 to 30000, got -1"),
            ({"then": {"delay_ms": 1.5}}, "then.delay_ms must be a whole number from 0 to 30000, got 1.5"),
            (
                {"then": {"status": 429, "retry_after": 3601}},
                "then.retry_after must be a whole number from 0 to 3600, got 3601",
            ),
            (
                {"then": {"status": 500, "retry_after": 1}},
                "then.retry_after must be beside the status 429 or 503, got 1",
            ),
            ({"then": {"status": 500, "drop": "before"}}, "Either then.status or then.drop must be given, not both"),
            (
                {"then": {"drop": "before", "refuse_scores": [1]}},
                "Either then.drop or then.refuse_scores must be given, not both",
            ),
            ({"then": {"refuse_scores": []}}, "then.refuse_scores must be a list of 1 to 1000 indexes, got []"),
            (
                {"then": {"refuse_scores": [0, -1]}},
                "then.refuse_scores[1] must be a whole number from 0 to 1000000, got -1",
            ),
            ({"then": None}, f"{NO_EFFECT} null"),
            ({"then": {}}, f"{NO_EFFECT} {{}}"),
            ({"then": {"delay": 1}}, 'Unknown field "delay". Did you mean "delay_ms"?'),
            ({"then": {"delayM": 1}}, 'Unknown field "delayM". Did you mean "delayMs"?'),
            ({"then": {"status": 500, "stat": 1}}, 'Unknown field "stat". Did you mean "status"?'),
            ({"match": {"methods": "GET"}}, 'Unknown field "methods". Did you mean "method"?'),
            (
                {"match": {"method": "SHOUT"}},
                'match.method must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, got "SHOUT"',
            ),
            (
                {"match": {"path": "scores"}},
                'match.path must be a path of at most 2000 characters that begins with / or *, got "scores"',
            ),
            ({"match": {"path": "/a?b"}}, 'match.path must be a path without a query, got "/a?b"'),
            ({"match": {"path": BULK[:-1]}}, f'{NO_ROUTE} "{BULK[:-1]}". Did you mean "{BULK}"?'),
            (
                {"match": {"path": f"/model-hub/scores/{SOME_ID}"}},
                f'{NO_ROUTE} "/model-hub/scores/{SOME_ID}". Did you mean "/model-hub/scores/{SOME_ID}/"?',
            ),
            (
                {"match": {"path": "/model-hub/score/bulk/"}},
                f'{NO_ROUTE} "/model-hub/score/bulk/". Did you mean "{BULK}"?',
            ),
            ({"match": {"path": "/healthz"}}, f'{NO_ROUTE} "/healthz"'),
            ({"match": {"path": "/__admin/faults"}}, f'{NO_ROUTE} "/__admin/faults"'),
            ({"match": {"label_id": "star"}}, 'match.label_id must be a UUID, got "star"'),
            ({"match": 1}, "match must be an object, got 1"),
            ({"times": 0}, "times must be a whole number from 1 to 1000000, got 0"),
            ({"times": 1, "probability": 0.5}, "Either times or probability must be given, not both"),
            ({"probability": 1.5}, "probability must be a number from 0 to 1, got 1.5"),
            ({"probability": "NaN"}, 'probability must be a number from 0 to 1, got "NaN"'),
            ({"seed": 1}, "seed must be a whole number or a string, beside a probability, got 1"),
            ({"organization": "x"}, 'organization must be a UUID, got "x"'),
            ({"more": 1}, 'Unknown field "more". Known are organization, match, times, probability, seed, then'),
        ],
    )
    def test_that_are_wrong_are_a_sentence(self, tester: Tester, fields: dict[str, Any], sentence: str) -> None:
        body = {"organization": tester.id, "then": {"status": 500} if fields else {}} | fields
        answer = tester.server.request("POST", FAULTS, headers={}, json=body)
        assert (answer.status_code, answer.json()["detail"]) == (400, sentence)
        assert tester.applied() == []

    @pytest.mark.parametrize("body", ["", "{", "[]", "NaN", '{"organization": 1e400}', "[" * 5000])
    def test_that_are_no_object_are_a_400(self, tester: Tester, body: str) -> None:
        answer = tester.server.request("POST", FAULTS, headers={"Content-Type": "application/json"}, data=body)
        assert answer.status_code == 400

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999999999", "-1e-400"])
    def test_with_a_number_beyond_numbers_are_a_sentence(self, tester: Tester, number: str) -> None:
        body = f'{{"organization": "{tester.id}", "then": {{"status": 500}}, "probability": {number}}}'
        answer = tester.server.request("POST", FAULTS, headers={"Content-Type": "application/json"}, data=body)
        assert answer.status_code == 400
        assert "probability must be a number from 0 to 1" in answer.json()["detail"]

    def test_of_an_unknown_organization_are_a_404(self, tester: Tester) -> None:
        unknown = str(uuid.uuid4())
        body = {"organization": unknown, "then": {"status": 500}}
        answers = [
            tester.server.request("POST", FAULTS, json=body),
            tester.server.request("GET", f"{FAULTS}?organization={unknown}"),
            tester.server.request("DELETE", f"{FAULTS}?organization={unknown}"),
            tester.server.request("GET", f"/__admin/requests?organization={unknown}"),
            tester.server.request("DELETE", f"/__admin/requests?organization={unknown}"),
        ]
        assert {answer.status_code for answer in answers} == {404}


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/a/", "/a/", True),
        ("/a/", "/a/b", False),
        ("/a/*", "/a/", True),
        ("*", "/anything", True),
        ("/a*c", "/abbc", True),
        ("/a*c", "/abbcd", False),
        ("/a*b*a", "/aba", True),
        ("/a*a", "/a", False),
        ("/*/*/x", "/a/b/x", True),
        ("/*/*/x", "/a/x", False),
        ("/a.c", "/abc", False),
    ],
)
def test_a_star_stands_for_any_characters(pattern: str, path: str, fits: bool) -> None:
    assert Match(path=pattern).fits(method="GET", path=path, labels=()) == fits


def test_many_stars_cost_no_time() -> None:
    started = time.monotonic()
    assert not Match(path="/" + "*a" * 1000).fits(method="GET", path="/" + "a" * 999, labels=())
    assert time.monotonic() - started < 1
