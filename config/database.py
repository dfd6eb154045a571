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
    timeouts = {
        "statement_timeout": env.whole("MODELHUB_STATEMENT_TIMEOUT_MS", 15_000),
        "lock_timeout": env.whole("MODELHUB_LOCK_TIMEOUT_MS", 5_000),
    }
    url = env.text("DATABASE_URL")
    parameters = _parse(url) if url else {}
    options = parameters.pop("options", "")
    return {
        "ENGINE": "django.db.backends.postgresql" if url else "config.embedded_postgres",
        "NAME": parameters.pop("dbname", "modelhub"),
        "USER": parameters.pop("user", ""),
        "PASSWORD": parameters.pop("password", ""),
        "HOST": parameters.pop("host", ""),
        "PORT": parameters.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        "DATA_DIR": data_dir / "postgres",
        "OPTIONS": {
            "connect_timeout": 5,
            "options": " ".join([*(f"-c {name}={ms}" for name, ms in timeouts.items()), options]).strip(),
            # Statements that come again are planned once a connection, by the server itself.
            "server_side_binding": True,
            "prepare_threshold": 2,
            **parameters,
            "pool": {
                "min_size": 1,
                "max_size": pool_size,
                "timeout": env.whole("MODELHUB_POOL_TIMEOUT", 5, minimum=1, maximum=600),
                # How long the pool by itself goes on trying to connect, at ever longer intervals, minutes in the end.
                # Given up at once, the next request tries again: a database that is back is found within a second.
                "reconnect_timeout": 1,
            },
        },
    }


def _parse(url: str) -> dict[str, Any]:
    """The parts of a `postgresql://` URL, by libpq's own rules (several hosts, `sslmode`, a socket folder)."""
    if not url.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured(
            "DATABASE_URL must start with postgresql://, as in postgresql://user:password@host:5432/name."
        )
    try:
        return conninfo_to_dict(url)
    except ProgrammingError:
        # The driver's own sentence quotes the URL, password included.
        sentence = "DATABASE_URL cannot be read; it must look like postgresql://user:password@host:5432/name."
        raise ImproperlyConfigured(sentence) from None
