"""Judge the stored scores of a label whose settings change."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelhub.core.errors import Conflict, Invalid
from modelhub.core.keyset import in_batches
from modelhub.core.models import LISTED, LIVE
from modelhub.core.text import count
from modelhub.labels.models import Label
from modelhub.labels.rules import Deadline, read_kind
from modelhub.labels.types import get_type
from modelhub.labels.types.base import LabelType

MAX_EXAMPLES = 5


@dataclass
class IllegalScores:
    """Number of scores that settings would make illegal, and ids of examples.

    `is_complete` is false if only the oldest scores of the label were judged.
    """

    number: int = 0
    judged: int = 0
    is_complete: bool = True
    examples: list[uuid.UUID] = field(default_factory=list)

    def __str__(self) -> str:
        return f"With these settings {count(self.number, 'score')} of this label would no longer be legal"


class ScoresAffected(Conflict):
    """Raised for settings under which stored scores would be illegal."""

    code = "scores_affected"

    def __init__(self, illegal: IllegalScores) -> None:
        advice = "repeat the request with ?force=true to change the settings and keep the scores as they are"
        super().__init__(f"{illegal}; {advice}", field="settings")
        self.illegal = illegal


def reject_illegal_scores(label: Label, settings: Mapping[str, Any]) -> None:
    """Raise `ScoresAffected` if live scores become illegal, `Overdue` for too many."""
    illegal = find_illegal_scores(label, settings)
    if illegal.number:
        raise ScoresAffected(illegal)


def find_illegal_scores(label: Label, settings: Mapping[str, Any], *, most: int | None = None) -> IllegalScores:
    """Return the live scores that complete settings would make illegal.

    At least `most` scores are judged if there are as many. Raise `Overdue` for too many.
    """
    deadline, illegal = Deadline(), IllegalScores()
    after, before = get_type(label.type)(settings), read_kind(label.type, label.settings)
    # With the label's id: without it, Django reads it again for each score.
    rows = label.scores.filter(LIVE, LISTED, organization_id=label.organization_id)
    for batch in in_batches(rows.only("label_id", "created_at", "value")):
        if most is not None and illegal.judged >= most:
            illegal.is_complete = False
            break
        deadline.check(advice="With ?force=true the settings are changed without a look at the scores.")
        found = [score.pk for score in batch if not _is_legal(after, score.value) and _is_legal(before, score.value)]
        illegal.judged += len(batch)
        illegal.number += len(found)
        illegal.examples += found[: MAX_EXAMPLES - len(illegal.examples)]
    return illegal


def _is_legal(kind: LabelType | str, value: object) -> bool:
    if isinstance(kind, str):
        return False
    try:
        kind.check(value)
    except Invalid:
        return False
    return True
