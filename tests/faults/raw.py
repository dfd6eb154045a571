"""HTTP over plain sockets, for bytes that no client library sends."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.servers import API_KEY, SECRET_KEY, Server

KEYS = f"X-Api-Key: {API_KEY}\r\nX-Secret-Key: {SECRET_KEY}\r\n"
SECONDS = 15


@dataclass
class RawAnswer:
    """One answer off the wire."""

    status: int
    kind: str
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """Return the JSON problem. Fail for any other answer."""
        assert self.kind == "application/problem+json", self
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        assert found["detail"].isprintable()
        return found


@contextmanager
def connection(server: Server) -> Iterator[socket.socket]:
    """Open a connection to the server."""
    port = int(server.base_url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as client:
        yield client


def head(path: str, *lines: str, method: str = "POST", version: str = "1.1", kind: str = "application/json") -> bytes:
    """Return the head of a request with the keys and the given lines."""
    more = "".join(f"{line}\r\n" for line in (*([f"Content-Type: {kind}"] if kind else ()), *lines))
    return f"{method} {path} HTTP/{version}\r\nHost: x\r\n{KEYS}{more}\r\n".encode("latin-1")


def answers(client: socket.socket) -> list[RawAnswer]:
    """Return every answer until the server closes the connection or sends no more."""
    found = []
    while answer := _next_answer(client):
        found.append(answer)
    return found


def _next_answer(client: socket.socket) -> RawAnswer | None:
    response = http.client.HTTPResponse(client)
    try:
        response.begin()
        return RawAnswer(response.status, response.getheader("Content-Type", ""), response.read())
    except (http.client.BadStatusLine, ConnectionError):  # closed, in order or reset
        return None
    finally:
        response.close()


def exchange(server: Server, request: bytes) -> list[RawAnswer]:
    """Send bytes, shut down the sending side, and return all answers."""
    with connection(server) as client:
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
        except (ConnectionError, OSError):
            pass  # rejected before all of it was sent; an answer may have arrived
        return answers(client)
