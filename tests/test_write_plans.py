"""What every write asks goes through indexes from the first score on, by plans that are kept.

Plans are kept with the prepared statement: one that reads all scores is cheap on an empty table, and stays while the
table grows. And PostgreSQL makes another plan each time where it believes that few labels are cheaper than some.
"""

import json
import uuid
from typing import Any

import pytest
from django.db import connection

from modelhub import score_reads, score_rows
from modelhub.models import Label, Source
from tests.conftest import Caller

pytestmark = pytest.mark.django_db

ID = uuid.UUID(int=7)
ROWS = json.dumps([{"id": str(ID), "revision_id": str(ID), "score_id": str(ID)}])
READ = {"source_id": ID, "annotator_id": ID, "organization_id": ID, "label_ids": f"{{{ID}}}"}


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        (score_reads.SCORES, READ),
        (score_rows.OVERWRITE, {"rows": ROWS, "replaced_by": ID}),
    ],
)
def test_no_plan_reads_all_scores_of_a_new_table(statement: str, parameters: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        # Stands before the real one, of which autovacuum may know something.
        cursor.execute("CREATE TEMPORARY TABLE modelhub_score (LIKE modelhub_score INCLUDING ALL) ON COMMIT DROP")
        cursor.execute(f"EXPLAIN {statement}", parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using modelhub_score_" in plan
    assert "Seq Scan on modelhub_score" not in plan, plan


SCORES = """
INSERT INTO modelhub_score (id, organization_id, source_id, label_id, annotator_id, queue_item, value, score_source,
                            notes, created_at, updated_at)
SELECT gen_random_uuid(), %s, %s, %s, %s, gen_random_uuid(), '{}', 'human', '', now(), now()
FROM generate_series(1, 5000)
"""
KEPT = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE %s"


@pytest.fixture
def asked(alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]) -> dict[str, Any]:
    """What Alice's first request asks, in a table of which the statistics know scores of Bob only."""
    star, organization_id = labels["star"], trace.organization_id
    with connection.cursor() as cursor:
        cursor.execute(SCORES, [organization_id, trace.pk, star.pk, bob.user.pk])
        cursor.execute("ANALYZE modelhub_score")
    return {
        "source_id": trace.pk,
        "annotator_id": alice.user.pk,
        "organization_id": organization_id,
        "label_ids": f"{{{star.pk}}}",
    }


def test_an_annotator_whom_the_statistics_do_not_know(asked: dict[str, Any]) -> None:
    """Nothing is cheaper to read than the scores of somebody who has none, until there are some."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {score_reads.SCORES}", asked)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using score_is_unique" in plan, plan


def test_the_plan_for_one_label_is_kept(asked: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
        for _ in range(20):
            cursor.execute(score_reads.SCORES, asked)
        cursor.execute(KEPT, ["%modelhub_labelversion%"])
        plans = cursor.fetchall()
    # Five are made to compare with.
    assert [custom for _, custom in plans] == [5]
    assert plans[0][0] > 10
