"""Text of a start: the address and, at first, keys, ids and three examples."""

import sys
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string

from modelhub.serving.bootstrap import Bootstrapped


def welcome(result: Bootstrapped, *, port: int) -> str:
    """Return the text for a terminal; it has the secret only when this start made it."""
    context = {
        "base_url": base_url(port),
        "manage": manage_command(),
        "key": result.key,
        "secret_key": result.secret_key,
        "labels": result.labels,
        "sources": result.sources,
        "ids": {label.type: label.pk for label in result.labels}
        | {source.source_type: source.source_id for source in result.sources},
    }
    return render_to_string(f"modelhub/{'first' if result.labels else 'next'}_start.txt", context)


def base_url(port: int) -> str:
    """Return the URL of the server on its own machine."""
    host = "127.0.0.1" if settings.SERVE_HOST in {"0.0.0.0", "::"} else settings.SERVE_HOST  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def manage_command() -> str:
    """Return the relative command line of this process up to `manage.py`."""
    here = Path.cwd()
    python = Path(sys.executable)
    return f"{python.relative_to(here) if python.is_relative_to(here) else python} {sys.argv[0]}"
