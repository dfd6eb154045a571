"""Rate limits on real servers, with one client address per test."""

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from django.core.cache import CacheHandler, cache
from django.core.cache.backends.locmem import LocMemCache
from django.test import RequestFactory, override_settings

from modelhub.accounts.throttling import AddressThrottle, LoginHandler, client_address, count_up
from modelhub.core.errors import RateLimited
from tests.servers import API_KEY, Server, data_folder, environment, free_port, manage, running_server

SOURCES = "/model-hub/sources/"
LOGIN = "/admin/login/"
PASSWORD = "a good password"
PAGES = "https://pages.example.com"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One worker, because each worker counts by itself without a shared cache."""
    rates = {
        "MODELHUB_RATE_FAILED_LOGINS": "3/hour",
        "MODELHUB_RATE_PER_ADDRESS": "60/hour",
        "MODELHUB_RATE_PER_KEY": "90/hour",
    }
    more = {"MODELHUB_TRUSTED_PROXIES": "1", "MODELHUB_BOOTSTRAP_PASSWORD": PASSWORD, "MODELHUB_WORKERS": "1"}
    more["MODELHUB_CORS_ORIGINS"] = PAGES
    with data_folder() as folder, running_server(folder, **rates, **more) as server:
        env = environment(data_of(server), DJANGO_SUPERUSER_PASSWORD=PASSWORD)
        for name in ("wide", "upper", "blank", "lucky"):
            manage("createsuperuser", "--noinput", "--email", f"{name}@example.com", env=env)
        yield server


def ask(server: Server, address: str, headers: dict[str, str], path: str = SOURCES) -> requests.Response:
    """Send a request as the trusted proxy would for this address."""
    return server.request("GET", path, headers={"X-Forwarded-For": address, **headers})


def ask_often(server: Server, times: int, address: str, headers: dict[str, str], path: str = SOURCES) -> list[int]:
    return [ask(server, address, headers, path).status_code for _ in range(times)]


def log_in(server: Server, address: str, login: str, password: str) -> requests.Response:
    """Log in like a browser, which reads the token of the form first."""
    session = requests.Session()
    session.headers["X-Forwarded-For"] = address
    form = session.get(server.base_url + LOGIN, timeout=30)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
    assert token
    fields = {"username": login, "password": password, "csrfmiddlewaretoken": token[1]}
    return session.post(server.base_url + LOGIN, data=fields, allow_redirects=False, timeout=30)


class TestAddresses:
    """60 requests per hour and address."""

    def test_every_path_counts_but_probes(self, server: Server) -> None:
        assert ask_often(server, 61, "10.0.1.1", {}, "/docs/") == [200] * 60 + [429]
        response = ask(server, "10.0.1.1", {"Origin": PAGES}, "/model-hub/nothing/")
        body = response.json()
        assert (response.status_code, response.headers["Content-Type"]) == (429, "application/problem+json")
        assert (body["code"], body["title"]) == ("rate_limited", "Too Many Requests")
        wait = int(response.headers["Retry-After"])
        assert 3500 < wait <= 3600
        assert body["detail"] == (
            f"Too many requests from 10.0.1.1: the limit is 60 per hour. Try again in {wait} seconds."
        )
        assert body["request_id"] == response.headers["X-Request-Id"]
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Access-Control-Allow-Origin"] == PAGES
        assert ask(server, "10.0.1.1", {}, "/healthz").status_code == 200

    def test_rejected_keys_count(self, server: Server) -> None:
        wrong = {"X-Api-Key": API_KEY, "X-Secret-Key": "wrong"}
        assert ask_often(server, 61, "10.0.1.2", wrong) == [401] * 60 + [429]

    def test_an_ipv6_client_is_its_64(self, server: Server) -> None:
        assert ask_often(server, 61, "2001:db8:0:1::7", {}, "/docs/")[-1] == 429
        assert ask(server, "2001:db8:0:1:ffff::8", {}).status_code == 429
        assert ask(server, "2001:db8:0:2::7", {}).status_code == 401

    def test_entries_before_the_proxys_own_do_not_count(self, server: Server) -> None:
        for number in range(60):
            ask(server, f"192.0.2.{number}, 10.0.1.3", {}, "/docs/")
        assert ask(server, "192.0.2.99, 10.0.1.3:4711", {}).status_code == 429
        assert ask(server, "192.0.2.1", {}).status_code == 401


@pytest.mark.parametrize(
    ("proxies", "header", "address"),
    [
        (0, "10.0.0.1", "127.0.0.1"),
        (1, "10.0.0.1", "10.0.0.1"),
        (1, "10.0.0.1, 10.0.0.2", "10.0.0.2"),
        (2, "10.0.0.1, 10.0.0.2", "10.0.0.1"),
        (2, "10.0.0.2", "10.0.0.2"),
        (1, "", "127.0.0.1"),
        (1, "10.0.0.1,", "127.0.0.1"),
        (1, "[2001:db8::1]:80", "2001:db8::/64"),
        (1, "::ffff:10.0.0.1", "10.0.0.1"),
        (1, "nonsense", "an unknown address"),
    ],
)
def test_the_address_of_a_client(settings: Any, proxies: int, header: str, address: str) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert client_address(RequestFactory().get("/", headers={"X-Forwarded-For": header})) == address


class SlowCache(LocMemCache):
    """A cache with a way, as over a network."""

    def get(self, *arguments: Any, **options: Any) -> Any:
        found = super().get(*arguments, **options)
        time.sleep(0.01)
        return found


def test_requests_of_the_same_moment_are_counted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AddressThrottle, "THROTTLE_RATES", {"address": "20/hour"})
    monkeypatch.setattr(AddressThrottle, "cache", SlowCache("same moment", {}))
    allowed = []

    def ask_ten_times() -> None:
        for _ in range(10):
            with suppress(RateLimited):
                allowed.append(AddressThrottle().allow_request(RequestFactory().get("/"), None))

    threads = [threading.Thread(target=ask_ten_times) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(allowed) == 20


class EndingCache(LocMemCache):
    """A cache whose keys end between the two commands of `incr` in Redis."""

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        self.set(key, delta, timeout=None, version=version)
        return delta


def test_a_window_that_ends_while_it_is_counted_is_followed_by_one_with_an_end() -> None:
    cache = EndingCache("ending", {})
    cache.set("key", 7, 1)
    assert count_up(cache, "key", 1) == 1
    time.sleep(1.1)
    assert cache.get("key") is None


def test_logins_of_the_same_moment_are_counted_before_a_password_is_checked(settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT, settings.AXES_COOLOFF_TIME = 3, timedelta(hours=1)
    handler = LoginHandler()
    handler.cache.clear()
    begin = threading.Barrier(12)

    def is_checked(number: int) -> bool:
        request = RequestFactory().post(LOGIN, REMOTE_ADDR=f"10.0.7.{number}")
        begin.wait()
        return not handler.is_locked(request, {"username": "burst@example.com"})

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(is_checked, range(12))) == 3


def test_requests_from_many_addresses_push_no_count_of_logins_out(settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT, settings.AXES_COOLOFF_TIME = 1, timedelta(hours=1)
    handler = LoginHandler()
    handler.cache.clear()
    request = RequestFactory().post(LOGIN, REMOTE_ADDR="10.0.12.1")
    assert not handler.is_locked(request, {"username": "kept@example.com"})
    for number in range(40_000):
        cache.set(f"throttle:address:{number}", 1)
    cache.clear()
    assert handler.is_locked(request, {"username": "kept@example.com"})


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "DELETE"])
def test_every_method_is_counted_and_a_right_key_passes_no_exhausted_limit(server: Server, method: str) -> None:
    address = {"X-Forwarded-For": f"10.0.10.{ord(method[0])}"}
    statuses = [server.request(method, "/docs/", headers=address).status_code for _ in range(61)]
    assert statuses[-1] == 429
    assert 429 not in statuses[:60]
    assert server.request("GET", SOURCES, headers={**address, **server.headers}).status_code == 429


class TestKeys:
    """90 requests per hour and key, from any address."""

    def test_requests_of_one_key(self, server: Server) -> None:
        made = manage("create_api_key", env=environment(data_of(server))).stdout.split()
        pair = {"X-Api-Key": made[2], "X-Secret-Key": made[5]}
        statuses = [status for number in range(2) for status in ask_often(server, 50, f"10.0.2.{number}", pair)]
        assert statuses == [200] * 90 + [429] * 10
        response = ask(server, "10.0.2.9", pair)
        assert response.json()["code"] == "rate_limited"
        assert "Too many requests with this API key: the limit is 90 per hour. Try" in response.json()["detail"]
        assert 3500 < int(response.headers["Retry-After"]) <= 3600
        assert ask(server, "10.0.2.9", server.headers).status_code == 200


def data_of(server: Server) -> Path:
    return Path(psutil.Process(server.process.pid).environ()["MODELHUB_DATA_DIR"])


class TestLogins:
    """3 failed logins per hour, of one name and from one address."""

    def test_one_name_from_everywhere(self, server: Server) -> None:
        full_width = "\uff33omeone@example.com"
        names = ["someone@example.com", f"{full_width} ", "\u3000Someone@Example.com", "someone@example.com\u00a0"]
        responses = [log_in(server, f"10.0.3.{number}", name, "x") for number, name in enumerate(names)]
        assert [response.status_code for response in responses] == [200, 200, 429, 429]
        body = responses[-1].json()
        assert body["code"] == "rate_limited"
        assert responses[-1].headers["Retry-After"] == "3600"
        assert body["detail"] == (
            "Too many failed logins with this name or from this address: the limit is 3 per hour. "
            "Try again in 3600 seconds."
        )

    def test_a_session_lasts_a_day(self, server: Server) -> None:
        response = log_in(server, "10.0.11.1", "lucky@example.com", PASSWORD)
        [session] = [cookie for cookie in response.cookies if cookie.name == "sessionid"]
        assert 24 * 3600 - 60 < (session.expires or 0) - time.time() <= 24 * 3600

    def test_one_address_with_every_name(self, server: Server) -> None:
        statuses = [log_in(server, "10.0.4.1", f"{number}@example.com", "x").status_code for number in range(4)]
        assert statuses == [200, 200, 429, 429]

    @pytest.mark.parametrize(
        ("name", "spelling"),
        [
            ("wide@example.com", "\uff57\uff49\uff44\uff45\uff20example.com"),
            ("upper@example.com", "UPPER@EXAMPLE.COM"),
            ("blank@example.com", "\u2003blank@example.com\u00a0"),
        ],
    )
    def test_each_spelling_that_logs_in_is_counted_as_the_name(self, server: Server, name: str, spelling: str) -> None:
        """Django's form converts to NFKC and strips blanks, and emails ignore case."""
        subnet = f"10.1.{ord(name[0])}"
        assert log_in(server, f"{subnet}.1", spelling, PASSWORD).status_code == 302
        statuses = [log_in(server, f"{subnet}.{number}", spelling, "x").status_code for number in range(2, 5)]
        assert statuses == [200, 200, 429]
        for one in (name, spelling):
            assert log_in(server, f"{subnet}.9", one, PASSWORD).status_code == 429

    def test_a_name_that_is_an_address_locks_no_address_out(self, server: Server) -> None:
        for number in range(3):
            log_in(server, f"10.0.8.{number}", "10.0.8.99", "x")
        assert log_in(server, "10.0.8.99", "other@example.com", "x").status_code == 200

    def test_successful_logins_are_not_counted(self, server: Server) -> None:
        for number in range(5):
            assert log_in(server, "10.0.9.1", "lucky@example.com", PASSWORD).status_code == 302, number

    def test_a_locked_out_name_is_rejected_with_the_right_password_too(self, server: Server) -> None:
        assert log_in(server, "10.0.5.1", "admin@example.com", PASSWORD).status_code == 302
        for number in range(3):
            log_in(server, f"10.0.6.{number}", "admin@example.com", "x")
        assert log_in(server, "10.0.5.1", "admin@example.com", PASSWORD).status_code == 429
        assert ask(server, "10.0.5.1", server.headers).status_code == 200


