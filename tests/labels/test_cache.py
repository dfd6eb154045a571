"""Labels that a server keeps in memory are those of the database, whoever changes them."""

import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from modelhub.accounts.models import Organization
from modelhub.labels import cache
from modelhub.labels.cache import get_labels
from modelhub.labels.locks import share_labels
from modelhub.labels.models import Label, LabelVersion
from modelhub.scores import recording
from modelhub.scores.statements import StoreResult, store_scores
from modelhub.sources.models import Source
from tests.client import Answer, Caller, entry, execute
from tests.factories import LabelFactory, OrganizationFactory

pytestmark = pytest.mark.django_db(transaction=True)


def version_of(label: Label) -> uuid.UUID:
    return LabelVersion.objects.get(organization_id=label.organization_id).version


def judge(caller: Caller, source: Source, label: Label, value: object) -> tuple[Answer, int]:
    """Score it, and how many statements read labels for it."""
    with CaptureQueriesContext(connection) as captured:
        answer = caller.bulk(source, [entry(label, value)])
    return answer, sum("JOIN modelhub_label ON" in query["sql"] for query in captured)


class TestWhatIsRead:
    def test_all_labels_are_read_once(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        assert [judge(alice, trace, labels[type_], 1)[1] for type_ in ("star", "star", "numeric")] == [1, 0, 0]

    def test_a_label_that_there_is_not_is_not_looked_for(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        judge(alice, trace, labels["star"], 1)
        nobody = Label(pk=uuid.uuid4())

        answer, reads = judge(alice, trace, nobody, 1)

        assert (answer.body["errors"], reads) == ([f"scores[0]: Label not found: {nobody.pk}"], 0)

    def test_after_a_change_they_are_read_again_once(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        judge(alice, trace, labels["star"], 1)
        alice.request("PATCH", f"/model-hub/annotations-labels/{labels['text'].pk}/", {"description": "Another"})

        assert [judge(alice, trace, labels["star"], rating)[1] for rating in (2, 3)] == [1, 0]

    def test_an_organization_without_labels(self, alice: Caller, trace: Source) -> None:
        nobody = Label(pk=uuid.uuid4())

        assert [judge(alice, trace, nobody, 1)[1] for _ in range(2)] == [1, 0]


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
        assert reads == 1

    def test_one_organization_does_not_make_another_read(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        judge(alice, trace, labels["star"], 1)
        LabelFactory.create()

        assert judge(alice, trace, labels["star"], 2)[1] == 0


class TestSomebodyWhoNeverStopsChangingThem:
    def test_keeps_no_request_from_scoring(
        self, alice: Caller, trace: Source, labels: dict[str, Label], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After one attempt the labels are locked, and judged as they are then."""
        asked: list[str | None] = []

        def store_late(*args: Any, labels_version: str | None, **options: Any) -> StoreResult:
            asked.append(labels_version)
            execute("UPDATE modelhub_label SET name = %s WHERE id = %s", f"Name {len(asked)}", labels["text"].pk)
            return store_scores(*args, labels_version=labels_version, **options)

        monkeypatch.setattr(recording, "store_scores", store_late)
        answer = alice.bulk(trace, [entry(labels["star"], 4), entry(labels["text"], "")])

        assert (answer.status, len(answer.body["scores"])) == (201, 1)
        assert f"Label {labels['text'].pk} (Name 1, text)" in answer.body["errors"][0]
        assert [version is None for version in asked] == [False, True]

    def test_is_not_answered_from_a_cache_that_another_request_filled_before(
        self, alice: Caller, trace: Source, labels: dict[str, Label], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another thread may cache labels that it read before the lock was held."""
        star = labels["star"]
        stale = get_labels(trace.organization_id, {str(star.pk)})
        execute("""UPDATE modelhub_label SET settings = '{"no_of_stars": 3}' WHERE id = %s""", star.pk)

        def share_and_spoil(organization_id: uuid.UUID) -> None:
            share_labels(organization_id)
            cache._cache[organization_id] = stale

        monkeypatch.setattr(recording, "share_labels", share_and_spoil)

        assert alice.bulk(trace, [entry(star, 4)]).body["scores"] == []


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


class TestBounds:
    @staticmethod
    def find(*labels: Label) -> tuple[bool, int]:
        """Return whether all labels are found, and the number of statements."""
        ids = {str(label.pk) for label in labels}
        with CaptureQueriesContext(connection) as captured:
            found = get_labels(labels[0].organization_id, ids)
        return ids <= found.rules.keys(), len(captured)

    def test_a_large_organization_is_read_by_id_each_time(
        self, organization: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cache, "MAX_PER_ORGANIZATION", 2)
        first, second, third, fourth = LabelFactory.create_batch(4, organization=organization)

        assert self.find(first) == (True, 1)
        assert self.find(third) == (True, 1)
        assert self.find(first, second, third, fourth) == (True, 1)
        assert organization.pk not in cache._cache

    def test_the_cache_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cache, "_cache", {})
        monkeypatch.setattr(cache, "MAX_LABELS", 1)
        one, other = LabelFactory.create(), LabelFactory.create()

        assert [self.find(label)[1] for label in (one, one, other, one, one)] == [1, 0, 1, 1, 0]
        assert len(cache._cache) == 1
