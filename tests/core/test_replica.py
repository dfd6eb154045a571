"""Lists are read from a streaming replica, and nobody ever notices: two PostgreSQL processes, one server."""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.folders import temporary_folder
from tests.postgres import Postgres, running_postgres, running_replica
from tests.servers import Server, data_folder, environment, manage, running_server

NAME = "with_replica"
WRITES = 25
LISTS = (
    "/model-hub/scores/",
    "/model-hub/scores/?cursor=",
    "/model-hub/scores/for-source/?source_type=trace&source_id=known",
    "/model-hub/scores/export/",
    "/model-hub/scores/export/?export_format=csv",
    "/model-hub/sources/",
    "/model-hub/annotations-labels/",
)
# The server stops asking a replica for seconds at most.
SOON = 15

serial = itertools.count()


@dataclass
class Pair:
    """A server, and what it reads and writes."""

    server: Server
    primary: Postgres
    replica: Postgres
    label: str
    env: dict[str, str]

    def statements(self) -> str:
        """Everything that the replica was ever asked."""
        return (self.replica.folder / "server.log").read_text(errors="replace")

    def write(self, source: str) -> str:
        """A new score on a source, acknowledged; answers its mark."""
        mark = f"mark {next(serial)}"
        body = {"source_type": "trace", "source_id": source, "scores": [{"label_id": self.label, "value": mark}]}
        answer = self.server.request("POST", "/model-hub/scores/bulk/", json=body)
        assert (answer.status_code, answer.json()["errors"]) == (201, [])
        return mark

    def read(self, source: str) -> str:
        """What the source's score says."""
        path = f"/model-hub/scores/for-source/?source_type=trace&source_id={source}"
        [score] = self.server.request("GET", path).json()
        return str(score["value"]["text"])

    def asks_the_replica(self) -> bool:
        """Whether a list that nobody wrote to lately goes there."""
        before = self.statements().count('FROM "modelhub_source"')
        assert self.server.request("GET", "/model-hub/sources/").status_code == 200
        return self.statements().count('FROM "modelhub_source"') > before

    def wait_until_it_asks_the_replica(self) -> None:
        end = time.monotonic() + SOON
        while not self.asks_the_replica():
            assert time.monotonic() < end
            time.sleep(0.1)

    @contextmanager
    def stuck_replica(self) -> Iterator[None]:
        """The replica answers, and learns nothing new."""
        self.replica.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.replica.execute("SELECT pg_wal_replay_resume()")


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with (
        temporary_folder() as folder,
        running_postgres(folder / "primary") as primary,
        running_replica(primary, folder / "replica", "-c log_statement=all") as replica,
        data_folder() as data_dir,
    ):
        more = {"MODELHUB_AUTO_CREATE_SOURCES": "true", "MODELHUB_WORKERS": "1", "MODELHUB_REPLICA_WAIT_MS": "2000"}
        env = {"DATABASE_URL": primary.make_database(NAME), "MODELHUB_REPLICA_URL": replica.url(NAME), **more}
        with running_server(data_dir, **env) as server:
            [label] = server.request("GET", "/model-hub/annotations-labels/?type=text").json()["results"]
            pair = Pair(server, primary, replica, label["id"], environment(data_dir, **env))
            pair.write("known")
            yield pair


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_read_from_the_replica(pair: Pair, path: str) -> None:
    pair.wait_until_it_asks_the_replica()
    before = len(pair.statements())
    assert pair.server.request("GET", path).status_code == 200
    asked = pair.statements()[before:]
    assert "SELECT" in asked.replace("SELECT pg_last_wal_replay_lsn()", "")
    assert "modelhub_apikey" not in asked


def test_everybody_reads_what_was_acknowledged_before(pair: Pair) -> None:
    """Four clients write and read at once; what is read is never older than what was acknowledged."""

    def write_and_read(client: int) -> list[tuple[str, str]]:
        source = f"client-{client}"
        return [(pair.write(source), pair.read(source)) for _ in range(WRITES)]

    with ThreadPoolExecutor(4) as pool:
        seen = [both for one in pool.map(write_and_read, range(4)) for both in one]
    assert all(written == read for written, read in seen)
    assert 'FROM "modelhub_score"' in pair.statements()


def test_what_a_replica_does_not_know_yet_comes_from_the_primary(pair: Pair) -> None:
    with pair.stuck_replica():
        assert pair.read("known") != (mark := pair.write("known"))
        assert pair.read("known") == mark
        assert not pair.asks_the_replica()
    pair.wait_until_it_asks_the_replica()


def test_a_revoked_key_is_revoked_at_once(pair: Pair) -> None:
    made = manage("create_api_key", "admin@example.com", env=pair.env).stdout
    api_key, secret = (
        line.split()[-1] for line in made.splitlines() if "key" in line.lower() and len(line.split()) > 2
    )
    headers = {"X-Api-Key": api_key, "X-Secret-Key": secret}
    assert pair.server.request("GET", "/model-hub/sources/", headers=headers).status_code == 200
    with pair.stuck_replica():
        assert manage("revoke_api_key", api_key, env=pair.env).returncode == 0
        assert pair.server.request("GET", "/model-hub/sources/", headers=headers).status_code == 401


def test_a_replica_that_is_gone_is_not_missed(pair: Pair) -> None:
    """Neither while it goes, nor when it is back."""
    pair.wait_until_it_asks_the_replica()
    statuses: list[int] = []
    pair.replica.stop()
    for _ in range(5):
        statuses += [pair.server.request("GET", path).status_code for path in LISTS]
    pair.replica.start()
    assert set(statuses) == {200}
    pair.wait_until_it_asks_the_replica()


def test_a_url_that_leads_to_no_replica_is_not_used(pair: Pair, folder: Path) -> None:
    """The primary's own, say, or that of a replica which was promoted meanwhile."""
    env: dict[str, Any] = {"DATABASE_URL": pair.primary.url(NAME), "MODELHUB_REPLICA_URL": pair.primary.url(NAME)}
    with running_server(folder, **env, MODELHUB_WORKERS="1") as server:
        assert server.request("GET", "/model-hub/sources/").status_code == 200
        assert server.logged("replica_not_used")
