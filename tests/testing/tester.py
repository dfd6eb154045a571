"""A tester of another project: an organization on a server with test controls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests

from tests.client import BULK
from tests.servers import Server
from tests.testing.made import make

CHANGES = {"X-Request-Id", "Date", "Content-Length"}


@dataclass(frozen=True)
class Tester:
    """An organization with its keys, labels by type and sources by type."""

    __test__ = False

    server: Server
    id: str
    email: str
    api_key: str
    secret_key: str
    labels: dict[str, str]
    sources: dict[str, str]

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Api-Key": self.api_key, "X-Secret-Key": self.secret_key}

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        headers: dict[str, Any] = {**self.headers, **options.pop("headers", {})}
        return self.server.request(method, path, headers=headers, **options)

    def bulk(self, scores: Sequence[object] | None = None, query: str = "", **options: Any) -> requests.Response:
        return self.request("POST", BULK + query, json=self.batch(scores), **options)

    def batch(self, scores: Sequence[object] | None = None, *, source: str = "trace") -> dict[str, Any]:
        """Return the body of a bulk request, by default of one star."""
        entries = [self.entry("star", 4)] if scores is None else [*scores]
        return {"source_type": source, "source_id": self.sources[source], "scores": entries}

    def entry(self, label: str, value: object, **more: object) -> dict[str, object]:
        return {"label_id": self.labels[label], "value": value, **more}

    def fault(self, *, match: object = None, **fields: Any) -> str:
        """Make a fault and return its id; fields of `then` are keyword arguments like the others."""
        rule: dict[str, Any] = {name: fields.pop(name) for name in ("times", "probability", "seed") if name in fields}
        body: dict[str, Any] = {"organization": self.id, "match": match or {}, **rule, "then": fields}
        answer = self.server.request("POST", "/__admin/faults", headers={}, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def applied(self) -> list[int]:
        """Return how often each fault was applied, in order of creation."""
        answer = self.server.request("GET", f"/__admin/faults?organization={self.id}", headers={})
        return [fault["applied"] for fault in answer.json()["faults"]]

    def requests(self, query: str = "") -> list[dict[str, Any]]:
        """Return the recorded requests, newest first."""
        answer = self.server.request("GET", f"/__admin/requests?organization={self.id}{query}", headers={})
        assert answer.status_code == 200, answer.text
        recorded: list[dict[str, Any]] = answer.json()["requests"]
        return recorded

    def stored(self, source: str = "trace") -> dict[str, Any]:
        """Return the stored values by the name of their label."""
        query = f"?source_type={source}&source_id={self.sources[source]}"
        answer = self.request("GET", f"/model-hub/scores/for-source/{query}")
        return {score["label_type"]: score["value"] for score in answer.json()}


def new_tester(server: Server) -> Tester:
    """Return a fresh organization on a server with test controls."""
    made = make(server).body
    email = made["user"]["email"]
    return Tester(server, made["id"], email, made["api_key"], made["secret_key"], made["labels"], made["sources"])


def shape(answer: requests.Response) -> dict[str, Any]:
    """Return the parts of an answer that are equal for equal failures."""
    body = answer.json()
    assert body.pop("request_id", None) == answer.headers["X-Request-Id"]
    headers = {name: value for name, value in answer.headers.items() if name not in CHANGES}
    return {"status": answer.status_code, "headers": headers, "body": body}
