""".env.example and the files of deploy/ fit the settings, compose and systemd."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from modelhub import command_line
from tests.servers import ROOT

SETTINGS = dict(re.findall(r"^\| `([A-Z_]+)` \| `?([^`|]*)", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
EXAMPLE = (ROOT / ".env.example").read_text()
UNIT = (ROOT / "deploy" / "modelhub.service").read_text()
CADDYFILE = (ROOT / "deploy" / "Caddyfile").read_text()
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
OF_COMPOSE = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE_TEXT))


def test_every_variable_of_the_example_exists() -> None:
    named = re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE)
    assert len(named) == len(set(named)) > 10
    assert set(named) <= set(SETTINGS) | OF_COMPOSE


def test_the_example_has_every_variable_that_compose_reads() -> None:
    assert set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE)) >= OF_COMPOSE
    required = set(re.findall(r"\$\{([A-Z_]+):\?", COMPOSE_TEXT))
    assert set(re.findall(r"^([A-Z_]+)=", EXAMPLE, re.MULTILINE)) == required


def test_the_example_contains_no_secret() -> None:
    assert re.findall(r"^#?\w*(?:KEY|PASSWORD)=(.+)$", EXAMPLE, re.MULTILINE) == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "modelhub.service"
    text = UNIT.replace("/opt/modelhub/.venv/bin/modelhub", sys.executable)
    unit.write_text(text.replace("/opt/modelhub", str(ROOT)))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_unit_is_hardened() -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(ROOT / "deploy/modelhub.service")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout[-200:]


def test_a_stop_by_systemd_waits_for_the_requests_in_flight() -> None:
    timeout = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert timeout
    assert int(timeout[1]) > int(SETTINGS["MODELHUB_REQUEST_TIMEOUT"]) + int(SETTINGS["MODELHUB_DRAIN_SECONDS"])
    assert set(re.findall(r"\b((?:MODELHUB)_[A-Z_]+)=", UNIT)) <= set(SETTINGS)


def test_systemd_does_not_repeat_a_start_with_wrong_settings() -> None:
    assert f"\nRestartPreventExitStatus={command_line.EXIT_SETTINGS}\n" in UNIT


def test_caddy_leads_to_the_server_of_compose() -> None:
    assert "reverse_proxy {$UPSTREAM:web:8000} {" in CADDYFILE
    assert COMPOSE["services"]["web"]["ports"] == ["127.0.0.1:8000:8000"]


def test_caddy_closes_idle_connections_before_the_server() -> None:
    keepalive = re.search(r"keepalive (\d+)s", CADDYFILE)
    assert keepalive
    assert int(keepalive[1]) < int(SETTINGS["MODELHUB_KEEPALIVE"])
