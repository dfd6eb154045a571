"""Slow clients hold a connection for a bounded time, no thread, hardly any memory."""

import contextlib
import itertools
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import requests

from tests.faults.clients import attack, connect, measure, read_all
from tests.faults.postgres import small_disk
from tests.faults.raw import KEYS
from tests.servers import Server, data_folder, running_server

SECONDS = 2  # MODELHUB_CLIENT_TIMEOUT
CONNECTIONS = 200
WORKER_MEGABYTES = 200
# The goal is 0.1 s on a machine of its own; here, other tests run beside.
MOST_ANSWERS_SECONDS, ANSWER_SECONDS = 0.5, 5
HEAD = f"POST /model-hub/scores/bulk/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{KEYS}"
LOGIN = "POST /admin/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
READY = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
STATIC = b"GET /static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
EXPORT = "/model-hub/scores/export/"
EXPORTED = 20_000
SECOND_KEY = """
INSERT INTO modelhub_apikey
SELECT (jsonb_populate_record(first, jsonb_build_object('id', gen_random_uuid(), 'api_key', 'second'))).*
FROM modelhub_apikey AS first LIMIT 1
"""


def many_scores(number: int, text_bytes: int) -> str:
    """Return the statement that creates scores of this many bytes."""
    return f"""
WITH made AS (
    INSERT INTO modelhub_source (id, organization_id, source_type, source_id, source_key, name, metadata, created_at,
                                 updated_at)
    SELECT gen_random_uuid(), id, 'trace', number, number, '', '{{}}', now(), now()
    FROM modelhub_organization, generate_series(1, {number}) AS number
    RETURNING id, organization_id
)
INSERT INTO modelhub_score (id, organization_id, source_id, label_id, annotator_id, value, score_source, notes,
                            created_at, updated_at)
SELECT gen_random_uuid(), organization_id, made.id,
       (SELECT id FROM modelhub_label WHERE type = 'text' LIMIT 1),
       (SELECT id FROM modelhub_user LIMIT 1),
       jsonb_build_object('text', repeat('x', {text_bytes})), 'human', repeat('y', 500), now(), now()
FROM made
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a server of one worker and two threads; its log must show no error."""
    settings = {"MODELHUB_WORKERS": "1", "MODELHUB_THREADS": "2", "MODELHUB_CLIENT_TIMEOUT": str(SECONDS)}
    with data_folder() as folder, running_server(folder, **settings, MODELHUB_KEEPALIVE="2") as server:
        with psycopg.connect(server.database_url) as connection:
            connection.execute(many_scores(EXPORTED, 500))
        yield server
    assert not [line for line in server.log if "Traceback" in line or '"level": "error"' in line]


