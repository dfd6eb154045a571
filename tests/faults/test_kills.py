"""kill -9 under load: of a worker, of all workers, of PostgreSQL. Nothing that was acknowledged may be lost.

Eight clients write values of their own and keep a ledger of what was acknowledged. In the end the database is asked:
every acknowledged value must be there, stored or in the history; atomic batches must be there whole or not at all; and
nothing may be there that nobody sent.

`make faults` repeats it longer: FAULT_KILLS says how many kills, FAULT_SEED which ones.
"""

import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.servers import Server, running_server

CLIENTS, LABELS = 8, 3
KILLS = int(os.environ.get("FAULT_KILLS", "6"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
BACK_WITHIN = 20  # seconds


@dataclass
class Ledger:
    """One client's book: the last mark that it sent to its source, and every mark that was acknowledged."""

    source: str
    sent: int = 0
    acknowledged: set[int] = field(default_factory=set)
    answers: dict[int, int] = field(default_factory=dict)


@dataclass
class Clients:
    """Writers that never stop until they are told to, and never mind a failure."""

    server: Server
    labels: list[str]
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, ledger: Ledger) -> None:
        """Atomic batches of one mark on every label: mark 1, 2, 3 … each sent once."""
        session = requests.Session()
        while not self.stop.is_set():
            ledger.sent += 1
            scores = [{"label_id": label, "value": {"text": "x", "mark": ledger.sent}} for label in self.labels]
            body = {"source_type": "trace", "source_id": ledger.source, "scores": scores}
            try:
                url = self.server.base_url + "/model-hub/scores/bulk/?atomic=true"
                answer = session.post(url, json=body, headers=self.server.headers, timeout=15)
            except requests.RequestException:
                session = requests.Session()
                time.sleep(0.05)
                continue
            ledger.answers[answer.status_code] = ledger.answers.get(answer.status_code, 0) + 1
            if answer.status_code == 201:
                assert answer.json()["errors"] == []
                ledger.acknowledged.add(ledger.sent)


def workers(server: Server) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children()


def kill(chosen: str, server: Server, data_dir: Path) -> None:
    if chosen == "postgres":
        os.kill(int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
        return
    victims = workers(server)
    for victim in victims if chosen == "all workers" else random.sample(victims, 1):
        victim.kill()


def wait_until_it_writes(server: Server, label: str) -> float:
    """Seconds until a write is acknowledged again."""
    started = time.monotonic()
    body = {"source_type": "trace", "source_id": "probe", "label_id": label, "value": "x"}
    while time.monotonic() - started < BACK_WITHIN:
        try:
            if server.request("POST", "/model-hub/scores/", json=body).status_code == 201:
                return time.monotonic() - started
        except requests.RequestException:
            time.sleep(0.05)
    pytest.fail(f"no write was acknowledged within {BACK_WITHIN} s")


def marks(server: Server, source: str) -> dict[str, set[int]]:
    """By label, every mark that is stored or in the history."""
    path = f"/model-hub/scores/for-source/?source_type=trace&source_id={source}"
    found = {}
    for score in server.request("GET", path).json():
        history: list[Any] = []
        url: str | None = f"/model-hub/scores/{score['id']}/history/?limit=1000"
        while url:
            page = server.request("GET", url.replace(server.base_url, "")).json()
            history += page["results"]
            url = page["next"]
        replaced = [revision["value"]["mark"] for revision in history]
        assert len(replaced) == len(set(replaced))
        found[score["label_id"]] = {score["value"]["mark"], *replaced}
        assert score["value"]["mark"] == max(found[score["label_id"]])
    return found


def test_nothing_acknowledged_is_lost(folder: Path) -> None:
    random.seed(SEED)
    with running_server(folder, MODELHUB_AUTO_CREATE_SOURCES="true", MODELHUB_LOG_LEVEL="ERROR") as server:
        made = [
            server.request("POST", "/model-hub/annotations-labels/", json={"name": f"L{n}", "type": "text"}).json()
            for n in range(LABELS)
        ]
        labels = [label["result"]["id"] for label in made]
        clients = Clients(server, labels)
        ledgers = [Ledger(f"source-{n}") for n in range(CLIENTS)]
        threads = [threading.Thread(target=clients.run, args=[ledger]) for ledger in ledgers]
        for thread in threads:
            thread.start()
        back = []
        for number in range(KILLS):
            time.sleep(random.uniform(0.2, 1.0))
            kill(("worker", "all workers", "postgres")[number % 3], server, folder)
            back.append(wait_until_it_writes(server, labels[0]))
        clients.stop.set()
        for thread in threads:
            thread.join()

        for ledger in ledgers:
            stored = marks(server, ledger.source)
            whole = stored[labels[0]]
            assert ledger.acknowledged
            assert set(stored) == set(labels)
            assert all(of_label == whole for of_label in stored.values())
            assert whole <= set(range(1, ledger.sent + 1))
            assert ledger.acknowledged <= whole
            assert set(ledger.answers) <= {201, 503}
        sent, kept = sum(ledger.sent for ledger in ledgers), sum(len(ledger.acknowledged) for ledger in ledgers)
        print(f"\n{KILLS} kills, {sent} batches sent, {kept} acknowledged, back within {max(back):.1f} s")
