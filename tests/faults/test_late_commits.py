"""Readers that read on by `updated_after`, while transactions commit late."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import requests

from tests.servers import ROOT, Server, data_folder, running_server

WRITERS, WRITES = 6, 9
# The time of a score is taken before the statement's triggers run.
COMMIT_LATE = """
CREATE FUNCTION commit_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(0.5 + random());
    RETURN NULL;
END $$;
CREATE TRIGGER commit_late AFTER INSERT OR UPDATE ON modelhub_score FOR EACH STATEMENT EXECUTE FUNCTION commit_late();
"""


def documented_reader(server: Server, overlap: timedelta | None = None) -> Any:
    """Return `changed_scores` of docs/api.md, which then reads from this server."""
    page = (ROOT / "docs" / "api.md").read_text()
    [block] = [one for one in re.findall(r"```pycon\n(.*?)```", page, re.DOTALL) if "def changed_scores" in one]
    code = "\n".join(line[4:] for line in block.splitlines() if line.startswith((">>> ", "... ")))
    definitions, _, _ = code.partition("\nstate = ")
    session = requests.Session()
    session.headers.update(server.headers)
    names: dict[str, Any] = {"api": lambda method, path: session.request(method, server.base_url + path, timeout=30)}
    exec(definitions, names)
    if overlap is not None:
        names["OVERLAP"] = overlap
    return names["changed_scores"]


def write(server: Server, label_id: str, writer: int) -> None:
    """Store scores of new sources and of an old one, over and over."""
    for number in range(WRITES):
        name = f"{writer}" if number % 3 == 0 else f"{writer}-{number}"
        body = {"source_type": "span", "source_id": name, "scores": [{"label_id": label_id, "value": number % 5 + 1}]}
        answer = server.request("POST", "/model-hub/scores/bulk/", json=body)
        assert answer.status_code == 201, answer.text


def test_the_documented_reader_loses_nothing_and_one_without_an_overlap_does() -> None:
    with data_folder() as folder, running_server(folder, MODELHUB_AUTO_CREATE_SOURCES="true") as server:
        label = server.request("POST", "/model-hub/annotations-labels/", json={"name": "L", "type": "star"}).json()
        with psycopg.connect(server.database_url, autocommit=True) as connection:
            connection.execute(COMMIT_LATE)
        done = threading.Event()

        def read_on(reader: Any) -> list[dict[str, Any]]:
            state: dict[str, Any] = {"since": "2000-01-01", "seen": {}}
            found: list[dict[str, Any]] = []
            while not done.is_set():
                found += reader(state)
                time.sleep(0.02)
            return found + list(reader(state))

        with ThreadPoolExecutor(WRITERS + 2) as pool:
            readers = [
                pool.submit(read_on, documented_reader(server, overlap)) for overlap in (None, timedelta(seconds=0))
            ]
            writers = [pool.submit(write, server, label["result"]["id"], number) for number in range(WRITERS)]
            for writer in writers:
                writer.result()
            done.set()
            documented, careless = (reader.result() for reader in readers)
        stored = server.request("GET", "/model-hub/scores/?limit=1000").json()["results"]

        def last(scores: list[dict[str, Any]]) -> dict[str, Any]:
            return {score["id"]: score for score in scores}

        assert len(stored) == WRITERS * (1 + WRITES * 2 // 3)
        assert last(documented) == last(stored)
        versions = [(score["id"], score["updated_at"]) for score in documented]
        assert len(versions) == len(set(versions)), "the repeats of the overlap are dropped"
        assert last(careless) != last(stored), "the writers were not slow enough to be missed"
