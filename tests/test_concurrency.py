"""Many clients on one source at once, each with a connection of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from modelhub.models import Label, Score, ScoreRevision, Source
from tests.conftest import Answer, Caller, entry

THREADS, ROUNDS = 20, 5


@pytest.mark.django_db(transaction=True)
def test_twenty_clients_overlap_and_nothing_is_lost(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    """Each writes values of its own; every value that is not the last must be in the history."""
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
