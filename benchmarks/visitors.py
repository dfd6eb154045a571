"""People with sessions that open pages and post forms, as a browser does without scripts and its cache."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode

from benchmarks.bodies import PASSWORD
from benchmarks.clients import TIMEOUT, exchange

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Answer(NamedTuple):
    """An answer with the seconds until its last byte, and the id of its request in the log."""

    status: int
    location: str
    text: str
    seconds: float
    request_id: str


@dataclass
class Visitor:
    """A person with a session, and the page that is open."""

    email: str
    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    path: str = ""
    text: str = ""

    def send(self, connection: socket.socket, method: str, path: str, form: dict[str, str] | None = None) -> Answer:
        """Send a request over a kept connection, as a browser does without its cache."""
        content = urlencode(form or {}).encode()
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        request = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        began = time.perf_counter()
        answer = exchange(connection, request.encode() + content)
        seconds = time.perf_counter() - began
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        location = request_id = ""
        for name, _, value in (line.partition(":") for line in lines):
            if name.lower() == "location":
                location = value.strip()
            elif name.lower() == "x-request-id":
                request_id = value.strip()
            elif name.lower() == "set-cookie":
                key, _, kept = value.strip().partition(";")[0].partition("=")
                self.cookies[key] = kept
                if kept == '""':  # deleted
                    del self.cookies[key]
        return Answer(int(first.split()[1]), location, body.decode(), seconds, request_id)

    def open(self, connection: socket.socket, path: str) -> list[Answer]:
        """Open a page, after its redirects, and return all answers."""
        answers = []
        while True:
            answer = self.send(connection, "GET", path)
            answers.append(answer)
            if answer.status == 200:
                self.path, self.text = path, answer.text
                return answers
            assert answer.status == 302, answer
            path = answer.location

    def post(self, connection: socket.socket, form: dict[str, str]) -> Answer:
        """Post the form of the open page, which must lead on."""
        token = TOKEN.search(self.text)
        assert token, self.text
        answer = self.send(connection, "POST", self.path, {"csrfmiddlewaretoken": token[1], **form})
        assert answer.status == 302, answer
        return answer

    def log_in(self) -> None:
        with connected(self.port) as connection:
            self.open(connection, "/login/")
            self.post(connection, {"username": self.email, "password": PASSWORD})


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection
