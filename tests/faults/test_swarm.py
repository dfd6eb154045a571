"""A swarm of annotators on one queue, some of which die, while workers of the server are killed.

`make faults` runs all 20 annotators on 1,000 items; `make test` fewer. SWARM is "annotators items" of another size.
"""

import json
import os
import random
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from modelhub.accounts.keys import digest
from tests.faults.ledger import make_labels
from tests.repeats import LONG, SEED
from tests.servers import ROOT, Server, running_server

ANNOTATORS, ITEMS = map(int, os.environ.get("SWARM", "20 1000" if LONG else "10 40").split())
OVERLAP, TIMEOUT = 3, 2
SECRET = "a secret of the swarm"
QUEUES = "/model-hub/annotation-queues/"
# Each change of a slot, in the order of the locks of its item.
HISTORY = """
CREATE TABLE slot_history (
    turn bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL DEFAULT clock_timestamp(), change text NOT NULL,
    item_id uuid NOT NULL, user_id uuid NOT NULL, state text, seat int, reserved_until timestamptz
);
CREATE FUNCTION record_slot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO slot_history (change, item_id, user_id) VALUES (TG_OP, OLD.item_id, OLD.user_id);
    ELSE
        INSERT INTO slot_history (change, item_id, user_id, state, seat, reserved_until)
        VALUES (TG_OP, NEW.item_id, NEW.user_id, NEW.state, NEW.seat, NEW.reserved_until);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER record_slot AFTER INSERT OR UPDATE OR DELETE ON modelhub_slot
    FOR EACH ROW EXECUTE FUNCTION record_slot();
"""
PEOPLE = """
WITH organization AS (SELECT organization_id AS id FROM modelhub_apikey LIMIT 1), people AS (
    INSERT INTO modelhub_user
        (id, created_at, email, name, organization_id, role, is_active, is_staff, is_superuser, password)
    SELECT gen_random_uuid(), now(), 'swarm' || n || '@example.com', 'Swarm ' || n, organization.id, 'member', true,
           false, false, '!'
    FROM generate_series(1, %(count)s::int) AS n, organization
    RETURNING id, organization_id, email
)
INSERT INTO modelhub_apikey (id, created_at, organization_id, user_id, name, api_key, secret_digest, scopes)
SELECT gen_random_uuid(), now(), organization_id, id, 'Swarm', email, %(digest)s, ARRAY['annotate'] FROM people
"""
# By item and label: the marks that are stored or in the history, and their annotators.
MARKS = """
SELECT score.queue_item::text AS item, score.label_id::text AS label, annotator.email, (value->>'mark')::int AS mark
FROM (
    SELECT queue_item, label_id, annotator_id, value FROM modelhub_score WHERE deleted_at IS NULL
    UNION ALL
    SELECT score.queue_item, score.label_id, score.annotator_id, revision.value
    FROM modelhub_scorerevision AS revision JOIN modelhub_score AS score ON score.id = revision.score_id
    WHERE score.deleted_at IS NULL
) AS score
JOIN modelhub_user AS annotator ON annotator.id = score.annotator_id
"""
SLOTS = """
SELECT slot.item_id::text AS item, person.email, slot.state, slot.seat
FROM modelhub_slot AS slot JOIN modelhub_user AS person ON person.id = slot.user_id
"""


