"""Which PostgreSQL: the one that `DATABASE_URL` names, or the embedded one in the data folder."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config import env


def database_settings(data_dir: Path, *, pool_size: int) -> dict[str, Any]:
    """Django's settings of the one database.

    Every connection comes from a pool of at most `pool_size` (a worker's threads), waits a bounded time for
    connecting, for locks and for statements, and is checked before it is handed out.
    """
    url = env.text("DATABASE_URL")
    direct_url = env.text("MODELHUB_DIRECT_DATABASE_URL")
    shared = env.flag("MODELHUB_PGBOUNCER", default=False)
    if shared and not url:
        raise ImproperlyConfigured("MODELHUB_PGBOUNCER is true, and no DATABASE_URL says where PgBouncer is.")
    timeouts = {
        "statement_timeout": env.whole("MODELHUB_STATEMENT_TIMEOUT_MS", 15_000),
        "lock_timeout": env.whole("MODELHUB_LOCK_TIMEOUT_MS", 5_000),
    }
    settings = _connection_settings("DATABASE_URL", url, {} if shared else timeouts)
    settings["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": pool_size,
        "timeout": env.whole("MODELHUB_POOL_TIMEOUT", 5, minimum=1, maximum=600),
    }
    if shared:
        # The next transaction may find itself in another session: nothing may be left in one, or expected of it.
        settings["DISABLE_SERVER_SIDE_CURSORS"] = True
        settings["OPTIONS"]["prepare_threshold"] = None
    direct = _connection_settings("MODELHUB_DIRECT_DATABASE_URL", direct_url, timeouts) if direct_url else None
    return settings | {
        "ENGINE": "django.db.backends.postgresql" if url else "config.embedded_postgres",
        "CONN_HEALTH_CHECKS": True,
        "DATA_DIR": data_dir / "postgres",
        # Not Django's: what `serve` needs to set up a database that it reaches through PgBouncer.
        "PGBOUNCER": {"direct": direct, "timeouts": timeouts} if shared else None,
    }


def _connection_settings(name: str, url: str, timeouts: dict[str, int]) -> dict[str, Any]:
    """Where to connect as whom, with the timeouts as parameters of the session."""
    parameters = _parse(name, url) if url else {}
    options = [*(f"-c {setting}={ms}" for setting, ms in timeouts.items()), parameters.pop("options", "")]
    return {
        "NAME": parameters.pop("dbname", "modelhub"),
        "USER": parameters.pop("user", ""),
        "PASSWORD": parameters.pop("password", ""),
        "HOST": parameters.pop("host", ""),
        "PORT": parameters.pop("port", ""),
        "OPTIONS": {"connect_timeout": 5, "options": " ".join(options).strip(), **parameters},
    }


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
