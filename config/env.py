"""Readers of environment variables that fail loudly.

Each reader takes the value of `NAME`, or the contents of the file that `NAME_FILE` points to (the way
Docker and Kubernetes hand over secrets), and answers in the type that the setting has. A value that does
not fit raises `ImproperlyConfigured` with one sentence that names the variable, what it must be and what
it was. `docs/settings.md` lists every name that was ever asked for here; a test compares the two.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

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


def words(name: str, default: str = "") -> list[str]:
    """A list written with commas; spaces around its members do not count."""
    return [word for part in text(name, default).split(",") if (word := part.strip())]
