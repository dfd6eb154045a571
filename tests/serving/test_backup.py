"""`modelhub backup` and `modelhub restore`: everything, or nothing."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from config.postgres import programs
from tests.folders import temporary_folder
from tests.postgres import FAST, PROGRAMS, Postgres, running_postgres
from tests.servers import EMBEDDED, ROOT, Server, direct_url, environment, manage, running_server
from tests.terminals import type_into
from tests.testing.made import ROWS_OF_QUEUES
from tests.waiting import wait_for

POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")
OF_SESSIONS = "django_session"
TABLES_IN_ORDER = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^(modelhub|django|auth)_'"


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of every table, sessions of the admin apart."""
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        names = {str(name) for (name,) in tables} - {OF_SESSIONS}
        return {
            name: connection.execute(f"SELECT t::text FROM {name} AS t ORDER BY 1".encode()).fetchall()
            for name in names
        }


def store(server: Server, rating: int, source_id: str = "kept") -> list[str]:
    """Store a star of the first label, and return the errors."""
    [label] = [
        label["id"]
        for label in server.request("GET", "/model-hub/annotations-labels/?type=star").json()["results"]
        if label["name"] == "Quality"
    ]
    body = {"source_type": "trace", "source_id": source_id, "scores": [{"label_id": label, "value": rating}]}
    answer = server.request("POST", "/model-hub/scores/bulk/", json=body)
    assert answer.status_code in {200, 201}, answer.text
    errors: list[str] = answer.json()["errors"]
    return errors


def set_stars(server: Server, number: int) -> None:
    [label] = server.request("GET", "/model-hub/annotations-labels/?search=Quality").json()["results"]
    changed = server.request(
        "PATCH",
        f"/model-hub/annotations-labels/{label['id']}/?force=true",
        json={"settings": {"no_of_stars": number}},
    )
    assert changed.status_code == 200, changed.text


AUTO = {"MODELHUB_AUTO_CREATE_SOURCES": "true"}


@pytest.fixture(scope="module")
def origin() -> Iterator[tuple[Server, Path, Path]]:
    """A server with scores, revisions and a queue, its data folder and a backup made beside it."""
    with temporary_folder() as folder, running_server(folder / "data", **EMBEDDED, **AUTO) as server:
        assert store(server, 4) == store(server, 5) == []
        own = server.request("GET", "/model-hub/users/me/").json()
        with psycopg.connect(server.database_url) as connection:
            connection.execute(ROWS_OF_QUEUES, {"organization": own["organization"], "user": own["id"]})
        env = environment(folder / "data", **EMBEDDED)
        assert manage("create_api_key", "--name", "Another", env=env).returncode == 0
        file = folder / "modelhub.backup"
        done = manage("backup", str(file), env=env)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{file} holds the database, {file.stat().st_size} bytes.\n"
        yield server, folder / "data", file


def test_a_fresh_folder_gets_every_row_of_every_table(origin: tuple[Server, Path, Path], folder: Path) -> None:
    server, _, file = origin
    env = environment(folder, **EMBEDDED)
    done = manage("restore", str(file), env=env)
    assert (done.returncode, done.stderr) == (0, "")

    with running_server(folder, **EMBEDDED) as restored:
        before, after = contents(server.database_url), contents(restored.database_url)
        # A start looks for its key, and records nothing.
        assert after.keys() == before.keys()
        assert {name: rows for name, rows in after.items() if rows != before[name]} == {}
        assert len(after["modelhub_scorerevision"]) == len(after["modelhub_slot"]) == 1
        assert len(after["modelhub_adjudication"]) == 1
        assert restored.request("GET", "/model-hub/scores/").json()["results"][0]["value"] == {"rating": 5}


def test_a_backup_is_one_private_file(origin: tuple[Server, Path, Path]) -> None:
    _, data, file = origin
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir() if path not in {data, file}] == []


def test_a_running_server_judges_by_the_restored_labels(origin: tuple[Server, Path, Path], folder: Path) -> None:
    """Its cache has labels of before the restore, in either direction."""
    _, _, file = origin
    env = environment(folder / "data", **EMBEDDED)
    three = folder / "three.backup"
    with running_server(folder / "data", **EMBEDDED, **AUTO, MODELHUB_WORKERS="1") as server:
        set_stars(server, 3)
        assert store(server, 3, "x") == []
        assert manage("backup", str(three), env=env).returncode == 0
        assert manage("restore", "--replace", str(file), env=env).returncode == 0
        assert store(server, 5, "y") == []
        assert manage("restore", "--replace", str(three), env=env).returncode == 0
        [error] = store(server, 5, "y")
        assert "rating must be a whole number from 1 to 3, got 5" in error


