"""Scores of items of annotation queues."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from modelhub.core.sql import read_sql


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0008_queues")]

    operations: ClassVar[list[Operation]] = [
        migrations.AddField(
            model_name="score",
            name="queue_id",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.RunSQL(read_sql("scores", "store_scores_v3"), "DROP FUNCTION modelhub_store_scores_v3"),
        # Not validated under this lock; the next migration does it.
        migrations.RunSQL(
            "ALTER TABLE modelhub_score ADD CONSTRAINT score_item_of_organization FOREIGN KEY (queue_item, organization_id)"
            " REFERENCES modelhub_item (id, organization_id) NOT VALID",
            "ALTER TABLE modelhub_score DROP CONSTRAINT score_item_of_organization",
        ),
    ]
