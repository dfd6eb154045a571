"""The check of plans finds scans in statements and in database functions."""

import re

import pytest
from django.db import connection

from modelhub.core.sql import read_sql
from modelhub.scores.models import Score
from modelhub.scores.statements import STORE_SCORES
from tests.client import Caller
from tests.factories import ScoreFactory
from tests.plans import Plans, place_of, unbounded_scans

pytestmark = pytest.mark.django_db


def scans(sql: str, *params: object) -> list[str]:
    return list(unbounded_scans(connection.connection, sql, params))


def test_a_scan_without_the_organization_is_found(alice: Caller) -> None:
    some = alice.user.organization_id
    assert scans("SELECT * FROM modelhub_score WHERE organization_id = %s", some) == []
    assert scans("SELECT FROM modelhub_score") == ["modelhub_score (all of it)"]
    assert scans("DELETE FROM modelhub_label WHERE id = %s", some) != []
    joined = """
        SELECT FROM modelhub_score AS score JOIN modelhub_source AS source ON source.id = score.source_id
        WHERE score.organization_id = %s
    """
    assert [scan.split()[0] for scan in scans(joined, some)] == ["modelhub_source"]
    assert scans(joined + " AND source.organization_id = score.organization_id", some) == []


def test_statements_of_the_product_are_looked_at_and_those_of_tests_are_not(alice: Caller) -> None:
    plans = Plans()
    with connection.execute_wrapper(plans):
        Score.objects.exists()
        assert plans.seen == set()
        assert alice.get("/model-hub/scores/").status == 200
    assert any('FROM "modelhub_score"' in sql for sql in plans.seen)
    assert place_of(None) == ""


def test_joins_and_lookups_through_a_foreign_key_name_the_organization(alice: Caller) -> None:
    ScoreFactory.create(annotator=alice.user, source__organization=alice.user.organization)
    rows = Score.objects.filter(organization=alice.user.organization).select_related("source", "label", "annotator")
    assert scans(str(rows.query).replace(str(alice.user.organization_id), f"'{alice.user.organization_id}'")) == []


def test_saving_a_stored_row_names_its_organization_and_does_not_set_it(alice: Caller) -> None:
    sent: list[str] = []
    score = ScoreFactory.create(annotator=alice.user, source__organization=alice.user.organization)

    def record(execute: object, sql: str, *rest: object) -> object:
        sent.append(sql)
        return execute(sql, *rest)  # type: ignore[operator]

    with connection.execute_wrapper(record):
        score.save()
    [update] = sent
    assert re.search(r'"organization_id" = %s', update.split(" WHERE ")[1])
    assert '"organization_id"' not in update.split(" WHERE ")[0]


VARIABLES = {
    "of_organization": "uuid",
    "of_source": "uuid",
    "of_annotator": "uuid",
    "of_item": "uuid",
    "of_queue": "uuid",
    "of_type": "text",
    "of_key": "text",
    "ids": "uuid[]",
    "label_ids": "uuid[]",
    "contents": "json",
    "moment": "timestamptz",
    "iso": "text",
}
TYPES, NULLS = ", ".join(VARIABLES.values()), ", ".join("NULL" for _ in VARIABLES)


def test_the_statements_inside_the_store_function_name_the_organization() -> None:
    """EXPLAIN does not show the statements of functions: each is prepared by itself."""
    [name] = re.findall(r"FROM modelhub_(\w+)\(", STORE_SCORES)
    body = read_sql("scores", name).split("BEGIN")[1]
    parts = [part.strip() for part in re.split(r";\n|THEN\n", body)]
    statements = [part for part in parts if re.match("SELECT|PERFORM|INSERT|WITH", part) and "FROM" in part]
    assert len(statements) == 4
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        for number, statement in enumerate(statements):
            cursor.execute(f"PREPARE statement_{number} ({TYPES}) AS {as_query(statement)}")
            assert scans(f"EXECUTE statement_{number} ({NULLS})") == [], statement
        cursor.execute("DEALLOCATE ALL")


def as_query(statement: str) -> str:
    """Return a statement of PL/pgSQL as SQL with numbered parameters."""
    sql = re.sub("^PERFORM", "SELECT", re.sub(r" INTO [a-z_, ]+ FROM", " FROM", statement))
    for number, name in enumerate(VARIABLES, 1):
        sql = re.sub(rf"(?<![.\w]){name}(?!\w)", f"${number}", sql)
    return sql
