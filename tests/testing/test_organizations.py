"""Organizations as the unit of isolation: made with seeds in milliseconds, and deleted without a trace."""

import re
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from django.apps import apps
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.core.errors import Overdue, Unavailable
from modelhub.core.tenants import tenant_tables
from modelhub.first_rows import FIRST_SOURCES
from modelhub.labels.types import LABEL_TYPES
from modelhub.serving.database import create_controls
from modelhub.testing import gates
from modelhub.testing.organizations import create_organization, delete_organization, first_organization_id
from tests.servers import Server, data_folder, running_server
from tests.testing.made import Made, control, fill, make, making, rows_of, write_anything
from tests.waiting import wait_for

ANN, BEN = "ann+{organization}@example.com", "ben+{organization}@example.com"
LABELS = [{"name": "Tone", "type": "categorical", "settings": {"options": ["formal", "casual"]}}]
PEOPLE = [{"email": ANN, "name": "Ann"}, {"email": BEN, "role": "admin"}]
SOURCES = [{"source_type": "trace", "source_id": "trace-1", "name": "A trace"}, {"source_type": "dataset_row"}]


@pytest.fixture
def made(controlled: Server) -> Iterator[Made]:
    made = make(controlled)
    yield made
    made.delete()


class TestACreation:
    def test_has_a_label_and_a_source_of_each_type_and_a_key_with_all_scopes(self, made: Made) -> None:
        assert set(made.body["labels"]) == set(LABEL_TYPES)
        assert made.body["label_names"]["Quality"] == made.body["labels"]["star"]
        assert set(made.body["sources"]) == set(FIRST_SOURCES)
        assert made.body["url"] == made.server.base_url
        answer = made.score(4)
        assert (answer.status_code, answer.json()["errors"]) == (201, [])
        [score] = answer.json()["scores"]
        assert score["annotator_email"] == made.body["user"]["email"] == f"admin+{made.id.replace('-', '')}@example.com"
        other = {"annotator_id": made.body["user"]["id"], "value": 5}
        assert made.request("PATCH", f"/model-hub/scores/{score['id']}/", json=other).status_code == 200
        label = f"/model-hub/annotations-labels/{made.body['labels']['star']}/"
        assert made.request("DELETE", label).status_code == 200

    def test_sees_nothing_of_another_one(self, made: Made, controlled: Server) -> None:
        other = make(controlled, name="Other")
        other.score(4)
        assert made.request("GET", "/model-hub/scores/").json()["results"] == []
        assert made.request("GET", f"/model-hub/annotations-labels/{other.body['labels']['star']}/").status_code == 404
        other.delete()

    def test_returns_its_seeds_in_the_order_of_the_request(self, controlled: Server) -> None:
        scores = [
            {"source_type": "trace", "source_id": "trace-1", "label_name": "tone", "value": "casual", "annotator": BEN},
            {"source_type": "trace", "label_name": "Quality", "value": {"rating": 2}, "notes": "by the admin"},
            {"sourceType": "trace", "sourceId": "trace-1", "labelName": "Tone", "value": "formal", "annotator": ANN},
            {"source_type": "trace", "label_name": "Quality", "value": 5, "score_source": "api"},
            {"source_type": "observation_span", "label_name": "Quality", "value": 1},
        ]
        made = make(controlled, labels=LABELS, people=PEOPLE, sources=SOURCES, scores=scores, name="Seeded")
        seeded = made.body["seeded"]
        ann, ben = seeded["people"]
        assert [made.body["name"], ann["email"]] == ["Seeded", f"ann+{made.id.replace('-', '')}@example.com"]
        assert seeded["sources"][0] == "trace-1"
        assert uuid.UUID(seeded["sources"][1]).version == 7
        # The same label, source and annotator twice: overwritten, with a revision.
        assert seeded["scores"][1] == seeded["scores"][3]
        shown = [made.request("GET", f"/model-hub/scores/{score_id}/").json() for score_id in seeded["scores"]]
        assert [score["annotator_id"] for score in shown] == [
            ben["id"],
            made.body["user"]["id"],
            ann["id"],
            made.body["user"]["id"],
            made.body["user"]["id"],
        ]
        assert [score["label_id"] for score in shown[:3:2]] == seeded["labels"] * 2
        assert [score["value"] for score in shown[2:4]] == [{"selected": ["formal"]}, {"rating": 5}]
        assert shown[4]["source_id"] == made.body["sources"]["span"]
        history = made.request("GET", f"/model-hub/scores/{seeded['scores'][1]}/history/").json()["results"]
        assert [(one["value"], one["notes"]) for one in history] == [({"rating": 2}, "by the admin")]
        made.delete()

    def test_gives_people_keys_of_their_roles(self, controlled: Server) -> None:
        made = make(controlled, people=PEOPLE)
        ann, ben = made.body["seeded"]["people"]
        label = f"/model-hub/annotations-labels/{made.body['labels']['star']}/"
        for person, status in ((ann, 403), (ben, 200)):
            pair = {"X-Api-Key": person["api_key"], "X-Secret-Key": person["secret_key"]}
            assert made.score(4, headers=pair).json()["scores"][0]["annotator_id"] == person["id"]
            assert made.request("DELETE", label, headers=pair).status_code == status
        made.delete()

    def test_has_ids_and_times_of_its_seed_and_clock_from_the_first_row_on(self, controlled: Server) -> None:
        fields = {"seed": "a seed", "now": "2030-01-01T00:00:00Z", "people": PEOPLE}
        bodies, answers = [], []
        for _ in range(2):
            made = make(controlled, **fields)
            assert {row[1].year for row in rows_of(controlled, made.id)["modelhub_organization"]} == {2030}
            secrets = {"api_key", "secret_key"}
            people = [{"id": person["id"]} for person in made.body["seeded"].pop("people")]
            bodies.append([{name: value for name, value in made.body.items() if name not in secrets}, people])
            answers.append(made.score(4).content)
            taken = control(controlled, "POST", "/__admin/organizations", json={"seed": "a seed"})
            assert taken.status_code == 409
            assert made.delete().status_code == 204
        assert bodies[0] == bodies[1]
        assert answers[0] == answers[1]

    def test_of_one_moment_with_the_same_emails_lets_one_have_them(self, controlled: Server) -> None:
        people = [{"email": f"{number}@example.com"} for number in range(20)]
        answers: list[requests.Response] = []

        def create(turn: int) -> None:
            body = {"people": people[::-1] if turn % 2 else people}
            answers.append(control(controlled, "POST", "/__admin/organizations", json=body))

        threads = [threading.Thread(target=create, args=[turn]) for turn in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400, 400, 400]
        for answer in answers:
            if answer.status_code == 400:
                assert re.fullmatch(
                    r"people\[0\]: The email \d+@example.com belongs to a user of another organization; "
                    r"with \{organization\} in it, each organization has its own",
                    answer.json()["message"],
                )
            else:
                assert Made(controlled, answer.json()).delete().status_code == 204

    def test_inserts_emails_in_one_order_and_so_never_waits_in_a_circle(self, made: Made) -> None:
        insert = (
            "INSERT INTO modelhub_user (id, created_at, email, name, role, password, is_active, is_staff, is_superuser,"
            " organization_id) VALUES (gen_random_uuid(), now(), %s, '', 'member', '!', true, false, false, %s)"
        )
        waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        people = {"people": [{"email": "second@example.com"}, {"email": "first@example.com"}]}
        url = made.server.database_url
        with (
            ThreadPoolExecutor(1) as pool,
            psycopg.connect(url) as other,
            psycopg.connect(url, autocommit=True) as seen,
        ):
            other.execute(insert, ["first@example.com", made.id])
            request = pool.submit(control, made.server, "POST", "/__admin/organizations", json=people)
            wait_for(lambda: seen.execute(waiting).rowcount == 1)
            other.execute(insert, ["second@example.com", made.id])
            other.commit()
            answer = request.result()
        assert (answer.status_code, answer.json()["message"][:9]) == (400, "people[0]")


