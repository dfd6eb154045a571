"""`/model-hub/users/`: the people of an organization."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from modelhub.accounts.keys import create_api_key
from modelhub.accounts.models import ApiKey, User
from modelhub.accounts.people import Actor
from modelhub.accounts.users import update_person
from modelhub.core.errors import Conflict, Forbidden
from modelhub.labels.models import Label
from modelhub.sources.models import Source
from tests.client import Answer, Caller, entry
from tests.factories import ApiKeyFactory, UserFactory

pytestmark = pytest.mark.django_db

USERS = "/model-hub/users/"
FIELDS = {"id", "name", "email", "role", "active", "created_at"}


def path(user: User, *action: str) -> str:
    return "/".join([f"{USERS}{user.pk}", *action, ""])


def scoped(caller: Caller, *scopes: str) -> Caller:
    return Caller(ApiKeyFactory.create(user=caller.user, scopes=list(scopes)))


def invite(caller: Caller, email: str = "new@example.com", **fields: Any) -> Answer:
    return caller.post(USERS, {"email": email, **fields})


class TestReading:
    def test_members_see_everyone_of_their_organization(self, alice: Caller, bob: Caller, charlie: Caller) -> None:
        gone = UserFactory.create(organization=alice.user.organization, is_active=False)
        page = bob.get(USERS).body
        assert [user["id"] for user in page["results"]] == [str(gone.pk), str(bob.user.pk), str(alice.user.pk)]
        assert page["count"] == 3
        assert page["results"][2].keys() == FIELDS
        assert page["results"][2] == bob.get(path(alice.user)).body
        assert {name: page["results"][2][name] for name in ("name", "email", "role", "active")} == {
            "name": "Alice",
            "email": "alice@example.com",
            "role": "admin",
            "active": True,
        }

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("search=ALI", ["alice"]),
            ("search=B@EXAMPLE", ["bob"]),
            ("search=", ["bob", "alice"]),
            ("search=example.org", []),
            ("role=admin", ["alice"]),
            ("role=member", ["bob"]),
            ("active=true", ["bob", "alice"]),
            ("active=0", []),
            ("search=o&role=member", ["bob"]),
            ("page_size=1&page=2", ["alice"]),
        ],
    )
    def test_filters(self, alice: Caller, bob: Caller, charlie: Caller, query: str, found: list[str]) -> None:
        page = alice.get(f"{USERS}?{query}").body
        assert [user["email"].partition("@")[0] for user in page["results"]] == found

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("role=robot", 'role must be one of admin, member, got "robot"'),
            ("active=yes", "active must be one of true, 1, false, 0"),
            ("name=x", 'Unknown query parameter "name"'),
        ],
    )
    def test_an_unusable_filter_is_a_400(self, alice: Caller, query: str, sentence: str) -> None:
        answer = alice.get(f"{USERS}?{query}")
        assert answer.status == 400
        assert sentence in answer.body["detail"]

    def test_me_is_the_user_of_the_key_with_its_scopes(self, bob: Caller) -> None:
        annotator = scoped(bob, "annotate")
        me = annotator.get(USERS + "me/").body
        assert me.keys() == FIELDS | {"organization", "organization_name", "scopes"}
        assert (me["id"], me["email"], me["role"], me["active"]) == (
            str(bob.user.pk),
            "bob@example.com",
            "member",
            True,
        )
        organization = bob.user.organization
        assert (me["organization"], me["organization_name"]) == (str(organization.pk), "Acme")
        assert me["scopes"] == ["annotate"]

    def test_a_key_that_only_annotates_sees_nobody_else(self, alice: Caller, bob: Caller) -> None:
        annotator = scoped(bob, "annotate")
        for place in (USERS, path(alice.user), path(bob.user)):
            assert (annotator.get(place).status, annotator.get(place).body["code"]) == (403, "scope")

    def test_users_of_others_do_not_exist(self, alice: Caller, charlie: Caller) -> None:
        for answer in (
            alice.get(path(charlie.user)),
            alice.patch(path(charlie.user), {"name": "x"}),
            alice.post(path(charlie.user, "deactivate")),
            alice.post(path(charlie.user, "activate")),
        ):
            assert (answer.status, answer.body["code"]) == (404, "user_not_found")
        assert alice.get(USERS + "x/").status == 404


class TestInviting:
    def test_an_invited_user_has_no_password_and_no_access_to_the_admin(self, alice: Caller) -> None:
        answer = invite(alice, " New@Example.COM ", name="New", role="admin")
        assert (answer.status, answer.body.keys()) == (201, FIELDS)
        assert (answer.body["email"], answer.body["name"], answer.body["role"]) == ("new@example.com", "New", "admin")
        user = User.objects.get(pk=answer.body["id"])
        assert user.organization == alice.user.organization
        assert not user.has_usable_password()
        assert (user.is_staff, user.is_superuser, user.is_active) == (False, False, True)
        assert not user.api_keys.exists()

    def test_a_member_by_default_who_may_annotate(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        answer = invite(alice, createKey=True)
        assert answer.body.keys() == FIELDS | {"api_key", "secret_key", "scopes"}
        assert (answer.body["role"], answer.body["scopes"]) == ("member", ["annotate"])
        key = ApiKey.objects.get(api_key=answer.body["api_key"])
        annotator = Caller(key, secret=answer.body["secret_key"])
        score = annotator.bulk(trace, [entry(labels["star"], 4)]).body["scores"][0]
        assert score["annotator_email"] == "new@example.com"
        assert answer.body["secret_key"] not in str(ApiKey.objects.filter(pk=key.pk).values())
        assert answer.headers["Cache-Control"] == "no-store"

    def test_the_scopes_of_the_key(self, alice: Caller) -> None:
        assert invite(alice, create_key=True, scopes=["read", "annotate"]).body["scopes"] == ["read", "annotate"]
        admin = invite(alice, "a@example.com", role="admin", create_key=True)
        assert admin.body["scopes"] == ["read", "write", "admin"]

    def test_a_key_gives_no_scope_that_it_lacks(self, alice: Caller) -> None:
        manager = scoped(alice, "write", "admin")
        for fields in ({"scopes": ["act-as"]}, {"scopes": ["annotate", "read"]}, {"role": "admin"}):
            answer = invite(manager, create_key=True, **fields)
            assert (answer.status, answer.body["code"]) == (403, "scope")
        assert not User.objects.filter(email="new@example.com").exists()
        assert invite(manager, create_key=True).status == 201
        assert invite(manager, "b@example.com", create_key=True, scopes=["write"]).status == 201

    def test_an_email_of_the_organization_is_a_conflict_with_the_id(self, alice: Caller, bob: Caller) -> None:
        answer = invite(alice, "BOB@example.com")
        assert (answer.status, answer.body["code"]) == (409, "duplicate")
        assert answer.body["detail"] == f"A user with the email bob@example.com exists already: {bob.user.pk}"
        assert answer.body["errors"].keys() == {"email"}

    def test_an_email_of_another_organization_is_the_same_without_an_id(self, alice: Caller, charlie: Caller) -> None:
        answer = invite(alice, "charlie@example.org")
        assert (answer.status, answer.body["code"]) == (409, "duplicate")
        assert answer.body["detail"] == "A user with the email charlie@example.org exists already"

    @pytest.mark.parametrize(
        ("fields", "field", "sentence"),
        [
            ({"email": None}, "email", "email must be a string of 1 to 254 characters, got null"),
            ({"email": "x"}, "email", 'must be an email address, got "x"'),
            ({"email": "a\x00@example.com"}, "email", ""),
            ({"email": '"a\u202e"@example.com'}, "email", "must be an email address"),
            ({"email": "a" * 250 + "@example.com"}, "email", "email must be a string of 1 to 254 characters"),
            ({"name": "\u202e"}, "name", "name must be a string of at most 255 visible characters"),
            ({"name": "x" * 256}, "name", "name must be a string of at most 255 visible characters"),
            ({"role": "owner"}, "role", 'role must be one of admin, member, got "owner"'),
            ({"create_key": "yes"}, "create_key", 'create_key must be true or false, got "yes"'),
            ({"create_key": True, "scopes": []}, "scopes", "scopes must be a list of at least one of read, write"),
            ({"create_key": True, "scopes": ["all"]}, "scopes", 'each once, got ["all"]'),
            ({"create_key": True, "scopes": ["read", "read"]}, "scopes", "each once"),
            ({"scopes": ["read"]}, "scopes", "scopes must not be given without create_key"),
            ({"creat_key": True}, "creat_key", 'Did you mean "create_key"?'),
            ({"password": "x"}, "password", 'Unknown field "password"'),
        ],
    )
    def test_wrong_fields(self, alice: Caller, fields: dict[str, Any], field: str, sentence: str) -> None:
        answer = alice.post(USERS, {"email": "new@example.com"} | fields)
        assert answer.status == 400, answer.body
        assert sentence in answer.body["errors"][field][0]
        assert User.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_the_same_email_twice_at_once(self, alice: Caller) -> None:
        def act(number: int) -> int:
            try:
                return Caller(alice.key).post(USERS, {"email": "new@example.com", "create_key": True}).status
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(act, range(4))) == [201, 409, 409, 409]
        assert ApiKey.objects.filter(user__email="new@example.com").count() == 1


class TestChanging:
    def test_name_role_and_state(self, alice: Caller, bob: Caller) -> None:
        answer = alice.patch(path(bob.user), {"name": " Robert ", "role": "admin", "active": False})
        assert (answer.status, answer.body) == (200, alice.get(path(bob.user)).body)
        assert (answer.body["name"], answer.body["role"], answer.body["active"]) == ("Robert", "admin", False)
        assert alice.patch(path(bob.user), {"name": None}).body["name"] == ""
        assert alice.patch(path(bob.user), {}).status == 200

    def test_what_is_left_out_stays(self, alice: Caller, bob: Caller) -> None:
        before = alice.get(path(bob.user)).body
        assert alice.patch(path(bob.user), {"active": True}).body == before
        assert alice.patch(path(bob.user), before | {"email": "BOB@example.com"}).body == before

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"role": None}, "role must be one of admin, member, got null"),
            ({"active": "no"}, 'active must be true or false, got "no"'),
            ({"name": 7}, "name must be a string of at most 255 visible characters, got 7"),
            ({"email": "b@example.com"}, 'email cannot be changed: it is bob@example.com, got "b@example.com"'),
            ({"isActive": False}, 'Unknown field "isActive"'),
            ({"password": "x"}, 'Unknown field "password"'),
        ],
    )
    def test_wrong_fields(self, alice: Caller, bob: Caller, fields: dict[str, Any], sentence: str) -> None:
        answer = alice.patch(path(bob.user), {"name": "Robert"} | fields)
        assert answer.status == 400
        assert sentence in answer.body["detail"]
        assert User.objects.get(pk=bob.user.pk).name == "Bob"

    def test_the_keys_of_a_deactivated_user_stop_at_once_and_work_again(
        self, alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        assert bob.bulk(trace, [entry(labels["star"], 4)]).status == 201
        for _ in range(2):
            assert alice.post(path(bob.user, "deactivate")).body["active"] is False
            answer = bob.get(USERS)
            assert (answer.status, answer.body["code"]) == (401, "not_authenticated")
        [score] = alice.get("/model-hub/scores/").body["results"]
        assert score["annotator_email"] == "bob@example.com"
        for _ in range(2):
            assert alice.post(path(bob.user, "activate")).body["active"] is True
            assert bob.get(USERS).status == 200

    def test_nobody_acts_as_a_deactivated_user(
        self, alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        alice.post(path(bob.user, "deactivate"))
        backend = scoped(alice, "write", "act-as")
        answer = backend.bulk(trace, [entry(labels["star"], 4)], annotator_email="bob@example.com")
        assert (answer.status, answer.body["code"]) == (400, "annotator_not_found")

    def test_not_ones_own_role_and_state(self, alice: Caller) -> None:
        UserFactory.create(organization=alice.user.organization, role="admin")
        for answer in (
            alice.patch(path(alice.user), {"role": "member"}),
            alice.patch(path(alice.user), {"active": False}),
            alice.post(path(alice.user, "deactivate")),
        ):
            assert (answer.status, answer.body["code"]) == (409, "own_user")
        same = {"name": "Alicia", "role": "admin", "active": True}
        assert alice.patch(path(alice.user), same).body["name"] == "Alicia"
        assert alice.post(path(alice.user, "activate")).status == 200

    def test_a_demoted_admin_loses_the_admin_site(self, alice: Caller) -> None:
        User.objects.filter(pk=alice.user.pk).update(is_superuser=True)
        staff = UserFactory.create(organization=alice.user.organization, role="admin", is_staff=True, is_superuser=True)
        alice.patch(path(staff), {"role": "member"})
        staff.refresh_from_db()
        assert (staff.is_staff, staff.is_superuser) == (False, False)
        alice.patch(path(staff), {"role": "admin"})
        staff.refresh_from_db()
        assert (staff.is_staff, staff.is_superuser) == (False, False)

    @pytest.mark.parametrize("changes", [{"role": "member"}, {"active": False}, {"name": "Other"}])
    def test_only_a_superuser_changes_a_superuser(self, alice: Caller, changes: dict[str, Any]) -> None:
        """A superuser sees all organizations, an admin its own."""
        fields: dict[str, Any] = {"organization": alice.user.organization, "role": "admin", "is_superuser": True}
        root, other = (UserFactory.create(email=f"{name}@example.com", **fields) for name in ("root", "other"))
        answer = alice.patch(path(root), changes)
        assert (answer.status, answer.body["code"]) == (403, "permission_denied")
        assert answer.body["detail"] == "root@example.com is a superuser; only superusers change it"
        assert alice.post(path(root, "deactivate")).status == 403
        with pytest.raises(Forbidden):
            update_person(Actor(other, ["write", "admin"], alice.user), user_id=root.pk, changes=changes)
        assert User.objects.filter(pk=root.pk, is_active=True, name=root.name, **fields).exists()
        assert Caller(ApiKeyFactory.create(user=other)).patch(path(root), changes).status == 200

    def test_the_last_active_admin_stays(self, alice: Caller, bob: Caller) -> None:
        UserFactory.create(organization=alice.user.organization, role="admin", is_active=False)
        for changes in ({"role": "member"}, {"active": False}):
            # Bob was an admin when his request began.
            bob.user.role = "admin"
            with pytest.raises(Conflict) as refused:
                update_person(Actor(bob.user), user_id=alice.user.pk, changes=changes)
            assert refused.value.code == "last_admin"
            assert str(refused.value) == "alice@example.com is the last active admin of the organization"

    @pytest.mark.django_db(transaction=True)
    def test_two_admins_who_deactivate_each_other_at_once(self, alice: Caller) -> None:
        for number in range(5):
            user = UserFactory.create(organization=alice.user.organization, role="admin", email=f"{number}@example.com")
            other = Caller(ApiKeyFactory.create(user=user))

            def act(pair: tuple[Caller, User]) -> int:
                try:
                    return Caller(pair[0].key).post(path(pair[1], "deactivate")).status
                finally:
                    connection.close()

            with ThreadPoolExecutor(2) as pool:
                statuses = sorted(pool.map(act, [(alice, user), (other, alice.user)]))
            assert statuses in ([200, 401], [200, 409])
            assert User.objects.filter(role="admin", is_active=True).count() == 1
            User.objects.filter(pk=alice.user.pk).update(is_active=True)
            User.objects.filter(pk=user.pk).update(is_active=False)

    def test_a_new_key_of_an_inactive_user_is_not_valid(self, alice: Caller, bob: Caller) -> None:
        alice.post(path(bob.user, "deactivate"))
        key, secret = create_api_key(user=User.objects.get(pk=bob.user.pk), name="late")
        assert Caller(key, secret=secret).get(USERS).status == 401
