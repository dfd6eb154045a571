"""Query parameters of every route: declared ones in both spellings, and no others."""

import re
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from modelhub.core.envelope import IGNORED, to_camel
from tests.client import Caller
from tests.servers import ROOT, Server

pytestmark = pytest.mark.django_db

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if path.startswith(("/model-hub/", "/tracer/"))
]
ROUTES = [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in OPERATIONS]


def send(caller: Caller, method: str, path: str, query: str) -> Any:
    body: object = {} if method in {"POST", "PUT", "PATCH"} else None
    return caller.request(method, f"{with_ids(path)}?{query}", body)


def with_ids(path: str) -> str:
    return re.sub(r"\{\w+\}", str(uuid.uuid4()), path)


def parameters(operation: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the query parameters."""
    yield from (one["name"] for one in operation.get("parameters", []) if one["in"] == "query")


def is_list(operation: dict[str, Any], name: str) -> bool:
    return any(one["name"] == name and one["schema"].get("type") == "array" for one in operation["parameters"])


def test_the_routes_are_many() -> None:
    assert len(OPERATIONS) > 20


@pytest.mark.parametrize(("method", "path", "operation"), ROUTES)
@pytest.mark.parametrize(
    "name", ["wrong", "format", "label_typ", "xpage", "Page", "page-size", "", "a%00b", "%F0%9F%98%80"]
)
def test_an_unknown_parameter_is_a_400(
    alice: Caller, method: str, path: str, operation: dict[str, Any], name: str
) -> None:
    answer = send(alice, method, path, f"{name}=1")
    assert (answer.status, answer.body["code"]) == (400, "unknown_query_parameter")
    [sentences] = answer.body["errors"].values()
    assert sentences == [answer.body["detail"]]
    assert answer.body["detail"].startswith('Unknown query parameter "')


@pytest.mark.parametrize(("method", "path", "operation"), ROUTES)
def test_a_misspelled_parameter_is_answered_with_the_right_one(
    alice: Caller, method: str, path: str, operation: dict[str, Any]
) -> None:
    for name in parameters(operation):
        answer = send(alice, method, path, f"{name}s=1")
        assert answer.body["detail"].endswith(f'Did you mean "{name}"?'), answer.body


@pytest.mark.parametrize(("method", "path", "operation"), ROUTES)
def test_every_parameter_has_both_spellings_and_one_value(
    alice: Caller, method: str, path: str, operation: dict[str, Any]
) -> None:
    for name in parameters(operation):
        for spelling in {name, to_camel(name)}:
            answer = send(alice, method, path, f"{spelling}=%00")
            assert (answer.status, list(answer.body["errors"])) == (400, [name])
            assert "must hold no NUL characters" in answer.body["detail"]
            assert send(alice, method, path, f"{spelling}=%ED%A0%80").body["code"] == "malformed_query"
            twice = send(alice, method, path, f"{spelling}=1&{name}=2")
            if is_list(operation, name):
                assert twice.status in {400, 404}
                continue
            assert (twice.status, twice.body["code"]) == (400, "conflicting_fields")
            assert list(twice.body["errors"]) == [name]


@pytest.mark.parametrize(("method", "path", "operation"), ROUTES)
def test_parameters_that_clients_are_known_to_send_are_ignored(
    alice: Caller, method: str, path: str, operation: dict[str, Any]
) -> None:
    def status(query: str) -> int:
        headers = {"X-Api-Key": alice.key.api_key, "X-Secret-Key": alice.secret}
        at = f"{with_ids(path)}{query}"
        return alice.client.generic(method, at, "{}", "application/json", headers=headers).status_code

    for name in IGNORED:
        assert status(f"?{name}=x") == status(f"?{to_camel(name)}=x") == status("")


@pytest.mark.parametrize(("method", "path", "operation"), ROUTES)
def test_a_blank_parameter_is_a_400_but_for_searches_and_cursors(
    alice: Caller, method: str, path: str, operation: dict[str, Any]
) -> None:
    for name in parameters(operation):
        if name not in {"search", "name", "cursor"}:
            answer = send(alice, method, path, f"{name}=")
            # A missing source, body or score is named first.
            if method == "GET" and "for-source" not in path and "{id}" not in path:
                assert (answer.status, list(answer.body["errors"])) == (400, [name])
            assert answer.status in {400, 404}, (name, answer.body)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs/", "/"])
def test_pages_and_probes_ignore_the_query(alice: Caller, path: str) -> None:
    """Probes of load balancers add parameters of their own."""
    response = alice.client.get(path, QUERY_STRING="probe=1&x=%00&y=%FF")
    assert response.status_code in {200, 302}


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("label_name=Café".encode(), 200, b'"results":[]'),
        (b"label_name=\xff", 400, b"The query must be UTF-8"),
        (b"label_name=\xed\xa0\x80", 400, b"The query must be UTF-8"),
        (b"label_name=a\x00b", 400, b"label_name must hold no NUL characters"),
        (b"\xc3\xa9=1", 400, "é".encode()),
    ],
)
def test_a_url_may_have_the_bytes_that_curl_sends(live: Server, query: bytes, status: int, words: bytes) -> None:
    headers = live.headers | {"Host": "x", "Connection": "close"}
    head = "\r\n".join(f"{name}: {value}" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", int(live.base_url.rpartition(":")[2])), timeout=20) as client:
        client.sendall(b"GET /model-hub/scores/?" + query + f" HTTP/1.1\r\n{head}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert words in answer


def test_the_key_is_checked_first(alice: Caller) -> None:
    alice.secret = "wrong"
    assert alice.get("/model-hub/scores/?wrong=1").status == 401


def test_a_method_that_a_route_does_not_have_stays_a_405(alice: Caller) -> None:
    assert alice.delete("/model-hub/scores/?wrong=1").status == 405
