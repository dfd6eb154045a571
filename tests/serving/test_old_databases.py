"""A database from before the first release: one sentence, and no change in it."""

from pathlib import Path

import pytest

from tests.postgres import Postgres
from tests.servers import environment, free_port, manage

SEVEN = (
    "0001_initial",
    "0002_immediate_and_append_only",
    "0003_ascending_indexes",
    "0004_labelversion",
    "0005_scores_of_one_organization",
    "0006_listed_scores",
    "0007_store_scores",
)
OLD_TABLES = f"""
CREATE TABLE django_migrations (id serial PRIMARY KEY, app text, name text, applied timestamptz DEFAULT now());
INSERT INTO django_migrations (app, name) SELECT 'modelhub', unnest(ARRAY{list(SEVEN)});
CREATE TABLE modelhub_score (id uuid PRIMARY KEY, value jsonb);
INSERT INTO modelhub_score SELECT gen_random_uuid(), '{{"rating": 4}}' FROM generate_series(1, 3);
"""
CONTENTS = (
    "SELECT * FROM django_migrations ORDER BY id",
    "SELECT * FROM modelhub_score ORDER BY id",
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
)


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve",),
        ("serve", "--skip-setup"),
        ("migrate",),
        ("create_api_key",),
        ("list_api_keys",),
        ("import_scores", "-"),
        ("purge",),
        ("createsuperuser", "--noinput", "--email", "a@example.com"),
    ],
    ids=" ".join,
)
def test_every_command_leaves_an_old_database_untouched(
    postgres: Postgres, folder: Path, arguments: tuple[str, ...]
) -> None:
    name = f"old_{folder.name}"
    url = postgres.make_database(name)
    postgres.execute(OLD_TABLES, name)
    before = [postgres.execute(statement, name) for statement in CONTENTS]

    result = manage(*arguments, env=environment(folder, DATABASE_URL=url, PORT=str(free_port())))

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("modelhub cannot start: the database has the tables of a version before the first")
    assert len(result.stderr.strip().splitlines()) == 1
    assert [postgres.execute(statement, name) for statement in CONTENTS] == before