class TestTimeLimits:
    """Each test waits for a timeout of a few seconds."""

    def test_a_request_that_does_not_end_is_a_408(self, server: Server) -> None:
        """More bytes give it hardly more time."""
        halves = (
            HEAD[:40].encode(),
            HEAD.encode() + b"X: " + b"x" * 5000,
            HEAD.encode() + b'Content-Length: 500\r\n\r\n{"source_type":',
            READY + b"\r\nGET",
        )
        began = time.monotonic()
        clients = [connect(server) for _ in range(40)]
        for client, half in zip(clients, itertools.cycle(halves), strict=False):
            client.sendall(half)
        assert server.request("GET", "/model-hub/sources/").status_code == 200
        time.sleep(SECONDS - 1)
        for client in clients:
            client.sendall(b"x")
        for client in clients:
            answer = read_all(client)
            assert b"HTTP/1.1 408 " in answer
            assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["code"] == "request_timeout"
            client.close()
        assert SECONDS <= time.monotonic() - began < SECONDS + 6

    def test_a_body_may_take_longer_while_it_comes_fast_enough(self, server: Server) -> None:
        body = b" " * 2_000_000 + b"{}"
        with connect(server) as client:
            client.sendall(f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode())
            for start in range(0, len(body), 250_000):
                client.sendall(body[start : start + 250_000])
                time.sleep(SECONDS / 6)
            assert client.recv(65536).startswith(b"HTTP/1.1 400 ")

    def test_an_idle_connection_ends_after_keepalive(self, server: Server) -> None:
        with connect(server) as client:
            client.sendall(READY + b"\r\n")
            began = time.monotonic()
            assert read_all(client).startswith(b"HTTP/1.1 200 ")
            assert 1.5 < time.monotonic() - began < 6

    def test_an_export_that_is_not_read_ends(self, server: Server) -> None:
        with connect(server, receive_bytes=4096) as client:
            client.sendall(f"GET {EXPORT} HTTP/1.1\r\nHost: x\r\n{KEYS}\r\n".encode())
            assert server.logged("client_does_not_read", seconds=SECONDS + 10)
            assert len(read_all(client)) < 15_000_000

    def test_exports_that_are_not_read_delay_another_keys_export_by_one_timeout(self, server: Server) -> None:
        with psycopg.connect(server.database_url) as connection:
            connection.execute(SECOND_KEY)
        with contextlib.ExitStack() as unread:
            for _ in range(16):
                client = unread.enter_context(connect(server, receive_bytes=4096))
                client.sendall(f"GET {EXPORT} HTTP/1.1\r\nHost: x\r\n{KEYS}\r\n".encode())
            began = time.monotonic()
            answer = server.request(
                "GET", f"{EXPORT}?label_type=star", headers=server.headers | {"X-Api-Key": "second"}
            )
            assert (answer.status_code, answer.content) == (200, b"")
            assert time.monotonic() - began < SECONDS + 2

    def test_an_export_that_is_read_is_whole(self, server: Server) -> None:
        """Control: the pauses are shorter than the timeout."""
        with requests.get(server.base_url + EXPORT, headers=server.headers, stream=True, timeout=60) as answer:
            parts = []
            for number, part in enumerate(answer.iter_content(1_000_000)):
                parts.append(part)
                time.sleep(SECONDS / 2 if number in {0, 5} else 0)
        assert b"".join(parts).count(b"\n") == EXPORTED

    def test_answers_of_pipelined_requests_that_are_not_read_end(self, server: Server) -> None:
        """And while they wait, their thread serves others."""
        with connect(server, receive_bytes=4096) as client:
            client.settimeout(1)
            with contextlib.suppress(OSError):
                while True:
                    client.sendall(b"GET /schema/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            before = len(server.logged("client_does_not_read"))
            measured = measure(server, "/model-hub/sources/", "/healthz", seconds=1)
            assert measured.most() < MOST_ANSWERS_SECONDS
            end = time.monotonic() + SECONDS + 10
            while len(server.logged("client_does_not_read", seconds=0)) <= before and time.monotonic() < end:
                time.sleep(0.1)
            assert time.monotonic() < end


@pytest.mark.slow
class TestAttacks:
    """Meanwhile honest requests are answered, and the worker stays small."""

    def withstands(self, server: Server, name: str) -> None:
        measured = measure(server, "/model-hub/sources/", "/healthz", seconds=SECONDS + 2)
        print(f"\n{name}: {measured}")
        assert measured.most() < MOST_ANSWERS_SECONDS, measured
        assert measured.slowest() < ANSWER_SECONDS, measured
        assert measured.megabytes < WORKER_MEGABYTES

    def test_posts_to_the_login_byte_by_byte(self, server: Server) -> None:
        first = LOGIN.replace("multipart/form-data; boundary=x", "application/x-www-form-urlencoded")
        head = f"{first}Content-Length: 500\r\n\r\n".encode()
        with attack(server, CONNECTIONS, first=head, then=lambda client: client.sendall(b"x")):
            self.withstands(server, "posts byte by byte")

    @pytest.mark.slow
    def test_heads_byte_by_byte(self, server: Server) -> None:
        with attack(server, CONNECTIONS, first=b"GET / HTTP/1.1\r\nX: ", then=lambda client: client.sendall(b"x")):
            self.withstands(server, "heads byte by byte")

    @pytest.mark.slow
    def test_slow_readers_of_a_static_file(self, server: Server) -> None:
        def read_one(client: socket.socket) -> None:
            if not client.recv(1):
                raise ConnectionError

        with attack(server, CONNECTIONS, first=STATIC, then=read_one, receive_bytes=4096):
            self.withstands(server, "slow readers of a static file")

    @pytest.mark.slow
    def test_uploads_that_are_too_large(self, server: Server) -> None:
        first = f"{LOGIN}Content-Length: 400000000\r\n\r\n".encode() + b"--x\r\n" * 1000
        with attack(server, CONNECTIONS, first=first, then=lambda client: client.sendall(b"x" * 65536), every=0.1):
            self.withstands(server, "uploads of 400 MB")

    @pytest.mark.slow
    def test_uploads_in_chunks_that_are_too_large(self, server: Server) -> None:
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        first = f"{LOGIN}Transfer-Encoding: chunked\r\n\r\n".encode()
        with attack(server, CONNECTIONS, first=first, then=lambda client: client.sendall(chunk), every=0.1):
            self.withstands(server, "uploads in chunks")

    def test_exports_that_are_not_read(self, server: Server) -> None:
        first = f"GET {EXPORT} HTTP/1.1\r\nHost: x\r\n{KEYS}\r\n".encode()
        with attack(server, 50, first=first, receive_bytes=4096):
            self.withstands(server, "exports that are not read")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "most_megabytes"), [(EXPORT, WORKER_MEGABYTES), ("/model-hub/scores/?limit=200", 2 * WORKER_MEGABYTES)]
)
def test_large_values_stay_in_no_memory(folder: Path, path: str, most_megabytes: int) -> None:
    """Ten clients read and 30 do not; pages of 12 MB are read by four threads at once."""
    settings = {"MODELHUB_WORKERS": "1", "MODELHUB_CLIENT_TIMEOUT": str(SECONDS)}
    with running_server(folder, **settings) as server:
        with psycopg.connect(server.database_url) as connection:
            connection.execute(many_scores(1000, 60_000))
        first = f"GET {path} HTTP/1.1\r\nHost: x\r\n{KEYS}\r\n".encode()
        with attack(server, 30, first=first, receive_bytes=4096):
            unread = measure(server, "/healthz", seconds=3 * SECONDS)
        with ThreadPoolExecutor(10) as pool:
            read = [pool.submit(server.request, "GET", path, timeout=60) for _ in range(10)]
            reading = measure(server, "/healthz", seconds=SECONDS)
        assert {len(each.result().content) > 12_000_000 for each in read} == {True}
        print(f"\n{path}: {unread.megabytes:.0f} MB unread, {reading.megabytes:.0f} MB read")
        assert max(unread.megabytes, reading.megabytes) < most_megabytes


