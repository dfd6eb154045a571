"""`/__admin/requests`: the requests that a server received."""

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from modelhub.testing.records import MAX_BODY_BYTES, MAX_RECORDS, Record, Records
from tests.client import BULK
from tests.core.test_unreadable_requests import GET, send
from tests.servers import Server
from tests.testing.tester import Tester

SOURCES = "/model-hub/sources/"


def test_a_record_is_the_request_and_its_answer(tester: Tester) -> None:
    body = tester.batch()
    answer = tester.bulk(query="?atomic=true", headers={"Idempotency-Key": str(uuid.uuid4()), "X-Other": "x"})
    [record] = tester.requests()
    assert (record["method"], record["path"], record["status"]) == ("POST", f"{BULK}?atomic=true", 201)
    assert (record["request_body"], record["response_body"]) == (body, answer.json())
    assert (record["fault"], record["headers"]["X-Api-Key"]) == (None, tester.api_key)
    assert "Idempotency-Key" in record["headers"]
    assert "X-Other" not in record["headers"]
    assert 0 < record["ms"] < 30_000
    assert record["at"].endswith("Z")


def test_the_newest_come_first_up_to_a_limit_and_can_be_forgotten(tester: Tester) -> None:
    for number in range(4):
        tester.request("GET", f"{SOURCES}?page={number + 1}")
    assert [record["path"][-1] for record in tester.requests("&limit=2")] == ["4", "3"]
    path = f"/__admin/requests?organization={tester.id}"
    assert tester.server.request("DELETE", path, headers={}).status_code == 204
    assert tester.requests() == []


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1", "1.0", "", "9" * 50, "000000001" + "9" * 20])
def test_a_wrong_limit_is_a_sentence(tester: Tester, limit: str) -> None:
    answer = tester.server.request("GET", f"/__admin/requests?organization={tester.id}&limit={limit}")
    assert answer.status_code == 400
    assert answer.json()["detail"] == f'limit must be a whole number from 1 to 100, got "{limit}"'


def test_faults_are_named(tester: Tester) -> None:
    before = tester.fault(drop="before", times=1)
    after = tester.fault(drop="after_commit", times=1)
    status = tester.fault(status=429, times=1)
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            tester.bulk()
    tester.bulk()
    limited, lost, unheard = tester.requests()
    assert (limited["fault"], limited["status"]) == (status, 429)
    assert (lost["fault"], lost["status"]) == (after, None)
    assert lost["response_body"]["scores"]
    assert (unheard["fault"], unheard["status"], unheard["response_body"]) == (before, None, None)


def test_a_request_is_recorded_while_it_waits(tester: Tester) -> None:
    tester.fault(delay_ms=4000, times=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(tester.bulk)
        while not (records := tester.requests()):
            time.sleep(0.01)
        assert (records[0]["status"], records[0]["ms"]) == (None, None)
        slow.result()
    [record] = tester.requests()
    assert (record["status"], record["ms"] >= 4000) == (201, True)


class TestSecrets:
    def test_are_blotted_out_everywhere(self, tester: Tester) -> None:
        secret = tester.secret_key
        body = {"secret_key": "other-secret", "nested": [{"secretKey": 'quoted-"-secret'}], "text": f"my {secret}"}
        tester.request("POST", f"{BULK}?secret={secret}", json=body)
        bearer = {"Authorization": f"Bearer {tester.api_key}:{secret}", "X-Api-Key": "", "X-Secret-Key": ""}
        tester.request("GET", SOURCES, headers=bearer)
        text = json.dumps(tester.requests())
        assert len(tester.requests()) == 2
        tester.request("GET", SOURCES, headers={"X-Secret-Key": "a/b+c=d/e"}, params={"page": "a/b+c=d/e"})
        assert "page=***" in tester.requests("&limit=1")[0]["path"]
        for word in (secret, "other-secret", "-secret"):
            assert word not in text
        assert text.count("***") >= 6

    def test_of_wrong_keys_too_in_the_records_of_the_key(self, tester: Tester) -> None:
        tester.request("GET", SOURCES, headers={"X-Secret-Key": "wrong-secret"})
        [record] = tester.requests()
        assert (record["status"], record["headers"]["X-Secret-Key"]) == (401, "***")
        assert "wrong-secret" not in json.dumps(record)

    def test_that_are_too_short_change_no_other_word(self, tester: Tester) -> None:
        tester.request("GET", SOURCES, headers={"X-Secret-Key": "sources"})
        [record] = tester.requests()
        assert (record["path"], record["headers"]["X-Secret-Key"]) == (SOURCES, "***")

    def test_that_are_missing_too(self, tester: Tester) -> None:
        tester.request("GET", SOURCES, headers={"X-Secret-Key": ""})
        assert [record["status"] for record in tester.requests()] == [401]

    def test_of_unknown_keys_are_not_recorded(self, tester: Tester) -> None:
        tester.request("GET", SOURCES, headers={"X-Api-Key": "unknown"})
        assert tester.requests() == []


class TestBounds:
    def test_the_number_of_records(self, tester: Tester) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: tester.request("GET", f"{SOURCES}?page_size={n + 1}"), range(MAX_RECORDS + 20)))
        records = tester.requests()
        assert len(records) == MAX_RECORDS
        assert {record["status"] for record in records} == {200}
        assert len({record["path"] for record in records}) == MAX_RECORDS

    def test_the_number_of_records_in_memory(self) -> None:
        records = Records()
        for number in range(MAX_RECORDS + 20):
            records.add(Record("GET", f"/{number}", {}, b"", b""))
        assert len(records.shown(limit=2 * MAX_RECORDS)) == MAX_RECORDS

    def test_the_bytes_of_a_body(self, tester: Tester) -> None:
        tester.bulk([tester.entry("text", "x" * 2 * MAX_BODY_BYTES)])
        [record] = tester.requests()
        assert isinstance(record["request_body"], str)
        assert len(record["request_body"]) == MAX_BODY_BYTES + 1
        assert record["request_body"].endswith("x…")

    def test_exports_are_not_read(self, tester: Tester) -> None:
        tester.bulk()
        answer = tester.request("GET", "/model-hub/scores/export/")
        assert answer.text.count("\n") >= 1
        assert (tester.requests()[0]["status"], tester.requests()[0]["response_body"]) == (200, "(streamed)")

    def test_bodies_that_are_not_json_are_text(self, tester: Tester) -> None:
        for body in (b"{", b"\xff\x00", b"NaN", b"[" * 5000, b'{"a": 1e999}', b"", b'"\\ud800"'):
            tester.request("POST", BULK, data=body)
        found = [record["request_body"] for record in tester.requests()]
        assert found[-1] == "{"
        assert found[4:6] == ["NaN", "\ufffd\x00"]
        assert found[1] is None

    def test_head_has_no_body(self, tester: Tester) -> None:
        tester.request("HEAD", SOURCES)
        assert tester.requests()[0]["response_body"] is None

    def test_unknown_paths_are_recorded_and_the_controls_are_not(self, tester: Tester) -> None:
        tester.request("GET", "/nothing/")
        tester.request("GET", "/__admin/")
        assert [record["status"] for record in tester.requests()] == [404]


