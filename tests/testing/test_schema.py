"""The schema of the test controls in the database, which only a server with controls has."""

from pathlib import Path

import pytest

from tests.databases import TEMPLATE, ensure_template, name_for
from tests.postgres import Postgres
from tests.servers import Server, data_folder, environment, free_port, manage, running_server
from tests.testing.made import control, fill, make, rows_of

SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname = 'modelhub_testing'"
FUNCTIONS = "SELECT proname FROM pg_proc WHERE pronamespace = 'modelhub_testing'::regnamespace"
MAY_CREATE = "GRANT CREATE ON DATABASE {0} TO {0}_role"


def test_a_start_with_controls_creates_the_schema_and_one_without_drops_it(postgres: Postgres, folder: Path) -> None:
    database = name_for(folder)
    for _ in range(2):
        with running_server(folder, MODELHUB_TEST_CONTROLS="true"):
            assert ("delete_organization",) in postgres.execute(FUNCTIONS, database)
    assert postgres.execute(SCHEMAS, database) == [("modelhub_testing",)]
    with running_server(folder):
        assert postgres.execute(SCHEMAS, database) == []


def test_a_server_without_controls_has_no_such_schema(live: Server, postgres: Postgres) -> None:
    assert postgres.execute(SCHEMAS, live.database_url.rpartition("/")[2]) == []


@pytest.mark.parametrize(
    ("grants", "missing"),
    [
        ((), "GRANT CREATE ON DATABASE"),
        ((MAY_CREATE,), "GRANT SET ON PARAMETER session_replication_role TO"),
        (
            (
                MAY_CREATE,
                "GRANT SET ON PARAMETER session_replication_role TO {0}_role",
                "REVOKE TRIGGER ON modelhub_score FROM {0}_role",
            ),
            "GRANT TRIGGER ON modelhub_score TO",
        ),
    ],
)
def test_a_role_without_the_rights_gets_a_sentence(
    postgres: Postgres, folder: Path, grants: tuple[str, ...], missing: str
) -> None:
    ensure_template()
    name = f"controls_{folder.name}".replace("-", "_").lower()
    postgres.execute(f"CREATE ROLE {name}_role LOGIN")
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    for grant in ("GRANT ALL ON ALL TABLES IN SCHEMA public TO {0}_role", *grants):
        postgres.execute(grant.format(name), name)
    url = f"postgresql://{name}_role@127.0.0.1:{postgres.port}/{name}"
    env = environment(folder, DATABASE_URL=url, PORT=str(free_port()), MODELHUB_TEST_CONTROLS="true")
    result = manage("serve", "--skip-setup", env=env)
    assert result.returncode == 1
    sentence = (
        f"modelhub cannot start: MODELHUB_TEST_CONTROLS is true, and the role {name}_role lacks a right; {missing} "
    )
    assert result.stderr.splitlines()[-1].startswith(sentence)


def test_a_role_that_may_not_drop_the_schema_gets_a_sentence(postgres: Postgres, folder: Path) -> None:
    ensure_template()
    name = f"dropped_{folder.name}".replace("-", "_").lower()
    postgres.execute(f"CREATE ROLE {name}_role LOGIN")
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    for statement in (f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}_role", "CREATE SCHEMA modelhub_testing"):
        postgres.execute(statement, name)
    [(owner,)] = postgres.execute("SELECT current_user")
    url = f"postgresql://{name}_role@127.0.0.1:{postgres.port}/{name}"
    result = manage("serve", "--skip-setup", env=environment(folder, DATABASE_URL=url, PORT=str(free_port())))
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        "modelhub cannot start: the schema modelhub_testing of earlier test controls belongs to the role "
        f"{owner}, which alone may drop it; start the server once as {owner}."
    )


def test_a_backup_of_a_server_with_controls_fits_into_any_database(folder: Path) -> None:
    file = folder / "backup"
    with running_server(folder, MODELHUB_TEST_CONTROLS="true"):
        assert manage("backup", str(file), env=environment(folder)).returncode == 0
    with data_folder() as other:
        result = manage("restore", str(file), env=environment(other))
        assert (result.returncode, result.stderr) == (0, "")
        with running_server(other) as server:
            assert server.request("GET", "/model-hub/sources/").json()["count"] == 4


def test_the_owner_of_a_database_needs_one_grant_more(postgres: Postgres, folder: Path) -> None:
    name = f"owner_{folder.name}".replace("-", "_").lower()
    for statement in (
        f"CREATE ROLE {name} LOGIN",
        f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'",
        f"GRANT SET ON PARAMETER session_replication_role TO {name}",
    ):
        postgres.execute(statement)
    settings = {"DATABASE_URL": f"postgresql://{name}@127.0.0.1:{postgres.port}/{name}"}
    try:
        with running_server(folder, MODELHUB_TEST_CONTROLS="true", **settings) as server:
            made = make(server, now="2030-01-01T00:00:00Z")
            fill(made)
            assert made.delete().status_code == 204
            assert not any(rows_of(server, made.id).values())
            make(server)
            assert control(server, "POST", "/__admin/reset").status_code == 200
        with running_server(folder, **settings) as server:
            assert server.request("GET", "/model-hub/sources/").json()["count"] == 4
    finally:
        postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
