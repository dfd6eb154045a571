"""The labels that this process has read already, and the version of the organization's labels that they are of.

Labels are few, change rarely and judge every score. Whoever wants to use what is kept here reads the current version
(`models.LabelVersion`) in the transaction that judges, holding the lock of the labels, and compares.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from modelhub.score_views import LabelView

# Some 30 MB. Beyond that all are forgotten, and read again as they are needed.
MOST = 20_000


@dataclass(frozen=True, slots=True)
class Known:
    """Some labels of one organization by their ids, as they were at that version; `None` before the first change."""

    version: str | None = None
    labels: Mapping[str, LabelView] = field(default_factory=dict)


class KnownLabels:
    """What is known of each organization. Threads may overwrite each other's news: they are read again."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[uuid.UUID, Known] = {}

    def of(self, organization_id: uuid.UUID) -> Known:
        """What is known of the organization's labels, if anything."""
        return self._known.get(organization_id, NOTHING)

    def keep(self, organization_id: uuid.UUID, version: str | None, labels: Mapping[str, LabelView]) -> None:
        """Add labels to those of the same version; those of another one are out of date."""
        known = self.of(organization_id)
        if known.version == version:
            labels = {**known.labels, **labels}
        others = sum(len(one.labels) for key, one in list(self._known.items()) if key != organization_id)
        if others + len(labels) > self._most:
            self._known.clear()
        elif labels:
            self._known[organization_id] = Known(version, labels)


NOTHING = Known()
KNOWN_LABELS = KnownLabels()
