"""Statements of writes use indexes from the first score on, also by cached plans.

A connection caches plans: one that scans all scores is cheap on an empty table, and stays while the table grows.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from modelhub.labels.models import Label
from modelhub.scores.statements import KEEP_REVISIONS, WRITE_SCORES
from modelhub.sources.models import Source
from tests.client import Caller, entry
from tests.factories import LabelFactory, QueueFactory

pytestmark = pytest.mark.django_db

ID = uuid.UUID(int=7)
PARAMETERS: dict[str, Any] = {
    "rows": json.dumps([{"id": str(ID), "score_id": str(ID)}]),
    "organization_id": ID,
    "action": "overwritten",
    "replaced_by": ID,
    "now": timezone.now(),
}


@pytest.mark.parametrize("statement", [KEEP_REVISIONS, WRITE_SCORES])
def test_no_plan_for_overwriting_reads_all_scores_of_a_new_table(statement: str) -> None:
    with connection.cursor() as cursor:
        # Stands before the real one, of which autovacuum may know something.
        cursor.execute("CREATE TEMPORARY TABLE modelhub_score (LIKE modelhub_score INCLUDING ALL) ON COMMIT DROP")
        cursor.execute(f"EXPLAIN {statement}", PARAMETERS)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "modelhub_score_pkey" in plan
    assert "Seq Scan on modelhub_score" not in plan, plan


ITEMS = """
INSERT INTO modelhub_item (id, organization_id, queue_id, source_id, "order", priority, status, review_status,
                           review_notes, gold, expected, is_assigned, created_at, updated_at, deleted_at)
SELECT gen_random_uuid(), %s, %s, %s, 1, 0, 'pending', '', '', false, '{}', false, now(), now(), now()
FROM generate_series(1, 5000)
"""
# Another annotator's scores of the same source in items of a queue, so that there is something to read too much of.
OTHERS = """
INSERT INTO modelhub_score (id, organization_id, source_id, label_id, annotator_id, queue_item, value, score_source,
                            notes, created_at, updated_at)
SELECT gen_random_uuid(), item.organization_id, item.source_id, %s, %s, item.id, '{}', 'human', '', now(), now()
FROM modelhub_item AS item WHERE organization_id = %s
"""
# In this transaction, which is the test's; of scores and of every index of them: scans, and rows that came of them.
SCANS = """
SELECT relname, pg_stat_get_xact_numscans(oid), pg_stat_get_xact_tuples_returned(oid) FROM pg_class
WHERE oid = 'modelhub_score'::regclass
   OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'modelhub_score'::regclass)
"""


@pytest.fixture
def plans_are_new(bob: Caller, trace: Source, labels: dict[str, Label]) -> Iterator[None]:
    """Provide a table with scores of Bob, and a connection without plans for it."""
    with connection.cursor() as cursor:
        cursor.execute(ITEMS, [trace.organization_id, QueueFactory.create(created_by=bob.user).pk, trace.pk])
        cursor.execute(OTHERS, [labels["star"].pk, bob.user.pk, trace.organization_id])
        cursor.execute("DISCARD PLANS")
        yield
        cursor.execute("DISCARD PLANS")


def scans() -> dict[str, tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(SCANS)
        return {name: (scans, rows) for name, scans, rows in cursor.fetchall()}


@pytest.mark.usefixtures("plans_are_new")
@pytest.mark.parametrize("analyzed", [True, False])
def test_storing_reads_the_scores_that_it_names_and_no_others(alice: Caller, trace: Source, analyzed: bool) -> None:
    some = LabelFactory.create_batch(20, organization=alice.user.organization, type="numeric")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE modelhub_score" if analyzed else "SELECT 1")
    before = scans()
    for value in (1, 2, 2):
        assert alice.bulk(trace, [entry(label, value) for label in some]).status == 201

    read = {
        name: (now[0] - then[0], now[1] - then[1])
        for (name, now), then in zip(scans().items(), before.values(), strict=True)
    }
    assert read.pop("modelhub_score") == (0, 0)  # no sequential scan
    by_key, by_id = read.pop("score_is_unique"), read.pop("modelhub_score_pkey")
    assert set(read.values()) == {(0, 0)}, read
    # Each of 20 a few times over, the rows that were overwritten included; never those of Bob.
    assert by_key[1] + by_id[1] < 10 * 20
