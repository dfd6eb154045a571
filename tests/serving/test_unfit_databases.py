"""A database that cannot store scores: one sentence at the start, never "ready"."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import TEMPLATE, ensure_template
from tests.postgres import FAST, Postgres, running_postgres, running_replica
from tests.servers import ROOT, environment, free_port, manage, running_server

LIBC = "LOCALE_PROVIDER libc TEMPLATE template0"
# Statements that make a database with the name {0} and the role {0}_role.
UNFIT = {
    "encoding-ascii": (
        f"CREATE DATABASE {{0}} ENCODING 'SQL_ASCII' LOCALE 'C' {LIBC}",
        "the database must have the encoding UTF8, got SQL_ASCII; use one that was made with CREATE DATABASE",
    ),
    "encoding-latin1": (
        f"CREATE DATABASE {{0}} ENCODING 'LATIN1' LOCALE 'C' {LIBC}",
        "the database must have the encoding UTF8, got LATIN1;",
    ),
    "letters": (
        f"CREATE DATABASE {{0}} ENCODING 'UTF8' LOCALE 'C' {LIBC} OWNER {{0}}_role",
        "names must be unique in upper and lower case, and the locale of the database has other letters",
    ),
    "no-schema": (
        "CREATE DATABASE {0}; ALTER DATABASE {0} SET search_path TO nowhere",
        "no schema of the database's search_path exists",
    ),
    "no-right": (
        "CREATE DATABASE {0}; ALTER ROLE {0}_role IN DATABASE {0} SET search_path TO public",
        "may not create tables in the schema public; make it the owner of the database, or GRANT CREATE",
    ),
    "read-only": (
        "CREATE DATABASE {0} OWNER {0}_role; ALTER DATABASE {0} SET default_transaction_read_only TO on",
        "the database stores nothing: default_transaction_read_only is on",
    ),
}


def make(postgres: Postgres, name: str, statements: str) -> str:
    """Make a database for a role without special rights, and return its URL."""
    for statement in (f"CREATE ROLE {name}_role LOGIN", *statements.format(name).split("; ")):
        postgres.execute(statement)
    return f"postgresql://{name}_role@127.0.0.1:{postgres.port}/{name}"


def assert_no_start(url: str, folder: Path, sentence: str, *arguments: str) -> None:
    result = manage("serve", *arguments, env=environment(folder, DATABASE_URL=url, PORT=str(free_port())))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("modelhub cannot start: ")
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("arguments", [(), ("--skip-setup",)], ids=["setup", "skip-setup"])
@pytest.mark.parametrize(("statements", "sentence"), UNFIT.values(), ids=UNFIT)
def test_an_unfit_database(
    postgres: Postgres, folder: Path, statements: str, sentence: str, arguments: tuple[str, ...]
) -> None:
    url = make(postgres, f"unfit_{folder.name}".replace("-", "_").lower(), statements)
    assert_no_start(url, folder, sentence, *arguments)


def test_a_standby(folder: Path) -> None:
    with (
        running_postgres(folder / "primary", f"{FAST} -c wal_level=replica") as primary,
        running_replica(primary, folder / "standby", "-c hot_standby=on") as standby,
    ):
        for arguments in ((), ("--skip-setup",)):
            assert_no_start(
                standby.url("postgres"), folder, "the database is a standby, which stores nothing", *arguments
            )


def test_without_setup_a_database_must_have_been_migrated(postgres: Postgres, folder: Path) -> None:
    url = postgres.make_database(f"empty_{folder.name}")
    assert_no_start(url, folder, "run modelhub migrate, or start without --skip-setup", "--skip-setup")


def test_without_setup_a_role_must_have_rights_to_the_tables(postgres: Postgres, folder: Path) -> None:
    ensure_template()
    name = f"rights_{folder.name}".replace("-", "_").lower()
    url = make(postgres, name, f"CREATE DATABASE {{0}} TEMPLATE {TEMPLATE}")
    postgres.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}_role", name)
    assert_no_start(url, folder, f"the role {name}_role may not read and write the table ", "--skip-setup")


# Defaults of sessions that an operator may have changed for other applications of the server.
DEFAULTS = {
    "datestyle": "German",
    "intervalstyle": "sql_standard",
    "timezone": "America/New_York",
    "bytea_output": "escape",
    "extra_float_digits": "-10",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "statement_timeout": "1",
    "lock_timeout": "1",
    "row_security": "off",
    "lc_messages": "C",
    "xmlbinary": "hex",
    "quote_all_identifiers": "on",
}


@pytest.mark.parametrize("level", ["DATABASE {0}", "ROLE {0}_role", "ROLE {0}_role IN DATABASE {0}"])
def test_changed_defaults_of_a_database_or_role_change_nothing(postgres: Postgres, folder: Path, level: str) -> None:
    name = f"defaults_{folder.name}".replace("-", "_").lower()
    url = make(postgres, name, "CREATE DATABASE {0} OWNER {0}_role")
    for setting, value in DEFAULTS.items():
        if setting == "lc_messages":
            postgres.execute(f"GRANT SET ON PARAMETER lc_messages TO {name}_role")
        postgres.execute(f"ALTER {level.format(name)} SET {setting} TO '{value}'")
    with running_server(folder, DATABASE_URL=url) as server:
        source = server.request("GET", "/model-hub/sources/").json()["results"][0]
        labels = server.request("GET", "/model-hub/annotations-labels/").json()["results"]
        [text] = [label["id"] for label in labels if label["type"] == "text"]
        body = {name: source[name] for name in ("source_type", "source_id")}
        body["scores"] = [{"label_id": text, "value": "backslash \\ and é"}]
        stored = server.request("POST", "/model-hub/scores/bulk/", json=body).json()
        assert stored["errors"] == []
        assert stored["scores"][0]["value"] == {"text": "backslash \\ and é"}
        [listed] = server.request("GET", "/model-hub/scores/").json()["results"]
        assert listed == stored["scores"][0]
        export = server.request("GET", "/model-hub/scores/export/")
        assert (export.status_code, export.text.count("\n")) == (200, 1)
        assert [line for line in server.log if "Traceback" in line] == []


def test_settings_that_results_depend_on_are_those_of_the_connection(postgres: Postgres, folder: Path) -> None:
    """Of `config.database`, whatever the shell and the database say."""
    name = f"session_{folder.name}".replace("-", "_").lower()
    url = make(postgres, name, "CREATE DATABASE {0} OWNER {0}_role; ALTER DATABASE {0} SET datestyle TO 'German'")
    env = environment(folder, DATABASE_URL=url, PGDATESTYLE="SQL", PGTZ="Asia/Tokyo", PGCLIENTENCODING="LATIN1")
    env |= {"PGOPTIONS": "-c datestyle=German", "PGHOSTADDR": "192.0.2.1"}
    show = "from django.db import connection as c; c.cursor().execute('SELECT 1'); i = c.connection.info;"
    show += "print([i.parameter_status(n) for n in ('DateStyle', 'TimeZone', 'client_encoding', 'application_name')])"
    result = manage("shell", "--verbosity", "0", "--command", show, env=env)
    assert result.stdout == "['ISO, MDY', 'UTC', 'UTF8', 'modelhub']\n", result.stderr


def test_a_flushed_database_gets_a_key_at_the_next_start(folder: Path) -> None:
    generated = {"MODELHUB_BOOTSTRAP_API_KEY": "", "MODELHUB_BOOTSTRAP_SECRET_KEY": ""}
    with running_server(folder, **generated):
        pass
    env = environment(folder, **generated)
    assert manage("flush", "--noinput", env=env).returncode == 0
    assert "a start of the server (modelhub serve) creates one" in manage("create_api_key", env=env).stderr
    with running_server(folder, **generated) as server:
        assert "Secret key  " in "".join(server.output)


@pytest.mark.parametrize("command", ["list_api_keys", "create_api_key", "purge"])
def test_a_command_says_in_one_sentence_that_the_database_is_not_set_up_or_not_there(
    postgres: Postgres, folder: Path, command: str
) -> None:
    empty, nowhere = postgres.make_database(f"command_{folder.name}"), f"postgresql://127.0.0.1:{free_port()}/x"
    for url, sentence in (
        (empty, f"modelhub: the database command_{folder.name} on 127.0.0.1 lacks tables of this version; start the "),
        (nowhere, "modelhub cannot start: the database cannot be used (check DATABASE_URL): "),
    ):
        result = manage(command, env=environment(folder, DATABASE_URL=url))
        assert result.returncode == 1
        assert result.stderr.startswith(sentence)
        assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        "backup -",
        "changepassword x",
        "create_api_key",
        "import_scores -",
        "list_api_keys",
        "migrate",
        "purge",
        "serve",
    ],
)
def test_a_command_says_in_one_sentence_that_there_is_no_such_database(
    postgres: Postgres, folder: Path, command: str
) -> None:
    env = environment(folder, DATABASE_URL=f"postgresql://postgres@127.0.0.1:{postgres.port}/nowhere")
    result = manage(*command.split(), env=env | {"PORT": str(free_port())})
    assert (result.returncode, result.stderr.count("\n")) == (1, 1), result.stderr
    assert "the database cannot be used (check DATABASE_URL): " in result.stderr
    assert 'database "nowhere" does not exist' in result.stderr


@pytest.mark.parametrize("command", ["axes_reset", "axes_reset_username x", "axes_reset_logs", "axes_list_attempts"])
def test_commands_of_django_axes_say_in_one_sentence_that_they_find_no_logins(folder: Path, command: str) -> None:
    refused = manage(*command.split(), env=environment(folder))
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert refused.stderr.startswith(
        "modelhub: failed logins are counted in memory or in MODELHUB_CACHE_URL, and axes_"
    )


@pytest.mark.parametrize("command", ["list_api_keys", "create_api_key", "purge", "migrate"])
def test_a_command_says_in_one_sentence_that_the_database_lets_it_do_nothing(
    postgres: Postgres, folder: Path, command: str
) -> None:
    ensure_template()
    name = f"refusing_{folder.name}".replace("-", "_").lower()
    url = make(postgres, name, f"CREATE DATABASE {{0}} TEMPLATE {TEMPLATE}")
    refused = manage(command, env=environment(folder, DATABASE_URL=url))
    sentence = "modelhub: the role of DATABASE_URL has too few rights for this command: permission denied for table "
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert refused.stderr.startswith(sentence)


def test_a_command_says_in_one_sentence_that_the_database_is_read_only(postgres: Postgres, folder: Path) -> None:
    empty = postgres.make_database(f"read_only_{folder.name}")
    postgres.execute(f'ALTER DATABASE "{empty.rsplit("/", 1)[1]}" SET default_transaction_read_only TO on')
    refused = manage("migrate", env=environment(folder, DATABASE_URL=empty))
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert refused.stderr.startswith("modelhub: the database stores nothing: ")
    assert "cannot execute CREATE TABLE in a read-only transaction" in refused.stderr


@pytest.mark.parametrize(
    "arguments", [("create_api_key", "\udcff"), ("revoke_api_key", "\udcff"), ("import_scores", "-", "--as", "\udcff")]
)
def test_a_command_says_in_one_sentence_that_an_argument_is_not_utf_8(folder: Path, arguments: tuple[str, ...]) -> None:
    refused = manage(*arguments, env=environment(folder))
    assert (refused.returncode, refused.stderr) == (1, "modelhub: an argument must be UTF-8, got '\\udcff'.\n")


def test_a_command_says_in_one_sentence_that_it_needs_answers_or_room(folder: Path) -> None:
    env = environment(folder)
    with running_server(folder):
        pass
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, str(ROOT / "manage.py"), "list_api_keys"]
        cut = subprocess.run(command, env=env, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (cut.returncode, cut.stderr) == (
        1,
        "modelhub: the output cannot be written: No space left on device.\n",
    )
    refused = manage("changepassword", "admin@example.com", env=env)
    assert refused.returncode == 1
    assert refused.stderr.endswith(
        "modelhub: standard input has ended before the command had its answers; run it on a terminal.\n"
    )
    assert "Traceback" not in refused.stderr


def test_help_needs_no_settings(folder: Path) -> None:
    shown = manage("help", env=environment(folder, DATABASE_URL="wrong"))
    assert (shown.returncode, "DATABASE_URL must start with postgresql://" in shown.stdout) == (0, True)
