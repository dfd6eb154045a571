"""HTTP requests to the server, past the proxies of the environment."""

import json
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Response:
    """Response of the server, with any status."""

    status: int
    text: str
    headers: Message = field(repr=False)

    @property
    def sentence(self) -> str:
        """The sentence of a problem, else the beginning of the body."""
        try:
            return str(self.json()["message"])
        except (ValueError, TypeError, KeyError):
            return self.text[:500]

    def json(self) -> Any:
        """Return the body as Python objects. Raise `json.JSONDecodeError`."""
        return json.loads(self.text)


def send(
    method: str, url: str, *, body: object = None, headers: dict[str, str] | None = None, timeout: float = 60
) -> Response:
    """Send a request over a connection of its own, with `body` as JSON.

    Raise `OSError` or `http.client.HTTPException` without an answer.
    """
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.netloc.rpartition("@")[2], timeout=timeout)
    sent = None if body is None else json.dumps(body).encode()
    typed = {"Accept": "application/json"} | ({} if sent is None else {"Content-Type": "application/json"})
    try:
        connection.request(method, parts._replace(scheme="", netloc="").geturl() or "/", sent, typed | (headers or {}))
        response = connection.getresponse()
        return Response(response.status, response.read().decode(errors="replace"), response.headers)
    finally:
        connection.close()
