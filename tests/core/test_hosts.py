"""Host names that are not allowed reach no route, page, file or probe."""

import re
import socket
from collections.abc import Iterator

import pytest

from modelhub.urls import urlpatterns
from tests.servers import API_KEY, SECRET_KEY, Server, data_folder, running_server

ID = "018f3f2a-7c4e-7d7a-8a3b-5f6e7d8c9b0a"
ROUTES = ["/" + re.sub(r"<id:\w+>", ID, str(pattern.pattern)) for pattern in urlpatterns]
REST = ["/admin/", "/admin/login/", "/admin/modelhub/apikey/", "/static/admin/css/base.css", "/nothing/", "/model-hub"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Listen on every address, allow one host name."""
    more = {"HOST": "0.0.0.0", "MODELHUB_ALLOWED_HOSTS": "127.0.0.1", "MODELHUB_CORS_ORIGINS": "*"}
    with data_folder() as folder, running_server(folder, **more) as server:
        yield server


def answer_to(server: Server, line: str, *headers: str) -> str:
    """Return the response to a request of exactly these lines."""
    lines = [line, *headers, f"X-Api-Key: {API_KEY}", f"X-Secret-Key: {SECRET_KEY}", "Connection: close", "", ""]
    with socket.create_connection(("127.0.0.2", int(server.base_url.rsplit(":", 1)[1])), timeout=30) as client:
        client.sendall("\r\n".join(lines).encode())
        with client.makefile("rb") as answer:
            return answer.read().decode()


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_every_path_under_a_wrong_name(server: Server, method: str) -> None:
    for path in (*ROUTES, *REST):
        answer = answer_to(server, f"{method} {path} HTTP/1.1", "Host: evil.example", "Origin: https://evil.example")
        assert answer.startswith("HTTP/1.1 400 "), path
        assert method == "HEAD" or "is its Host header allowed?" in answer, path
    assert not any("evil.example" in line for line in server.log)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Host:"],
        ["Host: 127.0.0.1.evil.example"],
        ["Host: evil.example@127.0.0.1"],
        ["Host: evil.example", "Host: 127.0.0.1"],
        ["Host: evil.example", "X-Forwarded-Host: 127.0.0.1"],
    ],
    ids=str,
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_names_that_are_none_or_two(server: Server, headers: list[str], version: str) -> None:
    for path in ("/model-hub/sources/", "/healthz", "/docs/", "/static/admin/css/base.css"):
        assert " 400 " in answer_to(server, f"GET {path} HTTP/{version}", *headers).splitlines()[0], path


def test_the_right_name(server: Server) -> None:
    for path in ("/model-hub/sources/", "/healthz", "/docs/", "/static/admin/css/base.css"):
        assert answer_to(server, f"GET {path} HTTP/1.1", "Host: 127.0.0.1").startswith("HTTP/1.1 200 "), path
    assert answer_to(server, "GET /healthz HTTP/1.0", "Host: 127.0.0.1:8000").split(" ")[1] == "200"


def test_a_name_with_an_underscore_is_explained(server: Server) -> None:
    """Services of docker compose are often named so."""
    answer = answer_to(server, "GET /healthz HTTP/1.1", "Host: my_web:8000")
    assert answer.startswith("HTTP/1.1 400 ")
    assert "its Host header has an underscore, which no name of a host may have (RFC 1034)" in answer
    assert "my_web" not in answer


def test_the_answer_is_a_problem(server: Server) -> None:
    answer = server.request("GET", "/model-hub/sources/", headers=server.headers | {"Host": "evil.example"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert "Host header" in answer.json()["detail"]
    assert answer.json()["code"] == "host_not_allowed"
