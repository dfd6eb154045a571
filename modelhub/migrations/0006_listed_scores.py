"""The indexes behind the lists of scores say whom they serve: who names an organization (`models.LISTED`).

Each is made beside the old one and keeps nobody from writing meanwhile. Whatever interrupts this, it can be repeated:
an index that was left half made is dropped first.
"""

from django.db import migrations, models

LISTED = models.Q(deleted_at=None) & models.Q(organization__isnull=False)
INDEXES = [
    (["organization", "created_at", "id"], "score_newest_first"),
    (["label", "created_at", "id"], "score_by_label"),
    (["annotator", "created_at", "id"], "score_by_annotator"),
    (["organization", "updated_at", "id"], "score_last_changed"),
]


def rebuilt(fields, name):
    first, *rest = fields
    return migrations.SeparateDatabaseAndState(
        [
            migrations.RunSQL(
                [
                    f"DROP INDEX CONCURRENTLY IF EXISTS {name}_listed",
                    f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name}_listed ON modelhub_score "
                    f"({first}_id, {', '.join(rest)}) WHERE deleted_at IS NULL AND organization_id IS NOT NULL",
                    f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
                    f"ALTER INDEX IF EXISTS {name}_listed RENAME TO {name}",
                ],
                migrations.RunSQL.noop,
            )
        ],
        [
            migrations.RemoveIndex("score", name),
            migrations.AddIndex("score", models.Index(fields=fields, name=name, condition=LISTED)),
        ],
    )


class Migration(migrations.Migration):
    # No index is made concurrently inside of a transaction.
    atomic = False
    accepted = {"renaming-object": "no statement of any version names an index"}
    dependencies = [("modelhub", "0005_scores_of_one_organization")]
    operations = [rebuilt(*index) for index in INDEXES]
