"""Two requests with one Idempotency-Key at once: one write, two equal answers."""

import threading
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.faults.ledger import history, make_labels
from tests.repeats import LONG
from tests.servers import Server

ROUNDS = 100 if LONG else 20
SOURCE = {"source_type": "trace", "source_id": "twice-at-once"}


def test_one_write_and_two_equal_answers(live: Server) -> None:
    live.request("POST", "/model-hub/sources/", json=SOURCE)
    [label] = make_labels(live, 1)
    together = threading.Barrier(2)

    def send(turns: range) -> list[requests.Response]:
        answers = []
        with requests.Session() as session:
            for turn in turns:
                body = SOURCE | {"scores": [{"label_id": label, "value": f"turn {turn}"}, {"label_id": turn}]}
                headers = live.headers | {"Idempotency-Key": f"{label}-{turn}"}
                together.wait(timeout=60)
                url = live.base_url + "/model-hub/scores/bulk/"
                answers.append(session.post(url, json=body, headers=headers, timeout=60))
        return answers

    with ThreadPoolExecutor(2) as pool:
        pairs = list(zip(*pool.map(send, [range(ROUNDS)] * 2), strict=True))

    for one, other in pairs:
        assert one.status_code == other.status_code == 201
        assert one.content == other.content
        assert ("Idempotency-Replayed" in one.headers) != ("Idempotency-Replayed" in other.headers)
    [score] = live.request("GET", f"/model-hub/scores/?label_id={label}").json()["results"]
    assert score["value"] == {"text": f"turn {ROUNDS - 1}"}
    before = [revision["value"]["text"] for revision in history(live, score["id"])]
    assert before == [f"turn {turn}" for turn in reversed(range(ROUNDS - 1))]
    print(f"\ntwice at once: {len(pairs)} pairs sent, {len(before) + 1} writes, {len(pairs)} answers replayed")
