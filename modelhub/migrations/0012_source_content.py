"""The content of sources, which is null for the ones that exist."""

from typing import ClassVar

import modelhub.core.exact_json
import modelhub.core.models
from django.db import migrations
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0011_adjudications")]

    operations: ClassVar[list[Operation]] = [
        migrations.AddField(
            model_name="source",
            name="content",
            field=modelhub.core.models.OrderedJSONField(
                blank=True,
                null=True,
                decoder=modelhub.core.exact_json.Decoder,
                encoder=modelhub.core.exact_json.Encoder,
            ),
        ),
    ]
