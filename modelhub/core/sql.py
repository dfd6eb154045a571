"""SQL files in `modelhub/<package>/sql/`, one command each.

`<name>.sql` is a statement, which a module reads once when it is imported. `<name>_v<number>.sql` defines the function
`modelhub_<name>_v<number>`, which a migration runs. A released function never changes: workers of the release before
still call it during an upgrade. A change is a new file with the next number, and a migration that adds it; a later
release drops the old function.

Files of `modelhub.testing` are without versions: a start with test controls creates their functions anew.
"""

from pathlib import Path

PACKAGES = Path(__file__).resolve().parent.parent


def read_sql(package: str, name: str) -> str:
    """Return the command in `modelhub/<package>/sql/<name>.sql`."""
    return (PACKAGES / package / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def read_folder(package: str) -> list[str]:
    """Return the commands in `modelhub/<package>/sql/`, by the order of their names."""
    return [path.read_text(encoding="utf-8") for path in sorted((PACKAGES / package / "sql").glob("*.sql"))]
