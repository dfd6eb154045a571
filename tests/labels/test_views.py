import uuid
from typing import Any

import pytest

from modelhub.labels.models import Label
from tests.client import Caller
from tests.factories import LabelFactory, ProjectFactory

pytestmark = pytest.mark.django_db

LABELS = "/model-hub/annotations-labels/"


def test_a_label_is_created_with_the_defaults_of_its_type(alice: Caller) -> None:
    project = ProjectFactory.create(organization=alice.user.organization)
    answer = alice.post(LABELS, {"name": " Quality ", "type": "star", "project": str(project.pk), "allowNotes": True})

    assert answer.status == 200
    assert answer.body["status"] is True
    label = Label.objects.get()
    assert answer.body["result"] == {
        "id": str(label.pk),
        "name": "Quality",
        "type": "star",
        "description": "",
        "settings": {"no_of_stars": 5},
        "allow_notes": True,
        "archived": False,
        "organization": str(alice.user.organization_id),
        "project": str(project.pk),
        "created_at": label.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": label.updated_at.isoformat().replace("+00:00", "Z"),
    }


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"name": ""}, "name", 'name must be a string of 1 to 255 characters, got ""'),
        ({"name": "  "}, "name", 'name must be a string of 1 to 255 characters, got "  "'),
        ({"name": "a\x00"}, "name", "name holds a NUL character, which cannot be stored"),
        (
            {"type": "stars"},
            "type",
            'type must be one of text, numeric, categorical, star, thumbs_up_down, got "stars"',
        ),
        ({"type": ["star"]}, "type", "type must be one of"),
        (
            {"settings": {"no_of_stars": 0}},
            "settings",
            "no_of_stars must be a whole number from 1 to 1000000000, got 0",
        ),
        ({"settings": {"no_of_stars": 5, "x": "\x00"}}, "settings", "settings holds a NUL character"),
        ({"settings": None}, "settings", "settings must be an object, got null"),
        ({"name": "\u200b"}, "name", r'name must be a string of 1 to 255 visible characters, got "\u200b"'),
        ({"name": "a\u202eb"}, "name", r'name must be a string of 1 to 255 visible characters, got "a\u202eb"'),
        ({"description": 4}, "description", "description must be a string, got 4"),
        ({"project": "x"}, "project", 'project must be the id of a project, got "x"'),
        ({"project": str(uuid.uuid4())}, "project", "project must be the id of a project, got "),
        ({"allow_notes": "yes"}, "allow_notes", 'allow_notes must be true or false, got "yes"'),
    ],
)
def test_an_unfit_field_is_a_400_with_a_sentence(
    alice: Caller, change: dict[str, Any], field: str, sentence: str
) -> None:
    answer = alice.post(LABELS, {"name": "Quality", "type": "star"} | change)

    assert answer.status == 400
    assert answer.body["detail"].startswith(sentence)
    assert list(answer.body["errors"]) == [field]
    assert not Label.objects.exists()


def test_the_project_is_taken_under_both_of_its_names(alice: Caller) -> None:
    project = str(ProjectFactory.create(organization=alice.user.organization).pk)
    for number, given in enumerate(
        (
            {"project": project},
            {"project_id": project},
            {"projectId": project},
            {"project": project, "projectId": project},
        )
    ):
        answer = alice.post(LABELS, {"name": f"Label {number}", "type": "star", **given})
        assert (answer.status, answer.body["result"]["project"]) == (200, project)
    both = {"project": project, "project_id": None}
    answer = alice.post(LABELS, {"name": "Another", "type": "star", **both})
    assert (answer.status, answer.body["code"]) == (400, "conflicting_fields")


def test_a_project_of_another_organization_does_not_exist(alice: Caller) -> None:
    project = ProjectFactory.create()
    assert alice.post(LABELS, {"name": "Quality", "type": "star", "project": str(project.pk)}).status == 400


def test_a_name_is_taken_once_per_type_and_project(alice: Caller, charlie: Caller) -> None:
    project = ProjectFactory.create(organization=alice.user.organization)
    quality = {"name": "Quality", "type": "star"}
    assert alice.post(LABELS, quality).status == 200

    again = alice.post(LABELS, quality | {"name": "QUALITY"})
    assert (again.status, again.body["code"], list(again.body["errors"])) == (409, "duplicate", ["name"])
    assert again.body["detail"] == 'A label named "QUALITY" of type star without a project exists already'
    assert alice.post(LABELS, quality | {"type": "text"}).status == 200
    assert alice.post(LABELS, quality | {"project": str(project.pk)}).status == 200
    assert charlie.post(LABELS, quality).status == 200


def test_the_list_has_all_labels_unless_the_request_asks_for_a_page(alice: Caller, charlie: Caller) -> None:
    LabelFactory.create(organization=charlie.user.organization)
    labels = LabelFactory.create_batch(25, organization=alice.user.organization)

    whole = alice.get(LABELS).body
    assert [label["id"] for label in whole["results"]] == [str(label.pk) for label in reversed(labels)]
    assert (whole["count"], whole["next"]) == (25, None)
    assert len(alice.get(LABELS + "?page=2").body["results"]) == 5
    assert len(alice.get(LABELS + "?page_size=10").body["results"]) == 10


def test_a_label_is_found_by_its_id(alice: Caller, charlie: Caller) -> None:
    label = LabelFactory.create(organization=alice.user.organization)
    path = f"{LABELS}{label.pk}/"

    assert alice.get(path).body["name"] == label.name
    assert charlie.get(path).status == 404
    assert charlie.get(path).body["detail"] == f"Label not found: {label.pk}"
