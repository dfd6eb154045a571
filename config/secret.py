"""Django's SECRET_KEY, which signs sessions of the admin and cursors of lists."""

import contextlib
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.utils.functional import SimpleLazyObject

from . import env


def secret_key(data_dir: Path, *, production: bool) -> Any:
    """Return `MODELHUB_SECRET_KEY`, or a lazy key of the data folder.

    Outside production its first use creates the file: most commands leave a data folder untouched.

    Raise `ImproperlyConfigured` for a missing or weak key in production.
    """
    key = env.text("MODELHUB_SECRET_KEY")
    if production and is_weak(key):
        state = "can be guessed" if key else "is not set"
        raise ImproperlyConfigured(
            f"MODELHUB_SECRET_KEY {state}; production needs one of at least 50 random characters."
        )
    if key:
        return key
    return SimpleLazyObject(partial(ensure_key, data_dir))


def ensure_key(data_dir: Path) -> str:
    """Return the key of the data folder, created if need be.

    Raise `ImproperlyConfigured` for a folder that cannot be used, and for a file without a key.
    """
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            _create(path)
        key = path.read_bytes()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {data_dir} cannot be used ({error.strerror}); "
            "point MODELHUB_DATA_DIR at a folder that can be written."
        ) from error
    if not (key and key.isascii()):
        raise ImproperlyConfigured(f"{path} holds no key; remove the file, and the next start makes a new one.")
    return key.decode()


def is_weak(key: str) -> bool:
    """Apply the rules of Django's deployment check security.W009."""
    return len(key) < 50 or len(set(key)) < 5 or key.startswith("django-insecure-")


def _create(path: Path) -> None:
    """Create the file with its content in one step: simultaneous starts agree."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="ascii") as draft:
        draft.write(get_random_secret_key())
        draft.flush()
        os.fsync(draft.fileno())  # else a power failure may leave a file without content
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, path)
