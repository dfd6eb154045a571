"""The time of a user's last deactivation, which ends its sessions for good."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0013_invitations")]

    operations: ClassVar[list[Operation]] = [
        migrations.AddField(
            model_name="user",
            name="deactivated_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
