"""Bytes that are no HTTP request are refused before Django, with a problem."""

import json
import socket

import pytest

from tests.servers import SECRET_KEY, Server

GET = "GET /healthz HTTP/1.1\r\nHost: x\r\n"


def send(server: Server, request: str) -> tuple[str, dict[str, str], dict[str, object]]:
    """The status line, the headers and the body of the answer to these bytes."""
    port = int(server.base_url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(request.encode("latin-1"))
        answer = b""
        while part := client.recv(65536):
            answer += part
    head, _, body = answer.decode().partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    return status, dict(line.split(": ", 1) for line in lines), json.loads(body)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (f"GET /{'x' * 17000} HTTP/1.1\r\n\r\n", 431, "headers_too_large"),
        (f"{GET}X-Long: {'x' * 17000}\r\n\r\n", 431, "headers_too_large"),
        (f"{GET}{''.join(f'X-{n}: 1{chr(13)}{chr(10)}' for n in range(2000))}\r\n", 431, "headers_too_large"),
        (f"{GET}X Secret: {SECRET_KEY}\r\n\r\n", 400, "malformed_request"),
        (f"{GET}X-Secret-Key {SECRET_KEY}\r\n\r\n", 400, "malformed_request"),
        ("GET /healthz HTTP/9.9\r\n\r\n", 400, "malformed_request"),
        ("\x16\x03\x01 hello\r\n\r\n", 400, "malformed_request"),
        (f"{GET}Content-Length: minus one\r\n\r\n", 400, "malformed_request"),
        (f"{GET}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "malformed_request"),
        (f"{GET}Content-Length: {'9' * 5000}\r\n\r\n", 400, "malformed_request"),
        (f"{GET}Content-Length: 999999999\r\nExpect: 100-continue\r\n\r\n", 413, "request_too_large"),
        ("GET http://[::1/ HTTP/1.1\r\n\r\n", 400, "malformed_request"),
        (f"{GET}Transfer-Encoding: gzip\r\n\r\n", 501, "unsupported_transfer_coding"),
        (f"{GET}Transfer-Encoding: zstd\r\n\r\n", 501, "unsupported_transfer_coding"),
    ],
)
def test_the_refusal_is_a_problem_with_a_request_id_and_quotes_nothing(
    live: Server, request_: str, status: int, code: str
) -> None:
    line, headers, body = send(live, request_)

    assert line.startswith(f"HTTP/1.1 {status} ")
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"] == body["message"]
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["X-Request-Id"] == body["request_id"]
    logged = live.logged(str(body["request_id"]))
    assert len(logged) == 1
    assert SECRET_KEY not in str(body) + str(logged)


@pytest.mark.parametrize(
    "parameter", ["charset=hex", "charset=idna", "charset=undefined", "a*=nope''x", "charset=utf-16", "a*0*=nope''x"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_odd_parameters_of_a_content_type_do_not_count(live: Server, method: str, parameter: str) -> None:
    source = {"source_type": "trace", "source_id": "tröce"}
    live.request("POST", "/model-hub/sources/", json=source)
    headers = live.headers | {"Content-Type": f"application/json; {parameter}"}
    answer = live.request(method, "/model-hub/sources/?source_id=tr%C3%B6ce", headers=headers, json=source)
    if method == "POST":
        answer = live.request(method, "/model-hub/sources/", headers=headers, json=source)
    assert answer.status_code == 200
    assert "tröce" in answer.text


@pytest.mark.parametrize("parameter", ["charset=hex", "a*=nope''x", "boundary*=nope''x", "boundary=x; a*=nope''x"])
def test_odd_parameters_of_a_form_are_no_internal_error(live: Server, parameter: str) -> None:
    headers = {"Content-Type": f"multipart/form-data; {parameter}", "Accept": "text/html"}
    answer = live.request("POST", "/admin/login/?next=/", headers=headers, data=b"--x--")
    assert answer.status_code in {400, 403}


@pytest.mark.parametrize(
    "accept", ["text/html; a*=nope''x", "text/html; a *\t=nope''x", "*/*; q*=utf-8''%ff, a/b;c*0*=x''"]
)
def test_odd_parameters_of_accept_are_no_internal_error(live: Server, accept: str) -> None:
    assert live.request("GET", "/nothing/", headers={"Accept": accept}).status_code == 404
