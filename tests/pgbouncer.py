"""A real PgBouncer in transaction mode before a real PostgreSQL.

`python -m tests.pgbouncer [ARGUMENTS OF PYTEST]` passes the whole test suite through it (`make test-pgbouncer`): the
test process and every server that a test starts, each with a database of its own behind the one PgBouncer. Tests of
the embedded database itself stay as they are; tests/conftest.py lists them.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.postgres import USER, Postgres, running_postgres
from tests.servers import PGBOUNCER, POSTGRES, data_folder, free_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
# Fewer connections than clients: they take turns, and what one leaves in a session the next one finds.
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
    """The same server as clients of PgBouncer see it: on another port, and without sessions of their own."""
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


def main() -> int:
    """Run pytest with everything behind PgBouncer; answers its exit status."""
    if PROGRAM is None:
        sys.stderr.write("pgbouncer is not installed; it is a package of that name in Debian and elsewhere\n")
        return 1
    with (
        data_folder() as folder,
        running_postgres(folder / "postgres") as server,
        pgbouncer_before(server, folder) as front,
    ):
        # What `serve` does for its own database, here for the one that pytest makes.
        server.execute(f"ALTER ROLE {USER} SET lock_timeout = 5000")
        ports = {POSTGRES: str(server.port), PGBOUNCER: str(front.port)}
        env = os.environ | ports | {"DATABASE_URL": front.url("postgres"), "MODELHUB_PGBOUNCER": "true"}
        # PgBouncer still holds connections to the database when pytest would drop it.
        command = [sys.executable, "-m", "pytest", "--reuse-db", *sys.argv[1:]]
        return subprocess.run(command, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
