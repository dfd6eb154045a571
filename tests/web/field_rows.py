"""Labels of queues and their fields, without a database, for tests of forms."""

import uuid
from typing import Any

from django.template.loader import render_to_string

from modelhub.labels.models import Label
from modelhub.labels.types import get_type
from modelhub.queues.models import QueueLabel
from modelhub.web.fields import Field, open_fields, preview_field

OPTIONS = {"options": ["positive", {"label": "Mixed", "value": "mixed"}, "negative"]}


def queue_label(label_type: str, settings: dict[str, Any] | None = None, **more: Any) -> QueueLabel:
    """Return an optional label of a queue that is not stored."""
    required = more.pop("required", False)
    complete = get_type(label_type).check_settings(settings or {})
    label = Label(id=uuid.uuid4(), name=more.pop("name", "Quality"), type=label_type, settings=complete, **more)
    return QueueLabel(label=label, required=required, order=0)


def render(*fields: Field, **more: Any) -> str:
    return "".join(render_to_string("web/fields/fieldset.html", {"field": field, **more}) for field in fields)


def field_of(label: QueueLabel) -> Field:
    return open_fields([label], [])[0]


def preview(label_type: str, settings: object, **more: Any) -> Field:
    """Return the field of a label with these settings. Raise `Invalid` for unfit ones."""
    kind = get_type(label_type)
    return preview_field(kind(kind.check_settings(settings)), **more)
