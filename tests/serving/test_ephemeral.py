"""`serve --ephemeral --json --stop-with`: servers for the tests of other projects."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg
import pytest
import requests

from tests.databases import name_for, url_of
from tests.faults.postgres import small_disk
from tests.folders import temporary_folder
from tests.postgres import Postgres
from tests.repeats import LONG
from tests.servers import API_KEY, ROOT, SECRET_KEY, environment
from tests.waiting import wait_for

STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
SECONDS = 120


class Start:
    """A start of `serve` whose temporary files and cache are in a folder.

    It is killed after two minutes, and stopped at the end of its block.
    """

    def __init__(self, folder: Path, *arguments: str, cache: Path | str | None = None, **more: str) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        env = {"PATH": os.environ["PATH"], "TMPDIR": str(self.temporary), "XDG_CACHE_HOME": str(cache or folder)}
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "serve", *arguments],
            env=env | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.limit = threading.Timer(SECONDS, self.process.kill)

    def __enter__(self) -> Self:
        self.limit.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.returncode is None:
            self.stop()
        self.limit.cancel()

    def read_line(self) -> str:
        """Return the next line of standard output, or fail with the log."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.end()
        return line

    def ready(self) -> dict[str, Any]:
        """Wait for the JSON line and return it."""
        told: dict[str, Any] = json.loads(self.read_line())
        return told

    def end(self) -> tuple[int, str, str]:
        """Wait for the end; return the status, and the rest of output and log."""
        output, errors = self.process.communicate()
        return self.process.returncode, output, errors

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        return self.end()

    def folders(self) -> list[Path]:
        """Return the data folders of all servers that share the temporary files."""
        return list(self.temporary.iterdir())

    def postgres(self) -> list[psutil.Process]:
        """Return the processes of PostgreSQL in these folders, those of initdb included."""
        return [
            process
            for process in psutil.process_iter(["cwd"])
            if str(process.info["cwd"]).startswith(str(self.temporary)) and process.status() != psutil.STATUS_ZOMBIE
        ]


def starting(folder: Path, *arguments: str, cache: Path | str | None = None, **more: str) -> Start:
    """Start an ephemeral server on a free port."""
    return Start(folder, "--ephemeral", "--port", "0", "--json", *arguments, cache=cache, **more)


def ask(told: dict[str, Any], method: str, path: str, **options: Any) -> requests.Response:
    headers = {"X-Api-Key": told["api_key"], "X-Secret-Key": told["secret_key"]}
    return requests.request(method, told["url"] + path, headers=headers, timeout=30, **options)


@pytest.fixture(scope="module")
def cache() -> Iterator[Path]:
    """Return a cache folder with a prepared cluster."""
    with temporary_folder() as folder:
        with starting(folder) as start:
            start.ready()
        yield folder


def test_one_line_has_all_that_a_client_needs(folder: Path, cache: Path) -> None:
    with starting(folder, cache=cache) as start:
        told = start.ready()
        assert list(told) == ["url", "api_key", "secret_key", "labels", "sources", "pid"]
        assert list(told["labels"]) == ["star", "categorical", "text", "numeric", "thumbs_up_down"]
        assert told["pid"] == start.process.pid
        scores = [{"label_id": told["labels"]["star"], "value": {"rating": 4}}]
        for source_type, source_id in told["sources"].items():
            body = {"source_type": source_type, "source_id": source_id, "scores": scores}
            stored = ask(told, "POST", "/model-hub/scores/bulk/", json=body)
            assert (stored.status_code, stored.json()["errors"]) == (201, [])
        status, output, log = start.stop()
    assert (status, output) == (0, "")
    # Lines of the log.
    assert [json.loads(line)["path"] for line in log.splitlines()] == ["/model-hub/scores/bulk/"] * 4


@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
def test_a_stop_leaves_nothing_behind(folder: Path, cache: Path, number: signal.Signals) -> None:
    with starting(folder, cache=cache) as start:
        start.ready()
        assert start.postgres()
        assert (start.stop(number)[0], start.folders(), start.postgres()) == (0, [], [])


@pytest.mark.parametrize("name", ["d" * 80, "com,ma", 'quo"te', "li\nne"], ids=["long", "comma", "quote", "newline"])
def test_temporary_files_may_have_a_long_or_odd_path(folder: Path, cache: Path, name: str) -> None:
    """A socket's path ends at 107 bytes, and is read as a list."""
    odd = folder / name
    odd.mkdir()
    with starting(folder, cache=cache, TMPDIR=str(odd)) as start:
        assert ask(start.ready(), "GET", "/model-hub/sources/").json()["count"] == 4
        assert start.stop()[0] == 0
    assert list(odd.iterdir()) == []


def has_folder(start: Start) -> bool:
    return bool(start.folders())


