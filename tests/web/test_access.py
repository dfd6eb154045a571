"""Access matrix of the pages: a visitor, roles of the organization and of a queue, another organization."""

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from modelhub.accounts.models import User
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
# admin, admin of another organization. 302 is the login, or the next item, which the annotator reserves first.
MATRIX = """
start              200 200 200 200 200 200 200
password           302 200 200 200 200 200 200
queues             302 200 200 200 200 200 200
new-queue          302 403 403 403 403 200 200
queue              302 404 403 200 200 200 404
edit-queue         302 404 403 403 200 200 404
add-items          302 404 403 403 200 200 404
queue-export       302 404 403 200 200 200 404
items              302 404 403 403 200 200 404
start-annotating   302 404 302 403 200 200 404
annotate           302 404 200 403 200 200 404
reserve            302 404 302 403 302 302 404
review-list        302 404 403 200 200 200 404
review             302 404 403 200 200 200 404
queue-results      302 404 403 200 200 200 404
labels             302 200 200 200 200 200 200
new-label          302 403 403 403 403 200 200
edit-label         302 403 403 403 403 200 404
preview-new-label  302 403 403 403 403 200 200
preview-label      302 403 403 403 403 200 404
label-results      302 403 403 403 403 200 404
sources            302 200 200 200 200 200 200
source             302 200 200 200 200 200 404
people             302 403 403 403 403 200 200
person             302 403 403 403 403 200 404
keys               302 200 200 200 200 200 200
key                302 404 404 404 404 200 404
"""
ROWS = [row.split() for row in MATRIX.strip().splitlines()]
# Pages without an id in their address.
LISTS = {"start", "password", "queues", "new-queue", "labels", "new-label", "sources", "people", "keys"}
# Tested where they are: sessions.
OTHERS = {"login", "logout", "invitation"}


def test_the_matrix_has_every_page() -> None:
    assert {pattern.name for pattern in urlpatterns} - OTHERS == {row[0] for row in ROWS}


def test_a_forbidden_page_says_the_role_and_the_admins_and_leads_on() -> None:
    member = UserFactory.create(email="bob@example.com")
    UserFactory.create(organization=member.organization, role="admin", name="Ada <b>")
    UserFactory.create(organization=member.organization, role="admin", name="Gone", is_active=False)
    UserFactory.create(role="admin", name="Other")
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


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_page_for_everybody(row: list[str]) -> None:
    queue = QueueFactory.create(status="active")
    organization = queue.organization
    admin = UserFactory.create(organization=organization, role="admin")
    people: list[User | None] = [None, UserFactory.create(organization=organization)]
    for role in ("annotator", "reviewer", "manager"):
        member = UserFactory.create(organization=organization)
        QueueMemberFactory.create(queue=queue, user=member, roles=[role])
        people.append(member)
    people += [admin, UserFactory.create(role="admin")]
    name, *statuses = row
    nouns: dict[str, Any] = {
        "label": LabelFactory,
        "source": SourceFactory,
        "person": UserFactory,
    }
    noun = name.removeprefix("edit-").removeprefix("preview-").removesuffix("-results")
    ids: dict[str, uuid.UUID] = {}
    if noun in nouns:
        ids["pk"] = nouns[noun].create(organization=organization).pk
    elif noun == "key":
        ids["pk"] = ApiKeyFactory.create(user=admin).pk
    elif noun not in LISTS and name != "preview-new-label":
        ids["pk"] = queue.pk
    item = ItemFactory.create(queue=queue, review_status="pending_review" if noun == "review" else "")
    if name in {"annotate", "reserve", "review"}:
        ids["item_id"] = item.pk
    path = reverse(f"web:{name}", kwargs=ids)
    found = []
    for person in people:
        client = log_in(person) if person else Client()
        found.append(str(client.get(path).status_code))
    assert found == statuses
