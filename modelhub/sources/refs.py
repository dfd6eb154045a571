"""The names of a source in requests: a word for its type, and an id."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from modelhub.core.errors import Invalid
from modelhub.core.ids import spell_uuid
from modelhub.core.text import is_visible_id, show
from modelhub.sources.models import SOURCE_TYPES

# The stored type of each word that clients use (contract 2.1).
SOURCE_WORDS = {
    "trace": "trace",
    "span": "span",
    "observation_span": "span",
    "generation": "generation",
    "session": "session",
    "trace_session": "session",
    "dataset_row": "dataset_row",
    "call_execution": "call_execution",
    "prototype_run": "prototype_run",
}
MAX_ID_LENGTH = 255

# The stored type and the key of a source, unique within the organization.
Identity = tuple[str, str]


@dataclass(frozen=True, slots=True)
class SourceRef:
    """A source as named by a request: word and id as sent, stored type and key."""

    word: str
    source_type: str
    source_id: str
    key: str

    @property
    def identity(self) -> Identity:
        return self.source_type, self.key


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A source to register; `None` keeps the stored name, metadata or content.

    The content is any JSON that `exact_json.check_storable` accepts.
    """

    ref: SourceRef
    name: str | None = None
    metadata: dict[str, Any] | None = None
    content: Any = None


def check_source_ref(source_type: object, source_id: object) -> SourceRef:
    """Return the ref of a source. Raise `Invalid` by field."""
    fields = {}
    if not isinstance(source_type, str) or source_type not in SOURCE_WORDS:
        fields["source_type"] = [f"source_type must be one of {', '.join(SOURCE_WORDS)}, got {show(source_type)}"]
    if not isinstance(source_id, str) or not is_visible_id(source_id, longest=MAX_ID_LENGTH):
        sentence = f"source_id must be a string of 1 to {MAX_ID_LENGTH} visible characters, got {show(source_id)}"
        fields["source_id"] = [sentence]
    if fields:
        raise Invalid("; ".join(sentence for [sentence] in fields.values()), fields=fields)
    word, name = str(source_type), str(source_id)
    return SourceRef(word=word, source_type=SOURCE_WORDS[word], source_id=name, key=source_key(name))


def of_source_id(source_id: str) -> Q:
    """Return the condition of the sources with an id, which differ in their types.

    All types are named, because the type stands before the key in the index.
    """
    return Q(source_type__in=SOURCE_TYPES, source_key=source_key(source_id))


def source_key(source_id: str) -> str:
    """Return the key of an id: a UUID in canonical form, else the id (contract 0.6)."""
    return spell_uuid(source_id) or source_id
