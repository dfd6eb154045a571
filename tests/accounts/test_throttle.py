"""Whoever asks too often: two real workers that count together, one address a test (behind a trusted proxy)."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from tests.servers import Server, data_folder, environment, manage, running_server

SOURCES = "/model-hub/sources/"
LOGIN = "/admin/login/"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    rates = {
        "MODELHUB_RATE_FAILED_LOGINS": "9/hour",
        "MODELHUB_RATE_PER_ADDRESS": "60/hour",
        "MODELHUB_RATE_PER_KEY": "150/hour",
    }
    more = {"MODELHUB_TRUSTED_PROXIES": "1", "MODELHUB_BOOTSTRAP_PASSWORD": "a good password", "MODELHUB_WORKERS": "2"}
    with data_folder() as folder, running_server(folder, **rates, **more) as server:
        yield server


def ask(server: Server, address: str, headers: dict[str, str], path: str = SOURCES) -> requests.Response:
    """A request that the trusted proxy saw come from that address, over a connection of its own."""
    return server.request("GET", path, headers={"X-Forwarded-For": address, **headers})


def ask_often(server: Server, times: int, address: str, headers: dict[str, str], path: str = SOURCES) -> list[int]:
    """The statuses of so many requests, eight at a time, so that both workers have some."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda _: ask(server, address, headers, path).status_code, range(times)))


def log_in(server: Server, address: str, login: str, password: str) -> requests.Response:
    """What a browser does: the form first, for its token."""
    session = requests.Session()
    session.headers["X-Forwarded-For"] = address
    form = session.get(server.base_url + LOGIN, timeout=30)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
    assert token
    fields = {"username": login, "password": password, "csrfmiddlewaretoken": token[1]}
    return session.post(server.base_url + LOGIN, data=fields, allow_redirects=False, timeout=30)


class TestRequests:
    """60 an hour from one address, 150 an hour of one key."""

    def test_an_address(self, server: Server) -> None:
        statuses = ask_often(server, 90, "10.0.1.1", {}, "/docs/")
        assert set(statuses) == {200, 429}
        assert 60 <= statuses.count(200) < 90
        answer = ask(server, "10.0.1.1", {}, "/model-hub/nothing/")
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert answer.json()["detail"].startswith("Too many requests from 10.0.1.1: the limit is 60 per hour. Try")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert ask(server, "10.0.1.1", {}, "/healthz").status_code == 200

    def test_a_key(self, server: Server) -> None:
        made = manage("create_api_key", env=environment(data_of(server))).stdout.split()
        pair = {"X-Api-Key": made[2], "X-Secret-Key": made[5]}
        statuses = [status for number in range(4) for status in ask_often(server, 50, f"10.0.2.{number}", pair)]
        assert set(statuses) == {200, 429}
        assert 150 <= statuses.count(200) < 190
        answer = ask(server, "10.0.2.9", pair)
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert "Too many requests with this API key: the limit is 150 per hour." in answer.json()["detail"]
        assert ask(server, "10.0.2.9", server.headers).status_code == 200


def data_of(server: Server) -> Path:
    return Path(psutil.Process(server.process.pid).environ()["MODELHUB_DATA_DIR"])


class TestTheAdmin:
    """9 attempts an hour from one address, 3 an hour of one login."""

    def test_one_login_from_everywhere(self, server: Server) -> None:
        statuses = [log_in(server, f"10.0.3.{number}", "someone@example.com", "x").status_code for number in range(5)]
        assert statuses == [200] * 3 + [429] * 2
        answer = log_in(server, "10.0.3.7", " Someone@Example.com", "x")
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert "Too many attempts to log in with this name: the limit is 3 per hour." in answer.json()["detail"]
        assert 1100 <= int(answer.headers["Retry-After"]) <= 1200

    def test_one_address_with_every_login(self, server: Server) -> None:
        statuses = [log_in(server, "10.0.4.1", f"{number}@example.com", "x").status_code for number in range(11)]
        assert statuses == [200] * 9 + [429] * 2

    def test_nobody_locks_an_admin_out_of_where_he_logged_in_before(self, server: Server) -> None:
        admin, password = "admin@example.com", "a good password"
        assert log_in(server, "10.0.5.1", admin, password).status_code == 302
        for number in range(4):
            log_in(server, f"10.0.6.{number}", admin, "x")
        assert log_in(server, "10.0.6.9", admin, password).status_code == 429
        assert log_in(server, "10.0.5.1", admin, password).status_code == 302
