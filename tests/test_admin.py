"""Django's admin: staff only, lists with bounded counts, services for changes."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from modelhub.accounts.models import ApiKey, User
from modelhub.labels.models import Label
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import Caller
from tests.factories import ApiKeyFactory, OrganizationFactory, ProjectFactory, ScoreFactory

pytestmark = pytest.mark.django_db

TABLES = ("organization", "user", "apikey", "project", "source", "label", "score")


@pytest.fixture
def staff(alice: Caller) -> Client:
    User.objects.filter(pk=alice.user.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(User.objects.get(pk=alice.user.pk))
    return client


@pytest.fixture
def score(alice: Caller, trace: Source, labels: dict[str, Label]) -> Score:
    ProjectFactory.create(organization=alice.user.organization)
    score: Score = ScoreFactory.create(source=trace, label=labels["star"], annotator=alice.user)
    alice.patch(f"/model-hub/scores/{score.pk}/", {"value": 2})
    return score


@pytest.mark.parametrize("table", TABLES)
def test_every_list_and_form_opens_and_counts_at_most_10_000_rows(staff: Client, score: Score, table: str) -> None:
    path = f"/admin/modelhub/{table}/"
    with CaptureQueriesContext(connection) as captured:
        listed = staff.get(path)
    assert listed.status_code == 200
    counts = [query["sql"] for query in captured if "COUNT(" in query["sql"]]
    assert len(counts) == 1
    assert "LIMIT 10000" in counts[0]
    forms = set(re.findall(rf'href="({path}[0-9a-f-]{{36}}/change/)', listed.content.decode()))
    assert forms
    for form in forms:
        assert staff.get(form).status_code == 200


def test_a_list_says_how_many_rows_there_are(staff: Client, score: Score) -> None:
    page = staff.get("/admin/modelhub/score/").content.decode()
    assert re.search(r"\b1 score\b", page)
    assert "10000" not in page


@pytest.mark.parametrize(
    ("table", "query", "found"),
    [
        ("score", "alice@example.com", 1),
        ("score", "bob@example.com", 0),
        ("source", "{source}", 1),
        ("user", "ALICE", 1),
        ("label", "Star", 1),
        ("apikey", "alice@", 1),
    ],
)
def test_search(staff: Client, score: Score, table: str, query: str, found: int) -> None:
    path = f"/admin/modelhub/{table}/"
    page = staff.get(path, {"q": query.format(source=score.source.source_id)}).content.decode()
    assert len(set(re.findall(rf'href="{path}([0-9a-f-]{{36}})/change/', page))) == found


@pytest.mark.parametrize("table", ["source", "label", "score"])
def test_rows_with_a_history_cannot_be_edited(staff: Client, score: Score, table: str) -> None:
    row: Any = {"source": score.source, "label": score.label, "score": score}[table]
    path = f"/admin/modelhub/{table}/"
    assert staff.get(path + "add/").status_code == 403
    assert staff.post(f"{path}{row.pk}/change/", {}).status_code == 403
    assert staff.post(f"{path}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_score_shows_its_history(staff: Client, score: Score) -> None:
    page = staff.get(f"/admin/modelhub/score/{score.pk}/change/").content.decode()
    assert "overwritten" in page
    assert "{&quot;rating&quot;:4}" in page


class TestKeys:
    """Keys are created, rotated and revoked; the secret is shown once."""

    PATH = "/admin/modelhub/apikey/"

    def secret_in(self, page: str) -> dict[str, str]:
        found = re.search(r"API key (\S+) with the secret key (\S+) \(not shown again\)", page)
        assert found
        return {"X-Api-Key": found[1], "X-Secret-Key": found[2]}

    def test_creation_shows_the_secret_once(self, staff: Client, alice: Caller) -> None:
        form = {"name": "New", "user": str(alice.user.pk), "scopes": "read,write"}
        page = staff.post(self.PATH + "add/", form, follow=True).content.decode()
        headers = self.secret_in(page)

        assert Client().get("/model-hub/sources/", headers=headers).status_code == 200
        assert ApiKey.objects.get(name="New").organization == alice.user.organization
        for path in (self.PATH, f"{self.PATH}{ApiKey.objects.get(name='New').pk}/change/"):
            assert headers["X-Secret-Key"] not in staff.get(path).content.decode()

    def test_rotation_and_revocation(self, staff: Client, alice: Caller) -> None:
        chosen = {"_selected_action": [str(alice.key.pk)]}
        page = staff.post(self.PATH, {"action": "rotate", **chosen}, follow=True).content.decode()
        assert Client().get("/model-hub/sources/", headers=self.secret_in(page)).status_code == 200
        assert alice.get("/model-hub/sources/").status == 200
        staff.post(self.PATH, {"action": "revoke", **chosen})
        assert alice.get("/model-hub/sources/").status == 401

    def test_a_revoked_key_has_no_successor(self, staff: Client, alice: Caller) -> None:
        chosen = {"_selected_action": [str(alice.key.pk)]}
        staff.post(self.PATH, {"action": "revoke", **chosen})
        page = staff.post(self.PATH, {"action": "rotate", **chosen}, follow=True).content.decode()
        assert f"The API key {alice.key.api_key} is not valid any more" in page
        assert ApiKey.objects.count() == 1

    def test_the_list_sorts_by_last_use(self, staff: Client, alice: Caller) -> None:
        alice.get("/model-hub/sources/")
        unused = ApiKeyFactory.create(user=alice.user)
        with CaptureQueriesContext(connection) as captured:
            page = staff.get(self.PATH, {"o": "5"}).content.decode()
        assert page.index(alice.key.api_key) < page.index(unused.api_key)
        assert len([query for query in captured if "apikeyuse" in query["sql"]]) == 1

    def test_an_unused_key_has_a_dash_for_its_last_use(self, staff: Client, alice: Caller) -> None:
        assert '<td class="field-last_used_at">-</td>' in staff.get(self.PATH).content.decode()
        form = staff.get(f"{self.PATH}{alice.key.pk}/change/").content.decode()
        assert re.search(r'field-last_used_at">.*?<div class="readonly">-</div>', form, re.DOTALL)

    def test_an_unknown_scope_is_rejected(self, staff: Client, alice: Caller) -> None:
        form = {"name": "New", "user": str(alice.user.pk), "scopes": "everything"}
        assert "everything" in staff.post(self.PATH + "add/", form).content.decode()
        assert not ApiKey.objects.filter(name="New").exists()


@pytest.mark.parametrize("table", ["organization", "user", "apikey", "project"])
def test_rows_that_can_be_added_have_a_form(staff: Client, table: str) -> None:
    assert staff.get(f"/admin/modelhub/{table}/add/").status_code == 200


def test_a_user_is_added_in_lower_case_and_changed(staff: Client, alice: Caller) -> None:
    form = {
        "email": "Dora@Example.com",
        "name": "Dora",
        "organization": str(alice.user.organization_id),
        "role": "member",
        "usable_password": "false",
    }
    answer = staff.post("/admin/modelhub/user/add/", form)
    dora = User.objects.get(email="dora@example.com")
    assert answer.status_code == 302
    assert not dora.has_usable_password()
    changes = {"email": "DORA@example.com", "role": "admin", "organization": str(OrganizationFactory.create().pk)}
    answer = staff.post(f"/admin/modelhub/user/{dora.pk}/change/", form | changes)
    assert answer.status_code == 302
    dora.refresh_from_db()
    assert (dora.email, dora.role, dora.is_active) == ("dora@example.com", "admin", False)
    assert dora.organization == alice.user.organization


def test_a_login_exists_once_in_any_case(staff: Client, alice: Caller) -> None:
    form = {
        "email": "ALICE@example.com",
        "organization": str(alice.user.organization_id),
        "role": "member",
        "usable_password": "false",
    }
    assert "already exists" in staff.post("/admin/modelhub/user/add/", form).content.decode()
    assert User.objects.count() == 1


def test_keys_open_no_admin_page_and_sessions_no_api(alice: Caller, staff: Client) -> None:
    assert Client().get("/admin/").status_code == 302
    with_key = alice.client.get("/admin/", headers={"X-Api-Key": alice.key.api_key, "X-Secret-Key": alice.secret})
    assert with_key.status_code == 302
    assert alice.client.get("/model-hub/sources/").status_code == 401
    assert staff.get("/model-hub/sources/").status_code == 401


def test_a_session_costs_the_api_no_statement(staff: Client, alice: Caller) -> None:
    alice.get("/model-hub/sources/")
    headers = {"X-Api-Key": alice.key.api_key, "X-Secret-Key": alice.secret}
    with CaptureQueriesContext(connection) as captured:
        response = staff.get("/model-hub/sources/", headers=headers)
    assert response.status_code == 200
    assert not [query["sql"] for query in captured if "session" in query["sql"]]
    assert "Set-Cookie" not in response.headers


def test_a_login_ignores_case(alice: Caller) -> None:
    user = alice.user
    user.is_staff = True
    user.set_password("a good password")
    user.save()
    client = Client()
    client.post("/admin/login/", {"username": "ALICE@example.com", "password": "a good password"})
    assert client.get("/admin/").status_code == 200
