"""Organizations made by the test controls of a server."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import requests

from modelhub.core.tenants import tenant_tables
from tests.client import BULK
from tests.servers import Server

NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Made:
    """An organization on a server with test controls, as its creation returned it."""

    server: Server
    body: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.body["id"])

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        pair = {"X-Api-Key": self.body["api_key"], "X-Secret-Key": self.body["secret_key"]}
        return self.server.request(method, path, headers={**pair, **options.pop("headers", {})}, **options)

    def score(self, value: object, **options: Any) -> requests.Response:
        """Store a score of the first trace by the star label."""
        scores = [{"label_id": self.body["labels"]["star"], "value": value}]
        batch = {"source_type": "trace", "source_id": self.body["sources"]["trace"], "scores": scores}
        return self.request("POST", BULK, json=batch, **options)

    def bulk(self, *scores: object, headers: Mapping[str, str] = NONE, **fields: object) -> requests.Response:
        """Send scores of the first trace, or of the source in `fields`."""
        batch = {"source_type": "trace", "source_id": self.body["sources"]["trace"], "scores": scores, **fields}
        return self.request("POST", BULK, json=batch, headers=headers)

    def stars(self, rating: int) -> dict[str, Any]:
        """Store a score of the first trace by the star label, and return it."""
        [stored] = self.score({"rating": rating}).json()["scores"]
        assert isinstance(stored, dict)
        return stored

    def call_control(self, method: str, name: str) -> requests.Response:
        """Read or delete a control of the organization."""
        return control(self.server, method, f"/__admin/{name}?organization={self.id}")

    def set_clock(self, **change: object) -> dict[str, Any]:
        answer = control(self.server, "PUT", "/__admin/clock", json={"organization": self.id, **change})
        assert answer.status_code == 200, answer.text
        clock = answer.json()
        assert isinstance(clock, dict)
        return clock

    def delete(self) -> requests.Response:
        return control(self.server, "DELETE", f"/__admin/organizations/{self.id}")


def control(server: Server, method: str, path: str, **options: Any) -> requests.Response:
    """Send a request to the test controls, which need no key."""
    return server.request(method, path, headers={}, **options)


def make(server: Server, **fields: object) -> Made:
    answer = control(server, "POST", "/__admin/organizations", json=fields)
    assert answer.status_code == 201, answer.text
    return Made(server, answer.json())


@contextmanager
def making(server: Server, **fields: object) -> Iterator[Made]:
    """Make an organization, and delete it in the end."""
    made = make(server, **fields)
    try:
        yield made
    finally:
        assert made.delete().status_code == 204


def database_of(server: Server) -> str:
    return server.database_url.rpartition("/")[2]


def rows_of(server: Server, organization_id: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of an organization in each table, in a fixed order."""
    with psycopg.connect(server.database_url) as connection:
        return {
            table: connection.execute(
                f"SELECT * FROM {table} WHERE {condition.replace('$1', '%(id)s')} ORDER BY {table}::text".encode(),
                {"id": organization_id},
            ).fetchall()
            for table, condition in tenant_tables().items()
        }


def fill(made: Made) -> None:
    """Let an organization have a row in each table."""
    made.score(3)
    assert made.score(4, headers={"Idempotency-Key": "once"}).status_code == 201
    assert made.request("POST", "/tracer/project/", json={"name": "Project"}).status_code == 201
    user = made.body["user"]["id"]
    with psycopg.connect(made.server.database_url, autocommit=True) as connection:
        group = "INSERT INTO auth_group (name) VALUES (%s) RETURNING id"
        [(group_id,)] = connection.execute(group, [str(uuid.uuid4())]).fetchall()
        connection.execute("INSERT INTO modelhub_user_groups (user_id, group_id) VALUES (%s, %s)", [user, group_id])
        connection.execute(
            "INSERT INTO modelhub_user_user_permissions (user_id, permission_id)"
            " SELECT %s, id FROM auth_permission LIMIT 1",
            [user],
        )
        connection.execute(
            "INSERT INTO django_admin_log (action_time, object_repr, action_flag, change_message, user_id)"
            " VALUES (now(), 'a label', 1, '', %s)",
            [user],
        )


def write_anything(made: Made, session: requests.Session, at: int) -> int:
    """Send one of several writes over a kept connection. Return its status."""
    score = {"label_id": made.body["labels"]["star"], "value": at % 5 + 1}
    batch = {"source_type": "trace", "source_id": made.body["sources"]["trace"], "scores": [score]}
    path, body = [
        (BULK, batch),
        ("/model-hub/annotations-labels/", {"name": str(uuid.uuid4()), "type": "star"}),
        ("/model-hub/sources/", {"source_type": "trace", "source_id": str(uuid.uuid4())}),
        ("/tracer/project/", {"name": str(uuid.uuid4())}),
    ][at % 4]
    pair = {"X-Api-Key": made.body["api_key"], "X-Secret-Key": made.body["secret_key"]}
    headers = pair | ({"Idempotency-Key": str(uuid.uuid4())} if path == BULK and at % 8 else {})
    return session.post(made.server.base_url + path, json=body, headers=headers, timeout=30).status_code