class TestRefusals:
    def test_a_body_that_is_promised_too_large_is_refused_before_it_is_sent(self, server: Server) -> None:
        with connect(server) as client:
            client.sendall(f"{HEAD}Content-Length: 99999999999999\r\n\r\n{{}}".encode())
            assert client.recv(65536).startswith(b"HTTP/1.1 413 ")

    def test_a_client_that_sends_all_of_a_large_body_reads_the_413(self, server: Server) -> None:
        """The connection is not reset while the client still sends."""
        for _ in range(5):
            answer = server.request("POST", "/admin/login/", data=b"x" * 20_000_000)
            assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")

    @pytest.mark.parametrize("size", [16_300, 16_383, 16_384, 20_000])
    def test_the_limit_of_a_head_does_not_depend_on_its_pieces(self, server: Server, size: int) -> None:
        head = READY + b"X: " + b"x" * (size - len(READY) - len(b"X: \r\n\r\n")) + b"\r\n"
        for pieces in ([head + b"\r\n"], [head + b"\r", b"\n"]):
            with connect(server) as client:
                for piece in pieces:
                    with contextlib.suppress(ConnectionError):
                        client.sendall(piece)
                    time.sleep(0.1)
                assert client.recv(65536).startswith(b"HTTP/1.1 " + (b"200" if size < 16_384 else b"431"))

    def test_a_client_that_goes_away_in_the_middle_is_no_error(self, server: Server) -> None:
        with connect(server) as client:
            client.sendall(HEAD.encode() + b'Content-Length: 500\r\n\r\n{"source_type":')
        assert server.request("GET", "/model-hub/sources/").status_code == 200


