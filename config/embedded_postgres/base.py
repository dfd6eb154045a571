"""Backend that starts the embedded PostgreSQL before it connects."""

import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from django.db.backends.postgresql.client import DatabaseClient

from modelhub.serving.ephemeral import abandoned_folders

from ..postgres.base import DatabaseWrapper as PostgresWrapper
from . import wheel
from .server import USER, EmbeddedServer


@cache
def get_server(folder: Path, *, ephemeral: bool) -> EmbeddedServer:
    """Return the server of a data folder, one per process."""
    return EmbeddedServer(folder, ephemeral=ephemeral)


class Client(DatabaseClient):
    """Run `modelhub dbshell` with the wheel's psql, and start the server for it."""

    connection: Any
    executable_name = str(wheel.PROGRAMS / "psql")

    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.server.ensure_running()
        super().runshell(parameters)


class DatabaseWrapper(PostgresWrapper):
    """Connects to the server in `settings_dict["DATA_DIR"]`."""

    client_class = Client

    def __init__(self, settings_dict: dict[str, Any], alias: str = "default") -> None:
        server = get_server(settings_dict["DATA_DIR"], ephemeral=settings_dict["EPHEMERAL"])
        settings_dict["HOST"], settings_dict["USER"] = str(server.socket_folder), USER

        def conninfo() -> str:
            server.ensure_running()
            return ""

        if pool := settings_dict["OPTIONS"].get("pool"):
            # The pool calls it before each new connection, in a thread of its own: a crashed server starts again.
            pool["conninfo"] = conninfo
        super().__init__(settings_dict, alias)
        self.server = server

    def create_database(self) -> None:
        """Create the data folder unless it exists, and start the server."""
        if self.server.ephemeral:
            for folder in abandoned_folders():
                EmbeddedServer(folder / "postgres", ephemeral=True).discard()
                shutil.rmtree(folder, ignore_errors=True)
        self.server.ensure_running(create=True)

    def store_copy(self) -> None:
        """Close this connection and let an ephemeral server keep a copy of itself."""
        self.close()
        self.server.store_copy()

    def find_programs(self, *, newest: bool) -> Path:
        """Return the folder of the wheel's programs, which are of the server's version."""
        return wheel.PROGRAMS

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection; start the server before the first one of a process."""
        if not self.pool or self.pool.closed:
            self.server.ensure_running()
        return super().get_new_connection(conn_params)
