"""What is compared. Each subject prepares its requests before the clock runs, and sends one at a time."""

import json
import re
import socket
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Any

import psycopg

from benchmarks.bodies import Batch, body_of, rows_of
from benchmarks.servers import API_KEY, SECRET_KEY

TIMEOUT = 120
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

# One statement, one round trip, prepared, its own transaction: the fastest way we know to have PostgreSQL store
# rows under the constraints and indexes of the table.
UPSERT = """
INSERT INTO modelhub_score
    (id, organization_id, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at)
SELECT id, %(organization)s, %(source)s, label_id, %(annotator)s, value, score_source, %(notes)s, %(now)s, %(now)s
FROM json_to_recordset(%(rows)s::json) AS given (id uuid, label_id uuid, value jsonb, score_source text)
ON CONFLICT (source_id, label_id, annotator_id, queue_item) WHERE deleted_at IS NULL DO UPDATE SET
    value = excluded.value, score_source = excluded.score_source,
    notes = excluded.notes, updated_at = excluded.updated_at
"""


class Subject(ABC):
    """One way to store scores, as one client uses it."""

    @abstractmethod
    def prepare(self, batches: list[Batch], version: int) -> list[Any]:
        """The requests, ready to send."""

    @abstractmethod
    def send(self, request: Any) -> Any:
        """Send one and wait for the answer; nothing else, for the clock runs."""

    @abstractmethod
    def check(self, answer: Any, size: int) -> int:
        """See that all scores were stored; the bytes of the answer."""

    @abstractmethod
    def close(self) -> None:
        """End the connection."""


class Raw(Subject):
    """psycopg 3 and one statement."""

    def __init__(self, database: dict[str, Any], organization: str, annotator: str, labels: list[tuple[str, str]]):
        self.connection = psycopg.connect(**database, autocommit=True)
        self.cursor = self.connection.cursor()
        self.labels = labels
        self.shared = {"organization": organization, "annotator": annotator, "notes": "Benchmark"}

    def prepare(self, batches: list[Batch], version: int) -> list[Any]:
        now = datetime.now(UTC)
        return [
            self.shared | {"source": batch.source, "now": now, "rows": rows_of(batch, self.labels, version)}
            for batch in batches
        ]

    def send(self, request: Any) -> Any:
        self.cursor.execute(UPSERT, request, prepare=True)
        return self.cursor.rowcount

    def check(self, answer: Any, size: int) -> int:
        assert answer == size, f"{answer} rows of {size}"
        return 0

    def close(self) -> None:
        self.connection.close()


class Http(Subject):
    """`POST` over one kept connection: a socket, bytes made beforehand, and no more parsing than HTTP needs."""

    def __init__(self, port: int, path: str, labels: list[tuple[str, str]]):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.path, self.labels = path, labels

    def prepare(self, batches: list[Batch], version: int) -> list[Any]:
        return [self.request_of(body_of(batch, self.labels, version)) for batch in batches]

    def request_of(self, body: bytes) -> bytes:
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-Api-Key: {API_KEY}\r\nX-Secret-Key: {SECRET_KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def send(self, request: Any) -> Any:
        self.socket.sendall(request)
        answer = self.socket.recv(1 << 20)
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._receive()
        length = LENGTH.search(answer, 0, end + 2)
        assert length, answer[:end]
        missing = end + 4 + int(length[1]) - len(answer)
        parts = [answer]
        while missing > 0:
            parts.append(self._receive())
            missing -= len(parts[-1])
        return b"".join(parts)

    def check(self, answer: Any, size: int) -> int:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 201 " in head[:20], answer[:1000]
        found = json.loads(body)
        if not self.path.startswith("/floor/"):
            assert len(found["scores"]) == size, (len(found["scores"]), size)
            assert found["errors"] == [], found["errors"][:3]
        return len(body)

    def close(self) -> None:
        self.socket.close()

    def _receive(self) -> bytes:
        part = self.socket.recv(1 << 20)
        if not part:
            raise ConnectionError("the server closed the connection in the middle of an answer")
        return part


class Reader(Http):
    """`GET`, over one kept connection in the same way."""

    def __init__(self, port: int):
        super().__init__(port, "", [])

    def get(self, path: str) -> bytes:
        """A request."""
        return (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: {API_KEY}\r\nX-Secret-Key: {SECRET_KEY}\r\n\r\n"
        ).encode()

    def check(self, answer: Any, size: int) -> int:
        """It was answered."""
        assert b" 200 " in answer[:20], answer[:1000]
        return len(answer)