def runs_initdb(start: Start) -> bool:
    return bool(list(start.temporary.glob("*/postgres.new-*/PG_VERSION")))


def runs_postgres(start: Start) -> bool:
    return bool(list(start.temporary.glob("*/postgres/postmaster.pid")))


@pytest.mark.parametrize("number", STOPS if LONG else [signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("moment", [has_folder, runs_initdb, runs_postgres])
def test_a_stop_during_the_start_leaves_nothing_behind(
    folder: Path, number: signal.Signals, moment: Callable[[Start], bool]
) -> None:
    with starting(folder) as start:
        wait_for(lambda: moment(start))
        status, output, log = start.stop(number)
        assert (status, output, log) == (0, "", "")
        assert (start.folders(), start.postgres()) == ([], [])


def test_a_start_that_fails_leaves_nothing_behind(folder: Path, cache: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with starting(folder, "--port", str(port), cache=cache) as start:
            status, output, log = start.end()
    assert (status, output) == (1, "")
    assert log == (
        f"modelhub cannot start: port {port} on 127.0.0.1 is in use; stop what uses it, or set --port to a free one.\n"
    )
    assert start.folders() == []


def test_other_databases_and_services_of_the_shell_are_ignored(folder: Path, cache: Path, postgres: Postgres) -> None:
    """The tester's own application has a DATABASE_URL, which must stay untouched."""
    name = name_for(folder)
    url, file = postgres.make_database(name), folder / "url"
    file.write_text(url)
    own_data = folder / "own"
    shells: list[dict[str, str]] = [
        {"DATABASE_URL": url, "MODELHUB_REPLICA_URL": url, "MODELHUB_CACHE_URL": "redis://127.0.0.1:1"},
        {"DATABASE_URL_FILE": str(file), "MODELHUB_PGBOUNCER": "true", "MODELHUB_DIRECT_DATABASE_URL": url},
        {"PROMETHEUS_MULTIPROC_DIR": str(own_data), "prometheus_multiproc_dir": str(own_data)},
        {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGDATABASE": name, "PGUSER": "postgres"},
    ]
    for shell in shells:
        with starting(folder, cache=cache, **shell, MODELHUB_DATA_DIR=str(own_data)) as start:
            told = start.ready()
            assert ask(told, "GET", "/model-hub/sources/").json()["count"] == 4
            status, _, log = start.stop()
            assert (status, [line for line in log.splitlines() if '"warning"' in line]) == (0, [])
    assert postgres.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", name) == [(0,)]
    assert not own_data.exists()


def test_a_full_disk_is_named_in_one_sentence(folder: Path, cache: Path) -> None:
    with small_disk(20) as disk:
        cases = [
            (["--ephemeral"], {"TMPDIR": str(disk)}, r"\(No space left on device\); point TMPDIR at a folder "),
            ([], {"MODELHUB_DATA_DIR": str(disk / "data")}, "FATAL: .* No space left on device"),
        ]
        for options, more, reason in cases:
            with Start(folder, "--port", "0", *options, cache=cache, **more) as start:
                status, output, log = start.end()
            assert (status, output, log.count("\n")) == (1, "", 1)
            assert re.search(reason, log), log
        assert [path.name for path in disk.iterdir()] == ["data"]


def test_production_never_loses_its_data_at_the_end(folder: Path) -> None:
    more = {"MODELHUB_SECRET_KEY": "0123456789" * 6, "MODELHUB_ALLOWED_HOSTS": "example.com"}
    with starting(folder, MODELHUB_PRODUCTION="true", **more) as start:
        status, output, log = start.end()
    assert (status, output) == (78, "")
    assert log == (
        "modelhub cannot start: --ephemeral removes all data at the end, and MODELHUB_PRODUCTION is true; omit one.\n"
    )
    assert start.folders() == []


def test_ephemeral_data_must_be_set_up(folder: Path) -> None:
    with starting(folder, "--skip-setup") as start:
        status, output, log = start.end()
    assert (status, output) == (2, "")
    assert log.endswith("argument --skip-setup: not allowed with argument --ephemeral\n")


def kill(start: Start) -> None:
    """End a server without its cleaning up, and wait for its workers."""
    workers = psutil.Process(start.process.pid).children()
    start.process.kill()
    start.process.communicate()
    psutil.wait_procs(workers, timeout=SECONDS)


def test_the_next_start_removes_all_that_a_killed_one_left(folder: Path, cache: Path) -> None:
    with starting(folder, cache=cache) as killed:
        killed.ready()
        kill(killed)
        assert (len(killed.folders()), len(killed.postgres()) > 0) == (1, True)
    with starting(folder, cache=cache) as running, starting(folder, cache=cache) as start:
        told = running.ready(), start.ready()
        assert len(start.folders()) == 2
        assert [ask(each, "GET", "/model-hub/sources/").json()["count"] for each in told] == [4, 4]
        with starting(folder, cache=cache) as third:
            third.ready()
            assert len(start.folders()) == 3
            assert ask(told[0], "GET", "/model-hub/sources/").status_code == 200
        assert running.stop()[0] == 0
        assert len(start.folders()) == 1
        assert start.stop()[0] == 0
    assert (start.folders(), start.postgres()) == ([], [])


def test_folders_of_other_users_and_other_programs_stay(folder: Path, cache: Path) -> None:
    """Every user can create a folder, or a link to one, beside temporary files."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    temporary = folder / "tmp"
    temporary.mkdir()
    (temporary / "modelhub-ephemeral-link").symlink_to(elsewhere)
    (temporary / "other-program").mkdir()
    if os.geteuid() == 0:
        foreign = temporary / "modelhub-ephemeral-foreign"
        foreign.mkdir()
        os.chown(foreign, 65534, 65534)
    before = sorted(temporary.iterdir())
    with starting(folder, cache=cache) as start:
        start.ready()
        assert start.stop()[0] == 0
    assert sorted(temporary.iterdir()) == before
    assert (elsewhere / "kept").exists()


@pytest.mark.parametrize("number", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_many_servers_start_and_stop_at_once(folder: Path, number: int) -> None:
    """Without a prepared cluster, each of them tries to make it."""
    with ExitStack() as stack:
        starts = [stack.enter_context(starting(folder)) for _ in range(number)]
        told = [start.ready() for start in starts]
        for name in ("url", "api_key", "secret_key", "pid"):
            assert len({each[name] for each in told}) == number
        assert [ask(each, "GET", "/model-hub/sources/").json()["count"] for each in told] == [4] * number
        for start in starts:
            start.process.terminate()
        assert [start.end()[0] for start in starts] == [0] * number
    assert (starts[0].folders(), starts[0].postgres()) == ([], [])
    assert len(clusters(folder)) == 1


def clusters(cache: Path) -> list[Path]:
    return list((cache / "modelhub" / "clusters").iterdir())


def identifier(start: Start) -> str:
    """Return the number that initdb gave to the cluster of a running server."""
    [folder] = start.folders()
    socket_folder = str(folder / "postgres").replace("/", "%2F")
    with psycopg.connect(f"postgresql://postgres@{socket_folder}/modelhub") as connection:
        [number] = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone() or [""]
    return str(number)


def test_a_second_start_copies_the_cluster_of_the_first_one(folder: Path) -> None:
    """Keys and ids are new: the copy has the tables only."""
    seen: list[tuple[str, dict[str, Any]]] = []
    for _ in range(2):
        with starting(folder) as start:
            told = start.ready()
            seen.append((identifier(start), told))
            assert start.stop()[0] == 0
    (first, told_first), (second, told_second) = seen
    assert first == second
    for name in ("api_key", "secret_key"):
        assert told_first[name] != told_second[name]
    for name in ("labels", "sources"):
        assert not set(told_first[name].values()) & set(told_second[name].values())


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "a folder"])
def test_a_damaged_copy_is_a_slower_start(folder: Path, cache: Path, damage: str) -> None:
    [whole] = clusters(cache)
    mine = folder / "modelhub" / "clusters" / whole.name
    mine.parent.mkdir(parents=True)
    content = bytearray(whole.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "a folder":
        mine.mkdir()
    else:
        mine.write_bytes({"flipped": bytes(content), "cut": whole.read_bytes()[:-1], "empty": b""}[damage])
    with starting(folder) as start:
        assert ask(start.ready(), "GET", "/model-hub/sources/").json()["count"] == 4
        assert start.stop()[0] == 0
    assert mine.is_dir() if damage == "a folder" else mine.stat().st_size > 1_000_000


def test_without_a_cache_folder_a_start_is_slower(folder: Path) -> None:
    (folder / "file").touch()
    with starting(folder, cache=folder / "file") as start:
        assert ask(start.ready(), "GET", "/model-hub/sources/").json()["count"] == 4
        assert (start.stop()[0], start.folders()) == (0, [])


def test_commands_that_the_start_prints_reach_its_database(folder: Path, cache: Path, postgres: Postgres) -> None:
    """The shell in which they run may have a DATABASE_URL."""
    with Start(folder, "--ephemeral", "--port", "0", cache=cache) as start:
        lines = [start.read_line()]
        while "Ctrl-C" not in lines[-1]:
            lines.append(start.read_line())
        assert "--- Stop with Ctrl-C; the data is removed. ---" in lines[-1]
        [command] = re.findall(r"\(first: (.*)\)\n", "".join(lines))
        command = command.replace("change-password admin@example.com", "list-api-keys")
        env = {"PATH": os.environ["PATH"], "DATABASE_URL": url_of("postgres")}
        listed = subprocess.run(command, shell=True, env=env, capture_output=True, text=True, check=False)
        assert listed.stderr == ""
        assert re.findall(r"API key +(\w+)", "".join(lines))[0] in listed.stdout
        assert (start.stop()[0], start.folders()) == (0, [])


def serve(folder: Path, *arguments: str, **more: str) -> Start:
    """Start a server on the database of the test, with a free port."""
    return Start(folder, "--port", "0", "--json", *arguments, **(environment(folder / "data") | more))


def test_a_start_with_data_tells_the_secret_that_a_setting_has(folder: Path) -> None:
    for secret in (SECRET_KEY, SECRET_KEY, None):
        more = {} if secret else {"MODELHUB_BOOTSTRAP_API_KEY": "", "MODELHUB_BOOTSTRAP_SECRET_KEY": ""}
        with serve(folder, **more) as start:
            told = start.ready()
            assert start.stop()[0] == 0
        assert (told["api_key"], told["secret_key"]) == (API_KEY, secret)
    assert (told["labels"], told["sources"]) == ({}, {})


def test_a_start_without_setup_tells_the_address(folder: Path) -> None:
    with serve(folder, "--skip-setup") as start:
        told = start.ready()
        assert requests.get(told["url"] + "/readyz", timeout=30).status_code == 200
        assert start.stop()[0] == 0
    assert told == {
        "url": told["url"],
        "api_key": None,
        "secret_key": None,
        "labels": {},
        "sources": {},
        "pid": start.process.pid,
    }


def test_host_and_port_win_over_the_environment(folder: Path) -> None:
    file = folder / "port"
    file.write_text("1")
    with serve(folder, "--host", "127.0.0.2", HOST="192.0.2.1", PORT_FILE=str(file)) as start:
        told = start.ready()
        assert re.fullmatch(r"http://127\.0\.0\.2:[0-9]+", told["url"])
        assert requests.get(told["url"] + "/readyz", timeout=30).status_code == 200
        assert start.stop()[0] == 0


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--port", "65536"], 78, '--port must be a whole number from 0 to 65535, got "65536".'),
        (["--port", "PORT"], 78, '--port must be a whole number from 0 to 65535, got "PORT".'),
        (
            ["--host", "192.0.2.1", "--port", "0"],
            1,
            "cannot listen on 192.0.2.1:0 (Cannot assign requested address); set --host and --port.",
        ),
        (["--stop-with", "x"], 1, "--stop-with must be the id of a running process, got 'x'."),
        (["--stop-with", "0"], 1, "--stop-with must be the id of a running process, got '0'."),
        (["--stop-with=-1"], 1, "--stop-with must be the id of a running process, got '-1'."),
        (["--stop-with", "9" * 30], 1, f"--stop-with must be the id of a running process, got '{'9' * 30}'."),
    ],
)
def test_an_option_with_a_wrong_value_is_one_sentence(
    folder: Path, arguments: list[str], status: int, sentence: str
) -> None:
    with Start(folder, "--ephemeral", *arguments) as start:
        assert start.end() == (status, "", f"modelhub cannot start: {sentence}\n")
    assert start.folders() == []


@pytest.mark.parametrize("reaped", [True, False], ids=["gone", "zombie"])
def test_it_stops_with_another_process(folder: Path, cache: Path, reaped: bool) -> None:
    """One that its parent has not waited for has ended, too."""
    with (
        subprocess.Popen(["sleep", "1000"]) as other,
        starting(folder, "--stop-with", str(other.pid), cache=cache) as start,
    ):
        start.ready()
        assert start.process.poll() is None
        other.kill()
        if reaped:
            other.wait()
        status, output, log = start.end()
        assert (status, output, log) == (0, "", "")
        assert (start.folders(), start.postgres()) == ([], [])


def test_it_stops_with_another_process_during_the_start(folder: Path) -> None:
    with subprocess.Popen(["sleep", "1000"]) as other, starting(folder, "--stop-with", str(other.pid)) as start:
        wait_for(lambda: runs_initdb(start))
        other.kill()
        other.wait()
        status, output, log = start.end()
        assert (status, output, log) == (0, "", "")
        assert (start.folders(), start.postgres()) == ([], [])


def test_an_option_switches_the_test_controls_on(folder: Path, cache: Path) -> None:
    with starting(folder, "--test-controls", cache=cache, MODELHUB_TEST_CONTROLS="false") as start:
        assert requests.get(start.ready()["url"] + "/__admin/", timeout=30).status_code == 200
        status, _, log = start.stop()
    assert (status, "need no key" in log) == (0, True)
    with starting(folder, "--test-controls", MODELHUB_WORKERS="2") as start:
        sentence = "modelhub cannot start: --test-controls is true, and its state needs MODELHUB_WORKERS=1.\n"
        assert start.end() == (78, "", sentence)
