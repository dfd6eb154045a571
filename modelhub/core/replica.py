"""The streaming replica for long reads (`MODELHUB_REPLICA_URL`)."""

import time

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections

log = structlog.get_logger(__name__)

REPLICA = "replica"
WAIT_SECONDS, POLL_SECONDS = 1.0, 0.01


def alias_for_long_read() -> str:
    """Return the replica's alias if it has replayed all commits, else the primary's.

    So a read never shows less than was acknowledged before it, with `synchronous_commit = on` on the primary. A replica
    that is missing, promoted or more than a second behind is not used.
    """
    if REPLICA not in settings.DATABASES:
        return DEFAULT_DB_ALIAS
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_flush_lsn()")
        [position] = cursor.fetchone() or [None]
    end = time.monotonic() + WAIT_SECONDS
    try:
        with connections[REPLICA].cursor() as cursor:
            while time.monotonic() < end:
                # Null in a server that is no replica.
                cursor.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [position])
                if cursor.fetchone() == (True,):
                    return REPLICA
                time.sleep(POLL_SECONDS)
    except (Error, ImproperlyConfigured) as error:
        log.warning("replica_not_used", kind=type(error).__name__)
    else:
        log.warning("replica_not_used", kind="late")
    return DEFAULT_DB_ALIAS
