"""With MODELHUB_HTTPS, plain HTTP is refused on the API and redirected on pages (contract 0.13)."""

import re
from collections.abc import Iterator

import pytest
from django.http import HttpRequest
from django.test import override_settings

from modelhub.core.https import is_https
from tests.servers import Server, data_folder, running_server

BULK = "/model-hub/scores/bulk/"
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    settings = {"MODELHUB_HTTPS": "true", "MODELHUB_TRUSTED_PROXIES": "1", "MODELHUB_CORS_ORIGINS": "*"}
    token = {
        "MODELHUB_METRICS_TOKEN": "token",
        "MODELHUB_RATE_PER_ADDRESS": "300/minute",
        "MODELHUB_BOOTSTRAP_PASSWORD": PASSWORD,
    }
    with data_folder() as folder, running_server(folder, **settings, **token) as server:
        yield server


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", [BULK, BULK[:-1], "/model-hub/nothing/", "/tracer/project/", "/nothing", "//evil/"])
def test_the_api_is_refused_before_its_keys_are_read(server: Server, method: str, path: str) -> None:
    request_id = method + path.replace("/", ":")
    headers = server.headers | {"X-Request-Id": request_id, "Origin": "https://pages.example"}
    answer = server.request(method, path, headers=headers, allow_redirects=False)

    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "application/problem+json")
    assert method == "HEAD" or answer.json()["code"] == "https_required"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Strict-Transport-Security" not in answer.headers
    [line] = server.logged(f'"{request_id}"')
    assert '"key"' not in line


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/", "/docs/", "/docs", "/admin/login/?next=/admin/", "/schema/", "/favicon.ico"])
def test_a_page_is_redirected_with_its_method(server: Server, method: str, path: str) -> None:
    answer = server.request(method, path, headers={"Host": "localhost"}, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://localhost{path}")


def test_probes_answer_inside(server: Server) -> None:
    assert server.request("GET", "/healthz", allow_redirects=False).status_code == 200
    assert server.request("GET", "/readyz", allow_redirects=False).status_code == 200
    bearer = {"Authorization": "Bearer token"}
    assert server.request("GET", "/metrics", headers=bearer, allow_redirects=False).status_code == 200


@pytest.mark.parametrize("header", [{"X-Forwarded-Proto": "HTTPS"}, {"Forwarded": 'for="[::1]:1";Proto=https;by=x'}])
def test_requests_over_https_are_served(server: Server, header: dict[str, str]) -> None:
    answer = server.request("GET", "/model-hub/sources/?limit=1", headers=server.headers | header)
    assert answer.status_code == 200
    assert answer.json()["next"].startswith("https://")
    assert answer.headers["Strict-Transport-Security"] == "max-age=2592000"
    login = server.request("GET", "/admin/login/", headers=header)
    assert re.fullmatch("__Host-csrftoken=.*; Path=/; SameSite=Lax; Secure", login.headers["Set-Cookie"])
    fields = {"username": "admin@example.com", "password": PASSWORD}
    token = login.headers["Set-Cookie"].partition(";")[0]
    sent = header | {"Cookie": token, "X-CSRFToken": token.partition("=")[2], "Referer": "https://localhost/"}
    session = server.request(
        "POST", "/login/", headers=sent | {"Host": "localhost"}, data=fields, allow_redirects=False
    )
    assert re.search("__Host-sessionid=.*; HttpOnly; Max-Age=86400; Path=/; SameSite=Lax; Secure", str(session.headers))


def test_a_refused_request_counts_under_its_route(server: Server) -> None:
    header = {"Authorization": "Bearer token"}
    server.request("POST", BULK)
    text = server.request("GET", "/metrics", headers=header).text
    assert 'modelhub_requests_total{method="POST",route="scores-bulk",status="403"}' in text


@pytest.mark.parametrize(
    ("headers", "proxies", "secure"),
    [
        ({}, 1, False),
        ({"X-Forwarded-Proto": "https"}, 1, True),
        ({"X-Forwarded-Proto": " Https "}, 2, True),
        ({"X-Forwarded-Proto": "http"}, 1, False),
        ({"X-Forwarded-Proto": "https, http"}, 1, False),
        ({"X-Forwarded-Proto": "https, http"}, 2, True),
        ({"X-Forwarded-Proto": "https, http, http"}, 2, False),
        ({"X-Forwarded-Proto": "wss"}, 1, False),
        ({"X-Forwarded-Proto": ","}, 1, False),
        ({"Forwarded": "for=192.0.2.1;proto=https"}, 1, True),
        ({"Forwarded": 'for=192.0.2.1; proto="HTTPS", for=192.0.2.2;proto=http'}, 2, True),
        ({"Forwarded": "for=192.0.2.1;proto=https, for=192.0.2.2;proto=http"}, 1, False),
        ({"Forwarded": "for=192.0.2.1;proto=https, for=192.0.2.2"}, 1, False),
        ({"Forwarded": "for=192.0.2.1", "X-Forwarded-Proto": "https"}, 1, True),
        ({"Forwarded": "proto=https", "X-Forwarded-Proto": "http"}, 1, False),
        ({"Forwarded": "host=proto=https"}, 1, False),
        ({"Forwarded": 'for="a;proto=https";proto=http'}, 1, False),
        ({"Forwarded": 'for="a, proto=https"'}, 1, False),
        ({"Forwarded": 'for="[2001:db8::1]:4711";by="x,y";proto=https'}, 1, True),
    ],
    ids=str,
)
def test_the_scheme_of_the_outermost_trusted_proxy(headers: dict[str, str], proxies: int, secure: bool) -> None:
    request = HttpRequest()
    request.META = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    with override_settings(TRUSTED_PROXIES=proxies):
        assert is_https(request) is secure
