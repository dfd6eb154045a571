"""The test controls are there only when they are switched on, and never in production."""

import subprocess
import sys
from pathlib import Path

import pytest

import modelhub
from tests.servers import ROOT, Server, environment, manage


def test_the_controls_answer_without_a_key_and_are_announced(controlled: Server) -> None:
    answer = controlled.request("GET", "/__admin/", headers={})
    assert (answer.status_code, answer.json()["version"]) == (200, modelhub.__version__)
    assert controlled.logged("test_controls")
    assert len(controlled.workers()) == 1


def test_a_server_without_the_setting_has_no_such_path(live: Server) -> None:
    assert live.request("GET", "/__admin/").status_code == 404
    assert not [line for line in live.log if "test_controls" in line]


@pytest.mark.parametrize("switch", ["true", "false"])
def test_without_the_setting_nothing_of_the_controls_is_imported(folder: Path, switch: str) -> None:
    # The application as a worker has it, with all paths.
    script = (
        "import sys, config.wsgi; from django.urls import get_resolver; get_resolver().url_patterns;"
        "print(any(name.startswith('modelhub.testing') for name in sys.modules))"
    )
    env = environment(folder, MODELHUB_TEST_CONTROLS=switch)
    result = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout.strip()) == (0, str(switch == "true")), result.stderr


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            {"MODELHUB_PRODUCTION": "true"},
            "MODELHUB_TEST_CONTROLS is true, and so is MODELHUB_PRODUCTION; the controls need no key",
        ),
        ({"MODELHUB_WORKERS": "2"}, "MODELHUB_TEST_CONTROLS is true, and its state needs MODELHUB_WORKERS=1."),
        (
            {"MODELHUB_PGBOUNCER": "true", "MODELHUB_DIRECT_DATABASE_URL": "postgresql://127.0.0.1/x"},
            "MODELHUB_TEST_CONTROLS is true, and so is MODELHUB_PGBOUNCER; a clock of its own needs a session.",
        ),
    ],
)
def test_settings_that_contradict_the_controls_stop_the_start(
    folder: Path, more: dict[str, str], sentence: str
) -> None:
    result = manage("serve", env=environment(folder, MODELHUB_TEST_CONTROLS="true", **more))
    assert result.returncode == 78
    assert f"modelhub cannot start: {sentence}" in result.stderr
