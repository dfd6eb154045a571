"""SQL files: `modelhub/<package>/sql/<name>_v<number>.sql`, one command each.

A file is either a statement, which a module reads once when it is imported, or the definition of a function, which a
migration runs. The function has the name of its file, with the prefix `modelhub_`. A released definition never changes:
workers of the release before still call it during an upgrade. A change is a new file with the next number, and a
migration that adds it; a later release drops the old function.
"""

from pathlib import Path

PACKAGES = Path(__file__).resolve().parent.parent


def read_sql(package: str, name: str) -> str:
    """Return the command in `modelhub/<package>/sql/<name>.sql`."""
    return (PACKAGES / package / "sql" / f"{name}.sql").read_text(encoding="utf-8")
