"""Imports that are stopped: one sentence, and a second run completes them."""

import uuid
from pathlib import Path

import pytest

from modelhub.core import exact_json
from tests.faults.postgres import small_disk
from tests.postgres import Postgres
from tests.servers import environment, manage

SETUP = """
from modelhub.accounts.models import User
from modelhub.labels.services import create_label
admin = User.objects.create_superuser("admin@example.com")
create_label(organization_id=admin.organization_id, name="Star", type="star")
"""
# The connection ends within a statement, and at COMMIT.
CUTS = {
    "a statement": "CREATE TRIGGER cut BEFORE INSERT",
    "a commit": "CREATE CONSTRAINT TRIGGER cut AFTER INSERT",
}
FUNCTION = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.notes = 'cut' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN NEW;
END $$
"""
LINES = 1_200


@pytest.fixture
def env(postgres: Postgres, folder: Path) -> dict[str, str]:
    """Return the environment of commands on a database with a label and an admin."""
    env = environment(folder, DATABASE_URL=postgres.make_database(f"import_{folder.name}"))
    for arguments in (("migrate",), ("shell", "-c", SETUP)):
        result = manage(*arguments, env=env)
        assert result.returncode == 0, result.stderr
    return env


def write(file: Path, number: int, *, cut_at: int = -1) -> Path:
    lines = [
        {
            "id": str(uuid.uuid4()),
            "source_type": "trace",
            "source_id": f"t-{at}",
            "label_name": "Star",
            "value": 4,
            "annotator_email": "admin@example.com",
            "notes": "cut" if at == cut_at else "",
        }
        for at in range(number)
    ]
    file.write_text("".join(exact_json.dumps(line) + "\n" for line in lines))
    return file


@pytest.mark.parametrize("moment", CUTS)
def test_the_database_goes_away(postgres: Postgres, folder: Path, env: dict[str, str], moment: str) -> None:
    name = f"import_{folder.name}"
    postgres.execute(FUNCTION, name)
    deferred = " DEFERRABLE INITIALLY DEFERRED" if moment == "a commit" else ""
    postgres.execute(f"{CUTS[moment]} ON modelhub_score{deferred} FOR EACH ROW EXECUTE FUNCTION cut()", name)
    file = write(folder / "scores.jsonl", LINES, cut_at=700)

    result = manage("import_scores", str(file), env=env)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == (
        "CommandError: The import stopped: the database does not answer. Run it again; scores that are stored stay "
        "unchanged."
    )
    assert "Traceback" not in result.stderr
    assert postgres.execute("SELECT count(*) FROM modelhub_score", name) == [(500,)]

    postgres.execute("DROP TRIGGER cut ON modelhub_score", name)
    result = manage("import_scores", str(file), env=env)
    assert result.stdout.strip() == "700 scores created, 0 changed, 500 unchanged, 0 lines with errors"


@pytest.mark.slow
def test_the_disk_of_the_temporary_file_is_full(folder: Path, env: dict[str, str]) -> None:
    file = write(folder / "scores.jsonl", 30_000)
    with small_disk(1) as disk:
        result = manage("import_scores", str(file), "--dry-run", env=env | {"SQLITE_TMPDIR": str(disk)})
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].startswith(
        "CommandError: The temporary file of the import, in TMPDIR, cannot be"
    )