def restore_beside_requests(file: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Restore once more where the sentence says so: one that loses a deadlock to requests changes nothing."""
    done = manage("restore", "--replace", str(file), env=env)
    return manage("restore", "--replace", str(file), env=env) if "run the restore again" in done.stderr else done


@pytest.mark.slow
def test_requests_during_a_restore_end_cleanly(origin: tuple[Server, Path, Path], folder: Path) -> None:
    _, _, file = origin
    statuses: set[int] = set()
    with running_server(folder, **EMBEDDED, **AUTO) as server:
        stop = threading.Event()

        def write() -> None:
            [label] = server.request("GET", "/model-hub/annotations-labels/?search=Quality").json()["results"]
            body = {"source_type": "trace", "scores": [{"label_id": label["id"], "value": 4}]}
            for number in range(10_000):
                if stop.is_set():
                    return
                for method, path in (("POST", "/model-hub/scores/bulk/"), ("GET", "/model-hub/scores/")):
                    answer = server.request(method, path, json=body | {"source_id": str(number)})
                    statuses.add(answer.status_code)

        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()
        env = environment(folder, **EMBEDDED)
        done = [restore_beside_requests(file, env) for _ in range(2)]
        stop.set()
        for thread in threads:
            thread.join()
        assert [(one.returncode, one.stderr) for one in done] == [(0, "")] * 2
    assert statuses <= {200, 201, 503}


@pytest.fixture(scope="module")
def target(postgres: Postgres) -> Iterator[tuple[dict[str, str], Server]]:
    with temporary_folder() as folder, running_server(folder) as server:
        yield environment(folder), server


def refuse(target: tuple[dict[str, str], Server], sentence: str, *arguments: str) -> None:
    """Expect one sentence, exit status 1 and an unchanged database."""
    env, _ = target
    before = contents(direct_url(env))
    done = manage(*arguments, env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("CommandError: ")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert contents(direct_url(env)) == before


def test_a_database_that_is_not_empty(origin: tuple[Server, Path, Path], target: tuple[dict[str, str], Server]) -> None:
    refuse(target, "the database is not empty; add --replace", "restore", str(origin[2]))


def test_a_damaged_backup(
    origin: tuple[Server, Path, Path], target: tuple[dict[str, str], Server], tmp_path: Path
) -> None:
    whole = origin[2].read_bytes()
    for size in (len(whole) - 200, len(whole) * 3 // 4, 300):
        (tmp_path / "half").write_bytes(whole[:size])
        refuse(target, "pg_restore: error: ", "restore", "--replace", str(tmp_path / "half"))


def test_another_file(target: tuple[dict[str, str], Server], tmp_path: Path) -> None:
    (tmp_path / "other").write_text("x" * 100)
    refuse(target, "is not a backup of modelhub", "restore", str(tmp_path / "other"))
    refuse(target, "cannot be read: No such file or directory", "restore", str(tmp_path / "none"))
    refuse(target, "cannot be read: Is a directory", "restore", str(tmp_path))


def test_a_database_with_tables_of_others(
    origin: tuple[Server, Path, Path], target: tuple[dict[str, str], Server]
) -> None:
    with psycopg.connect(direct_url(target[0]), autocommit=True) as connection:
        connection.execute("CREATE TABLE of_others (id int)")
        refuse(target, "also holds the table of_others", "restore", "--replace", str(origin[2]))
        connection.execute("DROP TABLE of_others")


def test_a_backup_of_a_newer_version(target: tuple[dict[str, str], Server], tmp_path: Path) -> None:
    env, _ = target
    row = "('modelhub', '9999_future', now())"
    with psycopg.connect(direct_url(env), autocommit=True) as connection:
        connection.execute(f"INSERT INTO django_migrations (app, name, applied) VALUES {row}".encode())
        assert manage("backup", str(tmp_path / "newer"), env=env).returncode == 0
        connection.execute("DELETE FROM django_migrations WHERE name = '9999_future'")
    newer = "is of a newer version of modelhub (migration 9999_future)"
    refuse(target, newer, "restore", "--replace", str(tmp_path / "newer"))


def test_a_file_that_exists_or_cannot_be_written(target: tuple[dict[str, str], Server], tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    refuse(target, "exists already; name another file, or add --replace", "backup", str(tmp_path / "old"))
    refuse(target, "cannot be written: No such file or directory", "backup", str(tmp_path / "no" / "x"))
    refuse(target, "cannot be written: File name too long", "backup", str(tmp_path / ("x" * 300)))
    assert (tmp_path / "old").read_text() == "old"
    assert manage("backup", "--replace", str(tmp_path / "old"), env=target[0]).returncode == 0
    assert (tmp_path / "old").read_bytes()[:5] == b"PGDMP"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_backup_that_a_signal_stops_leaves_no_file(folder: Path, number: signal.Signals) -> None:
    with running_postgres(folder / "postgres", FAST) as server:
        url = server.make_database("stopped").replace("postgres@", "postgres:secret@", 1)
        (folder / "temporary").mkdir()
        (folder / "target").mkdir()
        env = environment(folder, DATABASE_URL=url, TMPDIR=str(folder / "temporary"))
        assert manage("migrate", "--verbosity", "0", env=env).returncode == 0
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE modelhub_score")
            command = [sys.executable, str(ROOT / "manage.py"), "backup", str(folder / "target" / "x")]
            with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as process:
                wait_for(lambda: any((folder / "target").iterdir()))
                assert list((folder / "temporary").rglob("password"))
                process.send_signal(number)
                assert process.wait(timeout=20) == (130 if number == signal.SIGINT else 128 + number)
        assert [*(folder / "target").iterdir(), *(folder / "temporary").iterdir()] == []


def test_a_restore_that_a_signal_stops_ends_at_once(target: tuple[dict[str, str], Server], tmp_path: Path) -> None:
    """It waits for a lock, with more to send than a pipe holds."""
    url = direct_url(target[0])
    waiting = "SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND application_name = 'psql'"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " SELECT 'filler', repeat('x', 200), now() FROM generate_series(1, 5000)"
        )
        assert manage("backup", str(tmp_path / "large"), env=target[0]).returncode == 0
        connection.execute("DELETE FROM django_migrations WHERE app = 'filler'")
    before = contents(url)
    command = [sys.executable, str(ROOT / "manage.py"), "restore", "--replace", str(tmp_path / "large")]
    with psycopg.connect(url) as writer, psycopg.connect(url, autocommit=True) as observer:
        writer.execute("LOCK TABLE modelhub_score")
        with subprocess.Popen(command, env=target[0], stderr=subprocess.DEVNULL) as process:
            wait_for(lambda: observer.execute(waiting).rowcount > 0)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 128 + signal.SIGTERM
    assert contents(url) == before


def test_a_restore_that_loses_a_deadlock_says_to_run_it_again(
    origin: tuple[Server, Path, Path], target: tuple[dict[str, str], Server]
) -> None:
    """Of two, the restore looks for a deadlock first."""
    url = direct_url(target[0])
    waiting = "SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND application_name = 'psql'"
    done: list[subprocess.CompletedProcess[str]] = []
    command = threading.Thread(
        target=lambda: done.append(manage("restore", "--replace", str(origin[2]), env=target[0]))
    )
    before = contents(url)
    with psycopg.connect(url) as writer, psycopg.connect(url, autocommit=True) as observer:
        writer.execute("SET deadlock_timeout = '1min'")
        # The restore has locked the tables of before, whatever their order is.
        names = [str(name) for (name,) in observer.execute(TABLES_IN_ORDER).fetchall()]
        writer.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier(names[-1])))
        command.start()
        wait_for(lambda: observer.execute(waiting).rowcount > 0)
        writer.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier(names[0])))
        command.join()
    assert done[0].returncode == 1
    assert done[0].stderr.endswith("deadlock detected; nothing has changed, run the restore again.\n")
    assert contents(url) == before


def test_only_a_regular_file_is_replaced(target: tuple[dict[str, str], Server], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refuse(target, "is not a regular file", "backup", "--replace", str(tmp_path / "pipe"))
    refuse(target, "is not a regular file", "backup", "--replace", str(tmp_path))
    assert (tmp_path / "pipe").is_fifo()

    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "file")
    for options in ([], ["--replace"]):
        assert manage("backup", *options, str(tmp_path / "link"), env=target[0]).returncode == 0
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "disk" / "file").read_bytes()[:5] == b"PGDMP"


def test_an_older_backup_is_migrated_with_the_servers_stopped(postgres: Postgres, folder: Path) -> None:
    old = environment(folder, DATABASE_URL=postgres.make_database(f"old_of_{folder.name}"))
    assert manage("migrate", "--verbosity", "0", "modelhub", "0001", env=old).returncode == 0
    file = folder / "old.backup"
    assert manage("backup", str(file), env=old).returncode == 0

    new = environment(folder, DATABASE_URL=postgres.make_database(f"new_of_{folder.name}"))
    with psycopg.connect(new["DATABASE_URL"]):
        assert "stop the servers first" in manage("restore", str(file), env=new).stderr
    done = manage("restore", str(file), env=new)
    assert (done.returncode, done.stderr) == (0, "")
    assert manage("migrate", "--check", env=new).returncode == 0


@pytest.mark.skipif(not POSTGRES_15.exists(), reason="needs PostgreSQL 15 (Debian's postgresql-15)")
def test_a_trial_moves_to_an_older_server(
    origin: tuple[Server, Path, Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROGRAMS, str(POSTGRES_15))
    with running_postgres(folder / "postgres", FAST) as old:
        env = environment(folder, DATABASE_URL=old.make_database("moved"))
        done = manage("restore", str(origin[2]), env=env)
        assert (done.returncode, done.stderr) == (0, "")
        assert contents(env["DATABASE_URL"])["modelhub_score"] == contents(origin[0].database_url)["modelhub_score"]
        assert manage("backup", str(folder / "back"), env=env).returncode == 0


def test_programs_are_not_older_than_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for version in (14, 16, 17):
        folder = tmp_path / str(version)
        folder.mkdir()
        for program in programs.PROGRAMS:
            (folder / program).write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {version}.3 (Debian)'\n")
            (folder / program).chmod(0o755)
    monkeypatch.setattr(programs, "_folders", lambda: [tmp_path / "14", tmp_path / "17", tmp_path / "16", tmp_path])
    assert programs.find_programs(15, newest=False) == tmp_path / "16"
    assert programs.find_programs(15, newest=True) == tmp_path / "17"
    assert programs.find_programs(18, newest=True) is None


def test_a_terminal_shows_progress_and_a_pipe_gets_the_backup(origin: tuple[Server, Path, Path], folder: Path) -> None:
    _, data, _ = origin
    env = environment(data, **EMBEDDED)
    command = [sys.executable, str(ROOT / "manage.py"), "backup", str(folder / "seen")]
    shown = type_into(command, "", until="holds the database", env=env)
    assert "backup: " in shown
    assert "B/s]" in shown
    piped = folder / "piped"
    with piped.open("wb") as output:
        subprocess.run([*command[:-1], "-"], stdout=output, env=env, timeout=60, check=True)
    done = manage("restore", str(piped), env=environment(folder / "again", **EMBEDDED))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_restore_reads_standard_input(origin: tuple[Server, Path, Path], folder: Path) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "restore", "-"]
    env = environment(folder, **EMBEDDED)
    for text, sentence in ((b"x" * 100, "is not a backup of modelhub"), (b"", "is not a backup of modelhub")):
        done = subprocess.run(command, input=text, capture_output=True, env=env, timeout=120, check=False)
        assert done.returncode == 1
        assert done.stderr.decode() == f"CommandError: The backup was not restored: standard input {sentence}.\n"
    done = subprocess.run(command, input=origin[2].read_bytes(), capture_output=True, env=env, timeout=120, check=False)
    assert (done.returncode, done.stdout.decode()) == (0, "The database holds what standard input held.\n")
    assert manage("restore", str(origin[2]), env=env).stderr.endswith("add --replace to lose what it holds.\n")


def test_a_password_reaches_the_programs_and_no_other_process(folder: Path) -> None:
    """In a file that is gone afterwards; the command line and the environment can be read by others."""
    with running_postgres(folder / "postgres", FAST) as server:
        password = "a:b\\c 'd\" %"
        server.execute("CREATE DATABASE locked")
        with server.connect() as connection:
            connection.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(password))
        (folder / "postgres" / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        server.execute("SELECT pg_reload_conf()")
        url = server.url("locked").replace("postgres@", f"postgres:{quote(password, safe='')}@", 1)
        env = environment(folder, DATABASE_URL=url) | {"TMPDIR": str(folder)}
        assert manage("migrate", "--verbosity", "0", env=env).returncode == 0
        for command in (("backup", str(folder / "x")), ("restore", str(folder / "x"))):
            done = manage(*command, env=env)
            assert (done.returncode, done.stderr) == (0, "")
        assert {path.name for path in folder.iterdir()} == {"postgres", "x"}
        wrong = env | {"DATABASE_URL": url.replace("a%3Ab", "ab")}
        assert "password authentication failed" in manage("backup", str(folder / "y"), env=wrong).stderr
