"""Clients that lie about the length of a body, or stop sending it, hold nobody up for long."""

import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest
import requests

from tests.servers import API_KEY, SECRET_KEY, Server, running_server

HEAD = (
    "POST /model-hub/scores/bulk/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    f"X-Api-Key: {API_KEY}\r\nX-Secret-Key: {SECRET_KEY}\r\nContent-Length: 500\r\n\r\n"
)


def test_a_body_that_never_ends_is_a_400_and_frees_its_thread(folder: Path) -> None:
    """Three times as many stuck clients as there are threads."""
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS="2", MODELHUB_CLIENT_TIMEOUT="1") as server:
        port = int(server.base_url.rsplit(":", 1)[1])
        stuck = [socket.create_connection(("127.0.0.1", port)) for _ in range(6)]
        for client in stuck:
            client.sendall(HEAD.encode() + b'{"source_type":')
        started = time.monotonic()
        assert server.request("GET", "/model-hub/sources/").status_code == 200
        assert time.monotonic() - started < 10
        for client in stuck:
            client.settimeout(10)
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 400 ")
            client.close()
        assert any('"status": 400' in line for line in server.log)
        assert not any("Traceback" in line for line in server.log)


def test_a_client_that_goes_away_in_the_middle_is_no_error_of_ours(folder: Path) -> None:
    with running_server(folder) as server:
        port = int(server.base_url.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(HEAD.encode() + b'{"source_type":')
        assert server.request("GET", "/model-hub/sources/").status_code == 200
        assert not any('"status": 500' in line or "unforeseen" in line for line in server.log)


def test_clients_without_a_key_hold_nobody_up(folder: Path) -> None:
    """They are answered at once, and their threads do not wait for the rest of their bodies."""
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS="2") as server:
        port = int(server.base_url.rsplit(":", 1)[1])
        stuck = [socket.create_connection(("127.0.0.1", port)) for _ in range(16)]
        for client in stuck:
            client.sendall(HEAD.replace("X-Api-Key", "X-Other").encode() + b"{}")
        started = time.monotonic()
        assert server.request("GET", "/healthz").status_code == 200
        assert time.monotonic() - started < 5
        for client in stuck:
            assert client.recv(65536).startswith(b"HTTP/1.1 401 ")
            client.close()


def test_a_body_that_is_promised_too_large_is_refused_before_it_is_sent(folder: Path) -> None:
    with running_server(folder) as server:
        port = int(server.base_url.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(5)
            client.sendall(HEAD.replace("500", "99999999999999").encode() + b"{}")
            assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("threads", ["1", "2"])
def test_clients_that_go_on_at_once_keep_nobody_waiting(folder: Path, threads: str) -> None:
    """A thread stays with a client for a moment, but not when it is the last one, or when somebody waits."""
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS=threads) as server:
        ended, answers = threading.Event(), [0, 0, 0]

        def go_on(client: int) -> None:
            with requests.Session() as session:
                while not ended.is_set():
                    answers[client] += (
                        session.get(server.base_url + "/model-hub/scores/", timeout=10).status_code == 401
                    )

        clients = [threading.Thread(target=go_on, args=[client]) for client in range(len(answers))]
        for client in clients:
            client.start()
        slowest = 0.0
        for _ in range(30):
            started = time.monotonic()
            assert server.request("GET", "/model-hub/sources/").status_code == 200
            slowest = max(slowest, time.monotonic() - started)
        ended.set()
        for client in clients:
            client.join()

    assert slowest < 2
    assert min(answers) > 10


def test_the_thread_of_those_who_watch_stays_with_nobody(folder: Path) -> None:
    """Whoever asks how the server is, and then sends half a request, is no obstacle to the next who asks."""
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS="2") as server:
        port = int(server.base_url.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
            client.sendall(HEAD.encode() + b'{"source_type":')
            started = time.monotonic()
            assert server.request("GET", "/healthz").status_code == 200
            assert time.monotonic() - started < 3


def connections(server: Server, count: int, *, sending: bytes) -> list[socket.socket]:
    """Clients that send this and then nothing more."""
    port = int(server.base_url.rsplit(":", 1)[1])
    clients = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(count)]
    for client in clients:
        client.sendall(sending)
    return clients


@pytest.mark.parametrize(
    "sending",
    [HEAD[:40].encode(), HEAD[:-2].encode() + b"X: " + b"x" * 5000, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\nGET"],
    ids=["a line", "a long one", "the second one"],
)
def test_half_a_head_holds_no_thread(folder: Path, sending: bytes) -> None:
    """However it goes on: it gets a thread once it is whole. Until then it costs a socket."""
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS="2", MODELHUB_CLIENT_TIMEOUT="3") as server:
        stuck = connections(server, 20, sending=sending)
        started = time.monotonic()
        assert server.request("GET", "/model-hub/sources/").status_code == 200
        assert time.monotonic() - started < 2
        time.sleep(1.5)
        # More of it gives it no more time.
        for client in stuck:
            client.sendall(b"x")
        for client in stuck:
            answer = b""
            while part := client.recv(65536):
                answer += part
            assert b"HTTP/1.1 408 " in answer
            assert time.monotonic() - started < 8
            client.close()
        assert len(server.logged('"status": 408')) == 20
        assert not [line for line in server.log if "Traceback" in line or '"status": 500' in line]


