"""The scope `annotate` of API keys."""

from typing import ClassVar

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

import modelhub.accounts.models

SCOPES = ["read", "write", "annotate", "admin", "act-as"]


class Migration(migrations.Migration):
    accepted: ClassVar[dict[str, str]] = {
        "ban-drop-constraint": "a wider one follows in the same transaction",
        "constraint-missing-not-valid": "API keys are few",
    }
    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0003_fill_updated_by")]

    operations: ClassVar[list[Operation]] = [
        migrations.RemoveConstraint("apikey", "apikey_scopes_are_known"),
        migrations.AlterField(
            "apikey",
            "scopes",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=[(scope, scope) for scope in SCOPES], max_length=16),
                default=modelhub.accounts.models.default_scopes,
                size=None,
            ),
        ),
        migrations.AddConstraint(
            "apikey",
            models.CheckConstraint(
                condition=models.Q(("scopes__contained_by", SCOPES)), name="apikey_scopes_are_known"
            ),
        ),
    ]
