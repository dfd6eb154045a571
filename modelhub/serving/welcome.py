"""Text of a start: the address and, at first, keys, ids and three examples."""

import os
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from modelhub.accounts.keys import state_of
from modelhub.serving.bootstrap import Bootstrapped

UNKNOWN_PROXY = "NAME-OF-THE-PROXY"


def welcome(result: Bootstrapped, *, port: int) -> str:
    """Return the text for a terminal; it has the secret only when this start made it."""
    email = result.key.user.email
    context = {
        "base_url": base_url(port),
        "client_url": client_url(port),
        "https": settings.HTTPS,
        "ephemeral": settings.EPHEMERAL,
        "proxy": UNKNOWN_PROXY,
        "change_password": shell_command("change-password", email),
        "create_key": shell_command("create-api-key", email),
        "python": _shorten(sys.executable),
        "has_requests": find_spec("requests") is not None,
        "key": result.key,
        "state": state_of(result.key),
        "secret_key": result.secret_key,
        "labels": result.labels,
        "sources": result.sources,
        "invitation": reverse("web:invitation", kwargs={"token": result.token}) if result.token else "",
        "invitation_days": settings.INVITATION_DAYS,
        "ids": {label.type: label.pk for label in result.labels}
        | {source.source_type: source.source_id for source in result.sources},
    }
    return render_to_string(f"modelhub/{'first' if result.labels else 'next'}_start.txt", context)


def describe(result: Bootstrapped | None, *, port: int) -> dict[str, Any]:
    """Return the start for programs.

    Unknown after the first start are the ids, and the secret if no setting has it.
    """
    return {
        "url": base_url(port),
        "api_key": result.key.api_key if result else None,
        "secret_key": (result.secret_key or settings.BOOTSTRAP_SECRET_KEY or None) if result else None,
        "labels": {label.type: str(label.pk) for label in result.labels} if result else {},
        "sources": {source.source_type: source.source_id for source in result.sources} if result else {},
        "pid": os.getpid(),
    }


def base_url(port: int) -> str:
    """Return the URL of the server on its own machine."""
    host = "127.0.0.1" if settings.SERVE_HOST in {"0.0.0.0", "::"} else settings.SERVE_HOST  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def client_url(port: int) -> str:
    """Return the URL for clients: with `MODELHUB_HTTPS`, of the proxy in front."""
    if not settings.HTTPS:
        return base_url(port)
    # The last name is 127.0.0.1, for probes.
    names = [name for name in settings.ALLOWED_HOSTS[:-1] if name != "*" and not name.startswith(".")]
    return f"https://{next(iter(names), UNKNOWN_PROXY)}"


def shell_command(*arguments: str) -> str:
    """Return a command line that reaches the database of this process."""
    command = shlex.join([*_program(), *arguments])
    if settings.SHELL_VARIABLES is None:
        return f"in the environment of the server, {command}"
    return f"{settings.SHELL_VARIABLES} {command}".strip()


def _program() -> list[str]:
    """Return the words that start this program again, in the current folder."""
    script = Path(sys.argv[0]).absolute()
    if script.name == "__main__.py":
        return [_shorten(sys.executable), "-m", "modelhub"]
    if script.suffix == ".py":
        return [_shorten(sys.executable), sys.argv[0]]
    # Of an environment, the PATH of this process may be its own: uvx adds a folder of its cache.
    if shutil.which(script.name) == str(script) and not script.is_relative_to(sys.prefix):
        return [script.name]
    return [_shorten(script)]


def _shorten(program: str | Path) -> str:
    """Return the path of a program as it is typed in the current folder."""
    path, here = Path(program), Path.cwd()
    if path.parent == here:
        return f"./{path.name}"
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
