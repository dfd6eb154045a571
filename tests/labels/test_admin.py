"""The admin's pages of labels and projects."""

from typing import Any

import pytest
from django.test import Client

from modelhub.labels.models import Label, Project
from tests.client import Caller, listed_ids
from tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db

PATH = "/admin/modelhub/label/"


def found(staff: Client, **query: Any) -> set[str]:
    return listed_ids(staff, PATH, **query)


def test_labels_show_their_legal_values(staff: Client, labels: dict[str, Label]) -> None:
    text = staff.get(PATH).content.decode()
    for words in ("1 to 5", "one of positive, neutral, negative", "0 to 10 in steps of 1", "up or down"):
        assert words in text


def test_search_and_filters(staff: Client, labels: dict[str, Label], alice: Caller) -> None:
    star = {str(labels["star"].pk)}
    assert found(staff, q="sTaR") == found(staff, q=labels["star"].pk) == found(staff, type="star") == star
    project = ProjectFactory.create(organization=alice.user.organization)
    assert found(staff, project=project.pk) == set()
    alice.delete(f"/model-hub/annotations-labels/{labels['star'].pk}/")
    assert found(staff) == {str(label.pk) for label in labels.values()} - star
    assert found(staff, state="deleted") == star


class TestProjects:
    """Projects are added and renamed; a name is unique in its organization."""

    PATH = "/admin/modelhub/project/"

    def test_a_name_that_is_taken(self, staff: Client, alice: Caller) -> None:
        ProjectFactory.create(organization=alice.user.organization, name="Support")
        form = {"name": "SUPPORT", "organization": str(alice.user.organization_id)}
        page = staff.post(self.PATH + "add/", form).content.decode()
        assert "A project named &quot;SUPPORT&quot; exists already" in page
        assert Project.objects.count() == 1

    def test_a_project_keeps_its_organization(self, staff: Client, alice: Caller, charlie: Caller) -> None:
        project = ProjectFactory.create(organization=alice.user.organization, name="Support")
        form = {"name": "support", "organization": str(charlie.user.organization_id)}
        assert staff.post(f"{self.PATH}{project.pk}/change/", form).status_code == 302
        project.refresh_from_db()
        assert (project.name, project.organization) == ("support", alice.user.organization)