def chunks(*parts: bytes) -> Iterator[bytes]:
    yield from parts


class TestBodiesAreReadByTheProductAsWithoutControls:
    @pytest.mark.parametrize(
        ("body", "headers", "status", "code"),
        [
            (b" " * (8 * 1024 * 1024), {}, 400, "malformed_json"),
            (b" " * (8 * 1024 * 1024 + 1), {}, 413, "request_too_large"),
            ([b'{"source_type": "trace", "source', b'_id": "nowhere", "scores": [1]}'], {}, 404, "source_not_found"),
            ([b" " * 1_000_000] * 9, {}, 413, "request_too_large"),
            ([], {}, 400, "invalid"),
            (b"{", {}, 400, "malformed_json"),
            (b"\x1f\x8b", {"Content-Encoding": "gzip"}, 415, "unsupported_media_type"),
            (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
            (b"--x--", {"Content-Type": "multipart/form-data; boundary=x"}, 415, "unsupported_media_type"),
            (b"--x--", {"Content-Type": "multipart/form-data"}, 415, "unsupported_media_type"),
        ],
    )
    def test_of_each_kind(
        self, tester: Tester, body: bytes | list[bytes], headers: dict[str, str], status: int, code: str
    ) -> None:
        tester.fault(match={"label_id": tester.labels["star"]}, status=500)
        data = body if isinstance(body, bytes) else chunks(*body)
        answer = tester.request("POST", BULK, data=data, headers={"Content-Type": "application/json"} | headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    @pytest.mark.parametrize(
        ("request_", "status", "code"),
        [
            (f"{GET}X Secret: x\r\n\r\n", 400, "malformed_request"),
            (f"{GET}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "malformed_request"),
            (f"{GET}Content-Length: 999999999\r\nExpect: 100-continue\r\n\r\n", 413, "request_too_large"),
            (f"{GET}Transfer-Encoding: gzip\r\n\r\n", 501, "unsupported_transfer_coding"),
        ],
    )
    def test_of_unreadable_requests(self, controlled: Server, request_: str, status: int, code: str) -> None:
        line, _, body = send(controlled, request_)
        assert line.startswith(f"HTTP/1.1 {status} ")
        assert body["code"] == code

    def test_of_a_form_of_the_admin(self, tester: Tester) -> None:
        form = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n1\r\n--x--\r\n'
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = tester.request("POST", "/admin/login/?next=/", headers=headers, data=form)
        plain = tester.server.request("POST", "/admin/login/?next=/", headers=headers, data=form)
        assert answer.status_code == plain.status_code == 403