@dataclass
class Swarm:
    """The processes of the annotators and their ledgers."""

    processes: list[subprocess.Popen[bytes]]
    ledgers: dict[str, Path]

    def works(self) -> bool:
        return any(process.poll() is None for process in self.processes)

    def lines(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield each line of the ledgers, with the email of its annotator."""
        for email, ledger in self.ledgers.items():
            for line in ledger.read_text().splitlines():
                yield email, json.loads(line)


def post(server: Server, path: str, body: object) -> Any:
    answer = server.request("POST", path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def make_queue(server: Server, labels: list[str], emails: list[str]) -> str:
    """Make an active queue with items and annotators, and return its id."""
    settings = {
        "name": "Swarm",
        "status": "active",
        "annotations_required": OVERLAP,
        "reservation_timeout_seconds": TIMEOUT,
        "label_ids": labels,
        "annotator_emails": emails,
    }
    queue = str(post(server, QUEUES, settings)["id"])
    for label in labels:
        post(server, f"{QUEUES}{queue}/add-label/", {"label_id": label, "required": True})
    sources = [{"source_type": "trace", "source_id": f"swarm-{secrets.token_hex(8)}"} for _ in range(ITEMS)]
    post(server, "/model-hub/sources/bulk/", {"sources": sources})
    assert post(server, f"{QUEUES}{queue}/items/add-items/", {"items": sources})["added"] == ITEMS
    return queue


@contextmanager
def swarming(server: Server, folder: Path, queue: str, labels: list[str], emails: list[str]) -> Iterator[Swarm]:
    """Start the annotators: of each five one dies, and the others have habits."""
    swarm = Swarm([], {})
    habits = [["dies", "skips"], ["twice"], ["late", "skips"], ["releases", "undoes"], ["twice", "late", "undoes"]]
    try:
        for number, email in enumerate(emails):
            swarm.ledgers[email] = folder / f"ledger-{number}.jsonl"
            swarm.ledgers[email].touch()
            annotator = {
                "base_url": server.base_url,
                "headers": {"X-Api-Key": email, "X-Secret-Key": SECRET},
                "queue": queue,
                "labels": labels,
                "ledger": str(swarm.ledgers[email]),
                "seed": SEED * 1000 + number,
                "timeout": TIMEOUT,
                "habits": habits[number % len(habits)],
            }
            command = [sys.executable, "-m", "tests.faults.annotator", json.dumps(annotator)]
            swarm.processes.append(subprocess.Popen(command, cwd=ROOT))
        yield swarm
    finally:
        for process in swarm.processes:
            process.kill()
            process.wait()


def kill_workers(server: Server, swarm: Swarm) -> int:
    """Kill a worker again and again while the swarm works, and return the number of kills."""
    kills = 0
    while swarm.works():
        time.sleep(random.uniform(0.5, 2.0) * max(1.0, ITEMS / 200))
        if workers := server.workers():
            random.choice(workers).kill()
            kills += 1
    return kills


def most_live_slots(changes: list[Any]) -> int:
    """Replay the changes of one item, and return the greatest number of live slots after any of them."""
    slots: dict[str, tuple[str, datetime | None]] = {}
    most = 0
    for change in changes:
        if change["change"] == "DELETE":
            del slots[change["user_id"]]
        else:
            slots[change["user_id"]] = change["state"], change["reserved_until"]
        live = sum(
            state == "completed" or (state in ("reserved", "submitted") and until > change["at"])
            for state, until in slots.values()
        )
        most = max(most, live)
    return most


def test_a_swarm_completes_a_queue_and_loses_nothing(folder: Path) -> None:
    random.seed(SEED)
    emails = [f"swarm{number}@example.com" for number in range(1, ANNOTATORS + 1)]
    with running_server(folder, MODELHUB_LOG_LEVEL="ERROR") as server:
        with psycopg.connect(server.database_url, autocommit=True, row_factory=dict_row) as database:
            database.execute(PEOPLE, {"count": ANNOTATORS, "digest": digest(SECRET)})
            labels = make_labels(server, 2)
            queue = make_queue(server, labels, emails)
            database.execute(HISTORY.encode())
            began = time.monotonic()
            with swarming(server, folder, queue, labels, emails) as swarm:
                kills = kill_workers(server, swarm)
            seconds = time.monotonic() - began
            history = database.execute("SELECT * FROM slot_history ORDER BY turn").fetchall()
            marks = {
                (row["item"], row["label"], row["email"], row["mark"]) for row in database.execute(MARKS).fetchall()
            }
            slots = database.execute(SLOTS).fetchall()
            items = database.execute("SELECT id::text AS item, status FROM modelhub_item").fetchall()
        shown = server.request("GET", f"{QUEUES}{queue}/").json()
        progress = server.request("GET", f"{QUEUES}{queue}/progress/").json()

    lines = list(swarm.lines())
    # The last of a person's acknowledged writes on an item.
    last = {(email, line[1]): line[0] for email, line in lines if line[0] in ("completed", "undone", "skipped")}
    submitted = {(line[1], email, line[2]) for email, line in lines if line[0] == "submitted"}
    by_item: dict[str, list[Any]] = {}
    for change in history:
        by_item.setdefault(str(change["item_id"]), []).append(change)
    completed = Counter(slot["item"] for slot in slots if slot["state"] == "completed")

    assert [line for _, line in lines if line[0] == "wrong"] == []
    assert sum(line[0] == "died" for _, line in lines) == ANNOTATORS // 5
    assert sum(line[0] == "left" for _, line in lines) == ANNOTATORS - ANNOTATORS // 5
    assert {row["status"] for row in items} == {"completed"}
    assert completed == {row["item"]: OVERLAP for row in items}
    assert max(map(most_live_slots, by_item.values())) == OVERLAP
    states = {(slot["email"], slot["item"]): slot["state"] for slot in slots}
    ended = {place: word for place, word in last.items() if word != "undone"}
    assert {place: states.get(place) for place in ended} == ended
    assert {(item, label, email, mark) for item, email, mark in submitted for label in labels} <= marks
    assert shown["status"] == "completed"
    assert (progress["completed"], progress["total"]) == (ITEMS, ITEMS)
    requests = Counter(line[1] for _, line in lines if line[0] == "answer")
    refused = Counter((line[1], *line[2:]) for _, line in lines if line[0] == "answer" and line[2] != 200)
    words = Counter(line[0] for _, line in lines)
    print(
        f"\nswarm: {ANNOTATORS} annotators, {ITEMS} items, {requests.total()} answers in {seconds:.0f} s, {kills} "
        f"workers killed, {words['unanswered']} requests unanswered, {words['unavailable']} answered with 503, "
        f"{len(submitted)} acknowledged submits, 0 lost, {len(history)} changes of slots (seed {SEED})\n"
        f"requests {dict(requests)}; refused {dict(refused)}"
    )
