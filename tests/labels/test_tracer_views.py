import uuid
from typing import Any

import pytest
from django.utils import timezone

from tests.client import Caller
from tests.factories import LabelFactory, ProjectFactory

pytestmark = pytest.mark.django_db

PROJECTS, LIST = "/tracer/project/", "/tracer/project/list_projects/"
LABELS = "/tracer/get-annotation-labels/"


def test_labels_are_wrapped_and_filtered_by_project(alice: Caller, charlie: Caller) -> None:
    project = ProjectFactory.create(organization=alice.user.organization)
    free = LabelFactory.create(organization=alice.user.organization)
    bound = LabelFactory.create(organization=alice.user.organization, project=project)
    LabelFactory.create(organization=alice.user.organization, deleted_at=timezone.now())
    LabelFactory.create(organization=charlie.user.organization)

    whole = alice.get(LABELS).body
    assert whole["status"] is True
    assert [label["id"] for label in whole["result"]] == [str(bound.pk), str(free.pk)]
    of_project = alice.get(f"{LABELS}?project_id={project.pk}").body
    assert [label["id"] for label in of_project["result"]] == [str(bound.pk)]
    assert alice.get(f"{LABELS}?project_id={uuid.uuid4()}").status == 404
    for unusable in ("x", ""):
        assert alice.get(f"{LABELS}?projectId={unusable}").body["errors"].keys() == {"project_id"}
    assert charlie.get(f"{LABELS}?project_id={project.pk}").status == 404


def test_a_created_project_is_listed(alice: Caller) -> None:
    created = alice.post(PROJECTS, {"name": " Chat ", "projectType": "observe"})
    assert created.status == 201
    result = alice.get(LIST).body["result"]
    assert result == {
        "metadata": {"total_rows": 1, "page_number": 0, "page_size": 20, "total_pages": 1},
        "table": [created.body],
    }
    assert (created.body["name"], created.body["project_type"]) == ("Chat", "observe")


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": 5}, {"name": "x" * 256}, {"name": "\x00"}, {"name": "x", "project_type": None}]
)
def test_an_unfit_project_is_a_400(alice: Caller, body: dict[str, Any]) -> None:
    assert alice.post(PROJECTS, body).status == 400


def test_a_name_is_taken_once(alice: Caller, charlie: Caller) -> None:
    assert alice.post(PROJECTS, {"name": "Chat"}).status == 201
    assert alice.post(PROJECTS, {"name": "CHAT"}).body["code"] == "duplicate"
    assert charlie.post(PROJECTS, {"name": "Chat"}).status == 201


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Search", "Chatter", "Chat"]),
        ("?name=chat", ["Chat"]),
        ("?name=hat", ["Chatter", "Chat"]),
        ("?name=nothing", []),
        ("?project_type=observe", ["Search"]),
        ("?page_size=2", ["Search", "Chatter"]),
        ("?page_size=2&page_number=1", ["Chat"]),
        ("?page_number=99999999999999999999", []),
    ],
)
def test_projects_are_searched_in_pages(alice: Caller, query: str, names: list[str]) -> None:
    for name in ("Chat", "Chatter", "Search"):
        kind = "observe" if name == "Search" else ""
        ProjectFactory.create(organization=alice.user.organization, name=name, project_type=kind)
    ProjectFactory.create(name="Chat")
    assert [project["name"] for project in alice.get(LIST + query).body["result"]["table"]] == names


@pytest.mark.parametrize(
    "query", ["page_number=-1", "page_number=x", "page_size=0", "project_type=", "name=%00", "names=x", "page=1"]
)
def test_an_unusable_page_is_a_400(alice: Caller, query: str) -> None:
    assert alice.get(f"{LIST}?{query}").status == 400
