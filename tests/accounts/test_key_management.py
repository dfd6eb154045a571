"""Keys on pages: admins manage those of the organization, members their own."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from modelhub.accounts.key_management import create_key, get_key, keys_of, revoke_key, rotate_key
from modelhub.accounts.keys import rotate_api_key
from modelhub.accounts.models import SCOPES, ApiKey, User
from modelhub.accounts.people import key_actor, session_actor
from modelhub.core import clock
from modelhub.core.errors import Conflict, Forbidden, Invalid, NotFound
from tests.client import Caller
from tests.factories import ApiKeyFactory, UserFactory

pytestmark = pytest.mark.django_db

LABELS = "/model-hub/annotations-labels/"


def annotating(caller: Caller) -> Caller:
    return Caller(ApiKeyFactory.create(user=caller.user, scopes=["annotate"]))


class TestListing:
    def test_an_admin_sees_all_keys_of_the_organization_newest_first(
        self, alice: Caller, bob: Caller, charlie: Caller
    ) -> None:
        assert list(keys_of(session_actor(alice.user))) == [bob.key, alice.key]

    def test_a_member_sees_its_own(self, alice: Caller, bob: Caller) -> None:
        assert list(keys_of(session_actor(bob.user))) == [bob.key]

    def test_with_last_use_user_and_successor_by_one_statement(
        self, alice: Caller, bob: Caller, django_assert_num_queries: Any
    ) -> None:
        alice.get(LABELS)
        rotate_api_key(alice.key, grace=timedelta(days=1))
        with django_assert_num_queries(1):
            keys: Any = keys_of(session_actor(alice.user))
            new, other, old = keys
            assert [key.user.email for key in (other, old)] == ["bob@example.com", "alice@example.com"]
            assert old.successor == new
        assert (new.last_used_at, other.last_used_at) == (None, None)
        assert clock.now() - old.last_used_at < timedelta(minutes=1)


class TestCreating:
    def test_an_admin_creates_keys_of_any_scopes_for_any_user(self, alice: Caller, bob: Caller) -> None:
        key, secret = create_key(
            session_actor(alice.user), name=" Backend ", scopes=["read", "act-as"], user_id=bob.user.pk
        )
        assert (key.user, key.name, key.scopes) == (bob.user, "Backend", ["read", "act-as"])
        assert Caller(key, secret=secret).get(LABELS).status == 200
        every, _ = create_key(session_actor(alice.user), name="All", scopes=list(SCOPES))
        assert (every.user, every.scopes) == (alice.user, list(SCOPES))

    def test_a_member_creates_its_own_with_the_scope_annotate(self, bob: Caller) -> None:
        actor = session_actor(bob.user)
        for user_id in (None, bob.user.pk):
            key, secret = create_key(actor, name="Mine", scopes=["annotate"], user_id=user_id)
            assert (key.user, key.scopes) == (bob.user, ["annotate"])
            assert Caller(key, secret=secret).get(LABELS).status == 200

    def test_wrong_scopes_are_named(self, alice: Caller, bob: Caller) -> None:
        for caller, scopes, sentence in (
            (bob, ["read"], 'scopes must be a list of at least one of annotate, each once, got ["read"]'),
            (bob, ["annotate", "read"], "at least one of annotate, each once"),
            (bob, [], "scopes must be a list of at least one of annotate, each once, got []"),
            (alice, ["all"], "at least one of read, write, annotate, admin, act-as, each once, got"),
            (alice, ["read", "read"], 'each once, got ["read","read"]'),
            (alice, [], "each once, got []"),
        ):
            with pytest.raises(Invalid) as refused:
                create_key(session_actor(caller.user), name="x", scopes=scopes)
            assert sentence in str(refused.value)
            assert refused.value.field == "scopes"
        assert ApiKey.objects.count() == 2

    def test_a_key_gives_no_scope_that_it_lacks(self, alice: Caller) -> None:
        with pytest.raises(Forbidden, match="This API key lacks the scope act-as"):
            create_key(key_actor(alice.key), name="x", scopes=["act-as"])

    def test_not_for_users_of_others_nor_by_members_for_others(
        self, alice: Caller, bob: Caller, charlie: Caller
    ) -> None:
        for caller, user_id in ((alice, charlie.user.pk), (alice, uuid.uuid4()), (bob, alice.user.pk)):
            with pytest.raises(NotFound, match=f"^User not found: {user_id}$"):
                create_key(session_actor(caller.user), name="x", scopes=["annotate"], user_id=user_id)

    def test_not_for_an_inactive_user(self, alice: Caller) -> None:
        gone = UserFactory.create(organization=alice.user.organization, email="gone@example.com", is_active=False)
        with pytest.raises(Conflict, match=r"^gone@example\.com is inactive; activate it first$"):
            create_key(session_actor(alice.user), name="x", scopes=["read"], user_id=gone.pk)

    @pytest.mark.parametrize("name", ["", "  ", "\u202e", "a\x00", "x" * 256])
    def test_the_name_must_be_visible(self, alice: Caller, name: str) -> None:
        with pytest.raises(Invalid) as refused:
            create_key(session_actor(alice.user), name=name, scopes=["read"])
        assert refused.value.fields.keys() == {"name"}


class TestRotating:
    def test_the_old_pair_is_valid_for_another_day(self, alice: Caller, bob: Caller) -> None:
        new, secret = rotate_key(session_actor(alice.user), bob.key.pk)
        assert Caller(new, secret=secret).get(LABELS).status == 200
        assert bob.get(LABELS).status == 200
        old = get_key(session_actor(alice.user), bob.key.pk)
        assert old.expires_at is not None
        assert timedelta(hours=23) < old.expires_at - clock.now() < timedelta(hours=25)
        with pytest.raises(Conflict, match="has the successor"):
            rotate_key(session_actor(alice.user), bob.key.pk)

    def test_a_member_rotates_its_own_key_to_annotate(self, bob: Caller) -> None:
        key = annotating(bob).key
        assert rotate_key(session_actor(bob.user), key.pk)[0].scopes == ["annotate"]

    def test_a_member_gets_no_scopes_by_rotation(self, bob: Caller) -> None:
        """An admin gave the key to a server, perhaps."""
        with pytest.raises(Forbidden, match="has scopes that admins give; ask an admin to rotate it"):
            rotate_key(session_actor(bob.user), bob.key.pk)
        assert ApiKey.objects.count() == 1


def test_only_a_superuser_gets_the_secret_of_a_superusers_key(alice: Caller, bob: Caller) -> None:
    """The key may change users that the admin may not."""
    User.objects.filter(pk=bob.user.pk).update(is_superuser=True, role="admin")
    actor = session_actor(alice.user)
    with pytest.raises(Forbidden, match=r"^bob@example\.com is a superuser; only superusers create keys for it$"):
        create_key(actor, name="x", scopes=["read"], user_id=bob.user.pk)
    with pytest.raises(Forbidden, match="only superusers rotate its keys"):
        rotate_key(actor, bob.key.pk)
    assert ApiKey.objects.count() == 2
    bob.user.refresh_from_db()
    assert rotate_key(session_actor(bob.user), bob.key.pk)
    # A leaked key is revoked by any admin.
    assert revoke_key(actor, bob.key.pk).revoked_at is not None


def test_revocation(alice: Caller, bob: Caller) -> None:
    own = annotating(bob)
    assert revoke_key(session_actor(alice.user), bob.key.pk).revoked_at is not None
    assert bob.get(LABELS).status == 401
    revoke_key(session_actor(bob.user), own.key.pk)
    assert own.get(LABELS).status == 401
    assert alice.get(LABELS).status == 200


@pytest.mark.parametrize("act", [get_key, rotate_key, revoke_key])
def test_keys_of_others_do_not_exist(act: Callable[..., Any], alice: Caller, bob: Caller, charlie: Caller) -> None:
    for caller, key_id in ((alice, charlie.key.pk), (bob, alice.key.pk), (alice, uuid.uuid4())):
        with pytest.raises(NotFound, match=f"^API key not found: {key_id}$"):
            act(session_actor(caller.user), key_id)
    assert not ApiKey.objects.exclude(revoked_at=None, successor=None).exists()
    assert not User.objects.filter(is_active=False).exists()