STAR = {"source_type": "trace", "label_name": "Quality"}
WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"nme": "x"}, 400, 'Unknown field "nme". Did you mean "name"?'),
    ({"name": "\u202e"}, 400, r'name must be a string of 1 to 255 visible characters, got "\u202e"'),
    ({"seed": 1.5}, 400, "seed must be an integer or a string of 1 to 1000 characters, got 1.5"),
    ({"labels": {}}, 400, "labels must be a list, got {}"),
    ({"labels": [3]}, 400, "labels[0]: An entry must be an object, got 3"),
    ({"labels": [{"name": "x", "type": "stars"}]}, 400, "labels[0]: type must be one of text, numeric, "),
    (
        {"labels": [{"name": "x", "type": "star"}, {"name": "Quality", "type": "star"}]},
        400,
        'labels[1]: A label named "Quality" of type star without a project exists already',
    ),
    ({"labels": [{"name": "x", "type": "star", "settings": {"no_of_stars": 0}}]}, 400, "labels[0]: "),
    ({"people": [{"email": "x"}]}, 400, 'people[0]: The email of an annotator must be an email address, got "x"'),
    ({"people": [{"name": "x"}]}, 400, "people[0]: email must be given, as a string of 1 to 254 characters"),
    ({"people": [{"email": "Admin@Example.com"}]}, 400, "people[0]: The email admin@example.com belongs to a user of"),
    (
        {"people": [{"email": ANN}, {"email": ANN.upper().replace("ORGANIZATION", "organization")}]},
        400,
        "people[1]: The email ann+",
    ),
    ({"people": [{"email": "admin+{organization}@example.com"}]}, 400, "people[0]: The email admin+"),
    ({"people": [{"email": ANN, "role": "owner"}]}, 400, 'people[0]: role must be one of admin, member, got "owner"'),
    ({"sources": [{"source_type": "trace", "source_id": "a b"}]}, 400, "sources[0]: source_id must be a string of 1 "),
    ({"sources": [{"source_id": "a"}]}, 400, "sources[0]: source_type must be given, as one of trace, "),
    (
        {"sources": [{"source_type": "trace", "source_id": "a"}] * 2},
        400,
        "sources[1]: Source is already named by sources[0]",
    ),
    ({"scores": [STAR]}, 400, "scores[0]: Label "),
    ({"scores": [STAR | {"value": 1, "sourc_id": "x"}]}, 400, 'scores[0]: Unknown field "sourc_id". Did you mean'),
    ({"scores": [STAR | {"value": 1, "source_id": "x"}]}, 400, "scores[0]: Source not found: trace x. Register it"),
    (
        {"scores": [{"source_type": "dataset_row", "value": 1}]},
        400,
        "scores[0]: source_id must be a string of 1 to 255",
    ),
    ({"scores": [{"source_type": "trace", "value": 1}]}, 400, "scores[0]: Either label_id or label_name must be given"),
    (
        {"scores": [STAR | {"label_name": "No", "value": 1}]},
        400,
        'scores[0]: label_name must be the name of one label, got "No", which 0 labels have',
    ),
    (
        {"scores": [STAR | {"value": 1, "annotator": "x"}]},
        400,
        'scores[0]: annotator must be the email of one of people, got "x"',
    ),
    (
        {"scores": [{"source_type": "trace", "label_id": [], "value": 1}]},
        400,
        "scores[0]: label_id must be a UUID, got []",
    ),
    (
        {"scores": [STAR | {"value": 1}, STAR | {"value": 9}, STAR | {"label_name": "Helpful", "value": 9}]},
        400,
        "scores[1]: Label ",
    ),
    ({"labels": [{}] * 1001}, 413, "labels must have at most 1000 entries, got 1001"),
]


