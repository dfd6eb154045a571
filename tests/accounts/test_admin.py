"""The admin's pages of organizations, users and API keys, and its login."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from modelhub.accounts.admin import ApiKeyForm, PasswordForm
from modelhub.accounts.models import SCOPES, ApiKey, User
from tests.client import Caller, listed_ids
from tests.factories import ApiKeyFactory, OrganizationFactory, UserFactory

pytestmark = pytest.mark.django_db


def readable(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


class TestKeys:
    """Keys are created, rotated and revoked; the secret is shown once."""

    PATH = "/admin/modelhub/apikey/"

    def secret_in(self, page: str) -> dict[str, str]:
        found = [re.search(rf'<code id="{name}">([^<]+)</code>', page) for name in ("new-key", "new-secret")]
        key, secret = (part[1] for part in found if part)
        return {"X-Api-Key": key, "X-Secret-Key": secret}

    def act(self, staff: Client, action: str, *keys: ApiKey, confirmed: bool = True) -> str:
        form = {"action": action, "_selected_action": [str(key.pk) for key in keys]}
        more = {"confirmed": "yes"} if confirmed else {}
        answer = staff.post(self.PATH, form | more, follow=True)
        assert answer.status_code == 200
        return str(answer.content.decode())

    def listed(self, staff: Client, **query: str) -> set[str]:
        return listed_ids(staff, self.PATH, **query)

    def test_creation_shows_the_secret_once(self, staff: Client, alice: Caller) -> None:
        form = {"name": "New", "user": str(alice.user.pk), "scopes": ["read", "write"]}
        page = staff.post(self.PATH + "add/", form, follow=True).content.decode()
        headers = self.secret_in(page)

        assert page.count('<button type="button" data-copy=') == 2
        assert Client().get("/model-hub/sources/", headers=headers).status_code == 200
        assert ApiKey.objects.get(name="New").organization == alice.user.organization
        for path in (self.PATH, f"{self.PATH}{ApiKey.objects.get(name='New').pk}/change/"):
            assert headers["X-Secret-Key"] not in staff.get(path).content.decode()

    def test_scopes_are_explained_checkboxes(self, staff: Client, alice: Caller) -> None:
        page = staff.get(self.PATH + "add/").content.decode()
        for scope, words in SCOPES.items():
            assert re.search(rf'<input type="checkbox" name="scopes" value="{scope}"', page)
            assert escape(words) in page
        assert page.count(" checked") == 3

    @pytest.mark.parametrize("scopes", [["everything"], ["read", "\0"], []])
    def test_an_unknown_scope_is_rejected(self, staff: Client, alice: Caller, scopes: list[str]) -> None:
        form = {"name": "New", "user": str(alice.user.pk), "scopes": scopes}
        assert staff.post(self.PATH + "add/", form).status_code == 200
        assert not ApiKey.objects.filter(name="New").exists()

    def test_a_key_that_is_expired_already_is_rejected(self, staff: Client, alice: Caller) -> None:
        form = {"name": "New", "user": str(alice.user.pk), "scopes": ["read"]}
        times = {"expires_at_0": "2020-01-01", "expires_at_1": "12:00:00"}
        page = staff.post(self.PATH + "add/", form | times).content.decode()
        assert "The key must expire in the future, got 2020-01-01 12:00:00 UTC" in page

    def test_a_rotation_asks_first_and_says_until_when_the_old_pair_is_valid(
        self, staff: Client, alice: Caller
    ) -> None:
        question = readable(self.act(staff, "rotate", alice.key, confirmed=False))
        assert "Rotate this API key?" in question
        assert f"{alice.key}, acts as alice@example.com" in question
        assert ApiKey.objects.count() == 1

        page = self.act(staff, "rotate", alice.key)
        assert Client().get("/model-hub/sources/", headers=self.secret_in(page)).status_code == 200
        assert alice.get("/model-hub/sources/").status == 200
        alice.key.refresh_from_db()
        assert f"The old pair {alice.key.api_key} is valid until {alice.key.expires_at:%Y-%m-%d %H:%M:%S} UTC" in page

    def test_keys_are_rotated_one_by_one(self, staff: Client, alice: Caller, bob: Caller) -> None:
        assert "Rotate one key at a time" in self.act(staff, "rotate", alice.key, bob.key)
        assert ApiKey.objects.count() == 2

    def test_a_revocation_asks_first_and_is_final(self, staff: Client, alice: Caller, bob: Caller) -> None:
        question = readable(self.act(staff, "revoke", alice.key, bob.key, confirmed=False))
        assert "Revoke these 2 API keys?" in question
        assert "This cannot be undone." in question
        assert alice.get("/model-hub/sources/").status == 200

        page = self.act(staff, "revoke", alice.key, bob.key)
        assert "Revoked 2 API keys: " in page
        assert alice.get("/model-hub/sources/").status == bob.get("/model-hub/sources/").status == 401
        form = {"name": "Again", "scopes": ["read"]}
        assert staff.post(f"{self.PATH}{alice.key.pk}/change/", form).status_code == 403
        assert "revoked already" in self.act(staff, "revoke", alice.key)

    def test_a_change_takes_no_revocation_of_the_same_moment_back(
        self, staff: Client, alice: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def revoke_meanwhile(form: ApiKeyForm) -> None:
            ApiKey.objects.update(revoked_at=timezone.now())

        monkeypatch.setattr(ApiKeyForm, "clean_expires_at", revoke_meanwhile)
        form = {"name": "Renamed", "scopes": ["read"]}
        assert staff.post(f"{self.PATH}{alice.key.pk}/change/", form).status_code == 302
        alice.key.refresh_from_db()
        assert (alice.key.name, alice.key.scopes, alice.key.revoked_at is None) == ("Renamed", ["read"], False)

    def test_a_page_from_before_a_rotation_changes_only_what_was_edited(self, staff: Client, alice: Caller) -> None:
        path = f"{self.PATH}{alice.key.pk}/change/"
        form: dict[str, list[str]] = {"name": ["Renamed"], "scopes": alice.key.scopes}
        hidden = re.findall(
            r'<input [^>]*name="(initial-[^"]+)"(?: value="([^"]*)")?', staff.get(path).content.decode()
        )
        for name, value in hidden:
            form.setdefault(name, []).append(value)
        self.act(staff, "rotate", alice.key)

        assert staff.post(path, form).status_code == 302
        alice.key.refresh_from_db()
        assert alice.key.name == "Renamed"
        assert alice.key.expires_at is not None

    def test_too_many_keys_are_not_revoked(
        self, staff: Client, alice: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("modelhub.accounts.admin.MOST_REVOKED", 1)
        assert "Revoke at most 1 API keys at a time." in self.act(staff, "revoke", alice.key, bob.key)
        assert alice.get("/model-hub/sources/").status == 200

    def test_actions_are_in_the_history_of_the_key(self, staff: Client, alice: Caller) -> None:
        self.act(staff, "rotate", alice.key)
        self.act(staff, "revoke", alice.key)
        page = staff.get(f"{self.PATH}{alice.key.pk}/history/").content.decode()
        assert "Rotated: replaced by" in page
        assert "Revoked." in page
        assert LogEntry.objects.count() == 3

    def test_a_key_has_buttons_on_its_page_until_it_is_revoked(self, staff: Client, alice: Caller) -> None:
        path = f"{self.PATH}{alice.key.pk}/change/"
        buttons = {"rotate", "revoke"}
        assert set(re.findall(r'name="action" value="(\w+)"', staff.get(path).content.decode())) == buttons
        self.act(staff, "revoke", alice.key)
        assert not re.findall(r'name="action" value="(\w+)"', staff.get(path).content.decode())

    def test_a_key_of_no_more_use_looks_so(self, staff: Client, alice: Caller) -> None:
        past = timezone.now() - timedelta(days=1)
        ends = {
            "revoked": ApiKeyFactory.create(user=alice.user, name="Old", revoked_at=past),
            "expired": ApiKeyFactory.create(user=alice.user, name="Late", expires_at=past),
            "user inactive": ApiKeyFactory.create(user=UserFactory.create(is_active=False), name="Left"),
        }
        page = staff.get(self.PATH).content.decode()
        for state, key in ends.items():
            assert f"<s>{key.name}</s>" in page
            assert f'<span class="state-ended">{state}</span>' in page
            assert self.listed(staff, state=state.replace(" ", "_")) == {str(key.pk)}
        assert self.listed(staff, state="valid") == {str(alice.key.pk)}

    def test_a_revoked_key_has_no_successor(self, staff: Client, alice: Caller) -> None:
        self.act(staff, "revoke", alice.key)
        page = self.act(staff, "rotate", alice.key)
        assert f"The API key {alice.key.api_key} is not valid any more" in page
        assert ApiKey.objects.count() == 1

    def test_a_key_whose_successor_was_revoked_gets_another(self, staff: Client, alice: Caller) -> None:
        self.act(staff, "rotate", alice.key)
        first = ApiKey.objects.exclude(pk=alice.key.pk).get()
        assert f"has the successor {first.api_key} already" in self.act(staff, "rotate", alice.key)
        self.act(staff, "revoke", first)
        assert "Copy the new pair now" in self.act(staff, "rotate", alice.key)
        states = re.findall(r"field-state[^>]*>(?:<[^>]*>)?([^<]+)", staff.get(self.PATH).content.decode())
        assert sorted(states) == ["revoked", "valid", "valid, replaced"]
        assert ApiKey.objects.filter(revoked_at=None, expires_at=None).count() == 1

    def test_the_list_sorts_by_last_use(self, staff: Client, alice: Caller) -> None:
        alice.get("/model-hub/sources/")
        unused = ApiKeyFactory.create(user=alice.user)
        with CaptureQueriesContext(connection) as captured:
            page = staff.get(self.PATH, {"o": "6"}).content.decode()
        assert page.index(alice.key.api_key) < page.index(unused.api_key)
        assert len([query for query in captured if "apikeyuse" in query["sql"]]) == 1

    def test_an_unused_key_has_a_dash_for_its_last_use(self, staff: Client, alice: Caller) -> None:
        assert re.search(r'<td class="field-last_used_at[^"]*">-</td>', staff.get(self.PATH).content.decode())
        form = staff.get(f"{self.PATH}{alice.key.pk}/change/").content.decode()
        assert re.search(r'field-last_used_at">.*?<div class="readonly">-</div>', form, re.DOTALL)

    @pytest.mark.parametrize(
        ("path", "cell"),
        [("", r'"field-last_used_at[^"]*">'), ("{}/change/", r'field-last_used_at">.*?<div class="readonly">')],
    )
    def test_the_last_use_has_seconds_and_zone(self, staff: Client, alice: Caller, path: str, cell: str) -> None:
        alice.get("/model-hub/sources/")
        page = staff.get(f"{self.PATH}{path.format(alice.key.pk)}").content.decode()
        found = re.search(f"{cell}([^<]*)<", page, re.DOTALL)
        assert found
        assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", found[1])

    @pytest.mark.parametrize("query", ["alice@", "Test", "{key.pk}", "{key.api_key}"])
    def test_search(self, staff: Client, alice: Caller, charlie: Caller, query: str) -> None:
        assert str(alice.key.pk) in self.listed(staff, q=query.format(key=alice.key))

    def test_users_are_found_by_typing(self, staff: Client, alice: Caller) -> None:
        UserFactory.create_batch(50)
        path = "/admin/autocomplete/?app_label=modelhub&model_name=apikey&field_name=user&term="
        answer = staff.get(path + "alice").json()
        assert [row["text"] for row in answer["results"]] == ["alice@example.com"]
        assert answer["pagination"] == {"more": False}
        first, last = staff.get(path).json(), staff.get(path + "&page=3").json()
        assert (len(first["results"]), first["pagination"]) == (20, {"more": True})
        assert (len(last["results"]), last["pagination"]) == (11, {"more": False})


def test_an_organization_and_a_user_link_to_their_rows(staff: Client, alice: Caller) -> None:
    organization = f"/admin/modelhub/organization/{alice.user.organization_id}/change/"
    text = staff.get(organization).content.decode()
    for table in ("user", "apikey", "project", "label", "source", "score"):
        path = f"/admin/modelhub/{table}/?organization={alice.user.organization_id}"
        assert path in text
        assert staff.get(path).status_code == 200
    text = staff.get(f"/admin/modelhub/user/{alice.user.pk}/change/").content.decode()
    for path in (f"/admin/modelhub/score/?annotator={alice.user.pk}", f"/admin/modelhub/apikey/?user={alice.user.pk}"):
        assert path in text
        assert staff.get(path).status_code == 200


@pytest.mark.parametrize(
    ("query", "emails"),
    [
        ("q=ALICE", {"alice"}),
        ("role=admin", {"alice"}),
        ("role=member", {"bob"}),
        ("is_active=inactive", {"bob"}),
        ("is_staff=yes", {"alice"}),
    ],
)
def test_users_are_searched_and_filtered(
    staff: Client, alice: Caller, bob: Caller, query: str, emails: set[str]
) -> None:
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    page = staff.get(f"/admin/modelhub/user/?{query}").content.decode()
    assert set(re.findall(r"change/[^>]*>(\w+)@example.com", page)) == emails


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
    changes = {
        "email": "DORA@example.com",
        "role": "admin",
        "initial-is_active": "True",
        "organization": str(OrganizationFactory.create().pk),
    }
    answer = staff.post(f"/admin/modelhub/user/{dora.pk}/change/", form | changes)
    assert answer.status_code == 302
    dora.refresh_from_db()
    assert (dora.email, dora.role, dora.is_active) == ("dora@example.com", "admin", False)
    assert dora.organization == alice.user.organization


def test_an_old_page_of_a_user_changes_only_what_was_edited(staff: Client, alice: Caller) -> None:
    bob = UserFactory.create(organization=alice.user.organization, name="Bob", role="admin")
    path = f"/admin/modelhub/user/{bob.pk}/change/"
    page = staff.get(path).content.decode()
    form = dict(re.findall(r'<input type="hidden" name="(initial-[^"]+)" value="([^"]*)"', page))
    assert {"initial-name", "initial-role", "initial-is_active"} <= form.keys()
    User.objects.filter(pk=bob.pk).update(is_active=False, role="member", password="new")
    sent = {"email": bob.email, "name": "Robert", "role": "admin", "is_active": "on"}
    assert staff.post(path, form | sent).status_code == 302
    bob.refresh_from_db()
    assert (bob.name, bob.is_active, bob.role, bob.password) == ("Robert", False, "member", "new")


def test_a_password_in_the_admin_takes_no_deactivation_of_the_same_moment_back(
    staff: Client, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = UserFactory.create(organization=alice.user.organization)

    def deactivate_meanwhile(form: PasswordForm) -> None:
        AdminPasswordChangeForm.clean(form)
        User.objects.filter(pk=bob.pk).update(is_active=False)

    monkeypatch.setattr(PasswordForm, "clean", deactivate_meanwhile)
    fields = {"password1": "correct horse battery", "password2": "correct horse battery", "set-password": "Set"}
    assert staff.post(f"/admin/modelhub/user/{bob.pk}/password/", fields).status_code == 302
    bob.refresh_from_db()
    assert (bob.is_active, bob.check_password("correct horse battery")) == (False, True)


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


def test_staff_without_the_rights_of_a_superuser_see_nothing(staff: Client, alice: Caller) -> None:
    assert "Superusers among them see all organizations, others nothing." in readable(
        staff.get(f"/admin/modelhub/user/{alice.user.pk}/change/").content.decode()
    )
    User.objects.filter(pk=alice.user.pk).update(is_superuser=False)
    for table in ("organization", "user", "apikey", "project", "label", "source", "score"):
        assert staff.get(f"/admin/modelhub/{table}/").status_code == 403


@pytest.mark.parametrize("place", ["", "//evil.example", "https://evil.example/", "javascript:x"])
def test_a_login_with_an_unusable_place_to_go_leads_to_the_admin(alice: Caller, place: str) -> None:
    user = alice.user
    user.is_staff = True
    user.set_password("a good password")
    user.save()
    fields = {"username": user.email, "password": "a good password", "next": place}
    assert Client().post(f"/admin/login/?next={place}", fields).headers["Location"] == "/admin/"


def test_the_forms_of_passwords_speak_of_this_server(staff: Client, alice: Caller) -> None:
    other = UserFactory.create(organization=alice.user.organization, password=make_password("a good password"))
    for path in ("add/", f"{other.pk}/password/"):
        page = readable(staff.get(f"/admin/modelhub/user/{path}").content.decode())
        assert "Without a password the user cannot log in here." in page
        assert "LDAP" not in page
