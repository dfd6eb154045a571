"""The lock between those who judge values by labels and those who change labels.

Many judge at once and few change, so it is one advisory lock an organization: it costs no write, where a lock on each
label would write to each of them in every request. The transaction that took it holds it to its end.
"""

import uuid

from django.db import connection


def labels_lock(organization_id: uuid.UUID) -> int:
    """The number of an organization's lock, of the 64 bits that PostgreSQL has for one."""
    return int.from_bytes(organization_id.bytes[8:], signed=True)


def keep_labels(organization_id: uuid.UUID) -> None:
    """No label of the organization changes until the transaction ends; others may keep them, too.

    Whoever changes one takes the same lock for itself alone (modelhub.labels.changes).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [labels_lock(organization_id)])
