"""How the server stops: first it says so, then it finishes what it has begun, then it ends with 0."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests

from tests.servers import Server, running_server

BULK = "/model-hub/scores/bulk/"
WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
SCORE = {"label_id": "", "value": "x"}
BODY: dict[str, Any] = {"source_type": "trace", "source_id": "held", "scores": [SCORE]}


@contextmanager
def held_source(server: Server) -> Iterator[tuple[dict[str, Any], psycopg.Connection[Any]]]:
    """A body whose source somebody else holds the lock of, and that somebody."""
    [label, *_] = server.request("GET", "/model-hub/annotations-labels/?type=text").json()["results"]
    body = BODY | {"scores": [SCORE | {"label_id": label["id"]}]}
    assert server.request("POST", BULK, json=body).status_code == 201
    with psycopg.connect(server.database_url) as other:
        other.execute("SELECT 1 FROM modelhub_source WHERE source_key = 'held' FOR UPDATE")
        yield body, other


@contextmanager
def in_flight(server: Server, body: dict[str, Any]) -> Iterator[list[requests.Response]]:
    """A request with this body that waits in the database; the list has its answer after the block."""
    answers: list[requests.Response] = []
    request = threading.Thread(target=lambda: answers.append(server.request("POST", BULK, json=body)))
    request.start()
    with psycopg.connect(server.database_url, autocommit=True) as watcher:
        wait_for(lambda: watcher.execute(WAITING).fetchone() is not None)
    yield answers
    request.join()


def wait_for(happens: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.05)


def refuses_connections(server: Server) -> bool:
    try:
        requests.get(server.base_url + "/healthz", timeout=5)
    except requests.ConnectionError:
        return True
    return False


def says_it_stops(server: Server) -> bool:
    answer = requests.get(server.base_url + "/readyz", timeout=5)
    return (answer.status_code, answer.json()["status"]) == (503, "stopping")


def test_a_request_in_flight_is_finished_before_the_end(folder: Path) -> None:
    more = {"MODELHUB_AUTO_CREATE_SOURCES": "true", "MODELHUB_LOCK_TIMEOUT_MS": "20000", "MODELHUB_DRAIN_SECONDS": "1"}
    with running_server(folder, **more) as server:
        with held_source(server) as (body, holder), in_flight(server, body) as answers:
            started = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            wait_for(lambda: refuses_connections(server))
            assert time.monotonic() - started >= 1
            assert server.process.poll() is None
            assert not answers
            holder.rollback()
        assert [answer.status_code for answer in answers] == [201]
        assert server.process.wait(timeout=60) == 0


def test_during_the_drain_it_says_so_and_serves_until_a_second_signal(folder: Path) -> None:
    with running_server(folder, MODELHUB_DRAIN_SECONDS="3600", MODELHUB_WORKERS="1") as server:
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: says_it_stops(server))
        label = {"name": "Late", "type": "star"}
        assert server.request("POST", "/model-hub/annotations-labels/", json=label).status_code == 200
        assert server.request("GET", "/healthz").status_code == 200
        # A worker that dies meanwhile is replaced, and its successor knows, too.
        [worker] = psutil.Process(server.process.pid).children()
        worker.kill()
        wait_for(lambda: psutil.Process(server.process.pid).children() not in ([], [worker]))
        assert says_it_stops(server)
        assert server.stop(signal.SIGTERM) == 0


def test_a_terminal_does_not_wait_for_the_drain(folder: Path) -> None:
    with running_server(folder, MODELHUB_DRAIN_SECONDS="3600") as server:
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: says_it_stops(server))
        server.signal_group(signal.SIGINT)
        assert server.process.wait(timeout=60) == 0
