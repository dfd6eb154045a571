"""This version beside its predecessor on one database, during a migration.

The predecessor is the parent of the last commit that added a migration. A commit that rewrote migrations, possible
before the first release only, is its own predecessor.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.ledger import clients
from tests.faults.postgres import DATABASE, running_database
from tests.postgres import Postgres
from tests.repeats import LONG
from tests.servers import ROOT, Server, data_folder, environment, free_port, running_server, serving

pytestmark = pytest.mark.slow

SECONDS = 8 if LONG else 1
MIGRATIONS = "modelhub/migrations"
APPLIED = "SELECT count(*) FROM django_migrations WHERE app = 'modelhub'"


def git(*arguments: str) -> str:
    """Run git. Skip the test when the repository is not deep enough; in CI, fail."""
    result = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        reason = f"the version before this one is needed, and git says: {result.stderr.strip()}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return result.stdout.strip()


def version_before() -> str:
    """Return the commit of the version that must run beside this one."""
    touched = git("log", "-1", "--format=%H", "--", MIGRATIONS)
    parent = git("rev-parse", "--verify", f"{touched}^")  # missing at the edge of a shallow clone
    changes = git("show", "--format=", "--name-status", touched, "--", MIGRATIONS).splitlines()
    return parent if all(change.startswith("A") for change in changes) else touched


@pytest.fixture
def old_root() -> Iterator[Path]:
    """Check that version out and return its folder."""
    commit = version_before()
    with data_folder() as folder:
        archive = folder / "old.tar"
        git("archive", "--output", str(archive), commit)
        subprocess.run(["tar", "-xf", str(archive), "-C", str(folder)], check=True)
        yield folder


def applied(postgres: Postgres) -> int:
    """Return the number of modelhub migrations in the database."""
    with postgres.connect(DATABASE) as connection:
        [number] = connection.execute(APPLIED).fetchone() or [0]
    return int(number)


@pytest.mark.slow
def test_both_versions_serve_while_the_database_is_migrated(folder: Path, old_root: Path) -> None:
    more = {"MODELHUB_AUTO_CREATE_SOURCES": "true", "MODELHUB_LOG_LEVEL": "ERROR"}
    (folder / "new").mkdir()
    with running_database(folder) as postgres, ExitStack() as later:
        more["DATABASE_URL"] = postgres.url(DATABASE)
        old_env = environment(folder, PORT=str(free_port()), **more)
        with serving([sys.executable, str(old_root / "manage.py"), "serve"], env=old_env) as old, clients(old) as load:
            time.sleep(SECONDS)
            before = applied(postgres)
            new: Server = later.enter_context(running_server(folder / "new", **more))
            load.servers.append(new)
            load.wait_until_it_writes()
            time.sleep(SECONDS)
        migrations = applied(postgres) - before
        assert not [line for server in (old, new) for line in server.log if "unforeseen" in line]
    load.tell(f"upgrade from {version_before()[:7]} with {migrations} migrations", 1)
