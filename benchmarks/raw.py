"""Raw SQL and the HTTP floor, each as one WSGI function without Django.

Raw stores with one prepared upsert on modelhub's tables, which is its own transaction, without key, rules or history:
the most that a Python server can reach under the same constraints and indexes.
"""

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from psycopg_pool import ConnectionPool
from uuid_utils import uuid7

from benchmarks.bodies import BYTES_PER_SCORE

UPSERT = """
INSERT INTO modelhub_score
    (id, organization_id, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at)
SELECT given.id, key.organization_id, source.id, label_id, key.user_id, value, score_source, %(notes)s, %(now)s, %(now)s
FROM modelhub_apikey AS key
JOIN modelhub_source AS source USING (organization_id),
     json_to_recordset(%(rows)s::json) AS given (id uuid, label_id uuid, value jsonb, score_source text)
WHERE key.api_key = %(key)s AND source_type = 'trace' AND source_key = %(source)s
ON CONFLICT (source_id, label_id, annotator_id, queue_item, organization_id) WHERE deleted_at IS NULL DO UPDATE SET
    value = excluded.value, score_source = excluded.score_source,
    notes = excluded.notes, updated_at = excluded.updated_at
"""
pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=4, kwargs={"autocommit": True, "prepare_threshold": 0})


def raw(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Store the scores of a bulk request."""
    sent = msgspec.json.decode(read(environ) or b'{"scores":[]}')
    rows = [{"id": str(uuid7()), **score} for score in sent["scores"]]
    if rows:
        parameters = {"key": environ["HTTP_X_API_KEY"], "source": sent["source_id"], "notes": sent["notes"]}
        parameters |= {"rows": msgspec.json.encode(rows).decode(), "now": datetime.now(UTC)}
        with pool.connection() as connection:
            assert connection.execute(UPSERT, parameters).rowcount == len(rows), sent["source_id"]
    return created(msgspec.json.encode({"scores": rows, "errors": []}), start_response)


def floor(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Return a constant answer of the size of modelhub's."""
    return created(constant(read(environ).count(b'"label_id"')), start_response)


@cache
def constant(size: int) -> bytes:
    return msgspec.json.encode({"scores": ["x" * (BYTES_PER_SCORE - 3)] * size, "errors": []})


def read(environ: dict[str, Any]) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return body


def created(body: bytes, start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("201 Created", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
