"""Notes on sources as clients see them."""

from typing import Annotated

import msgspec
from django.db.models import F, TextField, Value
from django.db.models.functions import Coalesce, NullIf

from modelhub.core.structs import Moment, Text, Uuid

NAME_OF_AUTHOR = Coalesce(NullIf("author__name", Value("")), F("author__email"), output_field=TextField())


class NoteRow(msgspec.Struct, frozen=True, gc=False):
    """A note on a source, with its author under the names that scores have."""

    id: Annotated[str, Uuid()]
    notes: Annotated[str, Text("text")]
    annotator: Annotated[str, Uuid("author_id")]
    annotator_id: Annotated[str, Uuid("author_id")]
    annotator_name: Annotated[str, Text(NAME_OF_AUTHOR)]
    annotator_email: Annotated[str, Text("author__email")]
    created_at: Annotated[str, Moment()]
