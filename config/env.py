"""Readers of environment variables that fail loudly.

Each reader takes the value of `NAME`, or the contents of the file that `NAME_FILE` points to (the way
Docker and Kubernetes hand over secrets), and answers in the type that the setting has. A value that does
not fit raises `ImproperlyConfigured` with one sentence that names the variable, what it must be and what
it was. `docs/settings.md` lists every name that was ever asked for here; a test compares the two.
"""

import os
import re
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

PERIODS = ("second", "minute", "hour", "day")
names_read: set[str] = set()


def text(name: str, default: str = "") -> str:
    """The variable as it stands; an empty one counts as not set."""
    names_read.add(name)
    value = os.environ.get(name, "")
    path = os.environ.get(f"{name}_FILE", "")
    if value and path:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; set one of them.")
    if path:
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error}.") from error
    return value or default


def flag(name: str, *, default: bool) -> bool:
    """`true`, `false`, `1` or `0`, in any case."""
    value = text(name, str(default)).lower()
    if value not in {"true", "false", "1", "0"}:
        raise ImproperlyConfigured(f'{name} must be true, false, 1 or 0, got "{value}".')
    return value in {"true", "1"}


def whole(name: str, default: int, *, minimum: int = 0, maximum: int = 2**31 - 1) -> int:
    """A whole number between `minimum` and `maximum`, both included."""
    value = text(name, str(default))
    try:
        number = int(value)
    except ValueError:
        number = minimum - 1
    if not minimum <= number <= maximum:
        raise ImproperlyConfigured(f'{name} must be a whole number from {minimum} to {maximum}, got "{value}".')
    return number


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


def origins(name: str) -> list[str]:
    """Origins written with commas, as browsers send them: `https://pages.example.com`; `*` alone means all of them."""
    given = words(name)
    if given == ["*"]:
        return given
    for origin in given:
        if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?", origin, re.ASCII):
            raise ImproperlyConfigured(
                f"{name} must hold origins like https://pages.example.com, in lower case and without a path, "
                f'got "{origin}".'
            )
    return given


def words(name: str, default: str = "") -> list[str]:
    """A list written with commas; spaces around its members do not count."""
    return [word for part in text(name, default).split(",") if (word := part.strip())]


def hand_over(name: str, value: str) -> None:
    """Set a variable of a library that can be told in no other way."""
    os.environ[name] = value
