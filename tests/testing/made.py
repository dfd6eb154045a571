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
        connection.execute(ROWS_OF_QUEUES, {"organization": made.id, "user": user})


# A row of each table of queues, datasets and invitations, for the organization, its first user, source and label.
ROWS_OF_QUEUES = """
WITH given AS (
    SELECT %(organization)s::uuid AS organization, %(user)s::uuid AS person, now() AS moment, gen_random_uuid() AS id,
           (SELECT id FROM modelhub_source WHERE organization_id = %(organization)s LIMIT 1) AS source,
           (SELECT id FROM modelhub_label WHERE organization_id = %(organization)s LIMIT 1) AS label
), queue AS (
    INSERT INTO modelhub_queue (id, organization_id, created_at, updated_at, name, description, instructions, status,
        assignment_strategy, auto_assign, annotations_required, reservation_seconds, requires_review, blind, is_default,
        created_by_id)
    SELECT id, organization, moment, moment, 'Queue', '', '', 'active', 'manual', false, 1, 60, false, true, false,
        person
    FROM given
), label AS (
    INSERT INTO modelhub_queuelabel (id, organization_id, created_at, queue_id, label_id, required, "order")
    SELECT id, organization, moment, id, label, true, 1 FROM given
), member AS (
    INSERT INTO modelhub_queuemember (id, organization_id, created_at, queue_id, user_id, roles)
    SELECT id, organization, moment, id, person, '{manager}' FROM given
), item AS (
    INSERT INTO modelhub_item (id, organization_id, created_at, updated_at, queue_id, source_id, "order", priority,
        status, review_status, review_notes, gold, expected, is_assigned)
    SELECT id, organization, moment, moment, id, source, 1, 0, 'pending', '', '', false, '{}', true FROM given
), assignment AS (
    INSERT INTO modelhub_assignment (id, organization_id, created_at, queue_id, item_id, user_id)
    SELECT id, organization, moment, id, id, person FROM given
), slot AS (
    INSERT INTO modelhub_slot (id, organization_id, created_at, updated_at, queue_id, item_id, user_id, state, seat,
        reserved_until, skip_reason, notes)
    SELECT id, organization, moment, moment, id, id, person, 'reserved', 1, moment, '', '' FROM given
), review AS (
    INSERT INTO modelhub_review (id, organization_id, created_at, item_id, reviewer_id, action, notes, label_comments)
    SELECT id, organization, moment, id, person, 'comment', '', '[]' FROM given
), adjudication AS (
    INSERT INTO modelhub_adjudication (id, organization_id, created_at, item_id, label_id, adjudicator_id, value, notes)
    SELECT id, organization, moment, id, label, person, '{"rating": 4}', '' FROM given
), dataset AS (
    INSERT INTO modelhub_dataset (id, organization_id, created_at, updated_at, name, columns)
    SELECT id, organization, moment, moment, 'Dataset', '[]' FROM given
), cells AS (
    INSERT INTO modelhub_datasetrow (id, organization_id, created_at, dataset_id, position, cells, metadata)
    SELECT id, organization, moment, id, 1, '{}', '{}' FROM given
), invitation AS (
    INSERT INTO modelhub_invitation (id, organization_id, created_at, user_id, created_by_id, token_digest, expires_at)
    SELECT id, organization, moment, person, person, id::text, moment FROM given
)
INSERT INTO modelhub_sourcenote (id, organization_id, created_at, source_id, author_id, text)
SELECT id, organization, moment, source, person, 'a note' FROM given
"""


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
