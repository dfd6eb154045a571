"""The text of a start has the secret of a key that this start made, and no other."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from django.test import Client, override_settings

from config.database import shell_variables
from modelhub.accounts.keys import revoke_api_key
from modelhub.accounts.models import ApiKey, Invitation
from modelhub.first_rows import FIRST_SOURCES
from modelhub.serving.bootstrap import bootstrap
from modelhub.serving.welcome import shell_command, welcome
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@override_settings(BOOTSTRAP_API_KEY="", BOOTSTRAP_SECRET_KEY="")
def test_an_organization_without_a_key_gets_one_and_its_secret_is_shown_once() -> None:
    UserFactory.create(role="admin")
    first, second = bootstrap(), bootstrap()

    assert first.key == second.key == ApiKey.objects.get()
    assert first.secret_key
    assert first.secret_key in welcome(first, port=8000)
    assert "Secret key  shown when the key was made" in welcome(second, port=8000)
    assert re.search(r"Secret key  shown .*\n\n  Explore ", welcome(second, port=8000))


def test_a_key_that_is_revoked_does_not_look_valid() -> None:
    key = bootstrap().key
    assert f"API key     {key.api_key}\n" in welcome(bootstrap(), port=8000)
    revoke_api_key(key)
    assert f"API key     {key.api_key} (revoked)\n" in welcome(bootstrap(), port=8000)


def test_the_first_start_shows_its_sources_in_their_own_order() -> None:
    text = welcome(bootstrap(), port=8000)
    shown = [text.index(f"  {source_type}\n") for source_type in FIRST_SOURCES]
    assert shown == sorted(shown)


@pytest.mark.parametrize(("password", "hinted"), [("", True), ("correct-horse", False)])
def test_the_first_start_says_how_to_set_a_missing_password(password: str, hinted: bool) -> None:
    with override_settings(BOOTSTRAP_PASSWORD=password):
        assert ("change-password" in welcome(bootstrap(), port=8000)) is hinted


def test_the_first_start_prints_a_link_with_which_its_admin_chooses_a_password(client: Client) -> None:
    with override_settings(BOOTSTRAP_PASSWORD=""):
        text = welcome(bootstrap(), port=8000)
    [path] = re.findall(r"^  Pages       http://127.0.0.1:8000(/invitation/\S+/)$", text, re.MULTILINE)
    assert "(once, within 7 days: choose the password of admin@example.com)\n" in text
    fields = {"password": "correct horse battery", "password_again": "correct horse battery", "name": "Admin"}
    assert client.post(path, fields).status_code == 302
    assert client.get("/people/").status_code == 200
    assert "/invitation/" not in welcome(bootstrap(), port=8000)


@pytest.mark.parametrize("password", ["", "correct-horse"])
def test_the_first_start_ends_with_the_way_to_log_in(password: str) -> None:
    """Above the examples it would be out of sight in a terminal."""
    with override_settings(BOOTSTRAP_PASSWORD=password):
        *_, login, stop = re.split(r"^--- ", welcome(bootstrap(), port=8000), flags=re.MULTILINE)
    assert login.startswith("Log in ---\n\n  Pages       http://127.0.0.1:8000/")
    assert stop.startswith("Stop with Ctrl-C")


def test_with_a_password_a_start_says_who_logs_in() -> None:
    with override_settings(BOOTSTRAP_PASSWORD="correct-horse"):
        text = welcome(bootstrap(), port=8000)
    assert "\n  Pages       http://127.0.0.1:8000/ (log in as admin@example.com)\n" in text
    assert not Invitation.objects.exists()
    assert "\n  Pages       http://127.0.0.1:8000/\n" in welcome(bootstrap(), port=8000)


@pytest.mark.parametrize(
    ("url", "folder", "variables"),
    [
        ("", "/clone/.data", ""),
        ("", "/var/lib/model hub", "MODELHUB_DATA_DIR='/var/lib/model hub'"),
        ("postgresql://u@h/x?sslmode=require", "/clone/.data", "DATABASE_URL='postgresql://u@h/x?sslmode=require'"),
        ("postgresql://u:secret@h/x", "/clone/.data", None),
        ("postgresql://u@h/x?password=secret", "/clone/.data", None),
        ("postgresql://u@h/x?sslpassword=secret", "/clone/.data", None),
    ],
)
def test_variables_of_a_printed_command(
    monkeypatch: pytest.MonkeyPatch, url: str, folder: str, variables: str | None
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.delenv("MODELHUB_PGBOUNCER", raising=False)
    assert shell_variables(Path(folder), default=Path("/clone/.data")) == variables


@pytest.mark.parametrize(
    ("variables", "hint"),
    [
        ("MODELHUB_DATA_DIR=/x", "(first: MODELHUB_DATA_DIR=/x "),
        (None, "(first: in the environment of the server, "),
    ],
)
def test_the_hint_about_the_password_has_the_variables(variables: str | None, hint: str) -> None:
    with override_settings(SHELL_VARIABLES=variables, BOOTSTRAP_PASSWORD=""):
        text = welcome(bootstrap(), port=8000)
    [line] = [line for line in text.splitlines() if "change-password" in line]
    assert hint in line
    assert line.endswith(" change-password admin@example.com)")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("/home/user/.local/bin/modelhub", "modelhub "),
        ("/usr/bin/modelhub", "/usr/bin/modelhub "),
        (f"{sys.prefix}/bin/modelhub", f"{sys.prefix}/bin/modelhub "),
        ("modelhub", "./modelhub "),
        (".venv/bin/modelhub", ".venv/bin/modelhub "),
        ("manage.py", f"{sys.executable} manage.py "),
        ("/x/modelhub/__main__.py", f"{sys.executable} -m modelhub "),
    ],
)
def test_a_printed_command_starts_the_program_as_it_was_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [script])
    monkeypatch.setattr(shutil, "which", lambda name: None if script.startswith("/usr") else script)
    with override_settings(SHELL_VARIABLES=""):
        assert shell_command("list-api-keys") == f"{words}list-api-keys"


@pytest.mark.parametrize(
    ("hosts", "url", "words"),
    [
        ([".example.com", "scores.example.com", "web"], "https://scores.example.com", "through the HTTPS proxy; paste"),
        (["*"], "https://NAME-OF-THE-PROXY", "through the HTTPS proxy, with its name for NAME-OF-THE-PROXY; paste"),
    ],
)
def test_behind_https_the_examples_go_to_the_proxy(hosts: list[str], url: str, words: str) -> None:
    with override_settings(HTTPS=True, ALLOWED_HOSTS=[*hosts, "127.0.0.1"]):
        text = welcome(bootstrap(), port=8000)
    assert text.startswith("modelhub is ready at http://127.0.0.1:8000\n")
    assert text.count("http://") == 1
    assert text.count(f"{url}/model-hub/scores/bulk/") == 3
    assert words in text
