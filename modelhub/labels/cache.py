"""The labels that this process has read, as long as the version of the organization's labels stays what it was.

Labels are few, change rarely and judge every score. What is judged by them is stored only if their version is still the
current one once their lock is held (`models.LabelVersion`, modelhub.scores.store).
"""

import uuid
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection

from modelhub.core import exact_json
from modelhub.labels.rows import LabelView
from modelhub.labels.types import get_type
from modelhub.labels.types.base import ValueRule

# So many of an organization are read at once; what it has beyond that, as it is asked for.
AT_ONCE = 2_000
# Some 30 MB. Beyond that all are forgotten, and read again as they are needed.
MOST = 20_000

# Those that are asked for come first. Their version is of the same moment, and told though there be no label.
LABELS = """
SELECT coalesce((SELECT version FROM modelhub_labelversion WHERE organization_id = %(organization_id)s),
                '00000000-0000-0000-0000-000000000000')::text,
       id::text, name, type, settings::text, deleted_at IS NOT NULL
FROM (SELECT) AS once LEFT JOIN modelhub_label ON organization_id = %(organization_id)s
ORDER BY id = ANY(%(label_ids)s::uuid[]) DESC LIMIT %(at_once)s
"""


@dataclass(frozen=True, slots=True)
class Known:
    """Labels of one organization by their ids, as they were at that version; whether there are no others."""

    version: str
    labels: Mapping[str, LabelView]
    complete: bool


class KnownLabels:
    """What is known of each organization. Threads may overwrite each other's news: they are read again."""

    def __init__(self, most: int = MOST, at_once: int = AT_ONCE) -> None:
        self.most, self.at_once = most, at_once
        self.known: dict[uuid.UUID, Known] = {}

    def find(self, organization_id: uuid.UUID, label_ids: Set[str], *, anew: bool = False) -> Known:
        """The organization's labels, deleted ones included: those among these, if there are any, and maybe others.

        They are those of some version, which may be over by now. At most one statement, and always one if `anew`: what
        is in memory may have been read by another thread, and before whoever asks kept the labels.
        """
        known = self.known.get(organization_id)
        if known and not anew and (known.complete or label_ids <= known.labels.keys()):
            return known
        read = self._read(organization_id, label_ids)
        if known and known.version == read.version and not read.complete:
            read = Known(read.version, {**known.labels, **read.labels}, complete=False)
        others = sum(len(one.labels) for key, one in list(self.known.items()) if key != organization_id)
        if others + len(read.labels) > self.most:
            self.known.clear()
        else:
            self.known[organization_id] = read
        return read

    def _read(self, organization_id: uuid.UUID, label_ids: Set[str]) -> Known:
        at_once = max(self.at_once, len(label_ids) + 1)
        parameters: dict[str, Any] = {
            "organization_id": organization_id,
            "label_ids": list(label_ids),
            "at_once": at_once,
        }
        with connection.cursor() as cursor:
            cursor.execute(LABELS, parameters)
            rows = cursor.fetchall()
        labels = {
            label_id: LabelView(label_id, name, label_type, deleted, _rule(label_type, settings))
            for _, label_id, name, label_type, settings, deleted in rows
            if label_id
        }
        return Known(rows[0][0], labels, complete=len(rows) < at_once)


KNOWN_LABELS = KnownLabels()


@lru_cache(maxsize=10_000)
def _rule(label_type: str, settings: str) -> ValueRule:
    """Equal settings have one rule whichever label they belong to."""
    return get_type(label_type).rule(exact_json.loads(settings))
