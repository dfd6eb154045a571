"""Exports read a streaming replica that is as far as the primary."""

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.postgres import Postgres, running_replica
from tests.servers import Server, data_folder, running_server

NAME = "with_replica"
EXPORT = "/model-hub/scores/export/"

serial = itertools.count()


@dataclass
class Pair:
    """A server with a primary and a replica."""

    server: Server
    replica: Postgres
    label: str

    def statements(self) -> str:
        """Return every statement that the replica ever got."""
        return (self.replica.folder / "server.log").read_text(errors="replace")

    def write(self) -> str:
        """Overwrite the one score; return its new text once it is acknowledged."""
        text = f"text {next(serial)}"
        body = {"source_type": "trace", "source_id": "known", "scores": [{"label_id": self.label, "value": text}]}
        answer = self.server.request("POST", "/model-hub/scores/bulk/", json=body)
        assert (answer.status_code, answer.json()["errors"]) == (201, [])
        return text

    def export(self) -> str:
        """Return the text of the one score in an export."""
        answer = self.server.request("GET", EXPORT)
        assert answer.status_code == 200
        return str(json.loads(answer.text)["value"]["text"])

    def exports_from_replica(self) -> bool:
        before = self.statements().count('FROM "modelhub_score"')
        self.export()
        return self.statements().count('FROM "modelhub_score"') > before

    @contextmanager
    def stuck_replica(self) -> Iterator[None]:
        """Let the replica answer without replaying anything new."""
        self.replica.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.replica.execute("SELECT pg_wal_replay_resume()")


@pytest.fixture(scope="module")
def pair(postgres: Postgres) -> Iterator[Pair]:
    url = postgres.make_database(NAME)
    with (
        data_folder() as folder,
        running_replica(postgres, folder / "replica", "-c log_statement=all") as replica,
        data_folder() as data_dir,
    ):
        more = {"MODELHUB_AUTO_CREATE_SOURCES": "true", "MODELHUB_WORKERS": "1"}
        env = {"DATABASE_URL": url, "MODELHUB_REPLICA_URL": replica.url(NAME), **more}
        with running_server(data_dir, **env) as server:
            [label] = server.request("GET", "/model-hub/annotations-labels/?type=text").json()["results"]
            pair = Pair(server, replica, label["id"])
            pair.write()
            yield pair


def test_an_export_is_read_from_the_replica_and_has_all_acknowledged_scores(pair: Pair) -> None:
    for _ in range(20):
        assert pair.write() == pair.export()
    assert pair.exports_from_replica()


def test_everything_else_is_read_from_the_primary(pair: Pair) -> None:
    before = len(pair.statements())
    for path in ("scores/", "scores/?cursor=", "sources/", "annotations-labels/"):
        assert pair.server.request("GET", f"/model-hub/{path}").status_code == 200
    assert "modelhub_" not in pair.statements()[before:]


def test_a_replica_that_is_behind_is_not_used(pair: Pair) -> None:
    with pair.stuck_replica():
        assert pair.write() == pair.export()
        assert not pair.exports_from_replica()
    assert pair.exports_from_replica()


def test_a_replica_that_is_gone_is_not_missed(pair: Pair) -> None:
    pair.replica.stop()
    try:
        assert [pair.write() == pair.export() for _ in range(3)] == [True] * 3
    finally:
        pair.replica.start()
    # The server's pool may still hold a connection that is gone; it is replaced by the first export.
    assert any(pair.exports_from_replica() for _ in range(3))


def test_a_role_that_may_read_nothing_but_exported_tables_suffices(
    postgres: Postgres, pair: Pair, folder: Path
) -> None:
    exported = ", ".join(f"modelhub_{table}" for table in ("score", "source", "label", "user"))
    postgres.execute(f"CREATE ROLE exporter LOGIN; GRANT SELECT ON {exported} TO exporter", NAME)
    pair.write()
    url = re.sub("//.*@", "//exporter@", pair.replica.url(NAME))
    with running_server(folder, DATABASE_URL=postgres.url(NAME), MODELHUB_REPLICA_URL=url) as server:
        assert server.request("GET", EXPORT).status_code == 200
        assert not [line for line in server.log if "replica_not_used" in line]


def test_a_url_that_leads_to_no_replica_is_not_used(postgres: Postgres, pair: Pair, folder: Path) -> None:
    """The primary's own URL, or that of a replica that was promoted."""
    env = {"DATABASE_URL": postgres.url(NAME), "MODELHUB_REPLICA_URL": postgres.url(NAME), "MODELHUB_WORKERS": "1"}
    with running_server(folder, **env) as server:
        assert server.request("GET", EXPORT).status_code == 200
        assert server.logged("replica_not_used")
