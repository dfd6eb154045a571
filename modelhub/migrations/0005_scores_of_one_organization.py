"""A score and its source are of one organization, and one foreign key says so in place of two that did not.

A revision is of its score's organization: it is copied from there, and needs no foreign key of its own.
It keeps nobody from writing meanwhile. Whatever interrupts it, it can be repeated.
"""

import django.db.models.deletion
from django.db import migrations, models

UNIQUE = [
    "DROP INDEX CONCURRENTLY IF EXISTS source_of_organization_new",
    "ALTER TABLE modelhub_source DROP CONSTRAINT IF EXISTS source_of_organization",
    "CREATE UNIQUE INDEX CONCURRENTLY source_of_organization_new ON modelhub_source (organization_id, id)",
    "ALTER TABLE modelhub_source ADD CONSTRAINT source_of_organization UNIQUE USING INDEX source_of_organization_new",
]
FOREIGN_KEY = [
    """
    ALTER TABLE modelhub_score ADD CONSTRAINT score_source_of_organization
    FOREIGN KEY (organization_id, source_id) REFERENCES modelhub_source (organization_id, id) NOT VALID
    """,
    "ALTER TABLE modelhub_score VALIDATE CONSTRAINT score_source_of_organization",
]
DROP_FOREIGN_KEY = "ALTER TABLE modelhub_score DROP CONSTRAINT IF EXISTS score_source_of_organization"
# As Django called them.
DROP_OTHERS = [
    f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"
    for table, name in (
        ("modelhub_score", "modelhub_score_organization_id_ee26845d_fk_modelhub_"),
        ("modelhub_score", "modelhub_score_source_id_4ffb7121_fk_modelhub_source_id"),
        ("modelhub_scorerevision", "modelhub_scorerevisi_organization_id_a8e91d19_fk_modelhub_"),
    )
]


def without_constraint(to, related_name):
    return models.ForeignKey(
        to,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        db_index=False,
        db_constraint=False,
    )


class Migration(migrations.Migration):
    atomic = False
    accepted = {"ban-drop-constraint": "what takes the place of two foreign keys holds all that they held, and more"}
    dependencies = [("modelhub", "0004_labelversion")]

    operations = [
        migrations.RunSQL(DROP_FOREIGN_KEY, migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(UNIQUE, migrations.RunSQL.noop)],
            [
                migrations.AddConstraint(
                    "source", models.UniqueConstraint(fields=["organization", "id"], name="source_of_organization")
                )
            ],
        ),
        migrations.RunSQL(FOREIGN_KEY, migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(DROP_OTHERS, migrations.RunSQL.noop)],
            [
                migrations.AlterField("score", "organization", without_constraint("modelhub.organization", "+")),
                migrations.AlterField("score", "source", without_constraint("modelhub.source", "scores")),
                migrations.AlterField("scorerevision", "organization", without_constraint("modelhub.organization", "+")),
            ],
        ),
    ]