def test_organizations_are_listed_with_their_seeds(controlled: Server) -> None:
    now, seed = "2030-01-01T00:00:00.000000Z", uuid.uuid4().hex
    with making(controlled, name="First", now=now, seed=seed) as first, making(controlled) as second:
        ids = {"organization": second.id, "seed": f"{seed} of the second"}
        listed = list_organizations(controlled)
        assert [one["id"] for one in listed if one["id"] in {first.id, second.id}] == [first.id, second.id]
        by_id = {one["id"]: one for one in listed}
        assert by_id[first.id] == {"id": first.id, "name": "First", "created_at": now, "seed": seed}
        assert by_id[second.id]["seed"] is None
        assert control(controlled, "PUT", "/__admin/ids", json=ids).status_code == 200
        # The seed stays in use.
        assert second.call_control("DELETE", "ids").status_code == 204
        assert list_organizations(controlled)[-1]["seed"] == ids["seed"]
        assert control(controlled, "GET", "/__admin/").json()["organizations"] == len(listed)
    assert not {first.id, second.id} & {one["id"] for one in list_organizations(controlled)}


def list_organizations(server: Server) -> list[dict[str, Any]]:
    answer = control(server, "GET", "/__admin/organizations")
    assert answer.status_code == 200, answer.text
    listed: list[dict[str, Any]] = answer.json()["organizations"]
    return listed


