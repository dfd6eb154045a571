"""Readers of environment variables. Only this module reads the environment.

Each reader returns the value of `NAME`, or the content of the file named by `NAME_FILE` (secrets of Docker and
Kubernetes), in the type of the setting, and raises `ImproperlyConfigured` with a sentence for an unusable value.
"""

import os
import re
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import platformdirs
from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

PERIODS = ("second", "minute", "hour", "day")
# Compared with docs/settings.md by a test.
names_read: set[str] = set()
# Variables that were meant for this server, misspelled ones included.
OWN_NAME = re.compile(r"model[_-]?hub", re.IGNORECASE)
SIMILARITY = 0.8
# Control characters, bytes that are not UTF-8, separators of lines.
UNREADABLE = {"Cc", "Cs", "Zl", "Zp"}
# RFC 1034 and RFC 1123; Django refuses all other names in a Host header.
LABEL = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
HOST = re.compile(rf"\*|\.?({LABEL}\.)*{LABEL}|\[[0-9A-Fa-f:.]+\]", re.ASCII)


def text(name: str, default: str = "") -> str:
    """Return the value, stripped. An empty value counts as unset."""
    names_read.add(name)
    value = os.environ.get(name, "").strip()
    path = os.environ.get(f"{name}_FILE", "")
    if value and path:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; set one of them.")
    if path:
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error}.") from error
    if any(unicodedata.category(character) in UNREADABLE for character in value):
        # Not quoted: it may be a secret.
        raise ImproperlyConfigured(f"{name} must be one line of UTF-8 without control characters.")
    return value or default


def flag(name: str, *, default: bool) -> bool:
    """Return the value of `true`, `false`, `1` or `0`, in any case."""
    value = text(name, str(default)).lower()
    if value not in {"true", "false", "1", "0"}:
        raise ImproperlyConfigured(f'{name} must be true, false, 1 or 0, got "{value}".')
    return value in {"true", "1"}


def integer(name: str, default: int, *, minimum: int = 0, maximum: int = 2**31 - 1) -> int:
    """Return a whole number from `minimum` to `maximum`, both included."""
    value = text(name, str(default))
    # More digits than Python's int reads, or other forms of it such as 1_000.
    if not re.fullmatch(r"[0-9]{1,19}", value, re.ASCII) or not minimum <= int(value) <= maximum:
        raise ImproperlyConfigured(f'{name} must be a whole number from {minimum} to {maximum}, got "{value}".')
    return int(value)


def choice(name: str, default: str, words: Sequence[str]) -> str:
    """Return one of the words, in any case."""
    value = text(name, default)
    for word in words:
        if value.lower() == word.lower():
            return word
    raise ImproperlyConfigured(f'{name} must be one of {", ".join(words)}, got "{value}".')


def rate(name: str, default: str = "") -> str | None:
    """Return a rate such as `600/minute`, or None for `0` and for an empty value."""
    value = text(name, default)
    if value in {"", "0"}:
        return None
    if not re.fullmatch(rf"[1-9][0-9]{{0,8}}/({'|'.join(PERIODS)})", value, re.ASCII):
        raise ImproperlyConfigured(
            f"{name} must be a number, a slash and one of {', '.join(PERIODS)}, as in 600/minute, "
            f'or 0 for no limit, got "{value}".'
        )
    return value


def postgres_url(name: str) -> dict[str, Any] | None:
    """Return the parts of a `postgresql://` URL by libpq's rules, or None."""
    url = text(name)
    if not url:
        return None
    if not url.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured(
            f"{name} must start with postgresql://, as in postgresql://user:password@host:5432/name."
        )
    try:
        return conninfo_to_dict(url)
    except ProgrammingError:
        # The driver's own sentence quotes the URL, password included.
        sentence = f"{name} cannot be read; it must look like postgresql://user:password@host:5432/name."
        raise ImproperlyConfigured(sentence) from None


def redis_url(name: str) -> str:
    """Return a URL of Redis, or an empty string."""
    value = text(name)
    if value and not value.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured(f"{name} must be a URL that begins with redis://, rediss:// or unix://.")
    return value


def hosts(name: str, default: str) -> list[str]:
    """Return names of hosts: Django never accepts another form in a Host header."""
    given = words(name, default)
    for host in given:
        if not HOST.fullmatch(host):
            reason = ""
            if re.fullmatch(r"[\w.-]+", host) and "_" in host:
                reason = "; names with an underscore are refused by RFC 1034, so give the service a name without one"
            raise ImproperlyConfigured(
                f"{name} must hold host names like scores.example.com, or .example.com for all below it, without "
                f'scheme, port and path, got "{host}"{reason}.'
            )
    return given


def origins(name: str, *, wildcard: str) -> list[str]:
    """Return origins such as `https://pages.example.com`.

    `wildcard` is the one that the setting takes: `*` alone for all, or `*.` before the host for all below it.
    """
    given = words(name)
    if given == [wildcard]:
        return given
    below = r"(\*\.)?" if wildcard == "*." else ""
    for origin in given:
        if not re.fullmatch(rf"https?://{below}([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{{1,5}})?", origin, re.ASCII):
            raise ImproperlyConfigured(
                f"{name} must hold origins like https://pages.example.com, in lower case and without a path, "
                f'got "{origin}".'
            )
    return given


def path(name: str, default: str) -> Path:
    """Return a path, with the home folder for `~`."""
    value = text(name, default)
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise ImproperlyConfigured(f'{name} must be a path, and there is no home folder for "{value}".') from error


def user_data_dir() -> Path:
    """Return the folder of an installed server; it begins with `~` without a home folder."""
    try:
        return platformdirs.user_data_path("modelhub", appauthor=False)
    except RuntimeError:
        return Path("~/.local/share/modelhub")


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list without surrounding spaces."""
    return [word for part in text(name, default).split(",") if (word := part.strip())]


def unknown_names() -> dict[str, str | None]:
    """Return variables that no setting reads, each with the most similar name."""
    known = names_read | {f"{name}_FILE" for name in names_read}
    unknown = [name for name in sorted(os.environ) if OWN_NAME.match(name) and name not in known]
    return {name: _find_similar(name, known) for name in unknown}


def _find_similar(name: str, known: set[str]) -> str | None:
    end = OWN_NAME.sub("", name).strip("_-").upper()
    exact = [word for word in (f"MODELHUB_{end}", end) if word in known]
    return next(iter(exact or get_close_matches(f"MODELHUB_{end}", sorted(known), n=1, cutoff=SIMILARITY)), None)


def forget(*prefixes: str) -> None:
    """Remove the variables with one of these prefixes from the environment."""
    for name in [name for name in os.environ if name.startswith(prefixes)]:
        del os.environ[name]
