"""Judge the stored scores of a label whose settings change."""

from collections.abc import Mapping
from typing import Any

from modelhub.core.errors import Conflict, Invalid
from modelhub.core.keyset import in_batches
from modelhub.core.models import LISTED, LIVE
from modelhub.labels.models import Label
from modelhub.labels.rules import Deadline, read_kind
from modelhub.labels.types import get_type
from modelhub.labels.types.base import LabelType


def reject_illegal_scores(label: Label, settings: Mapping[str, Any]) -> None:
    """Raise `Conflict` if live scores become illegal, `Overdue` if they are too many."""
    deadline = Deadline()
    after, before = get_type(label.type)(settings), read_kind(label.type, label.settings)
    # With the label's id: without it, Django reads it again for each score.
    rows = label.scores.filter(LIVE, LISTED, organization_id=label.organization_id)
    batches = in_batches(rows.only("label_id", "created_at", "value"))
    illegal = 0
    for batch in batches:
        deadline.check(advice="With ?force=true the settings are changed without a look at the scores.")
        illegal += sum(not _is_legal(after, score.value) and _is_legal(before, score.value) for score in batch)
    if illegal:
        scores = "1 score" if illegal == 1 else f"{illegal} scores"
        raise Conflict(
            f"With these settings {scores} of this label would no longer be legal; "
            "repeat the request with ?force=true to change the settings and keep the scores as they are",
            code="scores_affected",
            field="settings",
        )


def _is_legal(kind: LabelType | str, value: object) -> bool:
    if isinstance(kind, str):
        return False
    try:
        kind.check(value)
    except Invalid:
        return False
    return True
