"""The whole test suite on another database than the embedded one.

    python -m tests.elsewhere [--programs FOLDER] [--pgbouncer] [ARGUMENTS OF PYTEST]

`--programs` names the folder of another PostgreSQL's initdb and pg_ctl (`make test-postgres`); `--pgbouncer` puts a
PgBouncer in transaction mode before it (`make test-pgbouncer`). The test process uses it, and every server that a test
starts has a database of its own there. Tests of the embedded database itself are left out (tests/conftest.py).
"""

import argparse
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.databases import PGBOUNCER, POSTGRES, USER
from tests.folders import temporary_folder
from tests.pgbouncer import PROGRAM, pgbouncer_before
from tests.postgres import PROGRAMS, running_postgres


def main() -> int:
    """Run pytest there and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.elsewhere")
    parser.add_argument("--programs", type=Path)
    parser.add_argument("--pgbouncer", action="store_true")
    options, arguments = parser.parse_known_args()
    if options.programs:
        if not (options.programs / "initdb").exists():
            parser.error(f"there is no initdb in {options.programs}")
        os.environ[PROGRAMS] = str(options.programs)
    if options.pgbouncer and PROGRAM is None:
        parser.error("pgbouncer is not installed; it is a package of that name in Debian and elsewhere")
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        server = front = stack.enter_context(running_postgres(folder / "postgres"))
        env = os.environ | {POSTGRES: str(server.port)}
        if options.pgbouncer:
            front = stack.enter_context(pgbouncer_before(server, folder))
            # `serve` does this for its own database; this is the one that pytest creates.
            server.execute(f"ALTER ROLE {USER} SET lock_timeout = 5000")
            env |= {PGBOUNCER: str(front.port), "MODELHUB_PGBOUNCER": "true"}
        # PgBouncer still holds connections to the database when pytest would drop it.
        command = [sys.executable, "-m", "pytest", "--reuse-db", *arguments]
        return subprocess.run(command, env=env | {"DATABASE_URL": front.url("modelhub")}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
