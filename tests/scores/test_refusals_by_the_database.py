"""Scores that the database rejects cost no other score."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection

from modelhub.accounts.models import User
from modelhub.labels.models import Label
from modelhub.scores import recording
from modelhub.scores.models import Score, ScoreRevision
from modelhub.scores.statements import StoreResult, store_scores
from modelhub.sources.models import Source
from tests.client import Caller, entry, refuse_thirteen
from tests.factories import LabelFactory, OrganizationFactory
from tests.scores.files import run_import, write

pytestmark = pytest.mark.django_db

IS_THIRTEEN = 'NEW.value = \'{"text": "13"}\''
TRIGGER = refuse_thirteen("modelhub_score", IS_THIRTEEN)


@pytest.fixture
def refuses_thirteen(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TRIGGER)


@pytest.fixture
def hundred(alice: Caller) -> list[Label]:
    return LabelFactory.create_batch(100, organization=alice.user.organization, type="text")


def batch(labels: Sequence[Label]) -> list[dict[str, object]]:
    return [entry(label, str(at)) for at, label in enumerate(labels)]


def test_an_internal_error_of_postgresql_is_no_refusal(alice: Caller, trace: Source, hundred: list[Label]) -> None:
    """It raises one when a restore replaces the function that a statement is about to call."""
    with connection.cursor() as cursor:
        cursor.execute(refuse_thirteen("modelhub_score", IS_THIRTEEN, code="XX000"))
    answer = alice.bulk(trace, batch(hundred))
    assert (answer.status, answer.body["code"]) == (503, "service_unavailable")
    assert Score.objects.count() == 0
    assert "secret" not in str(answer.body)


@pytest.mark.usefixtures("refuses_thirteen")
class TestARefusalOfOne:
    def test_leaves_ninety_nine(self, alice: Caller, trace: Source, hundred: list[Label]) -> None:
        answer = alice.bulk(trace, batch(hundred), "?error_details=true")

        assert answer.status == 201
        assert len(answer.body["scores"]) == Score.objects.count() == 99
        label = hundred[13]
        assert answer.body["errors"] == [
            f"scores[13]: Label {label.pk} ({label.name}, text): the database refused this score"
        ]
        assert answer.body["error_details"][0]["code"] == "database_refused"

    def test_does_not_touch_a_source_that_could_have_been_created(
        self, alice: Caller, trace: Source, hundred: list[Label], settings: Any
    ) -> None:
        settings.AUTO_CREATE_SOURCES = True
        assert alice.bulk(trace, batch(hundred)).status == 201
        assert Source.objects.get().updated_at == trace.updated_at

    def test_keeps_the_order_of_the_request(self, alice: Caller, trace: Source, hundred: list[Label]) -> None:
        answer = alice.bulk(trace, batch(hundred))

        expected = [str(label.pk) for label in hundred]
        del expected[13]
        assert [score["label_id"] for score in answer.body["scores"]] == expected

    def test_leaves_the_old_value_and_no_revision_of_it(
        self, alice: Caller, trace: Source, hundred: list[Label]
    ) -> None:
        alice.bulk(trace, [entry(label, "before") for label in hundred])
        answer = alice.bulk(trace, batch(hundred))

        assert len(answer.body["errors"]) == 1
        assert Score.objects.get(label=hundred[13]).value == {"text": "before"}
        assert not ScoreRevision.objects.filter(score__label=hundred[13]).exists()
        assert ScoreRevision.objects.count() == 99

    def test_undoes_an_atomic_batch_and_names_the_culprit(
        self, alice: Caller, trace: Source, hundred: list[Label]
    ) -> None:
        answer = alice.bulk(trace, batch(hundred), "?atomic=true")

        assert (answer.status, answer.body["scores"]) == (200, [])
        assert answer.body["errors"][0].startswith("scores[13]: ")
        assert not Score.objects.exists()

    def test_is_found_by_a_dry_run(self, alice: Caller, trace: Source, hundred: list[Label]) -> None:
        answer = alice.bulk(trace, batch(hundred), "?dry_run=true")

        assert len(answer.body["scores"]) == 99
        assert len(answer.body["errors"]) == 1
        assert not Score.objects.exists()

    def test_of_a_single_score_is_a_400(self, alice: Caller, trace: Source, hundred: list[Label]) -> None:
        body = {"source_type": "trace", "source_id": trace.source_id, **entry(hundred[0], "13")}
        answer = alice.post("/model-hub/scores/", body)

        assert (answer.status, answer.body["code"]) == (400, "database_refused")
        assert "secret" not in answer.body["detail"]

    def test_costs_an_import_its_line_only(
        self, alice: Caller, hundred: list[Label], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lines = [
            {
                "source_type": "trace",
                "source_id": "1",
                "label_id": str(label.pk),
                "value": str(at),
                "annotator_email": f"new{at}@example.com",
            }
            for at, label in enumerate(hundred[:15])
        ]
        done = "14 scores created, 0 changed, 0 unchanged, 1 line with errors\n14 annotators created, inactive"
        assert run_import(write(tmp_path, *lines), "--create-annotators") == (done, 1)
        assert capsys.readouterr().err == "line 14: The database refused this score\n"
        assert Score.objects.count() == 14
        assert not User.objects.filter(email="new13@example.com").exists()


@pytest.mark.django_db(transaction=True)
def test_a_label_that_disappears_before_the_write_costs_its_score_only(
    alice: Caller, trace: Source, hundred: list[Label], monkeypatch: pytest.MonkeyPatch
) -> None:
    def store_late(*args: Any, **options: Any) -> StoreResult:
        Label.objects.filter(pk=hundred[7].pk).delete()
        return store_scores(*args, **options)

    monkeypatch.setattr(recording, "store_scores", store_late)
    answer = alice.bulk(trace, batch(hundred))

    assert len(answer.body["scores"]) == Score.objects.count() == 99
    assert answer.body["errors"] == [f"scores[7]: Label not found: {hundred[7].pk}"]


def test_values_that_the_database_cannot_hold_cost_their_scores_only(
    alice: Caller, trace: Source, hundred: list[Label], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If such a value ever passes the rules, only its own score is rejected."""
    monkeypatch.setattr("modelhub.core.exact_json.check_storable", lambda *_, **__: None)
    sent = [entry(hundred[0], "a\x00b"), entry(hundred[1], {"text": "fine", "n": Decimal("1E+200000")})]
    answer = alice.bulk(trace, [*sent, entry(hundred[2], "fine")])

    assert [score["label_id"] for score in answer.body["scores"]] == [str(hundred[2].pk)]
    assert [error[:10] for error in answer.body["errors"]] == ["scores[0]:", "scores[1]:"]


@pytest.fixture
def foreign_keys(db: None) -> Iterator[list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass || '.' || conname FROM pg_constraint "
            "WHERE contype = 'f' AND condeferred AND conrelid::regclass::text LIKE 'modelhub\\_%'"
        )
        yield [name for (name,) in cursor.fetchall()]


def test_no_foreign_key_waits_for_commit(foreign_keys: list[str]) -> None:
    assert foreign_keys == []


def test_revisions_cannot_be_changed(alice: Caller, trace: Source, hundred: list[Label]) -> None:
    alice.bulk(trace, [entry(hundred[0], "one")])
    alice.bulk(trace, [entry(hundred[0], "two")])

    with pytest.raises(Exception, match="append-only"):
        ScoreRevision.objects.update(notes="changed")


def test_a_score_is_of_the_organization_of_its_source(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    """By a foreign key, whatever the code would do."""
    alice.bulk(trace, [entry(labels["star"], 4)])
    other = OrganizationFactory.create()

    with pytest.raises(IntegrityError, match="score_source_of_organization"):
        Score.objects.update(organization=other)
