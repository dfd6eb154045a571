"""Django's SECRET_KEY: it signs the admin's sessions, nothing of the API."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from config import env


def secret_key(data_dir: Path, *, production: bool) -> str:
    """`MODELHUB_SECRET_KEY`; without it, and outside production, one that is made once and kept in `data_dir`."""
    if key := env.text("MODELHUB_SECRET_KEY"):
        return key
    if production:
        raise ImproperlyConfigured(
            "MODELHUB_SECRET_KEY is not set; production needs one of at least 50 random characters."
        )
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            _create(path)
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {data_dir} cannot be used ({error.strerror}); "
            "point MODELHUB_DATA_DIR at a folder that can be written."
        ) from error


def _create(path: Path) -> None:
    """Write the key whole or not at all: two first starts at the same moment must agree on one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(get_random_secret_key(), encoding="ascii")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
