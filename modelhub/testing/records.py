"""Records of the requests of one organization, bounded, without secrets."""

import re
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import quote

import msgspec
from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase

from modelhub.accounts.authentication import sent_pair
from modelhub.core.exact_json import timestamp
from modelhub.testing.bodies import read_body

MAX_RECORDS = 100
MAX_BODY_BYTES = 64 * 1024
HEADERS = (
    *("Accept", "Authorization", "Content-Encoding", "Content-Type", "Idempotency-Key", "Prefer", "User-Agent"),
    *("X-Api-Key", "X-Request-Id", "X-Secret-Key"),
)
SECRET_HEADERS = frozenset({"Authorization", "X-Secret-Key"})
BLOT = "***"
SECRET_FIELD = re.compile(rb'("secret_?key"\s*:\s*")(?:[^"\\]|\\.)+', re.IGNORECASE | re.DOTALL)
# A shorter secret would be found in other words, too.
LEAST_SECRET = 8


@dataclass
class Record:
    """A request and its answer; without `ms` until it is answered."""

    method: str
    path: str
    headers: dict[str, str]
    request_body: bytes
    secret: bytes = field(repr=False)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.perf_counter)
    status: int | None = None
    response_body: bytes = b""
    ms: float | None = None
    fault: str | None = None

    @classmethod
    def of(cls, request: HttpRequest, *, fault: str | None) -> "Record":
        secret = find_secret(request)
        return cls(
            method=request.method or "",
            path=blot(request.get_full_path().encode(), secret).decode(),
            headers={
                name: BLOT if name in SECRET_HEADERS else blot(value.encode(), secret).decode()
                for name in HEADERS
                if (value := request.headers.get(name))
            },
            request_body=blot(read_body(request), secret)[: MAX_BODY_BYTES + 1],
            secret=secret,
            fault=fault,
        )

    def finish(self, response: HttpResponseBase, *, dropped: bool) -> None:
        """Add the answer, of a dropped one the body that the client did not get."""
        self.status = None if dropped else response.status_code
        if isinstance(response, HttpResponse) and self.method != "HEAD":
            self.response_body = blot(response.content, self.secret)[: MAX_BODY_BYTES + 1]
        elif response.streaming and not dropped:
            self.response_body = b"(streamed)"
        self.ms = round((time.perf_counter() - self.started) * 1000, 1)

    def shown(self) -> dict[str, Any]:
        return {
            "at": timestamp(self.at),
            "method": self.method,
            "path": self.path,
            "headers": self.headers,
            "request_body": show_body(self.request_body),
            "status": self.status,
            "response_body": show_body(self.response_body),
            "ms": self.ms,
            "fault": self.fault,
        }


def find_secret(request: HttpRequest) -> bytes:
    """Return the secret key of a request, right or wrong; empty for a short one."""
    _, secret = sent_pair(request.headers)
    return secret.encode() if len(secret) >= LEAST_SECRET else b""


def blot(content: bytes, secret: bytes) -> bytes:
    """Return the content without the secret and without values of `secret_key`."""
    for spelling in {secret, quote(secret, safe="").encode()} - {b""}:
        content = content.replace(spelling, BLOT.encode())
    return SECRET_FIELD.sub(rb"\1" + BLOT.encode(), content)


def show_body(content: bytes) -> Any:
    """Return JSON as it was sent, other bodies as text; None for an empty one."""
    if not content:
        return None
    if len(content) > MAX_BODY_BYTES:
        return content[:MAX_BODY_BYTES].decode(errors="replace") + "…"
    try:
        msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        return content.decode(errors="replace")
    return msgspec.Raw(content)


class Records:
    """The newest records of one organization."""

    def __init__(self) -> None:
        self._records: deque[Record] = deque(maxlen=MAX_RECORDS)
        self._lock = threading.Lock()

    def add(self, record: Record) -> None:
        with self._lock:
            self._records.append(record)

    def clear(self) -> None:
        with self._lock:
            self._records.clear()

    def shown(self, *, limit: int) -> list[dict[str, Any]]:
        """Return the newest first."""
        with self._lock:
            newest: Iterable[Record] = [*islice(reversed(self._records), limit)]
        return [record.shown() for record in newest]