def test_who_reads_no_answer_is_let_go_without_an_error(folder: Path) -> None:
    """The answers fill what the network keeps for it, and then a thread waits: not for long."""
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS="2", MODELHUB_CLIENT_TIMEOUT="1") as server:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", int(server.base_url.rsplit(":", 1)[1])))
            client.settimeout(20)
            with contextlib.suppress(OSError):
                while True:
                    client.sendall(b"GET /schema/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert server.logged("nobody_reads_the_answer")
        assert not [line for line in server.log if "Traceback" in line or '"level": "error"' in line]


def test_a_head_may_come_in_pieces(folder: Path) -> None:
    """Also several requests, and the end of one with the beginning of the next."""
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS="2") as server:
        request = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"x" * 6000 + b"\r\n\r\n"
        sent = b"\r\n" + request * 4
        [client] = connections(server, 1, sending=b"")
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(sent), 1111):
            client.sendall(sent[start : start + 1111])
            time.sleep(0.02)
        answers = b""
        while answers.count(b'"status":"ready"') < 4:
            part = client.recv(65536)
            assert part
            answers += part
        client.shutdown(socket.SHUT_WR)
        assert client.recv(65536) == b""
        client.close()


def test_a_head_without_an_end_is_refused_where_it_is_too_long(folder: Path) -> None:
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS="2") as server:
        for sending, status in (
            (b"GET /" + b"x" * 100_000, b"414"),
            (HEAD[:-2].encode() + b"X: y\r\n" * 20_000, b"431"),
        ):
            [client] = connections(server, 1, sending=sending)
            assert client.recv(65536).startswith(b"HTTP/1.1 " + status)
            client.close()


def test_half_a_head_does_not_hold_up_a_stop(folder: Path) -> None:
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS="2") as server:
        clients = connections(server, 10, sending=HEAD[:40].encode())
        assert server.request("GET", "/readyz").status_code == 200
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 10
        for client in clients:
            client.close()


def test_who_does_not_end_a_connection_that_is_over_holds_nobody_up(folder: Path) -> None:
    """The end of a connection is waited for, lest the answer be lost, but not by who accepts the others."""
    request = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS="2") as server:
        clients = connections(server, 10, sending=request)
        started = time.monotonic()
        assert server.request("GET", "/model-hub/sources/").status_code == 200
        assert time.monotonic() - started < 1.5
        for client in clients:
            answer = b""
            while part := client.recv(65536):
                answer += part
            assert answer.startswith(b"HTTP/1.1 200 ")
            client.close()


@pytest.mark.parametrize(
    ("sending", "status"),
    [
        (b"GET /readyz HTTP/1.1\nHost: x\n\n", b"400"),
        (b"GET /readyz HTTP/1.1\r\nHost: x\n\n", b"400"),
        (b"garbage\r\n", b"400"),
        (b"FOO BAR\r\nHost: x\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00", b"400"),
        (b"GET /" + b"a" * 9000, b"414"),
    ],
)
def test_what_cannot_become_a_head_is_refused_before_its_end(folder: Path, sending: bytes, status: bytes) -> None:
    """Who types a request by hand ends lines with LF, and waits for an answer."""
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS="2") as server:
        started = time.monotonic()
        [client] = connections(server, 1, sending=sending)
        assert client.recv(65536).startswith(b"HTTP/1.1 " + status)
        assert time.monotonic() - started < 5
        client.close()


@pytest.mark.parametrize("size", [65_536, 65_600, 70_000])
def test_how_long_a_head_may_be_does_not_depend_on_its_pieces(folder: Path, size: int) -> None:
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS="2") as server:
        begin = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        lines = b"".join(b"X-%d: " % number + b"x" * 7000 + b"\r\n" for number in range(9))
        rest = size - len(begin) - len(lines) - len(b"X: \r\n")
        head = begin + lines + b"X: " + b"x" * rest + b"\r\n"
        for pieces in ([head + b"\r\n"], [head + b"\r", b"\n"]):
            [client] = connections(server, 1, sending=b"")
            for piece in pieces:
                client.sendall(piece)
                time.sleep(0.3)
            assert client.recv(65536).startswith(b"HTTP/1.1 " + (b"200" if size == 65_536 else b"431"))
            client.close()


def test_who_watches_is_not_held_up_by_who_asks_and_does_not_read(folder: Path) -> None:
    """Thousands of answers that nobody reads fill the connection, and the next one waits."""
    with running_server(folder, MODELHUB_WORKERS="1", MODELHUB_THREADS="4") as server:
        [client] = connections(server, 1, sending=b"")
        client.setblocking(False)
        end, slowest = time.monotonic() + 6, 0.0
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                for _ in range(50):
                    client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
            started = time.monotonic()
            assert server.request("GET", "/healthz").status_code == 200
            slowest = max(slowest, time.monotonic() - started)
        client.close()
    assert slowest < 2
