"""Organizations made by the test controls of a server."""

import uuid
from dataclasses import dataclass
from typing import Any

import psycopg
import requests

from modelhub.core.tenants import tenant_tables
from tests.client import BULK
from tests.servers import Server


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
        return self.server.request(method, path, headers=pair | options.pop("headers", {}), **options)

    def score(self, value: object, **options: Any) -> requests.Response:
        """Store a score of the first trace by the star label."""
        scores = [{"label_id": self.body["labels"]["star"], "value": value}]
        batch = {"source_type": "trace", "source_id": self.body["sources"]["trace"], "scores": scores}
        return self.request("POST", BULK, json=batch, **options)

    def delete(self) -> requests.Response:
        return control(self.server, "DELETE", f"/__admin/organizations/{self.id}")


def control(server: Server, method: str, path: str, **options: Any) -> requests.Response:
    """Send a request to the test controls, which need no key."""
    return server.request(method, path, headers={}, **options)


def make(server: Server, **fields: object) -> Made:
    answer = control(server, "POST", "/__admin/organizations", json=fields)
    assert answer.status_code == 201, answer.text
    return Made(server, answer.json())


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
