"""Many clients on one source at once, each with a connection of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from modelhub.labels.models import Label
from modelhub.scores import recording
from modelhub.scores.models import Score, ScoreRevision
from modelhub.scores.statements import StoreResult, store_scores
from modelhub.sources.models import Source
from tests.client import Answer, Caller, entry

THREADS, ROUNDS = 20, 5


@pytest.mark.django_db(transaction=True)
def test_twenty_clients_overlap_and_nothing_is_lost(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    """Clients write different values; all but the last one are in the history."""
    wanted = [labels["text"], labels["numeric"], labels["star"]]
    start = threading.Barrier(THREADS)

    def write(thread: int) -> list[Answer]:
        caller = Caller(alice.key)
        start.wait()
        answers = []
        for turn in range(ROUNDS):
            mark = thread * ROUNDS + turn
            batch = [
                entry(wanted[(thread + at) % 2], {key: sent, "mark": mark})
                for at in range(2)
                for key, sent in [("text", str(mark)) if wanted[(thread + at) % 2].type == "text" else ("value", 1)]
            ]
            answers.append(caller.bulk(trace, [*batch, entry(wanted[2], {"rating": 3, "mark": mark})]))
        connection.close()
        return answers

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [answer for one in pool.map(write, range(THREADS)) for answer in one]

    assert {answer.status for answer in answers} == {201}
    assert all(answer.body["errors"] == [] for answer in answers)
    assert Score.objects.count() == 3
    marks = set(range(THREADS * ROUNDS))
    for label in wanted:
        last = Score.objects.get(label=label).value["mark"]
        replaced = [revision.value["mark"] for revision in ScoreRevision.objects.filter(score__label=label)]
        assert sorted([*replaced, last]) == sorted(marks)


@pytest.mark.django_db(transaction=True)
def test_histories_tell_in_which_order_scores_were_overwritten(
    alice: Caller, trace: Source, labels: dict[str, Label], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small request overtakes a large one that waits for the lock."""
    label, waiting = labels["text"], ["small"]

    def store_late(*args: Any, **options: Any) -> StoreResult:
        if waiting:
            alice.bulk(trace, [entry(label, waiting.pop())])
        return store_scores(*args, **options)

    alice.bulk(trace, [entry(label, "first")])
    monkeypatch.setattr(recording, "store_scores", store_late)
    [score] = alice.bulk(trace, [entry(label, "large")]).body["scores"]

    told = alice.get(f"/model-hub/scores/{score['id']}/history/").body["results"]
    assert [one["value"]["text"] for one in (score, *told)] == ["large", "small", "first"]
    assert score["updated_at"] == told[0]["replaced_at"] > told[1]["replaced_at"] > score["created_at"]
