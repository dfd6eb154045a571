"""Access matrix of the pages: a visitor, roles of the organization and of a queue, another organization."""

import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from django.db import transaction
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from modelhub.accounts.models import User
from modelhub.queues.models import Item, Queue
from modelhub.web.urls import urlpatterns
from tests.factories import (
    ApiKeyFactory,
    ItemFactory,
    LabelFactory,
    QueueFactory,
    QueueMemberFactory,
    SourceFactory,
    UserFactory,
)
from tests.web.pages import html_of, log_in, text_of

pytestmark = pytest.mark.django_db

# Status of GET. Columns: visitor, member of the organization alone, annotator, reviewer and manager of the queue,
# admin, admin of another organization, deactivated admin. 302 is the login, or the next item, which the annotator
# reserves first.
MATRIX = """
start              200 200 200 200 200 200 200 200
password           302 200 200 200 200 200 200 302
queues             302 200 200 200 200 200 200 302
new-queue          302 403 403 403 403 200 200 302
queue              302 404 403 200 200 200 404 302
edit-queue         302 404 403 403 200 200 404 302
add-items          302 404 403 403 200 200 404 302
queue-export       302 404 403 200 200 200 404 302
items              302 404 403 403 200 200 404 302
start-annotating   302 404 302 403 200 200 404 302
annotate           302 404 200 403 200 200 404 302
reserve            302 404 302 403 302 302 404 302
review-list        302 404 403 200 200 200 404 302
review             302 404 403 200 200 200 404 302
queue-results      302 404 403 200 200 200 404 302
labels             302 200 200 200 200 200 200 302
new-label          302 403 403 403 403 200 200 302
edit-label         302 403 403 403 403 200 404 302
preview-new-label  302 403 403 403 403 200 200 302
preview-label      302 403 403 403 403 200 404 302
label-results      302 403 403 403 403 200 404 302
sources            302 200 200 200 200 200 200 302
source             302 200 200 200 200 200 404 302
people             302 403 403 403 403 200 200 302
person             302 403 403 403 403 200 404 302
keys               302 200 200 200 200 200 200 302
key                302 404 404 404 404 200 404 302
"""
ROWS = [row.split() for row in MATRIX.strip().splitlines()]
# POST: page, button (or field=value), and the same people; "ok" is neither the login nor 403 or 404.
BUTTONS = """
password     save            login ok    ok    ok    ok    ok    ok    login
new-queue    save            login 403   403   403   403   ok    ok    login
queue        paused          login 404   403   403   ok    ok    404   login
queue        archive         login 404   403   403   ok    ok    404   login
edit-queue   save            login 404   403   403   ok    ok    404   login
add-items    ids             login 404   403   403   ok    ok    404   login
add-items    filter          login 404   403   403   ok    ok    404   login
items        assign          login 404   403   403   ok    ok    404   login
items        remove          login 404   403   403   ok    ok    404   login
items        first           login 404   403   403   ok    ok    404   login
items        give_back       login 404   403   403   ok    ok    404   login
items        give_back=item  login 404   403   403   ok    ok    404   login
items        release=person  login 404   403   403   ok    ok    404   login
annotate     submit          login 404   ok    403   ok    ok    404   login
annotate     skip            login 404   ok    403   ok    ok    404   login
annotate     save            login 404   ok    403   ok    ok    404   login
annotate     undo            login 404   ok    403   ok    ok    404   login
annotate     reserve         login 404   ok    403   ok    ok    404   login
review-list  approve         login 404   403   ok    ok    ok    404   login
review       approve         login 404   403   ok    ok    ok    404   login
review       request_changes login 404   403   ok    ok    ok    404   login
review       comment         login 404   403   ok    ok    ok    404   login
review       adjudicate      login 404   403   ok    ok    ok    404   login
review       withdraw        login 404   403   ok    ok    ok    404   login
review       gold            login 404   403   403   ok    ok    404   login
review       remove_gold     login 404   403   403   ok    ok    404   login
review       give_back       login 404   403   403   ok    ok    404   login
new-label    save            login 403   403   403   403   ok    ok    login
edit-label   save            login 403   403   403   403   ok    404   login
edit-label   force           login 403   403   403   403   ok    404   login
edit-label   delete          login 403   403   403   403   ok    404   login
people       invite          login 403   403   403   403   ok    ok    login
person       save            login 403   403   403   403   ok    404   login
person       link            login 403   403   403   403   ok    404   login
person       deactivate      login 403   403   403   403   ok    404   login
person       activate        login 403   403   403   403   ok    404   login
keys         create          login ok    ok    ok    ok    ok    ok    login
key          rotate          login 404   404   404   404   ok    404   login
key          revoke          login 404   404   404   404   ok    404   login
"""
FORMS = [row.split() for row in BUTTONS.strip().splitlines()]
# Pages without an id in their address.
LISTS = {"start", "password", "queues", "new-queue", "labels", "new-label", "sources", "people", "keys"}
# Tested where they are: sessions.
OTHERS = {"login", "logout", "invitation"}


def test_the_matrix_has_every_page() -> None:
    assert {pattern.name for pattern in urlpatterns} - OTHERS == {row[0] for row in ROWS}


