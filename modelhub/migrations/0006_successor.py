"""The key that rotation made in place of another."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations
from django.db.migrations.operations.base import Operation

import modelhub.core.models


class Migration(migrations.Migration):
    accepted: ClassVar[dict[str, str]] = {"adding-foreign-key-constraint": "a new column is null: no row is checked"}
    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0005_names_in_nfc")]

    operations: ClassVar[list[Operation]] = [
        migrations.AddField(
            "apikey",
            "successor",
            modelhub.core.models.TenantForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="modelhub.apikey",
            ),
        ),
    ]
