"""Scores and revisions as clients see them: the one declaration of their fields."""

from typing import Annotated, Any

import msgspec
from django.db.models.functions import Coalesce

from modelhub.core.structs import Choice, JsonObject, Moment, Text, Uuid, display_name
from modelhub.labels.types import LABEL_TYPES
from modelhub.scores.models import ACTIONS, SCORE_SOURCES


class ScoreRow(msgspec.Struct, frozen=True, gc=False):
    """A score of contract 5, in the order in which JSON shows it.

    `value` is an object, or JSON text on its way from the database to the client. Times are text because PostgreSQL
    writes them faster than Python reads and writes them again. A dry run has neither id nor times.
    """

    id: Annotated[str | None, Uuid()]
    source_type: Annotated[str, Text("source__source_type")]
    source_id: Annotated[str, Text("source__source_id")]
    label_id: Annotated[str, Uuid()]
    label_name: Annotated[str, Text("label__name")]
    label_type: Annotated[str, Choice("label__type", LABEL_TYPES)]
    value: Annotated[dict[str, Any] | msgspec.Raw, JsonObject()]
    score_source: Annotated[str, Choice(words=SCORE_SOURCES)]
    notes: Annotated[str, Text()]
    annotator: Annotated[str, Uuid()]
    annotator_id: Annotated[str, Uuid()]
    annotator_name: Annotated[str, Text(display_name("annotator"))]
    annotator_email: Annotated[str, Text("annotator__email")]
    queue_item: Annotated[str | None, Uuid()]
    queue_id: Annotated[str | None, Uuid()]
    created_at: Annotated[str | None, Moment()]
    updated_at: Annotated[str | None, Moment()]
    updated_by: Annotated[str, Uuid(Coalesce("updated_by_id", "annotator_id"))]
    updated_by_name: Annotated[str, Text(display_name("updated_by", "annotator"))]
    updated_by_email: Annotated[str, Text(Coalesce("updated_by__email", "annotator__email"))]


class RevisionRow(msgspec.Struct, frozen=True, gc=False):
    """A replaced value of a score, its author, and the replacement's user and time."""

    value: Annotated[msgspec.Raw, JsonObject()]
    score_source: Annotated[str, Choice(words=SCORE_SOURCES)]
    notes: Annotated[str, Text()]
    updated_by: Annotated[str, Uuid(Coalesce("updated_by_id", "score__annotator_id"))]
    updated_by_name: Annotated[str, Text(display_name("updated_by", "score__annotator"))]
    updated_by_email: Annotated[str, Text(Coalesce("updated_by__email", "score__annotator__email"))]
    action: Annotated[str, Choice(words=ACTIONS)]
    replaced_by: Annotated[str, Uuid()]
    replaced_by_name: Annotated[str, Text(display_name("replaced_by"))]
    replaced_by_email: Annotated[str, Text("replaced_by__email")]
    replaced_at: Annotated[str, Moment("created_at")]
