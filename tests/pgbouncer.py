"""A real PgBouncer in transaction mode before a real PostgreSQL."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.databases import USER
from tests.postgres import Postgres
from tests.servers import free_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
# Fewer connections than clients: they take turns, and find the leftovers of others in a session.
INI = """
[databases]
* = host=127.0.0.1 port={postgres} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
admin_users = {user}
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 500
{run_as}
"""


@contextmanager
def pgbouncer_before(server: Postgres, folder: Path, *, size: int = 4) -> Iterator[Postgres]:
    """Run PgBouncer before a server, and yield the port that clients see."""
    assert PROGRAM
    front = Postgres(server.folder, free_port())
    run_as = "user = nobody" if os.geteuid() == 0 else ""
    ini = folder / "pgbouncer.ini"
    ini.write_text(INI.format(postgres=server.port, user=USER, port=front.port, size=size, run_as=run_as))
    with subprocess.Popen(
        [PROGRAM, "--quiet", str(ini)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_until_it_answers(front)
            yield front
        finally:
            process.terminate()


def _wait_until_it_answers(front: Postgres) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            front.execute("SELECT 1")
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
