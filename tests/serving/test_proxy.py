"""deploy/Caddyfile: a real Caddy with HTTPS in front of the server, if Caddy is installed."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.servers import ROOT, Server, data_folder, free_port, running_server

SETTINGS = {
    "MODELHUB_PRODUCTION": "true",
    "MODELHUB_SECRET_KEY": "k" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
    "MODELHUB_ALLOWED_HOSTS": "localhost",
    "MODELHUB_HTTPS": "true",
    "MODELHUB_TRUSTED_PROXIES": "1",
    "MODELHUB_RATE_PER_ADDRESS": "60/day",
    "MODELHUB_BOOTSTRAP_PASSWORD": "a good password",
}


@dataclass
class Proxy:
    server: Server
    http: str
    https: str
    certificate: Path

    def request(self, method: str, url: str, **more: object) -> requests.Response:
        options = {"headers": self.server.headers, "timeout": 30, "verify": self.certificate} | more
        return requests.request(method, url, allow_redirects=False, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("needs caddy")
    with data_folder() as folder, running_server(folder, **SETTINGS) as server:
        http, https = free_port(), free_port()
        options = (
            f"admin off\nskip_install_trust\nhttp_port {http}\nhttps_port {https}\nstorage file_system {folder}/caddy"
        )
        (folder / "Caddyfile").write_text(f"{{\n{options}\n}}\nimport {ROOT}/deploy/Caddyfile\n")
        env = {"UPSTREAM": server.base_url.removeprefix("http://"), "HOME": str(folder)}
        command = [caddy, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
        with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            certificate = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
            running = Proxy(server, f"http://localhost:{http}", f"https://localhost:{https}", certificate)
            try:
                wait_until_ready(running)
                yield running
            finally:
                process.terminate()
                process.communicate()


def wait_until_ready(proxy: Proxy) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            assert proxy.request("GET", f"{proxy.https}/readyz").status_code == 200
        except (requests.ConnectionError, OSError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError("caddy did not start")


def test_a_request_over_https_is_served(proxy: Proxy) -> None:
    assert proxy.request("POST", proxy.https + "/model-hub/sources/", json=source("t-1")).status_code == 201
    page = proxy.request("GET", proxy.https + "/model-hub/sources/?page_size=1").json()
    assert page["next"].startswith("https://localhost:")
    assert "Strict-Transport-Security" in proxy.request("GET", proxy.https + "/docs/").headers


def test_a_plain_write_is_rejected_and_a_plain_page_is_redirected(proxy: Proxy) -> None:
    for headers in ({}, {"X-Forwarded-Proto": "https"}, {"Forwarded": "proto=https"}):
        answer = proxy.request(
            "POST", proxy.http + "/model-hub/sources/", json=source("t-2"), headers=proxy.server.headers | headers
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "https_required")
    page = proxy.request("GET", proxy.http + "/docs/")
    assert page.status_code == 308
    assert page.headers["Location"].startswith("https://localhost")


def test_the_admin_takes_a_login(proxy: Proxy) -> None:
    session = requests.Session()
    options: dict[str, Any] = {"verify": str(proxy.certificate), "timeout": 30}
    url = proxy.https + "/admin/login/"
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', session.get(url, **options).text)
    assert token
    fields = {"username": "admin@example.com", "password": "a good password", "csrfmiddlewaretoken": token[1]}
    answer = session.post(url, data=fields, headers={"Referer": url}, allow_redirects=False, **options)
    assert answer.status_code == 302


def test_an_export_arrives_whole(proxy: Proxy) -> None:
    answer = proxy.request("GET", proxy.https + "/model-hub/scores/export/")
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, "application/x-ndjson")


def test_a_client_cannot_choose_its_address(proxy: Proxy) -> None:
    """The last test: afterwards this address is above its limit."""
    headers = [proxy.server.headers | {"X-Forwarded-For": f"203.0.113.{number}"} for number in range(130)]
    statuses = {proxy.request("GET", proxy.https + "/schema/", headers=one).status_code for one in headers}
    assert statuses == {200, 429}


def source(source_id: str) -> dict[str, str]:
    return {"source_type": "trace", "source_id": source_id}