class TestPieces:
    def test_requests_may_come_in_pieces_and_in_one(self, server: Server) -> None:
        """Also one end with the next beginning; the answers keep the order."""
        paths = ["/readyz", "/healthz", "/model-hub/", "/readyz"]
        requests_ = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {'x' * 3000}\r\n\r\n".encode() for path in paths]
        sent = b"\r\n".join(requests_)
        for size in (1111, len(sent)):
            with connect(server) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for start in range(0, len(sent), size):
                    client.sendall(sent[start : start + size])
                    time.sleep(0.02)
                client.shutdown(socket.SHUT_WR)
                statuses = re.findall(rb"HTTP/1.1 (\d+) ", read_all(client))
            assert statuses == [b"200", b"200", b"404", b"200"]

    def test_a_connection_that_is_over_and_not_closed_by_its_client_holds_up_no_other(self, server: Server) -> None:
        clients = [connect(server) for _ in range(10)]
        for client in clients:
            client.sendall(READY + b"Connection: close\r\n\r\n")
        began = time.monotonic()
        assert server.request("GET", "/model-hub/sources/").status_code == 200
        assert time.monotonic() - began < 1.5
        for client in clients:
            assert read_all(client).startswith(b"HTTP/1.1 200 ")
            client.close()

    def test_clients_that_go_on_at_once_keep_no_other_waiting(self, server: Server) -> None:
        ended, answers = threading.Event(), itertools.count()

        def go_on() -> None:
            with requests.Session() as session:
                while not ended.is_set():
                    assert session.get(server.base_url + "/model-hub/scores/", timeout=10).status_code == 401
                    next(answers)

        clients = [threading.Thread(target=go_on) for _ in range(3)]
        for client in clients:
            client.start()
        try:
            measured = measure(server, "/model-hub/sources/", seconds=2)
        finally:
            ended.set()
            for client in clients:
                client.join()
        assert measured.most() < MOST_ANSWERS_SECONDS
        assert next(answers) > 30


def test_a_body_without_room_on_the_disk_is_a_503(folder: Path) -> None:
    """Bodies above 256 KB wait in TMPDIR, in the container a small file system."""
    with small_disk(1) as disk, running_server(folder, TMPDIR=str(disk)) as server:
        (disk / "filler").write_bytes(b"x" * 900_000)
        large = server.request("POST", "/model-hub/sources/", data=b" " * 300_000)
        assert (large.status_code, large.json()["code"]) == (503, "service_unavailable")
        assert server.request("POST", "/model-hub/sources/", data=b"{}").status_code == 400
        (disk / "filler").unlink()
        assert server.request("POST", "/model-hub/sources/", data=b" " * 300_000).status_code == 400


def test_an_answer_without_room_on_the_disk_is_logged(folder: Path) -> None:
    """The client sees fewer bytes than the answer promised."""
    with small_disk(1) as disk, running_server(folder, TMPDIR=str(disk)) as server:
        body = {"source_type": "trace", "metadata": {"text": "x" * 60_000}}
        for number in range(40):
            source = body | {"source_id": str(number)}
            assert server.request("POST", "/model-hub/sources/", json=source).status_code == 201
        path = "/model-hub/sources/?limit=50"
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            assert len(server.request("GET", path).content) > 2_000_000
        [line] = server.logged("answer_cut")
        assert "No space left" in line
        assert server.request("GET", "/model-hub/sources/?limit=5").status_code == 200
