"""The lock between requests that judge by labels and requests that change labels.

One advisory lock per organization: it writes nothing, where a lock of each label row would write to each in every
request. The transaction that took it holds it to its end.
"""

import uuid

from django.db import connection


def share_labels(organization_id: uuid.UUID) -> None:
    """Lock the labels against changes, which take the same lock exclusively."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT modelhub_share_labels_v1(%s)", [organization_id])
