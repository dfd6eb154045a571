"""What every write asks goes through indexes from the first score on.

Plans are kept with the prepared statement: one that reads all scores is cheap on an empty table, and stays while the
table grows.
"""

import json
import uuid
from typing import Any

import pytest
from django.db import connection

from modelhub import score_reads, score_rows

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
