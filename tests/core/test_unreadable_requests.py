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