def test_a_cache_that_fails_stops_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AddressThrottle, "THROTTLE_RATES", {"address": "1/hour"})
    broken = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}
    with override_settings(CACHES=broken):
        monkeypatch.setattr(AddressThrottle, "cache", CacheHandler()["default"])
        assert [AddressThrottle().allow_request(RequestFactory().get("/"), None) for _ in "123"] == [True] * 3


def test_a_login_without_its_cache_is_a_503(folder: Path) -> None:
    more = {"MODELHUB_CACHE_URL": "redis://127.0.0.1:1", "MODELHUB_BOOTSTRAP_PASSWORD": PASSWORD}
    with running_server(folder, **more) as server:
        answer = log_in(server, "10.0.9.9", "admin@example.com", PASSWORD)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert "Logins cannot be counted at the moment" in answer.text
        assert ask(server, "", server.headers).status_code == 200
        assert server.logged("login_not_counted")
        assert not server.logged("unforeseen_error")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("redis-server"), reason="needs redis-server")
def test_processes_share_the_counts_in_redis(folder: Path) -> None:
    port = free_port()
    redis = subprocess.Popen(["redis-server", "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL)
    more = {"MODELHUB_CACHE_URL": f"redis://127.0.0.1:{port}", "MODELHUB_RATE_PER_KEY": "20/hour"}
    try:
        with running_server(folder, **more) as server:
            assert ask_often(server, 12, "", server.headers) == [200] * 12
        with running_server(folder, **more) as server:
            assert ask_often(server, 12, "", server.headers) == [200] * 8 + [429] * 4
            redis.kill()
            redis.wait()
            assert ask(server, "", server.headers).status_code == 200
            assert server.logged("request_not_counted")
    finally:
        redis.kill()
        redis.wait()
