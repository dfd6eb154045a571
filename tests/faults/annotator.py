"""One annotator of the swarm: a process that works on a queue over HTTP until nothing is left for it.

It appends each acknowledged write to a file, a JSON array per line, so that a killed process leaves a whole ledger.
"""

import json
import os
import random
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

RETRY = {"service_unavailable", "outcome_unknown"}
# Answers that a late or repeating annotator must expect, by action.
EXPECTED = {
    "next": {(200, "")},
    "reserve": {(200, ""), (409, "item_reserved"), (400, "item_completed"), (400, "queue_not_active")},
    "submit": {(200, ""), (409, "item_reserved"), (400, "item_completed"), (400, "queue_not_active")},
    "complete": {
        (200, ""),
        (409, "item_reserved"),
        (400, "item_completed"),
        (400, "queue_not_active"),
        (400, "nothing_to_complete"),
    },
    "skip": {(200, ""), (400, "item_completed"), (400, "queue_not_active")},
    "release": {(200, ""), (400, "not_reserved")},
    "undo": {(200, ""), (400, "nothing_to_undo")},
}


@dataclass
class Annotator:
    """A person with a key, and habits that `habits` names."""

    base_url: str
    headers: dict[str, str]
    queue: str
    labels: list[str]
    ledger: str
    seed: int
    timeout: float
    habits: list[str]
    marks: int = 0
    session: requests.Session = field(default_factory=requests.Session)

    def run(self) -> None:
        """Work until the queue is finished, or there was nothing to do for longer than a reservation lasts."""
        self.choose = random.Random(self.seed)
        idle_since = None
        taken = 0
        while True:
            answer = self.send("next", "GET", "next-item/")
            if answer["item"] is not None:
                idle_since = None
                taken += 1
                self.work(answer["item"]["id"], taken)
            elif answer["reason"] == "all_reserved":
                idle_since = None
                time.sleep(self.choose.uniform(0.05, 0.3))
            else:
                idle_since = idle_since or time.monotonic()
                if time.monotonic() - idle_since > 1.5 * self.timeout:
                    self.note("left", answer["reason"])
                    return
                time.sleep(0.2)

    def work(self, item: str, taken: int) -> None:
        """Judge an item, with the mishaps of the habits."""
        if "dies" in self.habits and taken > 5:
            self.die_holding(item)
        chance = self.choose.random()
        if "skips" in self.habits and chance < 0.1:
            if self.act("skip", item, {"reason": "not mine"}) == 200:
                self.note("skipped", item)
            return
        if "releases" in self.habits and chance < 0.1:
            self.act("release", item)
            return
        if "late" in self.habits and chance < 0.1:
            time.sleep(self.timeout * self.choose.uniform(0.9, 1.5))
        self.submit(item)
        if "twice" in self.habits and chance < 0.3:
            self.submit(item)
            self.act("reserve", item)
        if "late" in self.habits and chance > 0.95:
            time.sleep(self.timeout * self.choose.uniform(0.9, 1.5))
        self.complete(item)
        if "twice" in self.habits and chance < 0.3:
            self.complete(item)
        if "undoes" in self.habits and taken % 7 == 3 and self.act("undo", item) == 200:
            self.note("undone", item)
            self.submit(item)
            self.complete(item)

    def die_holding(self, item: str) -> None:
        """Hold three items, one of them submitted, and die as by a power failure."""
        self.submit(item)
        for _ in range(2):
            other = self.send("next", "GET", f"next-item/?exclude={item}")["item"]
            item = f"{item},{other['id']}" if other else item
        self.note("died", item)
        os.kill(os.getpid(), signal.SIGKILL)

    def submit(self, item: str) -> None:
        self.marks += 1
        value = {"text": "x", "mark": self.marks}
        body = {"annotations": [{"label_id": label, "value": value} for label in self.labels]}
        if self.act("submit", item, body) == 200:
            self.note("submitted", item, self.marks)

    def complete(self, item: str) -> None:
        if self.act("complete", item) == 200:
            self.note("completed", item)

    def act(self, name: str, item: str, body: object = None) -> int:
        """Do an action on an item and return the status."""
        path = {"submit": "annotations/submit"}.get(name, name)
        return int(self.send(name, "POST", f"{item}/{path}/", body)["status_code"])

    def send(self, name: str, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Repeat a request until it is answered, and not with a clean 503. Record an unexpected answer."""
        url = f"{self.base_url}/model-hub/annotation-queues/{self.queue}/items/{path}"
        while True:
            try:
                answer = self.session.request(method, url, json=body, headers=self.headers, timeout=30)
            except requests.RequestException:
                self.session = requests.Session()
                self.note("unanswered", name)
                time.sleep(0.05)
                continue
            found = answer.json()
            code = found.get("code", "") if answer.status_code >= 400 else ""
            if answer.status_code == 503 and code in RETRY and answer.headers.get("Retry-After"):
                self.note("unavailable", name)
                time.sleep(0.1)
                continue
            if (answer.status_code, code) not in EXPECTED[name]:
                self.note("wrong", f"{name} {path}: {answer.status_code} {answer.text[:500]}")
                sys.exit(1)
            self.note("answer", name, answer.status_code, code)
            return {**found, "status_code": answer.status_code}

    def note(self, *words: object) -> None:
        with Path(self.ledger).open("a") as ledger:
            ledger.write(json.dumps(words) + "\n")


if __name__ == "__main__":
    Annotator(**json.loads(sys.argv[1])).run()
