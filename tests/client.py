"""The client of most tests: an API key and the shapes of requests."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test import Client

from modelhub.accounts.models import ApiKey, User
from modelhub.core import exact_json
from modelhub.labels.models import Label
from modelhub.sources.models import Source
from tests.factories import SECRET

BULK = "/model-hub/scores/bulk/"


@dataclass
class Answer:
    """A response with its JSON parsed, decimals included."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Caller:
    """A client of the API with a key, inside the test process."""

    key: ApiKey
    secret: str = SECRET
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    @property
    def user(self) -> User:
        return self.key.user

    def request(self, method: str, path: str, body: object = None, *, raw: bytes | None = None, **extra: Any) -> Answer:
        content = raw if raw is not None else b"" if body is None else exact_json.dumps(body).encode()
        headers = {"X-Api-Key": self.key.api_key, "X-Secret-Key": self.secret, **extra.pop("headers", {})}
        response = self.client.generic(method, path, content, content_type="application/json", headers=headers, **extra)
        text = response.content
        return Answer(response.status_code, response.headers, exact_json.loads(text) if text else None)

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, body: object = None, **extra: Any) -> Answer:
        return self.request("POST", path, body, **extra)

    def put(self, path: str, body: object) -> Answer:
        return self.request("PUT", path, body)

    def patch(self, path: str, body: object) -> Answer:
        return self.request("PATCH", path, body)

    def delete(self, path: str, body: object = None) -> Answer:
        return self.request("DELETE", path, body)

    def bulk(self, source: Source, scores: object, query: str = "", **more: Any) -> Answer:
        """Post a batch of scores for a source."""
        body = {"source_type": source.source_type, "source_id": source.source_id, "scores": scores, **more}
        return self.post(BULK + query, body)


def execute(statement: str, *parameters: Any) -> None:
    """Run a statement past the API, as an administrator with psql could."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def listed_ids(staff: Client, path: str, **query: Any) -> set[str]:
    """Return the ids of the rows on a list of the admin."""
    answer = staff.get(path, query)
    assert answer.status_code == 200
    return set(re.findall(rf'href="{path}([0-9a-f-]{{36}})/change/', answer.content.decode()))


def entry(label: Label, value: object, **more: Any) -> dict[str, Any]:
    """Return one entry of a batch."""
    return {"label_id": str(label.pk), "value": value, **more}


def refuse_thirteen(table: str, condition: str, *, code: str = "P0001") -> str:
    """Return SQL after which the database refuses the rows of a table that meet a condition on NEW, by an SQLSTATE."""
    return f"""
CREATE FUNCTION refuse_thirteen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {condition} THEN RAISE EXCEPTION 'thirteen, says a secret of the database' USING ERRCODE = '{code}'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_thirteen BEFORE INSERT OR UPDATE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_thirteen();
"""
