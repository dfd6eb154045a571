"""Sessions: log in and out, the own password, invitations, and attacks on all of them."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.cache import caches
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from modelhub.accounts.invitations import accept_invitation, create_invitation
from modelhub.accounts.models import Invitation, User
from modelhub.accounts.people import session_actor
from modelhub.accounts.users import update_person
from modelhub.core import clock
from modelhub.web import session_views
from modelhub.web.urls import urlpatterns
from tests.factories import QueueFactory, UserFactory
from tests.web.pages import log_in, text_of

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
NEW = "a second staple of bread"


@pytest.fixture(autouse=True)
def no_failed_logins() -> None:
    caches["logins"].clear()


@pytest.fixture
def ada() -> User:
    user = UserFactory.create(email="ada@example.com", name="Ada", role="admin")
    user.set_password(PASSWORD)
    user.save()
    return user


def browser(**options: Any) -> Client:
    return Client(headers={"Accept": "text/html"}, **options)


def send_login(client: Client, password: str = PASSWORD, *, email: str = "ada@example.com", path: str = "") -> Any:
    fields = {"username": email, "password": password, "next": path}
    return client.post(reverse("web:login"), fields)


def invite(admin: User, **fields: Any) -> tuple[User, str]:
    """Return a new member and the path of its link."""
    user = UserFactory.create(organization=admin.organization, **fields)
    _, token = create_invitation(session_actor(admin), user.pk)
    return user, reverse("web:invitation", kwargs={"token": token})


def choose(password: str = NEW, again: str | None = None, name: str = "Bob") -> dict[str, str]:
    return {"password": password, "password_again": password if again is None else again, "name": name}


def is_logged_in(client: Client) -> bool:
    return client.get(reverse("web:password")).status_code == 200


# Log in and out


def test_a_login_leads_to_the_page_that_asked_for_it(ada: User) -> None:
    client = browser()
    asked = client.get(reverse("web:password"))
    assert asked["Location"] == "/login/?next=/password/"
    assert send_login(client, path="/password/")["Location"] == "/password/"
    assert is_logged_in(client)


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "", "/login/"])
def test_a_login_never_leads_to_another_site(ada: User, path: str) -> None:
    assert send_login(browser(), path=path)["Location"] == "/"


@pytest.mark.parametrize(
    ("email", "password"),
    [("ada@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("idle@example.com", PASSWORD)],
)
def test_a_failed_login_is_one_sentence_for_all_causes(ada: User, email: str, password: str) -> None:
    idle = UserFactory.create(email="idle@example.com", is_active=False)
    idle.set_password(PASSWORD)
    idle.save()
    answer = send_login(browser(), password, email=email)
    assert "Email or password is wrong, or the account is not active." in text_of(answer)
    assert f'value="{email}"' in answer.content.decode()


def test_an_email_logs_in_in_any_case(ada: User) -> None:
    assert send_login(browser(), email=" ADA@Example.com ").status_code == 302


def test_too_many_failed_logins_are_a_sentence(ada: User, settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT, settings.AXES_COOLOFF_TIME = 2, timedelta(hours=1)
    client = browser()
    answers = [send_login(client, password) for password in ("wrong", "wrong", PASSWORD)]
    assert [answer.status_code for answer in answers] == [200, 429, 429]
    assert "Too many failed logins with this name or from this address" in text_of(answers[2])
    assert not is_logged_in(client)


def test_a_logout_ends_the_session_and_needs_a_form(ada: User) -> None:
    client = log_in(ada)
    assert client.get(reverse("web:logout")).status_code == 405
    key = client.cookies["sessionid"].value
    assert client.post(reverse("web:logout"))["Location"] == "/"
    assert not is_logged_in(client)
    client.cookies["sessionid"] = key
    assert not is_logged_in(client)


def test_a_deactivated_person_is_logged_out(ada: User) -> None:
    client = log_in(ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert not is_logged_in(client)


def test_sessions_of_a_deactivated_person_stay_ended_after_an_activation(ada: User) -> None:
    bob = UserFactory.create(organization=ada.organization)
    client = log_in(bob)
    for active in (False, True):
        update_person(session_actor(ada), user_id=bob.pk, changes={"active": active})
        assert not is_logged_in(client)
    bob.refresh_from_db()
    again = log_in(bob)
    update_person(session_actor(ada), user_id=bob.pk, changes={"name": "Bob", "active": True})
    assert is_logged_in(again)


def test_a_new_password_by_a_link_ends_the_other_sessions(ada: User) -> None:
    bob, path = invite(ada)
    there, here = log_in(bob), browser()
    assert here.post(path, choose()).status_code == 302
    assert (is_logged_in(here), is_logged_in(there)) == (True, False)


# The own password


def change(client: Client, old: str = PASSWORD, new: str = NEW, again: str | None = None) -> Any:
    fields = {"old_password": old, "new_password1": new, "new_password2": new if again is None else again}
    return client.post(reverse("web:password"), fields, follow=True)


def test_a_changed_password_ends_other_sessions_only(ada: User) -> None:
    here, there = browser(), browser()
    for client in (here, there):
        assert send_login(client).status_code == 302
    assert "The password is changed." in change(here).content.decode()
    assert (is_logged_in(here), is_logged_in(there)) == (True, False)
    assert send_login(browser(), NEW).status_code == 302


def test_a_changed_password_keeps_every_change_of_the_same_moment(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    root = UserFactory.create(organization=ada.organization, role="admin")

    def demote_meanwhile(user: User, password: str) -> None:
        update_person(session_actor(root), user_id=ada.pk, changes={"role": "member", "name": "Ada L."})

    monkeypatch.setattr(session_views, "check_password", demote_meanwhile)
    assert change(log_in(ada)).status_code == 200
    ada.refresh_from_db()
    assert (ada.role, ada.name, ada.check_password(NEW)) == ("member", "Ada L.", True)


@pytest.mark.parametrize("cause", ["deactivated", "another password"])
def test_a_password_is_not_changed_after_a_change_of_the_account(
    ada: User, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    root = UserFactory.create(organization=ada.organization, role="admin")
    _, token = create_invitation(session_actor(root), ada.pk)

    def authenticate_before_a_change(request: HttpRequest, **fields: str) -> Any:
        user = authenticate(request, **fields)
        if cause == "deactivated":
            update_person(session_actor(root), user_id=ada.pk, changes={"active": False})
        else:
            accept_invitation(token, "a password by a link")
        return user

    monkeypatch.setattr(session_views, "authenticate", authenticate_before_a_change)
    answer = change(log_in(ada))
    assert (answer.status_code, "The account was changed meanwhile; log in again" in text_of(answer)) == (409, True)
    before = User.objects.get(pk=ada.pk)
    assert before.is_active == (cause != "deactivated")
    assert not before.check_password(NEW)


def test_a_changed_password_ends_the_open_links_of_the_person(ada: User) -> None:
    _, token = create_invitation(session_actor(ada), ada.pk)
    _, theirs = invite(ada)
    change(log_in(ada))
    assert browser().get(reverse("web:invitation", kwargs={"token": token})).status_code == 404
    assert browser().get(theirs).status_code == 200


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"old": "wrong"}, "The present password is wrong."),
        ({"again": "another"}, "The two passwords differ."),
        ({"new": "short"}, "This password is too short."),
        ({"new": "password"}, "This password is too common."),
        ({"new": "82736455"}, "This password is entirely numeric."),
        ({"new": "ada@example"}, "The password is too similar to the email."),
        ({"new": ""}, "This password is too short."),
        ({"new": "x" * 4097}, "password must have at most 4096 bytes"),
    ],
)
def test_an_unfit_password_is_a_sentence_and_changes_nothing(ada: User, fields: dict[str, str], sentence: str) -> None:
    client = log_in(ada)
    answer = change(client, **fields)
    assert (answer.status_code, sentence in text_of(answer)) == (400, True)
    assert PASSWORD not in answer.content.decode()
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_the_present_password_cannot_be_guessed_with_a_session(ada: User, settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT, settings.AXES_COOLOFF_TIME = 2, timedelta(hours=1)
    client = log_in(ada)
    answers = [change(client, password) for password in ("wrong", "wrong", PASSWORD)]
    assert [answer.status_code for answer in answers] == [400, 429, 429]
    assert "Too many failed logins with this name or from this address" in text_of(answers[2])
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_the_admin_has_no_form_of_its_own_for_the_own_password(ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    fields = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    answer = log_in(ada).post("/admin/password_change/", fields)
    assert (answer.status_code, answer["Location"]) == (302, "/password/")
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_changes_with_the_right_password_are_not_counted(ada: User, settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT, settings.AXES_COOLOFF_TIME = 2, timedelta(hours=1)
    client = log_in(ada)
    for number in range(3):
        assert change(client, f"{PASSWORD}{number or ''}", f"{PASSWORD}{number + 1}").status_code == 200
        assert change(client, f"{PASSWORD}{number + 1}", "short").status_code == 400


# Invitations


def test_an_invited_person_chooses_a_password_and_is_logged_in(ada: User) -> None:
    bob, path = invite(ada, name="")
    client = browser()
    page = client.get(path)
    assert bob.email in text_of(page)
    assert ada.organization.name in text_of(page)
    answer = client.post(path, choose())
    assert answer["Location"] == "/"
    assert "Your password is set" in client.get("/").content.decode()
    bob.refresh_from_db()
    assert (bob.name, bob.check_password(NEW)) == ("Bob", True)


def test_a_link_without_the_field_of_the_name_keeps_the_name(ada: User) -> None:
    for fields, name in (({}, "Robert"), ({"name": ""}, "")):
        bob, path = invite(ada, name="Robert")
        assert browser().post(path, {"password": NEW, "password_again": NEW, **fields}).status_code == 302
        bob.refresh_from_db()
        assert bob.name == name


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (choose(again="another"), "The two passwords differ."),
        (choose("short"), "This password is too short."),
        (choose("bob@example.com"), "The password is too similar to the email."),
        (choose(name="a\u202eb"), "A name needs visible characters only"),
    ],
)
def test_an_unfit_choice_is_a_sentence_and_the_link_stays(ada: User, fields: dict[str, str], sentence: str) -> None:
    _, path = invite(ada, email="bob@example.com", name="")
    client = browser()
    answer = client.post(path, fields)
    assert (answer.status_code, sentence in text_of(answer)) == (400, True)
    assert f'name="name" value="{fields["name"]}"' in answer.content.decode()
    assert 'type="password"' in answer.content.decode()
    assert all("value=" not in field for field in re.findall(r'<input type="password"[^>]*>', answer.content.decode()))
    assert client.post(path, choose()).status_code == 302


@pytest.mark.parametrize("cause", ["unknown", "used", "expired", "replaced", "inactive"])
def test_a_link_that_is_not_valid_is_one_clear_page(ada: User, cause: str) -> None:
    bob, path = invite(ada)
    match cause:
        case "unknown":
            path = reverse("web:invitation", kwargs={"token": "x" * 43})
        case "used":
            browser().post(path, choose())
        case "expired":
            Invitation.objects.update(expires_at=clock.now())
        case "replaced":
            create_invitation(session_actor(ada), bob.pk)
        case _:
            User.objects.filter(pk=bob.pk).update(is_active=False)
    client = browser()
    for answer in (client.get(path), client.post(path, choose())):
        assert answer.status_code == 404
        assert "This link is not valid any more" in text_of(answer)
        assert bob.email not in text_of(answer)
    assert not is_logged_in(client)


def test_the_token_of_a_link_goes_to_no_other_site(ada: User) -> None:
    _, path = invite(ada)
    answer = browser().get(path)
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"
    assert 'href="http' not in answer.content.decode()
    assert path.split("/")[2] not in answer.content.decode()


# Attacks


NAMES = [str(pattern.name) for pattern in urlpatterns]
NO_ID = uuid.UUID(int=0)


def path_of(name: str, pk: uuid.UUID = NO_ID) -> str:
    """Return an address of the pages, by default with ids that do not exist."""
    [pattern] = [pattern for pattern in urlpatterns if pattern.name == name]
    values = {"token": "t" * 43, "pk": pk}
    return reverse(f"web:{name}", kwargs={key: values.get(key, NO_ID) for key in pattern.pattern.converters})


@pytest.mark.parametrize("name", NAMES)
def test_a_form_without_a_token_is_rejected(ada: User, name: str) -> None:
    client = log_in(ada, enforce_csrf_checks=True)
    # A page that takes files looks for its queue first.
    queue = QueueFactory.create(created_by=ada)
    answer = client.post(path_of(name, queue.pk), {"action": "delete"})
    assert answer.status_code == 403
    assert "This form is out of date, or another site sent it." in text_of(answer)


def test_a_form_of_another_site_is_rejected(ada: User) -> None:
    client = log_in(ada, enforce_csrf_checks=True)
    client.get(reverse("web:password"))
    token = client.cookies["csrftoken"].value
    fields = {"csrfmiddlewaretoken": token, "old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    answer = client.post(reverse("web:password"), fields, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


@pytest.mark.parametrize("name", NAMES)
def test_no_page_can_be_framed_or_run_foreign_code(ada: User, name: str) -> None:
    for client in (browser(), log_in(ada)):
        answer = client.get(path_of(name))
        assert answer["X-Frame-Options"] == "DENY"
        policy = answer["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer["Cache-Control"]


def test_a_login_changes_the_key_of_the_session(ada: User) -> None:
    client = browser()
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key or ""
    assert send_login(client).status_code == 302
    assert client.cookies["sessionid"].value != planted
    thief = browser()
    thief.cookies["sessionid"] = planted
    assert not is_logged_in(thief)


def test_an_acceptance_begins_a_new_session(ada: User) -> None:
    _, path = invite(ada)
    client = log_in(ada)
    session = client.session
    session["of"] = "ada"
    session.save()
    planted = client.cookies["sessionid"].value
    assert client.post(path, choose()).status_code == 302
    assert client.cookies["sessionid"].value != planted
    assert "of" not in client.session
    thief = browser()
    thief.cookies["sessionid"] = planted
    assert not is_logged_in(thief)


def test_an_invented_session_key_is_never_taken_over(ada: User) -> None:
    client = browser()
    client.cookies["sessionid"] = "a" * 32
    assert send_login(client).status_code == 302
    assert client.cookies["sessionid"].value != "a" * 32


def test_cookies_stay_away_from_scripts_and_other_sites(ada: User) -> None:
    client = browser()
    send_login(client)
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_a_login_page_as_the_next_page_leads_to_the_start(ada: User) -> None:
    client = log_in(ada)
    assert client.get("/login/?next=/login/")["Location"] == "/"


@pytest.mark.parametrize("path", ["/", "/login/", "/queues/", "/admin/"])
def test_a_session_cookie_that_no_server_made_is_no_session(path: str) -> None:
    client = browser()
    client.cookies["sessionid"] = "abcdefgh\0"
    assert client.get(path).status_code in {200, 302}
