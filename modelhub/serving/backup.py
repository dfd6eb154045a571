"""Backups of the whole database, as archives of pg_dump in its custom format."""

import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo
from tqdm import tqdm

from modelhub.core.sql import read_sql
from modelhub.serving.database import check_writable, migrate, setup_connection, wait_for_turn

CHUNK = 64 * 1024
POLL_SECONDS = 0.1
# pg_restore writes it for every server, and only PostgreSQL 17 and newer know it.
NEW_SETTING, FIRST_WITH_IT = b"SET transaction_timeout = 0;\n", 17
# Running requests may end first; those that come meanwhile wait behind the locks.
BEGIN = b"BEGIN;\nSET LOCAL statement_timeout = 0;\nSET LOCAL lock_timeout = '30s';\n"
# Of the list of a backup: the schema exists, and so may the trigger of test controls, whose function is not in it.
LEFT_OUT = re.compile(r"\d+; \d+ \d+ (SCHEMA |TRIGGER \S+ modelhub_score refused_by_test_controls )")
LOST_TO_REQUESTS = ("deadlock detected", "lock timeout")
DROP_ALL = read_sql("serving", "drop_all")
FOREIGN_TABLES = read_sql("serving", "foreign_tables")


class BackupFailed(Exception):
    """Raised when a backup or restore changes nothing; `str()` is the reason."""


