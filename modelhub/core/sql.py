"""SQL files in `modelhub/<package>/sql/`, one command each.

`<name>.sql` is a statement, which a module reads once when it is imported. `<name>_v<number>.sql` defines the function
`modelhub_<name>_v<number>`, which a migration runs. A released function never changes: workers of the release before
still call it during an upgrade. A change is a new file with the next number, and a migration that adds it; a later
release drops the old function.
"""

from pathlib import Path

PACKAGES = Path(__file__).resolve().parent.parent


def read_sql(package: str, name: str) -> str:
    """Return the command in `modelhub/<package>/sql/<name>.sql`."""
    return (PACKAGES / package / "sql" / f"{name}.sql").read_text(encoding="utf-8")
