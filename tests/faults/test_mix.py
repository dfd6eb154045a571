"""Eight clients write to two sources with every verb: no 5xx, no lost value.

Every sent value has a mark of its own. In the end the acknowledged marks are exactly the marks that are stored or in
the history, each once: overwritten values are kept, rejected values are absent.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests

from tests.faults.ledger import CLIENTS, make_labels
from tests.repeats import LONG, SEED
from tests.servers import Server, running_server

ROUNDS = 400 if LONG else 30
SOURCES = ("one", "two")
SCORES, LABELS = "/model-hub/scores/", "/model-hub/annotations-labels/"
MARKS = """
SELECT label_id::text, value->>'mark' FROM modelhub_score WHERE deleted_at IS NULL
UNION ALL
SELECT score.label_id::text, revision.value->>'mark' FROM modelhub_scorerevision AS revision
JOIN modelhub_score AS score ON score.id = revision.score_id
"""


@dataclass
class Client:
    """A client that writes and records its acknowledged values."""

    server: Server
    labels: list[str]
    number: int
    session: requests.Session = field(default_factory=requests.Session)
    ids: list[str] = field(default_factory=lambda: [""])
    acknowledged: Counter[tuple[str, str]] = field(default_factory=Counter)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    def run(self) -> None:
        """Call verbs at random."""
        self.choose = random.Random(SEED * 1000 + self.number)
        self.marks = (f"{self.number}-{n}" for n in itertools.count())
        verbs: dict[Callable[[], None], int] = {
            self.bulk: 8,
            self.single: 4,
            self.correct: 6,
            self.delete: 2,
            self.delete_many: 1,
            self.delete_matching: 1,
            self.register: 1,
            self.change_label: 1,
            self.delete_label: 1,
        }
        for _ in range(ROUNDS):
            self.choose.choices(list(verbs), list(verbs.values()))[0]()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.session.request(
            method, self.server.base_url + path, json=body, headers=self.server.headers | headers, timeout=60
        )
        self.answers[f"{method} {path.partition('?')[0]}", answer.status_code] += 1
        return answer.json()

    def value(self) -> dict[str, str]:
        return {"text": "x", "mark": next(self.marks)}

    def note(self, score: dict[str, Any]) -> None:
        """Record an acknowledged value."""
        self.acknowledged[score["label_id"], score["value"]["mark"]] += 1
        self.ids = [*self.ids[-20:], score["id"]]

    def bulk(self) -> None:
        chosen = self.choose.sample(self.labels, self.choose.randint(1, len(self.labels)))
        scores: list[dict[str, Any]] = [{"label_id": label, "value": self.value()} for label in chosen]
        body = {"source_type": "trace", "source_id": self.choose.choice(SOURCES), "scores": scores}
        atomic = self.choose.choice(["", "?atomic=true"])
        headers = {"Idempotency-Key": scores[0]["value"]["mark"]} if self.choose.random() < 0.3 else {}
        for score in self.send("POST", f"{SCORES}bulk/{atomic}", body, **headers)["scores"]:
            self.note(score)

    def single(self) -> None:
        body = {"source_type": "trace", "source_id": self.choose.choice(SOURCES), "value": self.value()}
        answer = self.send("POST", SCORES, body | {"label_id": self.choose.choice(self.labels)})
        if "id" in answer:
            self.note(answer)

    def correct(self) -> None:
        if (pk := self.choose.choice(self.ids)) and "id" in (
            answer := self.send(self.choose.choice(["PATCH", "PUT"]), f"{SCORES}{pk}/", {"value": self.value()})
        ):
            self.note(answer)

    def delete(self) -> None:
        if pk := self.choose.choice(self.ids):
            self.send("DELETE", f"{SCORES}{pk}/")

    def delete_many(self) -> None:
        if ids := [pk for pk in self.choose.sample(self.ids, min(3, len(self.ids))) if pk]:
            self.send("POST", f"{SCORES}bulk-delete/", {"ids": ids})

    def delete_matching(self) -> None:
        self.send("POST", f"{SCORES}bulk-delete/", {"filter": {"label_id": self.choose.choice(self.labels)}})

    def register(self) -> None:
        entries = [{"source_type": "trace", "source_id": name, "metadata": {"by": self.number}} for name in SOURCES]
        self.send("POST", "/model-hub/sources/bulk/", {"sources": self.choose.sample(entries, 2)})

    def change_label(self) -> None:
        body = {"settings": {"max_length": self.choose.randint(10, 50)}, "description": str(self.number)}
        self.send("PATCH", f"{LABELS}{self.choose.choice(self.labels)}/?force=true", body)

    def delete_label(self) -> None:
        label = self.choose.choice(self.labels)
        self.send("DELETE", f"{LABELS}{label}/")
        self.send("POST", f"{LABELS}{label}/restore/")


def test_each_lost_update_is_in_the_history(folder: Path) -> None:
    with running_server(folder, MODELHUB_AUTO_CREATE_SOURCES="true", MODELHUB_LOG_LEVEL="WARNING") as server:
        labels = make_labels(server, 4)
        clients = [Client(server, labels, number) for number in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(Client.run, clients))
        with psycopg.connect(server.database_url) as database:
            found = Counter(database.execute(MARKS).fetchall())
            query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            [deadlocks] = database.execute(query).fetchone() or [0]
        listed = [
            (score["source_id"], score["label_id"])
            for name in SOURCES
            for score in server.request("GET", f"{SCORES}for-source/?source_type=trace&source_id={name}").json()
        ]

    answers: Counter[tuple[str, int]] = sum((client.answers for client in clients), Counter())
    acknowledged: Counter[tuple[str, str]] = sum((client.acknowledged for client in clients), Counter())
    assert {status for _, status in answers} == {200, 201, 404}
    assert found == acknowledged
    assert set(acknowledged.values()) == {1}
    assert len(listed) == len(set(listed))
    repeated = sum("transaction_repeated" in line for line in server.log)
    print(
        f"\nmix: {answers.total()} requests sent, {acknowledged.total()} values acknowledged, 0 lost, 0 answered with "
        f"5xx, {deadlocks} deadlocks of which {repeated} were repeated (seed {SEED})"
    )
