"""Clients under faults, and a ledger that compares their acknowledged writes.

Every client writes atomic batches to a source of its own: one mark on every label, marks 1, 2, 3 …, each sent once.
The database must then hold, as scores or in their history, every acknowledged mark, each mark on all labels or on none,
and no mark that was not sent.
"""

import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from tests.repeats import SEED
from tests.servers import Server

CLIENTS, LABELS = 8, 3
BACK_WITHIN = 20  # seconds
RETRY = {"service_unavailable", "outcome_unknown"}


@dataclass
class Book:
    """The ledger of one client: marks that were sent and acknowledged, and answers."""

    source: str
    sent: int = 0
    acknowledged: set[int] = field(default_factory=set)
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Load:
    """Clients that write until `stop` is set, whatever fails."""

    servers: list[Server]
    labels: list[str]
    books: list[Book]
    pad: int = 0  # characters that no compression makes shorter, for filling a disk
    stop: threading.Event = field(default_factory=threading.Event)
    back: list[float] = field(default_factory=list)

    def run(self, book: Book) -> None:
        """Write batch after batch as one client."""
        session = requests.Session()
        while not self.stop.is_set():
            book.sent += 1
            value = {"text": "x", "mark": book.sent, "pad": secrets.token_hex(self.pad // 2)}
            scores = [{"label_id": label, "value": value} for label in self.labels]
            body = {"source_type": "trace", "source_id": book.source, "scores": scores}
            server = random.choice(self.servers)
            try:
                url = server.base_url + "/model-hub/scores/bulk/?atomic=true"
                answer = session.post(url, json=body, headers=server.headers, timeout=30)
            except requests.RequestException:
                session = requests.Session()
                time.sleep(0.05)
                continue
            self._note(book, answer)

    def _note(self, book: Book, answer: requests.Response) -> None:
        body = answer.json()
        book.answers[answer.status_code, body.get("code", "")] += 1
        if answer.status_code == 201 and body["errors"] == []:
            book.acknowledged.add(book.sent)
        elif answer.status_code == 503 and answer.headers.get("Retry-After") and body["code"] in RETRY:
            time.sleep(0.05)
        else:
            book.wrong.append(f"{answer.status_code} {answer.text[:500]}")

    def wait_until_it_writes(self, within: float = BACK_WITHIN) -> None:
        """Record the seconds until every server acknowledges a write again."""
        started = time.monotonic()
        body = {"source_type": "trace", "source_id": "probe", "label_id": self.labels[0], "value": "x"}
        waiting = list(self.servers)
        while waiting and time.monotonic() - started < within:
            try:
                if waiting[0].request("POST", "/model-hub/scores/", json=body).status_code == 201:
                    waiting.pop(0)
            except requests.RequestException:
                time.sleep(0.05)
        if waiting:
            pytest.fail(f"no write was acknowledged within {within} s")
        self.back.append(time.monotonic() - started)

    def wait_until_all_write(self) -> None:
        """Return when every client has an acknowledged write that a fault could lose."""
        end = time.monotonic() + 3 * BACK_WITHIN
        while not all(book.acknowledged for book in self.books):
            assert time.monotonic() < end, [book.answers for book in self.books]
            time.sleep(0.02)

    def check(self) -> None:
        """Compare the ledgers with the database, after the clients have stopped."""
        for book in self.books:
            stored = marks(self.servers[-1], book.source)
            whole = stored[self.labels[0]]
            assert book.wrong == []
            assert book.acknowledged
            assert set(stored) == set(self.labels)
            assert all(of_label == whole for of_label in stored.values())
            assert whole <= set(range(1, book.sent + 1))
            assert book.acknowledged <= whole

    @property
    def unavailable(self) -> int:
        """Return the number of requests answered with 503."""
        return sum(number for book in self.books for (status, _), number in book.answers.items() if status == 503)

    def tell(self, scenario: str, faults: int) -> None:
        """Print the counts of a ledger that passed `check`."""
        sent = sum(book.sent for book in self.books)
        kept = sum(len(book.acknowledged) for book in self.books)
        back = f", back within {max(self.back):.1f} s" if self.back else ""
        print(
            f"\n{scenario}: {faults} faults, {sent} batches sent, {kept} acknowledged, 0 lost, "
            f"{self.unavailable} answered with 503{back} (seed {SEED})"
        )


@contextmanager
def clients(*servers: Server, pad: int = 0) -> Iterator[Load]:
    """Run eight clients during the block, then check their ledgers.

    The servers share a database and need MODELHUB_AUTO_CREATE_SOURCES.
    """
    random.seed(SEED)
    run = secrets.token_hex(4)
    load = Load(list(servers), make_labels(servers[0]), [Book(f"source-{run}-{n}") for n in range(CLIENTS)], pad)
    threads = [threading.Thread(target=load.run, args=[book]) for book in load.books]
    for thread in threads:
        thread.start()
    try:
        load.wait_until_all_write()
        yield load
    finally:
        load.stop.set()
        for thread in threads:
            thread.join()
    load.check()


def make_labels(server: Server, number: int = LABELS) -> list[str]:
    """Create text labels and return their ids."""
    path, run = "/model-hub/annotations-labels/", secrets.token_hex(4)
    made = [server.request("POST", path, json={"name": f"L{n} {run}", "type": "text"}) for n in range(number)]
    return [answer.json()["result"]["id"] for answer in made]


def marks(server: Server, source: str) -> dict[str, set[int]]:
    """Return by label every mark, stored or in the history, each once."""
    path = f"/model-hub/scores/for-source/?source_type=trace&source_id={source}"
    found = {}
    for score in server.request("GET", path).json():
        replaced = [revision["value"]["mark"] for revision in history(server, score["id"])]
        assert len(replaced) == len(set(replaced))
        found[score["label_id"]] = {score["value"]["mark"], *replaced}
        assert score["value"]["mark"] == max(found[score["label_id"]])
    return found


def history(server: Server, score_id: str) -> list[dict[str, Any]]:
    """Return all revisions of a score."""
    found: list[dict[str, Any]] = []
    url: str | None = f"/model-hub/scores/{score_id}/history/?limit=1000"
    while url:
        page = server.request("GET", url.replace(server.base_url, "")).json()
        found += page["results"]
        url = page["next"]
    return found