@pytest.mark.parametrize(("body", "status", "sentence"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_seed_is_a_sentence_and_nothing_is_made(
    controlled: Server, body: dict[str, Any], status: int, sentence: str
) -> None:
    tables = ["organization", "user", "apikey", "label", "source", "score"]
    count = " + ".join(f"(SELECT count(*) FROM modelhub_{table})" for table in tables)
    with psycopg.connect(controlled.database_url, autocommit=True) as database:
        before = database.execute(f"SELECT {count}".encode()).fetchall()
        answer = control(controlled, "POST", "/__admin/organizations", json=body)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert answer.json()["message"].startswith(sentence), answer.json()["message"]
        assert database.execute(f"SELECT {count}".encode()).fetchall() == before


def test_all_wrong_scores_are_named(controlled: Server) -> None:
    scores = [STAR | {"value": 9}, STAR | {"value": 1}, STAR | {"label_name": "Helpful", "value": 9}]
    answer = control(controlled, "POST", "/__admin/organizations", json={"scores": scores})
    sentences = answer.json()["errors"]["scores"]
    assert [sentence[:9] for sentence in sentences] == ["scores[0]", "scores[2]"]
    assert answer.json()["message"] == "; ".join(sentences)


def test_a_seed_that_failed_is_free_again(controlled: Server) -> None:
    wrong = {"seed": "free", "labels": [{"name": "Quality", "type": "star"}]}
    assert control(controlled, "POST", "/__admin/organizations", json=wrong).status_code == 400
    make(controlled, seed="free").delete()


@pytest.mark.django_db
def test_an_error_that_no_seed_has_caused_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    create_controls(connection, None)

    def fail(batch: object) -> None:
        raise Overdue("Too slow.")

    monkeypatch.setattr("modelhub.testing.organizations.record_scores", fail)
    with pytest.raises(Overdue):
        create_organization(scores=[STAR | {"value": 1}])


def test_of_creations_of_one_moment_with_one_seed_one_is_made(controlled: Server) -> None:
    answers: list[requests.Response] = []

    def create() -> None:
        answers.append(control(controlled, "POST", "/__admin/organizations", json={"seed": "at once"}))

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    [made] = [answer.json() for answer in answers if answer.status_code == 201]
    assert Made(controlled, made).delete().status_code == 204


def test_a_deletion_and_a_reset_wait_for_a_creation(monkeypatch: pytest.MonkeyPatch) -> None:
    def delete_meanwhile(organization_id: uuid.UUID) -> None:
        for closed in (organization_id, None):
            with pytest.raises(Unavailable), gates.closed(closed):
                raise AssertionError

    monkeypatch.setattr(gates, "SECONDS", 0.01)
    monkeypatch.setattr("modelhub.testing.organizations._create_rows", delete_meanwhile)
    create_organization()


def test_creations_and_deletions_of_one_moment_with_one_seed_are_no_error(controlled: Server) -> None:
    body = {"seed": "made and deleted", "now": "2026-01-31"}
    with making(controlled, **body) as made:
        path = f"/__admin/organizations/{made.id}"

    def create_and_delete(_: int) -> set[int]:
        created = [control(controlled, "POST", "/__admin/organizations", json=body).status_code for _ in range(5)]
        return {*created, control(controlled, "DELETE", path).status_code}

    with ThreadPoolExecutor(6) as pool:
        statuses = set().union(*pool.map(create_and_delete, range(25)))
    assert statuses <= {201, 204, 404, 409}
    assert control(controlled, "DELETE", path).status_code in {204, 404}


def test_every_table_of_the_product_is_known_to_belong_to_organizations() -> None:
    """If a model has neither an organization nor a user, say how its rows are found (modelhub.core.tenants)."""
    models = apps.get_app_config("modelhub").get_models(include_auto_created=True)
    assert {model._meta.db_table for model in models} | {"django_admin_log"} == set(tenant_tables())


class TestADeletion:
    def test_removes_the_rows_of_all_tables_and_none_of_another_organization(self, controlled: Server) -> None:
        made, other = make(controlled, people=PEOPLE), make(controlled, people=PEOPLE)
        for one in (made, other):
            fill(one)
            assert [table for table, rows in rows_of(controlled, one.id).items() if not rows] == []
        before = rows_of(controlled, other.id)
        assert made.delete().status_code == 204
        assert [table for table, rows in rows_of(controlled, made.id).items() if rows] == []
        assert rows_of(controlled, other.id) == before
        assert made.score(4).status_code == 401
        assert other.score(4).status_code == 201
        other.delete()

    def test_leaves_the_history_append_only(self, made: Made) -> None:
        make(made.server).delete()
        made.score(3)
        made.score(4)
        with (
            psycopg.connect(made.server.database_url) as database,
            pytest.raises(psycopg.errors.RestrictViolation, match="append-only"),
        ):
            database.execute("DELETE FROM modelhub_scorerevision")

    def test_ends_the_sessions_of_its_users(self, controlled: Server) -> None:
        made, other = make(controlled), make(controlled)
        for one in (made, other):
            log_in(one)
        with psycopg.connect(controlled.database_url, autocommit=True) as database:
            [(before,)] = database.execute("SELECT count(*) FROM django_session").fetchall()
            made.delete()
            [(after,)] = database.execute("SELECT count(*) FROM django_session").fetchall()
            assert after == before - 1
            other.delete()
            assert database.execute("SELECT count(*) FROM django_session").fetchall() == [(before - 2,)]

    def test_of_an_unknown_organization_is_a_404_and_of_the_first_one_a_409(
        self, made: Made, controlled: Server
    ) -> None:
        made.delete()
        assert made.delete().status_code == 404
        for path in (f"/__admin/organizations/{uuid.uuid4()}", "/__admin/organizations/x"):
            assert control(controlled, "DELETE", path).status_code == 404
        with psycopg.connect(controlled.database_url) as database:
            name = "Default organization"
            [(first,)] = database.execute("SELECT id FROM modelhub_organization WHERE name = %s", [name]).fetchall()
        answer = control(controlled, "DELETE", f"/__admin/organizations/{first}")
        assert (answer.status_code, answer.json()["code"]) == (409, "first_organization")

    def test_while_requests_run_lets_them_end_or_answers_401(self, controlled: Server) -> None:
        for _ in range(5):
            made = make(controlled)
            statuses: Counter[int] = Counter()

            def write(made: Made = made, statuses: Counter[int] = statuses) -> None:
                with requests.Session() as session:
                    for at in range(1000):
                        statuses[write_anything(made, session, at)] += 1
                        if statuses[401] > 4:
                            return

            threads = [threading.Thread(target=write) for _ in range(4)]
            for thread in threads:
                thread.start()
            while statuses[201] < 10:
                threads[0].join(0.001)
            assert made.delete().status_code == 204
            for thread in threads:
                thread.join()
            assert not any(rows_of(controlled, made.id).values())
            # 404 where the organization ends between the search for its key and that for its controls.
            assert set(statuses) - {404} == {200, 201, 401}, statuses


def log_in(made: Made) -> None:
    """Log the admin of an organization in to the pages."""
    with psycopg.connect(made.server.database_url, autocommit=True) as database:
        password = make_password("correct horse", hasher=PBKDF2PasswordHasher())
        database.execute(
            "UPDATE modelhub_user SET password = %s, is_staff = true WHERE id = %s", [password, made.body["user"]["id"]]
        )
    with requests.Session() as session:
        page = made.server.base_url + "/admin/login/"
        session.get(page)
        form = {
            "username": made.body["user"]["email"],
            "password": "correct horse",
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
        }
        assert session.post(page, data=form, allow_redirects=False).status_code == 302


def test_no_organization_has_the_counts_of_a_deleted_one() -> None:
    """With one seed, a key has the id of the key of the run before."""
    with data_folder() as folder:
        settings = {"MODELHUB_TEST_CONTROLS": "true", "MODELHUB_RATE_PER_KEY": "3/minute"}
        with running_server(folder, **settings) as server:
            for _ in range(2):
                made = make(server, seed=1, now="2030-01-01T00:00:00Z")
                assert [made.score(4).status_code for _ in range(4)] == [201, 201, 201, 429]
                made.delete()
            for _ in range(2):
                assert [server.request("GET", "/model-hub/scores/").status_code for _ in range(4)] == [200] * 3 + [429]
                assert control(server, "POST", "/__admin/reset").status_code == 200


@pytest.mark.django_db
def test_a_creation_and_a_deletion_are_few_statements() -> None:
    create_controls(connection, None)
    with CaptureQueriesContext(connection) as creation:
        made = create_organization()
    first_organization_id()  # cached
    with CaptureQueriesContext(connection) as deletion:
        delete_organization(made.organization.pk)
    first_organization_id.cache_clear()
    # Two of the creation begin the transaction and commit it.
    assert (len(creation), len(deletion)) == (11, 1), [one["sql"] for one in creation]


def test_the_next_start_deletes_what_the_controls_have_made_and_nothing_else(folder: Path) -> None:
    for controls in ({"MODELHUB_TEST_CONTROLS": "true"}, {}):
        with running_server(folder, MODELHUB_TEST_CONTROLS="true") as server:
            # Older than the first organization, by its id and its times.
            old, deleted = make(server, now="2000-01-01T00:00:00Z"), make(server)
            deleted.delete()
            old.score(4)
            assert server.request("POST", "/model-hub/sources/", json={"source_type": "span", "source_id": "a"}).ok
        with running_server(folder, **controls) as server:
            assert not any(rows_of(server, old.id).values())
            assert server.request("GET", "/model-hub/sources/").json()["count"] == 5
            headers = {"X-Api-Key": old.body["api_key"], "X-Secret-Key": old.body["secret_key"]}
            assert server.request("GET", "/model-hub/scores/", headers=headers).status_code == 401
