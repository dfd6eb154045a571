"""Labels that a server keeps in memory are those of the database, whoever changes them."""

import uuid

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from modelhub.known_labels import NOTHING, KnownLabels
from modelhub.models import Label, LabelVersion, Source
from modelhub.score_views import LabelView
from modelhub.values import rule_of
from tests.conftest import Answer, Caller, entry
from tests.factories import LabelFactory, OrganizationFactory

pytestmark = pytest.mark.django_db(transaction=True)


def execute(statement: str, *parameters: object) -> None:
    """As somebody with psql."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def version_of(label: Label) -> uuid.UUID:
    return LabelVersion.objects.get(organization_id=label.organization_id).version


def judge(caller: Caller, source: Source, label: Label, value: object) -> tuple[Answer, list[str]]:
    """Score it, and which of the reads of labels that took."""
    with CaptureQueriesContext(connection) as captured:
        answer = caller.bulk(source, [entry(label, value)])
    statements = [query["sql"] for query in captured if "labelversion" in query["sql"]]
    return answer, ["labels" if "modelhub_label AS" in sql else "scores" for sql in statements]


class TestWhatIsRead:
    def test_labels_are_read_once(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        assert [judge(alice, trace, labels["star"], rating)[1] for rating in (1, 2)] == [["labels"], ["scores"]]

    def test_a_label_that_was_never_asked_for_is_read_in_the_same_statement(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        judge(alice, trace, labels["star"], 1)

        assert judge(alice, trace, labels["numeric"], 1)[1] == ["labels"]
        assert judge(alice, trace, labels["star"], 2)[1] == ["scores"]

    def test_a_label_that_there_is_not_costs_no_second_statement(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        judge(alice, trace, labels["star"], 1)
        nobody = Label(pk=uuid.uuid4())

        answer, reads = judge(alice, trace, nobody, 1)

        assert (answer.body["errors"], reads) == ([f"scores[0]: Label not found: {nobody.pk}"], ["labels"])

    def test_after_a_change_they_are_read_again_once(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        judge(alice, trace, labels["star"], 1)
        alice.request("PATCH", f"/model-hub/annotations-labels/{labels['text'].pk}/", {"description": "Another"})

        assert judge(alice, trace, labels["star"], 2)[1] == ["scores", "labels"]
        assert judge(alice, trace, labels["star"], 3)[1] == ["scores"]


class TestWhoeverChangesThem:
    def test_settings_that_were_changed_in_the_database(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        star = labels["star"]
        assert judge(alice, trace, star, 7)[0].status == 200
        execute("""UPDATE modelhub_label SET settings = '{"no_of_stars": 7}' WHERE id = %s""", star.pk)

        assert judge(alice, trace, star, 7)[0].status == 201

    def test_a_label_that_was_deleted_and_one_that_was_made(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        star = labels["star"]
        judge(alice, trace, star, 1)
        execute("UPDATE modelhub_label SET deleted_at = now() WHERE id = %s", star.pk)
        assert "was deleted" in judge(alice, trace, star, 2)[0].body["errors"][0]

        made = LabelFactory.create(organization=alice.user.organization)

        assert judge(alice, trace, made, 2)[0].status == 201

    def test_a_label_whose_change_was_rolled_back(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        """What was read inside of the transaction is known by a version that nobody sees again."""
        star = labels["star"]
        with transaction.atomic():
            execute("""UPDATE modelhub_label SET settings = '{"no_of_stars": 7}' WHERE id = %s""", star.pk)
            assert judge(alice, trace, star, 7)[0].status == 201
            transaction.set_rollback(True)

        answer, reads = judge(alice, trace, star, 7)

        assert "from 1 to 5" in answer.body["errors"][0]
        assert reads == ["scores", "labels"]

    def test_one_organization_does_not_make_another_read(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        judge(alice, trace, labels["star"], 1)
        LabelFactory.create()

        assert judge(alice, trace, labels["star"], 2)[1] == ["scores"]


class TestVersions:
    def test_insert_update_and_delete_each_make_another(self, labels: dict[str, Label]) -> None:
        star = labels["star"]
        seen = [version_of(star)]
        for statement in (
            "UPDATE modelhub_label SET name = 'Another' WHERE id = %s",
            "UPDATE modelhub_label SET name = 'Another' WHERE id = %s",
            "DELETE FROM modelhub_label WHERE id = %s",
        ):
            execute(statement, star.pk)
            seen.append(version_of(star))

        assert len(set(seen)) == 4

    def test_one_statement_about_many_organizations(self) -> None:
        some = [LabelFactory.create() for _ in range(3)]
        before = [version_of(label) for label in some]

        execute("UPDATE modelhub_label SET description = 'Another'")

        assert all(version_of(label) != version for label, version in zip(some, before, strict=True))

    def test_an_organization_may_go(self) -> None:
        organization = OrganizationFactory.create()
        label = LabelFactory.create(organization=organization)
        execute("DELETE FROM modelhub_label WHERE id = %s", label.pk)
        execute("DELETE FROM modelhub_organization WHERE id = %s", organization.pk)

        assert not LabelVersion.objects.filter(organization_id=organization.pk).exists()


class TestMemory:
    """Plain Python: what is kept of what was read."""

    @staticmethod
    def views(*names: str) -> dict[str, LabelView]:
        return {name: LabelView(name, name, "star", False, rule_of("star", {"no_of_stars": 5})) for name in names}

    def test_labels_of_one_version_gather_and_those_of_another_go(self) -> None:
        known, organization = KnownLabels(), uuid.uuid4()
        known.keep(organization, "one", self.views("a"))
        known.keep(organization, "one", self.views("b"))
        assert set(known.of(organization).labels) == {"a", "b"}

        known.keep(organization, "two", self.views("c"))

        assert (known.of(organization).version, set(known.of(organization).labels)) == ("two", {"c"})

    def test_it_is_bounded(self) -> None:
        known, one, other = KnownLabels(most=3), uuid.uuid4(), uuid.uuid4()
        known.keep(one, "1", self.views("a", "b"))
        known.keep(other, "1", self.views("c"))
        assert (len(known.of(one).labels), len(known.of(other).labels)) == (2, 1)

        known.keep(other, "1", self.views("c", "d"))

        assert (known.of(one), known.of(other)) == (NOTHING, NOTHING)
