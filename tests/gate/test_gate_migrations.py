"""The gate of migrations rejects changes that break older servers."""

from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from tests.gate import migrations as gate

pytestmark = pytest.mark.django_db

SHORT = models.Index(fields=["notes"], name="score_by_notes")
FILLED = models.CheckConstraint(condition=~models.Q(notes="x"), name="score_notes_filled")


def judge(*operations: Operation, atomic: bool = True, accepted: dict[str, str] | None = None) -> str:
    """Return the findings of a migration with these operations."""
    loader = MigrationLoader(connection, replace_migrations=False)
    last = loader.graph.leaf_nodes("modelhub")[0]
    body = {"operations": operations, "atomic": atomic, "accepted": accepted or {}}
    migration = type("Migration", (migrations.Migration,), body)("9999_next", "modelhub")
    loader.graph.add_node(("modelhub", "9999_next"), migration)
    loader.graph.add_dependency(migration, ("modelhub", "9999_next"), last)
    return gate.findings(migration, loader)


@pytest.mark.parametrize(
    ("operation", "rule"),
    [
        (migrations.AddField("score", "weight", models.IntegerField(default=1)), "ban-drop-default"),
        (migrations.RunSQL("ALTER TABLE modelhub_score ADD weight int NOT NULL"), "adding-required-field"),
        (migrations.AlterField("score", "queue_item", models.UUIDField()), "adding-not-nullable-field"),
        (migrations.RemoveField("score", "notes"), "ban-drop-column"),
        (migrations.RenameField("score", "notes", "remarks"), "renaming-column"),
        (migrations.RenameModel("Score", "Mark"), "renaming-table"),
        (migrations.DeleteModel("ScoreRevision"), "ban-drop-table"),
        (migrations.AlterField("score", "notes", models.CharField(max_length=9)), "changing-column-type"),
        (migrations.AddIndex("score", SHORT), "require-concurrent-index-creation"),
        (
            migrations.RunSQL("CREATE INDEX CONCURRENTLY a ON modelhub_score (notes)"),
            "ban-concurrent-index-creation-in-transaction",
        ),
        (migrations.AddConstraint("score", FILLED), "constraint-missing-not-valid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_operation_that_breaks_the_older_version_is_rejected(operation: Operation, rule: str) -> None:
    assert f" {rule} " in judge(operation)


# CREATE INDEX CONCURRENTLY cannot run inside a transaction.
@pytest.mark.django_db(transaction=True)
def test_the_same_change_in_safe_steps_passes() -> None:
    assert judge(migrations.AddField("score", "weight", models.BigIntegerField(null=True))) == ""
    assert judge(migrations.AddField("score", "weight", models.BigIntegerField(db_default=1))) == ""
    assert judge(AddIndexConcurrently("score", SHORT), atomic=False) == ""
    assert judge(AddConstraintNotValid("score", FILLED)) == ""
    assert judge(ValidateConstraint("score", "score_notes_filled")) == ""


def test_a_new_table_may_have_anything() -> None:
    fields: list[tuple[str, models.Field[Any, Any]]] = [
        ("id", models.UUIDField(primary_key=True)),
        ("score", models.ForeignKey("modelhub.score", models.PROTECT)),
        ("name", models.CharField(max_length=9)),
    ]
    assert judge(migrations.CreateModel("Mark", fields)) == ""


def test_a_finding_that_the_migration_accepts_is_ignored() -> None:
    drop = migrations.RemoveField("score", "notes")
    assert judge(drop, accepted={"ban-drop-column": "the release before this one does not know it any more"}) == ""


@pytest.mark.django_db(transaction=True)
def test_the_whole_gate_fails_and_names_the_migration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate.main() == 0
    monkeypatch.setattr(gate, "EXEMPT", {})
    assert gate.main() == 1
    assert "Not safe while the version before still runs: 0001_initial" in capsys.readouterr().out
