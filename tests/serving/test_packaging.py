"""The files that package the server agree with it; Docker itself does not run."""

import re
import tomllib

import yaml

from tests.servers import ROOT

SETTINGS = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_compose_sets_only_known_settings() -> None:
    assert set(COMPOSE["services"]["web"]["environment"]) <= SETTINGS


def test_compose_waits_for_a_database_that_keeps_its_data() -> None:
    web, database = COMPOSE["services"]["web"], COMPOSE["services"]["database"]
    assert web["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert database["image"] == "postgres:18"
    assert "pg_isready" in database["healthcheck"]["test"][1]
    assert database["volumes"] == ["database:/var/lib/postgresql"]
    assert "database" in COMPOSE["volumes"]


def test_the_image_runs_the_same_command_as_make_run_without_root() -> None:
    assert 'CMD ["python", "manage.py", "serve"]' in DOCKERFILE
    assert "manage.py serve" in (ROOT / "Makefile").read_text()
    assert re.search(r"^USER 10001$", DOCKERFILE, re.MULTILINE)
    assert "embedded" not in DOCKERFILE.replace("[embedded]", "")


def test_the_container_can_write_nothing_and_gain_nothing() -> None:
    web, database = COMPOSE["services"]["web"], COMPOSE["services"]["database"]
    assert web["read_only"] is True
    assert web["cap_drop"] == ["ALL"]
    assert not {"cap_add", "privileged", "volumes", "user", "network_mode", "pid"} & set(web)
    assert web["security_opt"] == database["security_opt"] == ["no-new-privileges:true"]
    # tests/core/test_read_only.py runs the server with this and nothing more.
    assert web["tmpfs"] == ["/tmp:size=64m,mode=1777,noexec,nosuid,nodev"]


def test_a_stop_of_the_container_waits_for_the_requests_in_flight() -> None:
    default = re.search(r"`MODELHUB_REQUEST_TIMEOUT` \| `(\d+)`", (ROOT / "docs" / "settings.md").read_text())
    assert default
    assert int(COMPOSE["services"]["web"]["stop_grace_period"].rstrip("s")) > int(default[1])


def test_only_the_own_machine_reaches_the_ports() -> None:
    assert COMPOSE["services"]["web"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in COMPOSE["services"]["database"]


def test_the_image_knows_only_settings_that_exist() -> None:
    block = re.search(r"^ENV (.*?[^\\])\n", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert block
    names = set(re.findall(r"\b([A-Z_]+)=", block[1]))
    of_others = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_"}
    assert names - of_others <= SETTINGS
    assert f"EXPOSE {COMPOSE['services']['web']['ports'][0].split(':')[-1]}" in DOCKERFILE


def test_every_dependency_has_its_reason_and_its_pin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [one for extra in project["optional-dependencies"].values() for one in extra]
    names = {re.split(r"[\[<>=]", one)[0].lower() for one in wanted}
    pins = {
        re.split(r"==", line)[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()
    }
    reasons = (ROOT / "docs" / "dependencies.md").read_text().lower()

    assert names <= pins
    assert {name for name in names if not name.startswith("types-")} - set(re.findall(r"[a-z0-9-]+", reasons)) == set()


def test_no_pin_has_an_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!+-]+", line) for line in lines)
