"""Times of new rows come from `modelhub.core.clock`; the database does not change."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

import modelhub.core.clock

FIELDS = (
    *((model, "created_at") for model in ("apikey", "idempotencyrecord", "label", "organization", "project")),
    *((model, "created_at") for model in ("score", "scorerevision", "source", "user")),
    *((model, "updated_at") for model in ("label", "score", "source")),
)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0006_successor")]

    operations: ClassVar[list[Operation]] = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model, name, models.DateTimeField(default=modelhub.core.clock.now, editable=False)
                )
                for model, name in FIELDS
            ]
        )
    ]
