"""The user behind the last change of a score, and behind each replaced value.

The column of a change that the version before makes stays as it was: only its own revision names the user.
"""

from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations
from django.db.migrations.operations.base import Operation

import modelhub.core.models
from modelhub.core.sql import read_sql


def updated_by() -> "modelhub.core.models.TenantForeignKey[Any, Any]":
    return modelhub.core.models.TenantForeignKey(
        blank=True,
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    accepted: ClassVar[dict[str, str]] = {"adding-foreign-key-constraint": "a new column is null: no row is checked"}
    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.AddField("score", "updated_by", updated_by()),
        migrations.AddField("scorerevision", "updated_by", updated_by()),
        migrations.RunSQL(read_sql("scores", "store_scores_v2"), "DROP FUNCTION modelhub_store_scores_v2"),
    ]
