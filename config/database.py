"""Which PostgreSQL: the one that `DATABASE_URL` names, or the embedded one in the data folder."""

import math
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config import env

# How much later than PostgreSQL's own timeout the client notices that nothing came.
OVERDUE_SECONDS = 2


def database_settings(data_dir: Path, *, pool_size: int) -> dict[str, dict[str, Any]]:
    """Django's settings of the one database, and of its replica where there is one.

    Every connection comes from a pool of at most `pool_size` (a worker's threads), waits a bounded time for
    connecting, for locks and for statements, and is checked before it is handed out.
    """
    url, direct_url, replica_url = map(
        env.text, ("DATABASE_URL", "MODELHUB_DIRECT_DATABASE_URL", "MODELHUB_REPLICA_URL")
    )
    shared = env.flag("MODELHUB_PGBOUNCER", default=False)
    if (shared or replica_url) and not url:
        named = "MODELHUB_PGBOUNCER" if shared else "MODELHUB_REPLICA_URL"
        raise ImproperlyConfigured(f"{named} is set, and no DATABASE_URL says where the database is.")
    timeouts = database_timeouts()
    # How long a pool by itself goes on trying to connect, at ever longer intervals, minutes in the end. Given up at
    # once, the next request tries again: a database that is back is found within a second.
    pool = {"min_size": 1, "max_size": pool_size, "reconnect_timeout": 1}
    pool_timeout = env.whole("MODELHUB_POOL_TIMEOUT", 5, minimum=1, maximum=600)
    direct = _connection_settings("MODELHUB_DIRECT_DATABASE_URL", direct_url, timeouts) if direct_url else None
    default = _connection_settings(
        "DATABASE_URL", url, timeouts, shared=shared, pool=pool | {"timeout": pool_timeout}
    ) | {
        "ENGINE": "config.postgres" if url else "config.embedded_postgres",
        "DATA_DIR": data_dir / "postgres",
        # Not Django's: what `serve` needs to set up a database that it reaches through PgBouncer.
        "PGBOUNCER": {"direct": direct, "timeouts": timeouts} if shared else None,
    }
    if not replica_url:
        return {"default": default}
    # It may be down for long: nobody waits for more than a second before the primary is asked instead.
    pool |= {"min_size": 0, "timeout": 1}
    replica = _connection_settings("MODELHUB_REPLICA_URL", replica_url, timeouts, shared=shared, pool=pool)
    return {"default": default, "replica": replica | {"ENGINE": "config.postgres"}}


def _connection_settings(
    name: str, url: str, timeouts: dict[str, int], *, shared: bool = False, pool: dict[str, int] | None = None
) -> dict[str, Any]:
    """Where to connect as whom, with the timeouts as parameters of the session.

    A session that is shared takes no parameters, and nothing may be left in it or expected of it: the next
    transaction may find itself in another one.
    """
    parameters = _parse(name, url) if url else {}
    options = [] if shared else [f"-c {setting}={ms}" for setting, ms in timeouts.items()]
    own: dict[str, Any] = {"connect_timeout": 5, "options": " ".join([*options, parameters.pop("options", "")]).strip()}
    # Statements that come again are planned once a connection, by the server itself.
    own |= {"server_side_binding": True, "prepare_threshold": None if shared else 2}
    if pool:
        own["pool"] = pool
    return {
        "NAME": parameters.pop("dbname", "modelhub"),
        "USER": parameters.pop("user", ""),
        "PASSWORD": parameters.pop("password", ""),
        "HOST": parameters.pop("host", ""),
        "PORT": parameters.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": shared,
        "OPTIONS": own | parameters,
    }


def database_timeouts() -> dict[str, int]:
    """The milliseconds that PostgreSQL gives a statement, and its wait for a lock; 0 is no limit."""
    return {
        "statement_timeout": env.whole("MODELHUB_STATEMENT_TIMEOUT_MS", 15_000),
        "lock_timeout": env.whole("MODELHUB_LOCK_TIMEOUT_MS", 5_000),
    }


def database_patience() -> float:
    """The seconds after which the answer to a statement is overdue."""
    limit = database_timeouts()["statement_timeout"]
    return limit / 1000 + OVERDUE_SECONDS if limit else math.inf


def _parse(name: str, url: str) -> dict[str, Any]:
    """The parts of a `postgresql://` URL, by libpq's own rules (several hosts, `sslmode`, a socket folder)."""
    if not url.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured(
            f"{name} must start with postgresql://, as in postgresql://user:password@host:5432/name."
        )
    try:
        return conninfo_to_dict(url)
    except ProgrammingError:
        # The driver's own sentence quotes the URL, password included.
        sentence = f"{name} cannot be read; it must look like postgresql://user:password@host:5432/name."
        raise ImproperlyConfigured(sentence) from None
