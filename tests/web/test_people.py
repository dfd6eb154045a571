"""People: the list, invitations by one-time links, roles and states."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from modelhub.accounts.invitations import create_invitation
from modelhub.accounts.models import Invitation, User
from modelhub.accounts.people import session_actor
from tests.factories import QueueFactory, QueueMemberFactory, UserFactory
from tests.web.pages import html_of, log_in, text_of

pytestmark = pytest.mark.django_db

PEOPLE = "/people/"
INVITATION = {"email": "Grace@Example.com", "name": " Grace ", "role": "member"}


@pytest.fixture
def admin() -> User:
    return UserFactory.create(role="admin", email="admin@example.org", name="Root")


def path_of(user: User) -> str:
    return reverse("web:person", kwargs={"pk": user.pk})


def link_in(answer: Any) -> str:
    """Return the path of the one-time link that a page shows."""
    [path] = re.findall(r'value="http://testserver(/invitation/[^"]+/)"', answer.content.decode())
    return str(path)


def test_an_invited_person_gets_a_link_that_is_shown_once_and_works(admin: User) -> None:
    client = log_in(admin)
    answer = client.post(PEOPLE, INVITATION)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    grace = User.objects.get(email="grace@example.com")
    assert (grace.name, grace.role, grace.organization_id) == ("Grace", "member", admin.organization_id)
    path = link_in(answer)
    # The form is empty again, for the next person.
    assert 'name="email" value=""' in answer.content.decode()
    assert path not in client.get(PEOPLE).content.decode()
    assert "invited" in text_of(client.get(PEOPLE))
    fields = {"password": "correct horse battery", "password_again": "correct horse battery", "name": "Grace"}
    assert Client().post(path, fields).status_code == 302
    assert "invited" not in text_of(client.get(path_of(grace)))


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"email": "ADMIN@example.org"}, 409, "A user with the email admin@example.org exists already"),
        ({"email": "no email"}, 400, 'must be an email address, got "no email"'),
        ({"email": ""}, 400, "email must be a string of 1 to 254 characters"),
        ({"role": "owner"}, 400, 'role must be one of admin, member, got "owner"'),
        ({"name": "a\u202eb"}, 400, "name must be a string of at most 255 visible characters"),
    ],
)
def test_an_unfit_invitation_is_a_sentence_and_loses_nothing(
    admin: User, fields: dict[str, str], status: int, sentence: str
) -> None:
    answer = log_in(admin).post(PEOPLE, {**INVITATION, **fields})
    assert (answer.status_code, sentence in text_of(answer)) == (status, True)
    if "name" not in fields:
        assert 'value="Grace"' in answer.content.decode().replace('" Grace "', '"Grace"')
    assert User.objects.count() == 1
    assert not Invitation.objects.exists()


def test_a_new_link_replaces_the_last_one(admin: User) -> None:
    ada = UserFactory.create(organization=admin.organization)
    client = log_in(admin)
    first, second = (link_in(client.post(path_of(ada), {"action": "link"})) for _ in range(2))
    assert [Client().get(path).status_code for path in (first, second)] == [404, 200]
    assert "The last link has not been used" in text_of(client.get(path_of(ada)))


def test_name_and_role_are_changed(admin: User) -> None:
    ada = UserFactory.create(organization=admin.organization)
    fields = {"action": "save", "name": "Ada L.", "role": "admin"}
    answer = log_in(admin).post(path_of(ada), fields, follow=True)
    assert "Ada L. is saved." in answer.content.decode()
    ada.refresh_from_db()
    assert (ada.name, ada.role) == ("Ada L.", "admin")


def test_an_old_page_of_a_person_changes_only_what_was_edited(admin: User) -> None:
    ada = UserFactory.create(organization=admin.organization, name="Ada")
    client = log_in(admin)
    shown = dict(
        re.findall(r'<input type="hidden" name="(shown_\w+)" value="([^"]*)"', html_of(client.get(path_of(ada))))
    )
    assert shown == {"shown_name": "Ada", "shown_role": "member"}
    for present in ("admin", "member"):
        User.objects.filter(pk=ada.pk).update(name="Ada L.", role=present)
        client.post(path_of(ada), {"action": "save", "name": " Ada", "role": "admin", **shown})
        ada.refresh_from_db()
        assert (ada.name, ada.role) == ("Ada L.", "admin")
    User.objects.filter(pk=ada.pk).update(name="Ada L.", role="member")
    client.post(path_of(ada), {"action": "save", "name": "A. L.", "role": "member", **shown | {"shown_role": "member"}})
    ada.refresh_from_db()
    assert (ada.name, ada.role) == ("A. L.", "member")


def test_a_rejected_change_of_a_person_can_be_corrected(admin: User) -> None:
    ada = UserFactory.create(organization=admin.organization, name="Ada")
    client = log_in(admin)
    fields = {"action": "save", "name": "a\u202eb", "role": "admin", "shown_name": "Ada", "shown_role": "member"}
    page = html_of(client.post(path_of(ada), fields))
    assert 'name="shown_name" value="Ada"' in page
    assert 'name="shown_role" value="member"' in page


def test_a_person_is_deactivated_and_activated(admin: User) -> None:
    ada = UserFactory.create(organization=admin.organization, name="Ada")
    client, theirs = log_in(admin), log_in(ada)
    answer = client.post(path_of(ada), {"action": "deactivate"}, follow=True)
    assert "Ada is deactivated." in answer.content.decode()
    assert "This person cannot log in" in text_of(answer)
    assert theirs.get("/password/").status_code == 302
    assert client.post(path_of(ada), {"action": "link"}).status_code == 409
    assert "Ada is activated." in client.post(path_of(ada), {"action": "activate"}, follow=True).content.decode()
    ada.refresh_from_db()
    assert ada.is_active


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"action": "save", "name": "Root", "role": "member"}, "Users cannot change their own role or state"),
        ({"action": "deactivate"}, "Users cannot change their own role or state"),
    ],
)
def test_an_own_change_is_a_sentence(admin: User, fields: dict[str, str], sentence: str) -> None:
    answer = log_in(admin).post(path_of(admin), fields)
    assert (answer.status_code, sentence in text_of(answer)) == (409, True)
    assert "Deactivate" not in text_of(answer)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"Root", "Ada", "Bob"}),
        ({"search": "ada"}, {"Ada"}),
        ({"search": "bob@"}, {"Bob"}),
        ({"role": "admin"}, {"Root"}),
        ({"active": "false"}, {"Bob"}),
    ],
)
def test_people_are_found_by_name_email_role_and_state(admin: User, query: dict[str, str], found: set[str]) -> None:
    UserFactory.create(organization=admin.organization, name="Ada")
    UserFactory.create(organization=admin.organization, name="Bob", email="bob@example.com", is_active=False)
    UserFactory.create(name="Ada of others")
    answer = log_in(admin).get(PEOPLE, query)
    assert {row.user.name for row in answer.context["people"]} == found
    assert "of others" not in text_of(answer)


def test_deactivated_people_come_last_under_a_heading_of_their_own(admin: User) -> None:
    gone = UserFactory.create(organization=admin.organization, name="Gone")
    new = UserFactory.create(organization=admin.organization, name="New")
    client = log_in(admin)
    client.post(path_of(gone), {"action": "deactivate"})
    client.post(path_of(new), {"action": "link"})
    text = text_of(client.get(PEOPLE))
    assert [row.user.name for row in client.get(PEOPLE).context["people"]] == ["New", "Root", "Gone"]
    order = [text.index(word) for word in ("New", "invited", "link until", "Root", "Deactivated Gone", "since 20")]
    assert order == sorted(order)
    assert "Deactivated" not in text_of(client.get(PEOPLE, {"active": "true"}))


@pytest.mark.parametrize("path", [PEOPLE, "person", "/keys/", "/login/", "invitation"])
def test_a_name_of_megabytes_is_a_short_sentence(admin: User, path: str) -> None:
    ada = UserFactory.create(organization=admin.organization)
    _, token = create_invitation(session_actor(admin), ada.pk)
    path = {"person": path_of(ada), "invitation": f"/invitation/{token}/"}.get(path, path)
    long = "ä" * 1_000_000
    fields = {"name": long, "email": long, "username": long, "password": "x", "password_again": "x", "role": "member"}
    fields["scopes"] = "read"
    answer = (Client() if path == "/login/" else log_in(admin)).post(path, fields)
    assert answer.status_code in {200, 400}
    assert len(answer.content) < 30_000
    assert re.search("25[45] (visible )?characters|Email or password is wrong", text_of(answer))


def test_a_page_of_people_costs_the_same_statements_for_each_number(
    admin: User, django_assert_num_queries: Any
) -> None:
    client = log_in(admin)
    queue = QueueFactory.create(created_by=admin)
    for number in (1, 9):
        for _ in range(number):
            QueueMemberFactory.create(queue=queue, user=UserFactory.create(organization=admin.organization))
        with django_assert_num_queries(6):  # session, user, number of people, people, queues, invitations
            answer = client.get(PEOPLE)
    assert sum(row.queues for row in answer.context["people"]) == 10


@pytest.mark.parametrize("action", ["save", "link", "deactivate", "activate"])
def test_members_and_other_organizations_change_nobody(admin: User, action: str) -> None:
    ada = UserFactory.create(organization=admin.organization, name="Ada", is_active=action != "activate")
    member, stranger = UserFactory.create(organization=admin.organization), UserFactory.create(role="admin")
    fields = {"action": action, "name": "Taken over", "role": "admin"}
    for person, status in ((member, 403), (stranger, 404)):
        assert log_in(person).post(path_of(ada), fields).status_code == status
    assert log_in(member).post(PEOPLE, INVITATION).status_code == 403
    ada.refresh_from_db()
    assert (ada.name, ada.role, ada.is_active) == ("Ada", "member", action != "activate")
    assert not Invitation.objects.exists()


def test_the_page_of_a_superuser_offers_an_admin_nothing(admin: User) -> None:
    root = UserFactory.create(organization=admin.organization, role="admin", is_superuser=True)
    client = log_in(admin)
    page = text_of(client.get(path_of(root)))
    assert "only superusers change name, role and access" in page
    assert [word for word in ("Deactivate", "New link", "Save") if word in page] == []
    for action in ("save", "link", "deactivate"):
        answer = client.post(path_of(root), {"action": action, "name": "x", "role": "member"})
        assert (answer.status_code, "is a superuser; only superusers" in text_of(answer)) == (403, True)
    assert root.email not in [user.email for user in client.get("/keys/").context["people"]]
    User.objects.filter(pk=admin.pk).update(is_superuser=True)
    assert "Deactivate" in text_of(client.get(path_of(root)))


def test_words_of_people_are_never_markup(admin: User) -> None:
    attack = '"><script>alert(1)</script>'
    ada = UserFactory.create(organization=admin.organization, name=attack)
    client = log_in(admin)
    for page in (client.get(PEOPLE), client.get(path_of(ada)), client.post(PEOPLE, {"email": attack, "name": attack})):
        assert "<script>alert" not in page.content.decode()
