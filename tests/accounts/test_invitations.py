"""One-time links: a user sets its password with one, once."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from modelhub.accounts.invitations import accept_invitation, create_invitation, find_invitation, open_invitations
from modelhub.accounts.models import Invitation, User
from modelhub.accounts.people import session_actor
from modelhub.accounts.users import invite_person, update_person
from modelhub.core import clock
from modelhub.core.errors import Conflict, Forbidden, Invalid, NotFound
from tests.client import Caller
from tests.factories import UserFactory
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
NOT_VALID = r"^This link is not valid any more: it was used, replaced or is too old\. Ask an admin for a new one\.$"


@pytest.fixture
def token(alice: Caller, bob: Caller) -> str:
    """Return the token of a link for Bob."""
    return create_invitation(session_actor(alice.user), bob.user.pk)[1]


def is_waited_for() -> bool:
    """Return whether another connection waits for the end of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid")
        return bool(cursor.rowcount)


def later(monkeypatch: pytest.MonkeyPatch, **difference: float) -> None:
    monkeypatch.setattr(clock, "source", lambda: timezone.now() + timedelta(**difference))


class TestCreating:
    def test_only_a_digest_of_the_token_is_stored(self, alice: Caller, bob: Caller) -> None:
        invitation, token = create_invitation(session_actor(alice.user), bob.user.pk)
        assert len(token) == 43  # 256 bits
        assert token not in str(Invitation.objects.values())
        assert invitation.token_digest.startswith("sha256$")
        assert (invitation.user, invitation.created_by) == (bob.user, alice.user)

    def test_for_the_days_of_the_setting(
        self, alice: Caller, bob: Caller, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.INVITATION_DAYS = 2
        _, token = create_invitation(session_actor(alice.user), bob.user.pk)
        later(monkeypatch, days=2, minutes=-1)
        assert find_invitation(token) is not None
        later(monkeypatch, days=2)
        assert find_invitation(token) is None
        with pytest.raises(NotFound, match=NOT_VALID):
            accept_invitation(token, PASSWORD)

    def test_a_new_link_ends_the_earlier_one_of_the_user_only(self, alice: Caller, bob: Caller, token: str) -> None:
        actor = session_actor(alice.user)
        _, own = create_invitation(actor, alice.user.pk)
        _, new = create_invitation(actor, bob.user.pk)
        assert [find_invitation(one) is None for one in (token, own, new)] == [True, False, False]
        assert open_invitations(bob.user.organization_id).filter(user=bob.user).count() == 1

    def test_by_admins_only(self, alice: Caller, bob: Caller) -> None:
        with pytest.raises(Forbidden, match=r"by admins of the organization only; you have the role member\.$"):
            create_invitation(session_actor(bob.user), bob.user.pk)

    def test_users_of_others_do_not_exist(self, alice: Caller, charlie: Caller) -> None:
        for user_id in (charlie.user.pk, uuid.uuid4()):
            with pytest.raises(NotFound, match=f"^User not found: {user_id}$"):
                create_invitation(session_actor(alice.user), user_id)

    def test_not_for_an_inactive_user(self, alice: Caller, bob: Caller) -> None:
        actor = session_actor(alice.user)
        update_person(actor, user_id=bob.user.pk, changes={"active": False})
        with pytest.raises(Conflict, match=r"^bob@example\.com is inactive; activate it first$"):
            create_invitation(actor, bob.user.pk)

    def test_only_a_superuser_makes_a_link_for_a_superuser(self, alice: Caller, bob: Caller) -> None:
        """Its login opens all organizations."""
        User.objects.filter(pk=bob.user.pk).update(is_superuser=True, role="admin")
        with pytest.raises(Forbidden, match=r"^bob@example\.com is a superuser; only superusers make a link for it$"):
            create_invitation(session_actor(alice.user), bob.user.pk)
        bob.user.refresh_from_db()
        assert create_invitation(session_actor(bob.user), bob.user.pk)


def test_a_purge_deletes_old_links_and_ended_sessions(
    alice: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = timezone.now()
    Session.objects.create(session_key="ended", expire_date=now - timedelta(seconds=1))
    Session.objects.create(session_key="open", expire_date=now + timedelta(days=365))
    used, _ = create_invitation(session_actor(alice.user), bob.user.pk)
    Invitation.objects.update(used_at=now, expires_at=now + timedelta(days=365))
    ended, _ = create_invitation(session_actor(alice.user), alice.user.pk)
    for days, left in ((89, {used, ended}), (91, {ended}), (98, set())):
        later(monkeypatch, days=days)
        call_command("purge")
        assert set(Invitation.objects.all()) == left
    assert "1 sessions, 0 links purged" in capsys.readouterr().out
    assert [session.session_key for session in Session.objects.all()] == ["open"]


class TestFinding:
    def test_with_user_and_organization(self, bob: Caller, token: str, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            found = find_invitation(token)
            assert found is not None
            assert (found.user.email, found.organization.name) == ("bob@example.com", "Acme")

    @pytest.mark.parametrize("wrong", ["", "x", "\x00", "\ud800", "é\u202e", "%s' --", "x" * 1_000_000, "x" * 43])
    def test_none_for_odd_tokens_by_one_statement(self, token: str, wrong: str, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            assert find_invitation(wrong) is None
        with pytest.raises(NotFound, match=NOT_VALID):
            accept_invitation(wrong, PASSWORD)

    def test_the_digest_is_no_token(self, token: str) -> None:
        assert find_invitation(Invitation.objects.get().token_digest) is None


class TestAccepting:
    def test_an_invited_user_gets_name_and_password(self, alice: Caller) -> None:
        actor = session_actor(alice.user)
        user, _ = invite_person(actor, email="new@example.com")
        _, token = create_invitation(actor, user.pk)
        # Spaces at the ends of a password count, as in the form of a login.
        accepted = accept_invitation(token, f" {PASSWORD} ", " Grace ")
        assert (accepted.pk, accepted.name) == (user.pk, "Grace")
        assert User.objects.get(pk=user.pk).check_password(f" {PASSWORD} ")

    def test_a_link_replaces_a_password_and_keeps_the_name(self, bob: Caller, token: str) -> None:
        bob.user.set_password("before and before")
        bob.user.save()
        accept_invitation(token, PASSWORD)
        bob.user.refresh_from_db()
        assert (bob.user.check_password(PASSWORD), bob.user.name) == (True, "Bob")

    def test_once(self, token: str) -> None:
        accept_invitation(token, PASSWORD)
        assert find_invitation(token) is None
        with pytest.raises(NotFound, match=NOT_VALID):
            accept_invitation(token, "another good one")
        assert User.objects.get(email="bob@example.com").check_password(PASSWORD)

    def test_other_sessions_of_the_user_end(self, bob: Caller, token: str) -> None:
        browser = Client()
        User.objects.filter(pk=bob.user.pk).update(is_staff=True)
        browser.force_login(User.objects.get(pk=bob.user.pk), backend="django.contrib.auth.backends.ModelBackend")
        assert browser.get("/admin/").status_code == 200
        accept_invitation(token, PASSWORD)
        assert browser.get("/admin/").status_code == 302

    @pytest.mark.parametrize(
        ("password", "sentence"),
        [
            ("", "too short"),
            ("short", "This password is too short. It must contain at least 8 characters."),
            ("password", "This password is too common."),
            ("2847561930", "This password is entirely numeric."),
            ("bob@example.com", "The password is too similar to the email"),
            ("good enough\x00", "password holds a NUL character"),
            ("good enough\ud800", "password holds half of a surrogate pair"),
            ("x" * 5000, "password must have at most 4096 bytes"),
        ],
    )
    def test_an_unfit_password_leaves_the_link_open(self, token: str, password: str, sentence: str) -> None:
        with pytest.raises(Invalid) as refused:
            accept_invitation(token, password)
        assert sentence in str(refused.value)
        assert sentence in " ".join(refused.value.fields["password"])
        assert accept_invitation(token, PASSWORD)

    def test_every_sentence_about_a_password_is_one_of_its_own(self, token: str) -> None:
        with pytest.raises(Invalid) as refused:
            accept_invitation(token, "1234")
        assert len(refused.value.fields["password"]) == 3

    @pytest.mark.parametrize("name", ["\u202ename", "a\x00b", "x" * 256])
    def test_an_unfit_name_leaves_the_link_open(self, token: str, name: str) -> None:
        with pytest.raises(Invalid) as refused:
            accept_invitation(token, PASSWORD, name)
        assert refused.value.fields.keys() == {"name"}
        assert accept_invitation(token, PASSWORD, "").name == ""


class TestDeactivating:
    def test_it_ends_the_links_for_good(self, alice: Caller, bob: Caller, token: str) -> None:
        for active in (False, True):
            update_person(session_actor(alice.user), user_id=bob.user.pk, changes={"active": active})
            assert find_invitation(token) is None
            with pytest.raises(NotFound, match=NOT_VALID):
                accept_invitation(token, PASSWORD)

    def test_the_links_that_an_admin_has_made_end_with_the_admin(self, alice: Caller, bob: Caller) -> None:
        other = UserFactory.create(organization=alice.user.organization, role="admin")
        _, token = create_invitation(session_actor(other), bob.user.pk)
        update_person(session_actor(alice.user), user_id=other.pk, changes={"role": "member"})
        assert find_invitation(token) is None

    def test_in_the_admin_too(self, staff: Client, bob: Caller, token: str) -> None:
        page = f"/admin/modelhub/user/{bob.user.pk}/change/"
        for fields in ({"initial-is_active": "True"}, {"is_active": "on", "initial-is_active": "False"}):
            sent = {"email": bob.user.email, "name": "Bob", "role": "member", **fields}
            assert staff.post(page, sent).status_code == 302
            assert find_invitation(token) is None
        ended = User.objects.get(pk=bob.user.pk).get_session_auth_hash()
        assert ended != bob.user.get_session_auth_hash()

    def test_links_of_a_former_admin_end_in_the_admin_too(self, staff: Client, alice: Caller, bob: Caller) -> None:
        other = UserFactory.create(organization=alice.user.organization, role="admin")
        _, token = create_invitation(session_actor(other), bob.user.pk)
        sent = {"email": other.email, "name": other.name, "role": "member", "is_active": "on"}
        assert staff.post(f"/admin/modelhub/user/{other.pk}/change/", sent).status_code == 302
        assert find_invitation(token) is None

    def test_past_the_functions_the_link_does_not_work_either(self, bob: Caller, token: str) -> None:
        User.objects.filter(pk=bob.user.pk).update(is_active=False)
        assert find_invitation(token) is None
        with pytest.raises(NotFound, match=NOT_VALID):
            accept_invitation(token, PASSWORD)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_of_four_acceptances_one_sets_the_password(self, bob: Caller, token: str) -> None:
        begin = threading.Barrier(4)

        def accept(number: int) -> str | None:
            begin.wait()
            try:
                accept_invitation(token, f"{PASSWORD} {number}")
            except NotFound:
                return None
            finally:
                connection.close()
            return f"{PASSWORD} {number}"

        with ThreadPoolExecutor(4) as pool:
            accepted = [password for password in pool.map(accept, range(4)) if password]
        assert len(accepted) == 1
        assert User.objects.get(pk=bob.user.pk).check_password(accepted[0])

    def test_an_acceptance_waits_for_a_deactivation_and_fails(self, alice: Caller, bob: Caller, token: str) -> None:
        def accept() -> bool:
            try:
                accept_invitation(token, PASSWORD)
            except NotFound:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                update_person(session_actor(alice.user), user_id=bob.user.pk, changes={"active": False})
                accepted = pool.submit(accept)
                wait_for(is_waited_for)
            assert accepted.result() is False
        assert not User.objects.get(pk=bob.user.pk).has_usable_password()

    def test_of_four_links_of_a_user_one_is_open(self, alice: Caller, bob: Caller) -> None:
        begin = threading.Barrier(4)

        def create(_: int) -> None:
            begin.wait()
            try:
                create_invitation(session_actor(alice.user), bob.user.pk)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(create, range(4)))
        assert Invitation.objects.count() == 4
        assert open_invitations(bob.user.organization_id).count() == 1
