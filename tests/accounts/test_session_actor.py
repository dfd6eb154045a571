"""The rights of a session at a page: those of the user's role, without a key."""

import pytest

from modelhub.accounts.models import ROLES
from modelhub.accounts.people import SESSION_SCOPES, session_actor
from modelhub.accounts.users import invite_person, update_person
from modelhub.core.errors import Conflict, Forbidden
from tests.client import Caller

pytestmark = pytest.mark.django_db


def test_each_role_has_scopes() -> None:
    assert tuple(SESSION_SCOPES) == ROLES


def test_an_admin_sees_and_changes_everything(alice: Caller, bob: Caller) -> None:
    actor = session_actor(alice.user)
    assert (actor.missing_right, actor.sees_all, actor.may_change(bob.user.pk)) == ("", True, True)
    user, pair = invite_person(actor, email="new@example.com")
    assert (user.organization_id, pair) == (alice.user.organization_id, None)
    assert update_person(actor, user_id=bob.user.pk, changes={"role": "admin"}).role == "admin"


def test_a_member_sees_its_own_scores_only(alice: Caller, bob: Caller) -> None:
    actor = session_actor(bob.user)
    assert actor.missing_right == "bob@example.com has the role member"
    assert (actor.sees_all, actor.may_change(alice.user.pk), actor.may_change(bob.user.pk)) == (False, False, True)


def test_a_member_invites_and_changes_no_user(alice: Caller, bob: Caller) -> None:
    actor = session_actor(bob.user)
    sentence = r"^Users are invited and changed by admins of the organization only; you have the role member\.$"
    with pytest.raises(Forbidden, match=sentence):
        invite_person(actor, email="new@example.com")
    with pytest.raises(Forbidden, match=sentence):
        update_person(actor, user_id=bob.user.pk, changes={"role": "admin"})
    bob.user.refresh_from_db()
    assert bob.user.role == "member"


def test_not_ones_own_role_and_state(alice: Caller) -> None:
    with pytest.raises(Conflict, match=r"^Users cannot change their own role or state$"):
        update_person(session_actor(alice.user), user_id=alice.user.pk, changes={"active": False})
