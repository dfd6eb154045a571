"""One-time links with which users set their passwords."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

import modelhub.core.clock
import modelhub.core.ids
import modelhub.core.models


class Migration(migrations.Migration):
    accepted: ClassVar[dict[str, str]] = {
        "adding-foreign-key-constraint": "the table is new: there is no row to check",
        "adding-required-field": "the same",
    }

    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0012_source_content")]

    operations: ClassVar[list[Operation]] = [
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                ("token_digest", models.CharField(max_length=255)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    modelhub.core.models.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                (
                    "user",
                    modelhub.core.models.TenantForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invitations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("token_digest",), name="invitation_token_is_unique")],
            },
        ),
    ]
