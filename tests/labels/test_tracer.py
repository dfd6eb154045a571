"""`/tracer/`: labels and projects as the class Annotation of the published client asks for them."""

import uuid
from typing import Any

import pytest

from tests.client import Caller
from tests.factories import LabelFactory, ProjectFactory

pytestmark = pytest.mark.django_db

PROJECTS, LIST = "/tracer/project/", "/tracer/project/list_projects/"
LABELS = "/tracer/get-annotation-labels/"


def test_labels_are_wrapped_all_or_of_one_project(alice: Caller, charlie: Caller) -> None:
    project = ProjectFactory.create(organization=alice.user.organization)
    free = LabelFactory.create(organization=alice.user.organization)
    bound = LabelFactory.create(organization=alice.user.organization, project=project)
    LabelFactory.create(organization=charlie.user.organization)

    everything = alice.get(LABELS).body
    assert everything["status"] is True
    assert [label["id"] for label in everything["result"]] == [str(bound.pk), str(free.pk)]
    of_project = alice.get(f"{LABELS}?project_id={project.pk}").body
    assert [label["id"] for label in of_project["result"]] == [str(bound.pk)]
    for unknown in (str(uuid.uuid4()), "x"):
        assert alice.get(f"{LABELS}?project_id={unknown}").status == 404
    assert charlie.get(f"{LABELS}?project_id={project.pk}").status == 404


def test_a_project_is_made_and_found(alice: Caller) -> None:
    made = alice.post(PROJECTS, {"name": " Chat ", "projectType": "observe"})
    assert made.status == 201
    result = alice.get(LIST).body["result"]
    assert result == {
        "metadata": {"total_rows": 1, "page_number": 0, "page_size": 20, "total_pages": 1},
        "table": [made.body],
    }
    assert (made.body["name"], made.body["project_type"]) == ("Chat", "observe")


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": 5}, {"name": "x" * 256}, {"name": "\x00"}, {"name": "x", "project_type": None}]
)
def test_refusals(alice: Caller, body: dict[str, Any]) -> None:
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
def test_the_list(alice: Caller, query: str, names: list[str]) -> None:
    """Pages count from zero; a name that one project has exactly finds that one alone."""
    for name in ("Chat", "Chatter", "Search"):
        kind = "observe" if name == "Search" else ""
        ProjectFactory.create(organization=alice.user.organization, name=name, project_type=kind)
    ProjectFactory.create(name="Chat")
    assert [project["name"] for project in alice.get(LIST + query).body["result"]["table"]] == names


@pytest.mark.parametrize("query", ["page_number=-1", "page_number=x", "page_size=0"])
def test_a_wrong_page(alice: Caller, query: str) -> None:
    assert alice.get(f"{LIST}?{query}").status == 400
