"""Decisions of reviewers on the values of items."""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.lookups
import modelhub.core.clock
import modelhub.core.exact_json
import modelhub.core.ids
import modelhub.core.models
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    accepted: ClassVar[dict[str, str]] = {
        "adding-foreign-key-constraint": "the table is new: there is no row to check",
        "adding-required-field": "the same",
    }

    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0010_score_by_queue")]

    operations: ClassVar[list[Operation]] = [
        migrations.CreateModel(
            name="Adjudication",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                (
                    "value",
                    models.JSONField(
                        blank=True,
                        null=True,
                        decoder=modelhub.core.exact_json.Decoder,
                        encoder=modelhub.core.exact_json.Encoder,
                    ),
                ),
                ("notes", models.TextField(blank=True)),
                ("replaced_at", models.DateTimeField(blank=True, null=True)),
                (
                    "adjudicator",
                    modelhub.core.models.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "item",
                    modelhub.core.models.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjudications",
                        to="modelhub.item",
                    ),
                ),
                (
                    "label",
                    modelhub.core.models.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="modelhub.label",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="modelhub.organization",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["item", "label", "created_at"], name="adjudication_by_item")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("replaced_at", None)),
                        fields=("item", "label", "organization"),
                        name="adjudication_is_unique",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            models.Func(models.F("value"), function="jsonb_typeof", output_field=models.TextField()),
                            "object",
                        ),
                        name="adjudication_value_is_object",
                    ),
                ],
            },
        ),
    ]
