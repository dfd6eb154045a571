"""Cached labels are those of the database, after any kind of change."""

import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from modelhub.accounts.models import Organization
from modelhub.labels import cache
from modelhub.labels.cache import find_labels, read_labels
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


def record(caller: Caller, source: Source, label: Label, value: object) -> tuple[Answer, int]:
    """Record a score. Return the answer and the number of reads of labels."""
    with CaptureQueriesContext(connection) as captured:
        answer = caller.bulk(source, [entry(label, value)])
    return answer, sum("JOIN modelhub_label ON" in query["sql"] for query in captured)


class TestReads:
    def test_all_labels_are_read_once(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        assert [record(alice, trace, labels[type_], 1)[1] for type_ in ("star", "star", "numeric")] == [1, 0, 0]

    def test_an_unknown_label_is_not_searched_in_the_database(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        record(alice, trace, labels["star"], 1)
        unknown = Label(pk=uuid.uuid4())

        answer, reads = record(alice, trace, unknown, 1)

        assert (answer.body["errors"], reads) == ([f"scores[0]: Label not found: {unknown.pk}"], 0)

    def test_labels_are_read_once_after_a_change(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        record(alice, trace, labels["star"], 1)
        alice.patch(f"/model-hub/annotations-labels/{labels['text'].pk}/", {"description": "Another"})

        assert [record(alice, trace, labels["star"], rating)[1] for rating in (2, 3)] == [1, 0]

    @pytest.mark.parametrize(
        ("label_type", "settings"),
        [
            ("categorical", {}),
            ("categorical", {"options": None}),
            ("numeric", {"min": None}),
            ("numeric", {"max": "1"}),
            ("text", {"max_length": None}),
            ("star", {"no_of_stars": "many"}),
        ],
    )
    def test_a_label_whose_stored_settings_are_unfit_fails_alone(
        self, alice: Caller, trace: Source, labels: dict[str, Label], label_type: str, settings: dict[str, Any]
    ) -> None:
        """Nothing but SQL can store them."""
        other = labels["thumbs_up_down"]
        Label.objects.filter(pk=labels[label_type].pk).update(settings=settings)

        answer = alice.bulk(trace, [entry(labels[label_type], 1), entry(other, "up")])

        assert [score["label_id"] for score in answer.body["scores"]] == [str(other.pk)]
        assert "the settings of the label are unfit: " in answer.body["errors"][0]

    def test_an_organization_without_labels_is_cached_too(self, alice: Caller, trace: Source) -> None:
        unknown = Label(pk=uuid.uuid4())

        assert [record(alice, trace, unknown, 1)[1] for _ in range(2)] == [1, 0]


class TestChanges:
    def test_settings_changed_in_the_database_apply_at_once(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        star = labels["star"]
        assert record(alice, trace, star, 7)[0].status == 200
        execute("""UPDATE modelhub_label SET settings = '{"no_of_stars": 7}' WHERE id = %s""", star.pk)

        assert record(alice, trace, star, 7)[0].status == 201

    def test_a_deleted_and_a_created_label_count_at_once(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        star = labels["star"]
        record(alice, trace, star, 1)
        execute("UPDATE modelhub_label SET deleted_at = now() WHERE id = %s", star.pk)
        assert "was deleted" in record(alice, trace, star, 2)[0].body["errors"][0]

        created = LabelFactory.create(organization=alice.user.organization)

        assert record(alice, trace, created, 2)[0].status == 201

    def test_a_change_that_is_rolled_back_does_not_stay_in_the_cache(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        star = labels["star"]
        with transaction.atomic():
            execute("""UPDATE modelhub_label SET settings = '{"no_of_stars": 7}' WHERE id = %s""", star.pk)
            assert record(alice, trace, star, 7)[0].status == 201
            transaction.set_rollback(True)

        answer, reads = record(alice, trace, star, 7)

        assert "from 1 to 5" in answer.body["errors"][0]
        assert reads == 1

    def test_a_change_in_another_organization_costs_no_read(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        record(alice, trace, labels["star"], 1)
        LabelFactory.create()

        assert record(alice, trace, labels["star"], 2)[1] == 0


class TestChangesDuringARequest:
    def test_the_second_attempt_locks_the_labels(
        self, alice: Caller, trace: Source, labels: dict[str, Label], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        versions: list[str | None] = []

        def store_late(*args: Any, labels_version: str | None, **options: Any) -> StoreResult:
            versions.append(labels_version)
            execute("UPDATE modelhub_label SET name = %s WHERE id = %s", f"Name {len(versions)}", labels["text"].pk)
            return store_scores(*args, labels_version=labels_version, **options)

        monkeypatch.setattr(recording, "store_scores", store_late)
        answer = alice.bulk(trace, [entry(labels["star"], 4), entry(labels["text"], "")])

        assert (answer.status, len(answer.body["scores"])) == (201, 1)
        assert f"Label {labels['text'].pk} (Name 1, text)" in answer.body["errors"][0]
        assert [version is None for version in versions] == [False, True]

    def test_the_second_attempt_does_not_use_the_cache(
        self, alice: Caller, trace: Source, labels: dict[str, Label], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another thread may cache labels that it read before this request got the lock."""
        star = labels["star"]
        stale = read_labels(trace.organization_id, {str(star.pk)})
        execute("""UPDATE modelhub_label SET settings = '{"no_of_stars": 3}' WHERE id = %s""", star.pk)

        def share_and_make_stale(organization_id: uuid.UUID) -> None:
            share_labels(organization_id)
            cache._cache[organization_id] = stale

        monkeypatch.setattr(recording, "share_labels", share_and_make_stale)

        assert alice.bulk(trace, [entry(star, 4)]).body["scores"] == []


class TestVersions:
    def test_insert_update_and_delete_each_renew_the_version(self, labels: dict[str, Label]) -> None:
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

    def test_one_statement_renews_the_versions_of_many_organizations(self) -> None:
        some = [LabelFactory.create() for _ in range(3)]
        before = [version_of(label) for label in some]

        execute("UPDATE modelhub_label SET description = 'Another'")

        assert all(version_of(label) != version for label, version in zip(some, before, strict=True))

    def test_an_organization_can_be_deleted(self) -> None:
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
            found = find_labels(labels[0].organization_id) or read_labels(labels[0].organization_id, ids)
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
