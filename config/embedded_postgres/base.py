"""The backend of config.postgres, with one thing more: before it connects, it sees that the server runs."""

from functools import cache
from pathlib import Path
from typing import Any

from config.embedded_postgres.server import EmbeddedServer
from config.postgres.base import DatabaseWrapper as PostgresWrapper
from config.postgres.patient import PatientConnection

USER, DATABASE = "postgres", "modelhub"


@cache
def server_in(folder: Path) -> EmbeddedServer:
    """The one server of a data folder, whatever number of connections and threads ask for it."""
    return EmbeddedServer(folder, user=USER, database=DATABASE)


class DatabaseWrapper(PostgresWrapper):
    """Connects over the Unix socket of the server in `settings_dict["DATA_DIR"]`, which it starts if need be."""

    def __init__(self, settings_dict: dict[str, Any], alias: str = "default") -> None:
        server = server_in(settings_dict["DATA_DIR"])
        settings_dict["HOST"], settings_dict["USER"] = str(server.socket_folder), USER
        if pool := settings_dict["OPTIONS"].get("pool"):
            pool["connection_class"] = _connection_class(server)
        super().__init__(settings_dict, alias)
        self.server = server

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """As Django does it; a pool makes its connections by itself, with the class from above."""
        if not self.pool:
            self.server.ensure_running()
        return super().get_new_connection(conn_params)


@cache
def _connection_class(server: EmbeddedServer) -> type[PatientConnection]:
    class EmbeddedConnection(PatientConnection):
        """What a pool makes when it needs one more: after a crash of the server, that starts it again."""

        @classmethod
        def connect(cls, *args: Any, **options: Any) -> PatientConnection:  # type: ignore[override]
            server.ensure_running()
            return super().connect(*args, **options)

    return EmbeddedConnection