def test_a_forbidden_page_says_the_role_and_the_admins_and_leads_on() -> None:
    member = UserFactory.create(email="bob@example.com")
    UserFactory.create(organization=member.organization, role="admin", name="Ada <b>", password="usable")
    UserFactory.create(organization=member.organization, role="admin", name="Gone", password="usable", is_active=False)
    UserFactory.create(organization=member.organization, role="admin", name="Invited")
    UserFactory.create(role="admin", name="Other", password="usable")
    answer = log_in(member).get("/people/")
    text = text_of(answer)
    assert answer.status_code == 403
    assert "managed by admins of the organization; bob@example.com has the role member." in text
    assert "Admin of your organization, to ask for it: Ada <b> ." in text
    assert "Request " in text
    assert '<a class="button" href="/">My work</a>' in html_of(answer)
    assert '<nav aria-label="Main">' in html_of(answer)


@pytest.mark.parametrize("path", ["/queues/00000000-0000-0000-0000-000000000000/", "/nothing/"])
def test_a_missing_page_has_the_navigation_for_people_only(path: str) -> None:
    answer = log_in(UserFactory.create()).get(path)
    assert answer.status_code == 404
    assert '<nav aria-label="Main">' in html_of(answer)
    assert "<h1>Not found</h1>" in html_of(answer)
    program = log_in(UserFactory.create()).get(path, headers={"Accept": "application/json"})
    assert (program.status_code, program["Content-Type"]) == (404, "application/problem+json")
    visitor = Client(headers={"Accept": "text/html"}).get(path)
    assert (visitor.status_code, "<nav" in html_of(visitor)) == (302 if "queues" in path else 404, False)


@dataclass
class Scene:
    """A queue with an item and people, in the order of the columns."""

    queue: Queue
    item: Item
    people: list[User | None]

    def path(self, name: str) -> str:
        """Return the address of a page, with rows of its own where it has some."""
        nouns: dict[str, Any] = {"label": LabelFactory, "source": SourceFactory, "person": UserFactory}
        noun = name.removeprefix("edit-").removeprefix("preview-").removesuffix("-results")
        ids: dict[str, uuid.UUID] = {}
        if noun in nouns:
            ids["pk"] = nouns[noun].create(organization=self.queue.organization).pk
        elif noun == "key":
            ids["pk"] = ApiKeyFactory.create(user=self.people[5]).pk
        elif noun not in LISTS and name != "preview-new-label":
            ids["pk"] = self.queue.pk
        if name in {"annotate", "reserve", "review"}:
            ids["item_id"] = self.item.pk
        return reverse(f"web:{name}", kwargs=ids)

    def clients(self) -> list[Client]:
        """Return their browsers; the last person is deactivated after its login."""
        clients = [log_in(person) if person else Client() for person in self.people]
        User.objects.filter(email=str(self.people[-1])).update(is_active=False)
        return clients


def create_scene(name: str) -> Scene:
    queue = QueueFactory.create(status="active")
    own = {"organization": queue.organization}
    people: list[User | None] = [None, UserFactory.create(**own)]
    for role in ("annotator", "reviewer", "manager"):
        member = UserFactory.create(**own)
        QueueMemberFactory.create(queue=queue, user=member, roles=[role])
        people.append(member)
    people += [UserFactory.create(role="admin", **organization) for organization in (own, {}, own)]
    item = ItemFactory.create(queue=queue, review_status="pending_review" if name == "review" else "")
    return Scene(queue, item, people)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_page_for_everybody(row: list[str]) -> None:
    name, *statuses = row
    scene = create_scene(name)
    path = scene.path(name)
    assert [str(client.get(path).status_code) for client in scene.clients()] == statuses


@pytest.mark.parametrize("row", FORMS, ids=[" ".join(row[:2]) for row in FORMS])
def test_a_form_for_everybody(row: list[str]) -> None:
    name, action, *statuses = row
    scene = create_scene(name)
    key, _, value = action.rpartition("=")
    values = {"item": str(scene.item.pk), "person": f"{scene.item.pk} {uuid.uuid4()}"}
    fields = {"items": str(scene.item.pk), "item": str(scene.item.pk), key or "action": values.get(value, value)}
    path, found = scene.path(name), []
    for client in scene.clients():
        with transaction.atomic():
            answer = client.post(path, fields)
            transaction.set_rollback(True)
        assert answer.status_code < 500
        is_login = answer.get("Location", "").startswith("/login/")
        found.append("login" if is_login else str(answer.status_code) if answer.status_code in {403, 404} else "ok")
    assert found == statuses


class Recorded(QueryDict):
    """A query that records the names that are read."""

    names: ClassVar[set[str]] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def getlist(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().getlist(name, default)


# Parameters without which others are not read.
OPENING = {"count": "1", "part": "agreement", "format": "csv"}
# PostgreSQL stores neither zero bytes nor lone surrogates.
UNSTORABLE: list[str | bytes] = ["\0", '{"a": "\\u0000"}', '{"a": "\\ud800"}', b"\xed\xa0\x80"]


@pytest.mark.parametrize("name", [row[0] for row in ROWS])
def test_no_parameter_of_a_page_breaks_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = create_scene(name)
    path, person = scene.path(name), scene.people[5]
    assert person
    admin = log_in(person)
    monkeypatch.setattr("django.core.handlers.wsgi.QueryDict", Recorded)
    monkeypatch.setattr(Recorded, "names", set())
    admin.get(path)
    admin.get(path, OPENING)
    for parameter in sorted(Recorded.names):
        for value in UNSTORABLE:
            for others in ({}, OPENING):
                query: dict[str, str | bytes] = {**others, parameter: value}
                assert admin.get(path, query).status_code < 500, parameter
    if name == "items":
        assert {"search", "status", "assigned_to", "ordering", "page"} <= Recorded.names
