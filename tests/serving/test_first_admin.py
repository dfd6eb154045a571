"""The first admin and commands before the first start: one sentence for what cannot be used."""

import json
from pathlib import Path

import pytest

from tests.postgres import Postgres
from tests.servers import environment, free_port, manage, running_server


@pytest.mark.parametrize("email", ["admin", "admin@", "a b@example.com", "@example.com", f"{'a' * 250}@example.com"])
def test_an_email_that_is_none_stops_the_first_start(folder: Path, email: str) -> None:
    result = manage("serve", env=environment(folder, PORT=str(free_port()), MODELHUB_BOOTSTRAP_EMAIL=email))
    assert result.returncode == 1
    sentence = result.stderr.strip().splitlines()[-1]
    assert sentence.startswith("modelhub cannot start: MODELHUB_BOOTSTRAP_EMAIL must be an email address, got ")
    assert "Traceback" not in result.stderr


PRODUCTION = {
    "MODELHUB_PRODUCTION": "true",
    "MODELHUB_SECRET_KEY": "k" * 40 + "0123456789",
    "MODELHUB_ALLOWED_HOSTS": "scores.example.com",
}


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "too short"),
        ("password", "too common"),
        ("98412753", "entirely numeric"),
        ("admin@example", "similar"),
    ],
)
def test_a_weak_password_stops_production_and_is_logged_elsewhere(folder: Path, password: str, reason: str) -> None:
    weak = {"MODELHUB_BOOTSTRAP_PASSWORD": password}
    result = manage("serve", env=environment(folder, PORT=str(free_port()), **PRODUCTION, **weak))
    assert result.returncode == 1
    assert "modelhub cannot start: MODELHUB_BOOTSTRAP_PASSWORD is weak. " in result.stderr
    assert reason in result.stderr
    with running_server(folder, **weak) as server:
        [line] = [json.loads(line) for line in server.log if "weak_password" in line]
        assert (line["level"], line["setting"]) == ("warning", "MODELHUB_BOOTSTRAP_PASSWORD")
        assert reason in line["why"]
        assert not [line for line in server.log if f'"{password}"' in line]


@pytest.mark.parametrize(
    "arguments",
    [
        ("create_api_key",),
        ("list_api_keys",),
        ("rotate_api_key", "x"),
        ("revoke_api_key", "x"),
        ("import_scores", "-"),
        ("purge",),
        ("changepassword", "a@example.com"),
        ("createsuperuser", "--noinput", "--email", "a@example.com"),
    ],
    ids=" ".join,
)
def test_a_database_without_tables_is_one_sentence(
    postgres: Postgres, folder: Path, arguments: tuple[str, ...]
) -> None:
    url = postgres.make_database(f"empty_{folder.name}")
    result = manage(*arguments, env=environment(folder, DATABASE_URL=url))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"modelhub: the database {url.rpartition('/')[2]} on 127.0.0.1 lacks tables of this version; "
        "start the server, or run modelhub migrate.\n"
    )
