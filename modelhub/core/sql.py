"""SQL kept in files, each with a version in its name: a migration loads it, statements call what it makes."""

from pathlib import Path

PACKAGES = Path(__file__).resolve().parent.parent


def read_sql(package: str, name: str) -> str:
    """Return the text of `modelhub/<package>/sql/<name>.sql`."""
    return (PACKAGES / package / "sql" / f"{name}.sql").read_text(encoding="utf-8")
