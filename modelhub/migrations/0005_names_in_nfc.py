"""Names of labels and projects are unique in Unicode's NFC.

Names that became equal get the end of their id, all but the oldest: people could not tell them apart. The version before
finds its own error in the names of the new indexes, too.
"""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from modelhub.core.models import LIVE, name_field, name_key

RENAME = """
UPDATE {table} AS named SET name = left(named.name, 240) || ' (' || right(named.id::text, 8) || ')'
FROM (
    SELECT id, organization_id, row_number() OVER (
        PARTITION BY organization_id, {columns} lower(normalize(name, NFC)) ORDER BY created_at, id
    ) AS place
    FROM {table} WHERE {condition}
) AS twin
WHERE twin.id = named.id AND twin.organization_id = named.organization_id AND twin.place > 1
"""
# First, because an index waits for every change in progress, which may wait for a renamed row.
LOCK = "LOCK TABLE modelhub_label, modelhub_project IN SHARE ROW EXCLUSIVE MODE"


class Migration(migrations.Migration):
    accepted: ClassVar[dict[str, str]] = {
        "require-concurrent-index-creation": "labels and projects are few: an index takes milliseconds",
        "require-concurrent-index-deletion": "the same",
    }
    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0004_scope_annotate")]

    operations: ClassVar[list[Operation]] = [
        # Without SQL: rules of forms.
        *(migrations.AlterField(model, "name", name_field()) for model in ("apikey", "label", "organization", "project")),
        migrations.AlterField("user", "name", name_field(blank=True)),
        migrations.RunSQL(LOCK, migrations.RunSQL.noop),
        migrations.RunSQL(
            RENAME.format(table="modelhub_label", columns="project_id, type,", condition="deleted_at IS NULL"),
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            RENAME.format(table="modelhub_project", columns="", condition="true"), migrations.RunSQL.noop
        ),
        migrations.AddConstraint(
            "label",
            models.UniqueConstraint(
                name_key("name"),
                "type",
                "project",
                "organization",
                name="label_name_is_unique_in_nfc",
                condition=LIVE,
                nulls_distinct=False,
            ),
        ),
        migrations.RemoveConstraint("label", "label_name_is_unique"),
        migrations.AddConstraint(
            "project",
            models.UniqueConstraint(name_key("name"), "organization", name="project_name_is_unique_in_nfc"),
        ),
        migrations.RemoveConstraint("project", "project_name_is_unique"),
    ]
