"""Notes on sources as clients see them."""

from typing import Annotated

import msgspec

from modelhub.core.structs import Moment, Text, Uuid, display_name


class NoteRow(msgspec.Struct, frozen=True, gc=False):
    """A note on a source, with its author under the names that scores have."""

    id: Annotated[str, Uuid()]
    notes: Annotated[str, Text("text")]
    annotator: Annotated[str, Uuid("author_id")]
    annotator_id: Annotated[str, Uuid("author_id")]
    annotator_name: Annotated[str, Text(display_name("author"))]
    annotator_email: Annotated[str, Text("author__email")]
    created_at: Annotated[str, Moment()]
