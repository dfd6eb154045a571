"""A small index of the states of items for counts, in place of a large one."""

from typing import ClassVar

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0014_deactivated_at")]

    operations: ClassVar[list[Operation]] = [
        AddIndexConcurrently(
            "item",
            models.Index(
                fields=["queue", "status", "review_status", "is_assigned", "reviewed_at", "organization"],
                name="item_by_state",
                condition=models.Q(deleted_at=None),
            ),
        ),
        RemoveIndexConcurrently("item", "item_by_status"),
    ]
