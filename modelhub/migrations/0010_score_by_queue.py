"""The indexes and the valid foreign key of scores in queues, without locks that writes wait for."""

from typing import ClassVar

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0009_scores_of_queues")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(
            "ALTER TABLE modelhub_score VALIDATE CONSTRAINT score_item_of_organization", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            "score",
            models.Index(
                fields=["queue_id", "label"],
                include=["annotator", "queue_item", "updated_at", "organization"],
                name="score_by_queue",
                condition=models.Q(deleted_at=None) & ~models.Q(queue_id=None),
            ),
        ),
        AddIndexConcurrently(
            "score",
            models.Index(fields=["queue_item"], name="score_by_item", condition=~models.Q(queue_item=None)),
        ),
    ]
