"""Names of labels and projects: unique without case, in Unicode's NFC."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from modelhub.labels.models import Label, Project
from tests.client import Caller
from tests.factories import LabelFactory, OrganizationFactory, ProjectFactory

pytestmark = pytest.mark.django_db

LABELS, PROJECTS = "/model-hub/annotations-labels/", "/tracer/project/"
NFC, NFD = "Caf\u00e9", "CAFe\u0301"


@pytest.mark.parametrize(("path", "more"), [(LABELS, {"type": "star"}), (PROJECTS, {})])
def test_a_name_in_another_form_of_unicode_is_taken(alice: Caller, path: str, more: dict[str, Any]) -> None:
    assert alice.post(path, {"name": NFC, **more}).status in {200, 201}
    answer = alice.post(path, {"name": NFD, **more})
    assert (answer.status, answer.body["code"], list(answer.body["errors"])) == (409, "duplicate", ["name"])


def test_a_name_is_stored_as_it_was_sent(alice: Caller) -> None:
    assert alice.post(LABELS, {"name": NFD, "type": "star"}).body["result"]["name"] == NFD


def test_a_name_of_an_earlier_version_may_be_sent_again(alice: Caller) -> None:
    label = LabelFactory.create(organization=alice.user.organization, name="a\nb")
    path = f"{LABELS}{label.pk}/"
    assert alice.put(path, alice.request("GET", path).body | {"description": "d"}).body["description"] == "d"
    answer = alice.patch(path, {"name": "a\nc"})
    assert (answer.status, list(answer.body["errors"])) == (400, ["name"])
    assert alice.patch(path, {"name": "a c"}).status == 200


@pytest.mark.parametrize("factory", [LabelFactory, ProjectFactory])
def test_the_database_holds_the_rule(alice: Caller, factory: Any) -> None:
    factory.create(organization=alice.user.organization, name=NFC)
    with pytest.raises(IntegrityError, match="name_is_unique_in_nfc"), transaction.atomic():
        factory.create(organization=alice.user.organization, name=NFD)


@pytest.mark.parametrize("name", [NFD, "a\u202eb", "\u3164"])
def test_a_form_of_the_admin_refuses_it_with_a_sentence(alice: Caller, name: str) -> None:
    organization = alice.user.organization
    ProjectFactory.create(organization=organization, name=NFC)
    with pytest.raises(ValidationError):
        Project(organization=organization, name=name).full_clean()


def test_a_project_is_found_by_its_name_in_another_form(alice: Caller) -> None:
    alice.post(PROJECTS, {"name": NFC})
    alice.post(PROJECTS, {"name": NFC + " au lait"})
    answer = alice.request("GET", f"{PROJECTS}list_projects/?name={NFD}")
    assert [project["name"] for project in answer.body["result"]["table"]] == [NFC]


@pytest.fixture
def old_tables(transactional_db: None) -> Iterator[None]:
    """Provide the tables of the version before; later migrations need no transaction."""
    migrate("0004_scope_annotate")
    yield
    [(_, last)] = MigrationExecutor(connection).loader.graph.leaf_nodes("modelhub")
    migrate(last)


@pytest.mark.usefixtures("old_tables")
def test_equal_names_of_the_version_before_are_told_apart_by_the_migration() -> None:
    mine, theirs = OrganizationFactory.create(), OrganizationFactory.create()
    labels = [LabelFactory.create(organization=mine, name=name) for name in (NFC, NFD)]
    LabelFactory.create(organization=mine, name=NFD, type="text")
    LabelFactory.create(organization=theirs, name=NFD)
    projects = [ProjectFactory.create(organization=mine, name=name) for name in (NFD, NFC)]
    migrate("0005_names_in_nfc")

    assert [Label.objects.get(pk=label.pk).name for label in labels] == [
        NFC,
        f"{NFD} ({str(labels[1].pk)[-8:]})",
    ]
    assert [Project.objects.get(pk=project.pk).name for project in projects] == [
        NFD,
        f"{NFC} ({str(projects[1].pk)[-8:]})",
    ]
    assert Label.objects.filter(name=NFD).count() == 2


def migrate(name: str) -> None:
    """Bring the tables to a migration."""
    MigrationExecutor(connection).migrate([("modelhub", name)])


@pytest.mark.parametrize("part", ["fe\u0301", "F\u00e9", "%", "a_b"])
def test_a_part_of_a_name_is_found_in_another_form(alice: Caller, part: str) -> None:
    organization = alice.user.organization
    found = {
        LabelFactory.create(organization=organization, name=name).name for name in (NFC, NFD + " 2", "100 %", "A_B")
    }
    LabelFactory.create(organization=organization, name="Tea axb")
    listed = {label["name"] for label in alice.request("GET", f"{LABELS}?search={quote(part)}").body["results"]}
    expected = {"%": {"100 %"}, "a_b": {"A_B"}}.get(part, {NFC, NFD + " 2"})
    assert listed == expected <= found
    for name in found:
        ProjectFactory.create(organization=organization, name=name)
    table = alice.request("GET", f"{PROJECTS}list_projects/?name={quote(part)}").body["result"]["table"]
    assert {project["name"] for project in table} == expected