class Programs:
    """PostgreSQL's client programs that fit the server of an open connection."""

    def __init__(self, own: Any, password_file: Path, *, newest: bool) -> None:
        self.server_version = own.get_database_version()[0]
        folder = own.find_programs(newest=newest)
        if folder is None:
            raise BackupFailed(
                f"pg_dump, pg_restore and psql of PostgreSQL {self.server_version} or newer are needed and not found; "
                f"install postgresql-client-{self.server_version}, or add their folder to PATH."
            )
        self.folder = folder
        known = {option.keyword.decode() for option in Conninfo.get_defaults()}
        parameters = {name: value for name, value in own.get_connection_params().items() if name in known}
        if password := parameters.pop("password", ""):
            # Neither in the environment nor on the command line, which others on this machine can read.
            escaped = str(password).replace("\\", "\\\\").replace(":", "\\:")
            password_file.write_text(f"*:*:*:*:{escaped}\n", encoding="utf-8")
            password_file.chmod(0o600)
            parameters["passfile"] = str(password_file)
        self.conninfo = make_conninfo(**parameters)

    def command(self, program: str, *arguments: str) -> list[str]:
        return [str(self.folder / program), *arguments]

    def read(self, program: str, *arguments: str) -> str:
        """Return the output of a program. Raise `BackupFailed`."""
        done = subprocess.run(
            self.command(program, *arguments), capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode != 0:
            raise BackupFailed(_reason(done.stderr))
        return done.stdout


@contextmanager
def database_programs(*, alone: bool) -> Iterator[tuple[BaseDatabaseWrapper, Programs]]:
    """Connect past any pool; `alone`, to write. Raise `BackupFailed`."""
    try:
        with setup_connection(needs_session=alone) as own, tempfile.TemporaryDirectory() as folder:
            # New programs read the backups of old ones.
            programs = Programs(own, Path(folder) / "password", newest=alone)
            if alone:
                check_writable(own)
                wait_for_turn(own)
            yield own, programs
    except ImproperlyConfigured as error:
        raise BackupFailed(str(error)) from error


def back_up(path: Path, *, replace: bool) -> int:
    """Write a backup of the database to a new file. Return its size in bytes.

    The file appears when it is complete. Only its owner can read it. Raise `BackupFailed`.
    """
    try:
        exists, is_file = path.exists(), path.is_file()
    except OSError as error:
        raise BackupFailed(f"{path} cannot be written: {error.strerror}.") from error
    if exists and not replace:
        raise BackupFailed(f"{path} exists already; name another file, or add --replace.")
    # The new file takes the place of a regular one: not of a device, and not of a link to another disk.
    if exists and not is_file:
        raise BackupFailed(f"{path} is not a regular file and is not replaced; - is standard output.")
    path = Path(os.path.realpath(path))
    with database_programs(alone=False) as (own, programs):
        if "modelhub_score" not in own.introspection.table_names():
            raise BackupFailed("the database has no tables of modelhub yet.")
        # Named before it exists: a signal that comes right after its creation finds the file, too.
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            try:
                draft.touch(mode=0o600, exist_ok=False)
                _dump(own, programs, draft)
                with draft.open("rb+") as file:
                    os.fsync(file.fileno())
                size = draft.stat().st_size
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
            descriptor = os.open(path.parent, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        except OSError as error:
            raise BackupFailed(f"{path} cannot be written: {error.strerror}.") from error
    return size


def stream_backup(output: IO[bytes]) -> None:
    """Write a backup of the database to a stream. Raise `BackupFailed`."""
    with database_programs(alone=False) as (own, programs):
        done = subprocess.run(
            _dump_command(own, programs), stdout=output, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode != 0:
            raise BackupFailed(_reason(done.stderr))


def _dump_command(own: BaseDatabaseWrapper, programs: Programs, *arguments: str) -> list[str]:
    # Sessions of the admin end: a restored one would be valid again after its logout.
    options = ("--format=custom", f"--schema={_schema(own)}", "--exclude-table-data=*.django_session")
    return programs.command("pg_dump", *options, "--no-password", *arguments, f"--dbname={programs.conninfo}")


def _dump(own: BaseDatabaseWrapper, programs: Programs, path: Path) -> None:
    """Dump to a file, and show its growing size on a terminal."""
    command = _dump_command(own, programs, f"--file={path}")
    with (
        tqdm(unit="B", unit_scale=True, desc="backup", disable=None) as bar,
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process,
    ):
        try:
            while process.poll() is None:
                time.sleep(POLL_SECONDS)
                bar.update(path.stat().st_size - bar.n)
        finally:
            process.terminate()  # of a dump that a signal stops
        said = process.stderr.read() if process.stderr else ""
    if process.returncode != 0:
        raise BackupFailed(_reason(said))


def restore_stream(stream: IO[bytes], *, replace: bool) -> None:
    """Restore a backup from a stream, as `restore` does."""
    with tempfile.NamedTemporaryFile(prefix="modelhub-") as copy:
        try:
            # pg_restore reads it several times.
            shutil.copyfileobj(stream, copy)
            copy.flush()
        except OSError as error:
            raise BackupFailed(f"standard input cannot be copied to {copy.name}: {error.strerror}.") from error
        restore(Path(copy.name), replace=replace, name="standard input")


def restore(path: Path, *, replace: bool, name: str = "") -> None:
    """Replace the content of the database by a backup, in one transaction.

    An older backup is migrated. Raise `BackupFailed` with the `name` of the file, with the database unchanged.
    """
    name = name or str(path)
    try:
        with path.open("rb") as file:
            if file.read(5) != b"PGDMP":
                raise BackupFailed(f"{name} is not a backup of modelhub.")
    except OSError as error:
        raise BackupFailed(f"{name} cannot be read: {error.strerror}.") from error
    with database_programs(alone=True) as (own, programs):
        listed = programs.read("pg_restore", "--list", str(path))
        older = _check_archive(own, programs, path, listed, name=name)
        _check_target(own, replace=replace, older=older)
        _load(programs, path, listed)
        migrate(own)
        with own.cursor() as cursor:
            # Without statistics, plans would be those of an empty database until autovacuum comes by.
            cursor.execute("ANALYZE")


def _check_archive(own: BaseDatabaseWrapper, programs: Programs, path: Path, listed: str, *, name: str) -> bool:
    """Return whether the backup, whose parts are `listed`, is older than this version.

    Raise `BackupFailed` for one that is newer, or not of modelhub.
    """
    schemas, schema = re.findall(r"^\d+; \d+ \d+ TABLE DATA (\S+) modelhub_score ", listed, re.MULTILINE), _schema(own)
    if schemas != [schema]:
        found = f"; it holds the schema {schemas[0]}, and the database uses {schema}" if schemas else ""
        raise BackupFailed(f"{name} is not a backup of this database's modelhub{found}.")
    rows = programs.read("pg_restore", "--data-only", "--table=django_migrations", "--file=-", str(path))
    applied = set(re.findall(r"^\d+\t(\w+)\t(\w+)\t", rows, re.MULTILINE))
    known = set(MigrationLoader(None).disk_migrations or ())
    if newer := sorted(name for app, name in applied - known if app == "modelhub"):
        raise BackupFailed(
            f"{name} is of a newer version of modelhub (migration {newer[0]}); restore it with that version."
        )
    return bool({key for key in known if key[0] == "modelhub"} - applied)


def _check_target(own: BaseDatabaseWrapper, *, replace: bool, older: bool) -> None:
    """Raise `BackupFailed` for a database that the backup must not replace."""
    with own.cursor() as cursor:
        cursor.execute(FOREIGN_TABLES)
        if foreign := cursor.fetchone():
            raise BackupFailed(
                f"the database also holds the table {foreign[0]}, which is not of modelhub; restore into another one."
            )
        cursor.execute("SELECT to_regclass('modelhub_organization') IS NOT NULL")
        if cursor.fetchone() == (True,) and not replace:
            cursor.execute("SELECT FROM modelhub_organization LIMIT 1")
            if cursor.rowcount:
                raise BackupFailed("the database is not empty; add --replace to lose what it holds.")
        if older:
            cursor.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
            if cursor.rowcount:
                raise BackupFailed("the backup is of an older version and must be migrated; stop the servers first.")


def _load(programs: Programs, path: Path, listed: str) -> None:
    """Run the statements of the `listed` parts in one transaction of psql.

    Only a complete backup is followed by COMMIT: without it, the end of the connection rolls back.
    """
    with (
        tempfile.NamedTemporaryFile("w", suffix=".list") as wanted,
        tempfile.TemporaryFile("w+", errors="replace") as words,
        tqdm(unit="B", unit_scale=True, desc="restore", disable=None) as bar,
    ):
        wanted.writelines(f"{line}\n" for line in listed.splitlines() if not LEFT_OUT.match(line))
        wanted.flush()
        options = ("--no-owner", "--no-privileges", "--no-comments", f"--use-list={wanted.name}", "--file=-")
        source = programs.command("pg_restore", *options, str(path))
        silent = ("--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--file=-", "--output=/dev/null")
        target = programs.command("psql", *silent, f"--dbname={programs.conninfo}")
        with (
            suppress(BrokenPipeError),  # psql ended at an error
            subprocess.Popen(target, stdin=subprocess.PIPE, stderr=words) as psql,
            subprocess.Popen(source, stdout=subprocess.PIPE, stderr=words) as reader,
        ):
            script, statements = cast("IO[bytes]", psql.stdin), cast("IO[bytes]", reader.stdout)
            try:
                script.write(BEGIN + DROP_ALL.encode() + b";\n")
                while chunk := statements.read(CHUNK):
                    script.write(chunk if programs.server_version >= FIRST_WITH_IT else chunk.replace(NEW_SETTING, b""))
                    bar.update(len(chunk))
            except (KeyboardInterrupt, SystemExit):
                psql.kill()  # it may wait for a lock
                raise
            if reader.wait() == 0:
                script.write(b"COMMIT;\n")
            script.close()
        if reader.returncode != 0 or psql.returncode != 0:
            words.seek(0)
            reason = _reason(words.read())
            waited = any(text in reason for text in LOST_TO_REQUESTS)
            raise BackupFailed(f"{reason}; nothing has changed, run the restore again." if waited else reason)


def _schema(own: BaseDatabaseWrapper) -> str:
    with own.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        [schema] = cursor.fetchone() or [""]
    return str(schema)


def _reason(said: str) -> str:
    """Return the first error among the lines of a program."""
    lines = said.strip().splitlines() or ["the program ended without a word"]
    return next((line for line in lines if "error:" in line.lower()), lines[-1]).strip()
