"""The command line: names in kebab case, help for users, one sentence for what cannot run."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import find_commands

import modelhub
from modelhub import command_line
from modelhub.management.program import COMMANDS, EXAMPLES, Program, kebab
from tests.servers import ROOT, environment, manage

LISTED = [usage.split()[0] for commands in COMMANDS.values() for usage in commands]
OWN = {kebab(name) for name in find_commands(str(ROOT / "modelhub" / "management"))}
# Django's `createsuperuser` and `changepassword` have better names in the list.
REPLACED = {"createsuperuser": "create-user", "changepassword": "change-password"}


def test_the_help_lists_every_command_of_the_server_once() -> None:
    assert len(LISTED) == len(set(LISTED))
    assert {REPLACED.get(name, name) for name in OWN} <= set(LISTED)
    text = Program(["modelhub"]).main_help_text()
    assert all(f"\n  {name} " in text for name in LISTED)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("name", LISTED)
def test_every_listed_command_exists_and_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Program(["modelhub", name, "--help"]).fetch_command(name).print_help("modelhub", name)
    text = capsys.readouterr().out
    assert text.startswith(f"usage: modelhub {name} [-h]")
    assert "--settings" not in text


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_help_is_a_command_line(example: str) -> None:
    name, *arguments = shlex.split(example)
    Program(["modelhub", name]).fetch_command(name).create_parser("modelhub", name).parse_args(arguments)


@pytest.mark.parametrize("name", ["create-api-key", "create_api_key"])
def test_both_spellings_of_a_name_are_one_command(name: str) -> None:
    assert Program(["modelhub", name]).fetch_command(name).__module__.endswith(".create_api_key")


def test_names_of_all_commands_are_in_kebab_case() -> None:
    names = Program(["modelhub"]).main_help_text(commands_only=True).split()
    assert {"create-api-key", "showmigrations"} <= set(names)
    assert not [name for name in names if "_" in name]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("serv", " Did you mean serve?"),
        ("create_apikeys", " Did you mean create-api-key?"),
        ("change-passwort", " Did you mean change-password?"),
        ("xyzzy", ""),
    ],
)
def test_an_unknown_command_is_one_sentence_with_the_nearest_name(folder: Path, name: str, hint: str) -> None:
    result = manage(name, env=environment(folder))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"modelhub: there is no command '{name}'.{hint} manage.py --help lists them.\n"


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_like_the_null_device(closed: str) -> None:
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, str(ROOT / "manage.py"), "--version"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_version_and_the_help_need_no_usable_settings(folder: Path) -> None:
    env = environment(folder, PORT="x")
    sentence = 'PORT must be a whole number from 0 to 65535, got "x".'
    version, text, serve, unknown = (manage(word, env=env) for word in ("--version", "--help", "serve", "xyzzy"))
    assert (version.returncode, version.stdout) == (0, f"modelhub {modelhub.__version__}\n")
    assert text.returncode == 0
    assert f"These cannot be used: {sentence}\n" in text.stdout
    for result in (serve, unknown):
        assert (result.returncode, result.stderr) == (78, f"modelhub cannot start: {sentence}\n")


def test_the_help_says_where_data_is_kept(folder: Path) -> None:
    assert f"data is kept in {folder} (MODELHUB_DATA_DIR)" in manage("help", env=environment(folder)).stdout


def test_settings_of_another_project_are_left_alone(folder: Path) -> None:
    env = environment(folder, DJANGO_SETTINGS_MODULE="another.settings")
    assert manage("check", env=env).returncode == 0


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("/venv/bin/modelhub", "modelhub"),
        ("manage.py", "manage.py"),
        ("/x/modelhub/__main__.py", "python -m modelhub"),
    ],
)
def test_usages_name_the_program_as_it_was_started(monkeypatch: pytest.MonkeyPatch, script: str, name: str) -> None:
    monkeypatch.setattr(sys, "argv", [script])
    assert command_line.program_name() == name


SIGNAL_IN_A_CALLBACK = """
import signal, time, weakref
from modelhub.command_line import handle_signals

class Module: pass

handle_signals(serves={serves})
module = Module()
reference = weakref.ref(module, lambda _: signal.raise_signal(signal.SIGTERM))
del module
time.sleep(20)
"""


@pytest.mark.parametrize(("serves", "status"), [(True, 0), (False, 143)])
def test_a_signal_in_a_callback_that_swallows_exceptions_ends_the_command(serves: bool, status: int) -> None:
    script = SIGNAL_IN_A_CALLBACK.format(serves=serves)
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )
    assert (result.returncode, result.stderr) == (status, "")
