"""The program of the server, and the environment that it starts with."""

import os
import shutil
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path

from pytest_modelhub.errors import ModelhubError

PACKAGE = "modelhub-server[embedded]"
CHOICES = (
    "Install modelhub-server with its extra `embedded`, from PyPI or from a clone of its repository. "
    "Unless its program modelhub is on the PATH, name it in the setting modelhub_command of pytest. "
    "Or set MODELHUB_URL to the address of a server that runs with MODELHUB_TEST_CONTROLS=true."
)
# Variables of the tested application that would change the server. PYTHONPATH and its like could replace its Django.
NOT_INHERITED = {
    *("DATABASE_URL", "DATABASE_URL_FILE", "HOST", "HOST_FILE", "PORT", "PORT_FILE", "WEB_CONCURRENCY"),
    *("PYTHONHOME", "PYTHONPATH", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONDEVMODE", "PYTHONINSPECT"),
}
NOT_INHERITED_PREFIXES = ("MODELHUB_", "DJANGO_", "PG", "GUNICORN_", "PROMETHEUS_", "COV_CORE_", "COVERAGE_")


def find_command(configured: list[str], *, root: Path) -> list[str]:
    """Return the command of the server, without arguments.

    It is the configured one, whose relative path begins in `root`, or `modelhub` beside this Python or on the PATH, or
    run by uvx or pipx. Raise `ModelhubError` without any.
    """
    if configured:
        first, *others = configured
        return [str(root / first) if os.sep in first else first, *others]
    if program := shutil.which("modelhub", path=sysconfig.get_path("scripts")) or shutil.which("modelhub"):
        return [program]
    if uvx := shutil.which("uvx"):
        return [uvx, "--from", PACKAGE, "modelhub"]
    if pipx := shutil.which("pipx"):
        return [pipx, "run", "--spec", PACKAGE, "modelhub"]
    raise ModelhubError(f"No modelhub server was found. {CHOICES}")


def server_environment(inherited: Mapping[str, str], settings: Iterable[str]) -> dict[str, str]:
    """Return the environment of the server, with settings as `NAME=value`.

    Raise `ModelhubError` for a setting without a value.
    """
    environment = {
        name: value
        for name, value in inherited.items()
        if name not in NOT_INHERITED and not name.startswith(NOT_INHERITED_PREFIXES)
    }
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not (name.strip() and equals):
            raise ModelhubError(f"modelhub_env must have lines NAME=value, got {setting!r}.")
        environment[name.strip()] = value.strip()
    return environment | {"MODELHUB_TEST_CONTROLS": "true"}
