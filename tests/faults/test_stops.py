"""Graceful stop: `/readyz` fails, requests in flight finish, exit status 0."""

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from tests.faults.clients import connect, read_all
from tests.faults.raw import head
from tests.servers import Server, running_server
from tests.waiting import wait_for

BULK = "/model-hub/scores/bulk/"
WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
SCORE = {"label_id": "", "value": "x"}
BODY: dict[str, Any] = {"source_type": "trace", "source_id": "held", "scores": [SCORE]}


@contextmanager
def held_source(server: Server) -> Iterator[tuple[dict[str, Any], psycopg.Connection[Any]]]:
    """Lock a source; yield a body that scores it, and the connection with the lock."""
    [label, *_] = server.request("GET", "/model-hub/annotations-labels/?type=text").json()["results"]
    body = BODY | {"scores": [SCORE | {"label_id": label["id"]}]}
    assert server.request("POST", BULK, json=body).status_code == 201
    with psycopg.connect(server.database_url) as other:
        other.execute("SELECT 1 FROM modelhub_source WHERE source_key = 'held' FOR UPDATE")
        yield body, other


@contextmanager
def in_flight(server: Server, body: dict[str, Any], *, count: int) -> Iterator[list[requests.Response]]:
    """Send requests that wait for the lock; the list has their answers afterwards."""
    answers: list[requests.Response] = []
    clients = [
        threading.Thread(target=lambda: answers.append(server.request("POST", BULK, json=body))) for _ in range(count)
    ]
    for client in clients:
        client.start()
    with psycopg.connect(server.database_url, autocommit=True) as watcher:
        wait_for(lambda: watcher.execute(WAITING).fetchone() is not None)
    yield answers
    for client in clients:
        client.join()


def refuses_connections(server: Server) -> bool:
    try:
        requests.get(server.base_url + "/healthz", timeout=5)
    except requests.ConnectionError:
        return True
    return False


def says_it_stops(server: Server) -> bool:
    answer = requests.get(server.base_url + "/readyz", timeout=5)
    return (answer.status_code, answer.json()["status"]) == (503, "stopping")


def test_requests_in_flight_are_finished_before_the_end(folder: Path) -> None:
    """Of fifty requests most wait for a thread, and one has not arrived completely."""
    settings = {
        "MODELHUB_AUTO_CREATE_SOURCES": "true",
        "MODELHUB_LOCK_TIMEOUT_MS": "20000",
        "MODELHUB_STATEMENT_TIMEOUT_MS": "20000",
        "MODELHUB_DRAIN_SECONDS": "1",
    }
    with running_server(folder, **settings) as server:
        with (
            held_source(server) as (body, holder),
            in_flight(server, body, count=50) as answers,
            connect(server) as late,
        ):
            late.sendall(b"GET /healthz HTTP/1.1\r\n")
            time.sleep(1)  # all fifty have arrived
            started = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            wait_for(lambda: refuses_connections(server))
            assert time.monotonic() - started >= 1
            assert server.process.poll() is None
            assert not answers
            late.sendall(b"Host: 127.0.0.1\r\n\r\n")
            answer = read_all(late)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"\r\nConnection: close\r\n" in answer
            holder.rollback()
        assert [answer.status_code for answer in answers] == [201] * 50
        assert server.process.wait(timeout=60) == 0


@pytest.mark.parametrize("keep_alive", [False, True])
def test_a_stop_under_load_loses_no_request(folder: Path, keep_alive: bool) -> None:
    """Fifty clients go on until the port is closed; each accepted connection is answered.

    The kernel resets one connection, if it completes it in the moment between the last accept and the close. A client
    that keeps connections makes a new one, too, after the last answer of a worker.
    """
    results: Counter[object] = Counter()

    def go_on(port: int, headers: dict[str, str]) -> None:
        client = HTTPConnection("127.0.0.1", port, timeout=30)
        is_new = True
        try:
            while True:
                is_new = client.sock is None
                client.request("GET", "/model-hub/sources/", headers=headers)
                answer = client.getresponse()
                answer.read()
                results[answer.status] += 1
                if not keep_alive:
                    client.close()
        except ConnectionRefusedError:
            results["refused"] += 1
        except ConnectionResetError:
            results["a new connection was reset" if is_new else "a used one was reset"] += 1
        except (OSError, HTTPException) as error:
            results[type(error)] += 1

    with running_server(folder) as server:
        port = int(server.base_url.rsplit(":", 1)[1])
        clients = [threading.Thread(target=go_on, args=[port, server.headers]) for _ in range(50)]
        for client in clients:
            client.start()
        wait_for(lambda: results[200] > 50)
        assert server.stop() == 0
        for client in clients:
            client.join()
    assert results.pop("a new connection was reset", 0) <= 1
    assert set(results) == {200, "refused"}, results


def test_a_drain_serves_until_ctrl_c(folder: Path) -> None:
    with running_server(folder, MODELHUB_DRAIN_SECONDS="3600") as server:
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: says_it_stops(server))
        label = {"name": "Late", "type": "star"}
        assert server.request("POST", "/model-hub/annotations-labels/", json=label).status_code == 200
        assert server.request("GET", "/healthz").status_code == 200
        server.signal_group(signal.SIGINT)
        assert server.process.wait(timeout=60) == 0


def test_idle_connections_and_half_requests_do_not_hold_up_a_stop(folder: Path) -> None:
    with running_server(folder, MODELHUB_CLIENT_TIMEOUT="2") as server:
        clients = [connect(server) for _ in range(20)]
        for client in clients[10:]:
            client.sendall(b"POST /model-hub/scores/bulk/ HTTP/1.1\r\nContent-Le")
        assert server.request("GET", "/readyz").status_code == 200
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 10
        for client in clients:
            client.close()


@pytest.mark.slow
def test_a_stop_waits_for_a_request_no_longer_than_its_timeout(folder: Path) -> None:
    settings = {
        "MODELHUB_AUTO_CREATE_SOURCES": "true",
        "MODELHUB_REQUEST_TIMEOUT": "3",
        "MODELHUB_LOCK_TIMEOUT_MS": "0",
    }
    with running_server(folder, **settings) as server, held_source(server) as (body, _), connect(server) as client:
        content = json.dumps(body).encode()
        client.sendall(head(BULK, f"Content-Length: {len(content)}") + content)
        time.sleep(1)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
        assert 2 < time.monotonic() - started < 15


@pytest.mark.slow
def test_a_worker_with_a_stuck_request_is_replaced(folder: Path) -> None:
    """Its other threads answer meanwhile."""
    settings = {
        "MODELHUB_AUTO_CREATE_SOURCES": "true",
        "MODELHUB_WORKERS": "1",
        "MODELHUB_REQUEST_TIMEOUT": "2",
        "MODELHUB_LOCK_TIMEOUT_MS": "0",
        "MODELHUB_STATEMENT_TIMEOUT_MS": "0",
    }
    with running_server(folder, **settings) as server, held_source(server) as (body, holder), connect(server) as client:
        before, started = server.workers(), time.monotonic()
        content = json.dumps(body).encode()
        client.sendall(head(BULK, f"Content-Length: {len(content)}") + content)
        while server.workers() == before:
            assert server.request("GET", "/healthz").status_code == 200
            assert time.monotonic() - started < 30
            time.sleep(0.2)
        assert time.monotonic() - started > 4
        holder.rollback()
        wait_for(lambda: not refuses_connections(server))
        assert server.request("POST", BULK, json=body).status_code == 201
