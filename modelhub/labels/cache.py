"""Labels cached per process and organization, each organization's by one version.

A cached entry may be stale: scores are stored only if the version is still the database's.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection

from modelhub.core import exact_json
from modelhub.core.sql import read_sql
from modelhub.labels.rules import LabelRule, read_kind
from modelhub.labels.types.base import LabelType

# Larger organizations are not cached: their labels are read by id in each request.
MAX_PER_ORGANIZATION = 5_000
# About 30 MB. A full cache is cleared.
MAX_LABELS = 20_000

ORGANIZATION_LABELS = read_sql("labels", "organization_labels")


@dataclass(frozen=True, slots=True)
class OrganizationLabels:
    """Labels of one organization by id, as they were at `version`."""

    version: str
    rules: Mapping[str, LabelRule]


_cache: dict[uuid.UUID, OrganizationLabels] = {}
_too_large: set[uuid.UUID] = set()


def find_labels(organization_id: uuid.UUID) -> OrganizationLabels | None:
    """Return the cached labels of an organization, which may be stale."""
    return _cache.get(organization_id)


def evict_labels(organization_id: uuid.UUID) -> None:
    _cache.pop(organization_id, None)
    _too_large.discard(organization_id)


def read_labels(organization_id: uuid.UUID, label_ids: Collection[str]) -> OrganizationLabels:
    """Read an organization's labels with one statement and cache them.

    Of an organization with more than `MAX_PER_ORGANIZATION` labels, `label_ids` are among those returned.
    """
    limit = len(label_ids) if organization_id in _too_large else max(MAX_PER_ORGANIZATION, len(label_ids)) + 1
    parameters: dict[str, Any] = {
        "organization_id": organization_id,
        "label_ids": list(label_ids),
        "limit": max(limit, 1),
    }
    with connection.cursor() as cursor:
        cursor.execute(ORGANIZATION_LABELS, parameters)
        rows = cursor.fetchall()
    labels = OrganizationLabels(
        version=rows[0][0],
        rules={
            label_id: LabelRule(label_id, name, label_type, deleted, _kind(label_type, settings))
            for _, label_id, name, label_type, settings, deleted in rows
            if label_id
        },
    )
    _cache.pop(organization_id, None)
    if len(rows) > MAX_PER_ORGANIZATION:
        _too_large.add(organization_id)
    elif organization_id not in _too_large:
        if sum(len(cached.rules) for cached in list(_cache.values())) + len(rows) > MAX_LABELS:
            _cache.clear()
        _cache[organization_id] = labels
    return labels


@lru_cache(maxsize=10_000)
def _kind(label_type: str, settings: str) -> LabelType | str:
    return read_kind(label_type, exact_json.loads(settings))
