"""The scope `annotate`: the user's own scores, labels and sources, and nothing else."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from modelhub.accounts.models import ApiKey
from modelhub.labels.models import Label
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import Caller, entry
from tests.factories import ApiKeyFactory, ScoreFactory

pytestmark = pytest.mark.django_db

SCORES = "/model-hub/scores/"
LABELS = "/model-hub/annotations-labels/"


@pytest.fixture
def annotator(bob: Caller) -> Caller:
    """Bob's."""
    return Caller(ApiKeyFactory.create(user=bob.user, scopes=["annotate"]))


@pytest.fixture
def own(bob: Caller, trace: Source, labels: dict[str, Label]) -> Score:
    return ScoreFactory.create(source=trace, label=labels["star"], annotator=bob.user)


@pytest.fixture
def others(alice: Caller, trace: Source, labels: dict[str, Label]) -> Score:
    return ScoreFactory.create(source=trace, label=labels["star"], annotator=alice.user)


def text_of(caller: Caller, path: str) -> str:
    headers = {"X-Api-Key": caller.key.api_key, "X-Secret-Key": caller.secret}
    response: Any = Client().get(path, headers=headers)
    assert response.status_code == 200, path
    return bytes(response.getvalue()).decode()


def read_paths(source: Source, alices: Score) -> list[str]:
    queries = ["", "?page=1", "?cursor=", "?ordering=-updated_at", f"?source_id={source.source_id}"]
    of_alice = [f"?annotator_id={alices.annotator_id}", "?annotator_email=alice@example.com"]
    lists = [SCORES + query for query in queries + of_alice]
    exports = [f"{SCORES}export/{query}" for query in ("", "?export_format=csv", *of_alice)]
    source_of = f"{SCORES}for-source/?source_type={source.source_type}&source_id={source.source_id}"
    return [*lists, *exports, source_of, f"{source_of}&annotator_id={alices.annotator_id}"]


def test_other_users_scores_are_in_no_list_and_no_export(
    annotator: Caller, bob: Caller, own: Score, others: Score, trace: Source
) -> None:
    for path in read_paths(trace, others):
        of_alice = "annotator_" in path
        assert str(others.pk) in text_of(bob, path), path
        text = text_of(annotator, path)
        assert (str(own.pk) in text) is not of_alice, path
        assert str(others.pk) not in text, path
        assert "alice" not in text.replace("alice%40", ""), path


def test_counts_are_of_the_users_own_scores(annotator: Caller, alice: Caller, own: Score, others: Score) -> None:
    def counts(caller: Caller) -> list[int]:
        body = caller.get(LABELS + "?include_usage_count=true").body
        used = next(label for label in body["results"] if label["id"] == str(own.label_id))
        return [caller.get(SCORES).body["count"], used["annotation_count"], used["trace_annotations_count"]]

    assert counts(annotator) == [1, 1, 1]
    assert counts(alice) == [2, 2, 2]


Request = Callable[[Caller, Score], Any]
BY_ID: dict[str, Request] = {
    "read": lambda caller, score: caller.get(f"{SCORES}{score.pk}/"),
    "history": lambda caller, score: caller.get(f"{SCORES}{score.pk}/history/"),
    "correct": lambda caller, score: caller.patch(f"{SCORES}{score.pk}/", {"value": 1}),
    "replace": lambda caller, score: caller.put(f"{SCORES}{score.pk}/", {"value": 2}),
    "delete": lambda caller, score: caller.delete(f"{SCORES}{score.pk}/"),
}


@pytest.mark.parametrize("request_", BY_ID.values(), ids=list(BY_ID))
def test_an_own_score_by_its_id_and_anothers_does_not_exist(
    annotator: Caller, own: Score, others: Score, request_: Request
) -> None:
    assert request_(annotator, own).status == 200
    foreign, absent = request_(annotator, others), request_(annotator, Score(pk=uuid.UUID(int=7)))
    assert foreign.status == absent.status == 404
    assert foreign.body["detail"] == absent.body["detail"].replace(str(uuid.UUID(int=7)), str(others.pk))
    others.refresh_from_db()
    assert (others.value, others.deleted_at) == ({"rating": 4}, None)


def test_bulk_deletion_reaches_own_scores_only(
    annotator: Caller, own: Score, others: Score, labels: dict[str, Label]
) -> None:
    ids = [str(others.pk), str(own.pk)]
    by_ids = annotator.post(SCORES + "bulk-delete/", {"ids": ids}).body
    assert by_ids == {"deleted": 1, "errors": [f"ids[0]: Score not found: {others.pk}"]}
    ScoreFactory.create(source=own.source, label=labels["text"], annotator=own.annotator)
    answer = annotator.post(SCORES + "bulk-delete/", {"filter": {"source_id": own.source.source_id}})
    assert answer.body == {"deleted": 1, "errors": []}
    assert Score.objects.get(deleted_at=None) == others


def test_it_writes_its_users_scores(annotator: Caller, trace: Source, labels: dict[str, Label]) -> None:
    answer = annotator.bulk(trace, [entry(labels["star"], 4), entry(labels["text"], "x")])
    assert (answer.status, answer.body["errors"]) == (201, [])
    assert {score["annotator_email"] for score in answer.body["scores"]} == {"bob@example.com"}
    assert annotator.get(LABELS).body["count"] == 5
    assert annotator.get("/model-hub/sources/").body["count"] == 1


@pytest.mark.parametrize("scopes", [["annotate"], ["annotate", "act-as"], ["annotate", "read", "act-as"]])
def test_it_writes_for_nobody_else(
    annotator: Caller, alice: Caller, trace: Source, labels: dict[str, Label], scopes: list[str]
) -> None:
    ApiKey.objects.filter(pk=annotator.key.pk).update(scopes=scopes)
    answer = annotator.bulk(trace, [entry(labels["star"], 4)], annotator_id=str(alice.user.pk))
    assert (answer.status, answer.body["code"]) == (403, "scope")
    assert not Score.objects.exists()


def test_it_creates_no_source(annotator: Caller, bob: Caller, labels: dict[str, Label], settings: Any) -> None:
    settings.AUTO_CREATE_SOURCES = True
    score = {"source_type": "trace", "source_id": "new", **entry(labels["star"], 4)}
    batch = {"source_type": "trace", "source_id": "new", "scores": [entry(labels["star"], 4)]}
    assert annotator.post(SCORES, score).body["code"] == "source_not_found"
    assert annotator.post(SCORES + "bulk/", batch).body["code"] == "source_not_found"
    assert not Source.objects.exists()
    assert bob.post(SCORES, score).status == 201
    assert annotator.post(SCORES, score).status == 201


def test_with_read_it_sees_all_and_changes_its_own(annotator: Caller, own: Score, others: Score) -> None:
    ApiKey.objects.filter(pk=annotator.key.pk).update(scopes=["annotate", "read"])
    assert annotator.get(SCORES).body["count"] == 2
    assert annotator.patch(f"{SCORES}{own.pk}/", {"value": 1}).status == 200
    assert annotator.patch(f"{SCORES}{others.pk}/", {"value": 1}).body["code"] == "permission_denied"


@pytest.mark.parametrize("scopes", [["annotate", "admin"], ["annotate", "admin", "act-as"]])
def test_an_admins_key_to_annotate_is_no_admins(alice: Caller, own: Score, others: Score, scopes: list[str]) -> None:
    key = Caller(ApiKeyFactory.create(user=alice.user, scopes=scopes))
    assert key.patch(f"{SCORES}{own.pk}/", {"value": 1}).status == 404
    assert key.patch(f"{SCORES}{others.pk}/", {"value": 1}).status == 200
    assert key.delete(f"{LABELS}{own.label_id}/").status == 403


class TestLabels:
    """Admins delete labels; `write` creates and changes them."""

    def test_the_sentence_names_the_missing_role_or_scope(self, alice: Caller, bob: Caller, own: Score) -> None:
        path = f"{LABELS}{own.label_id}/"
        member = bob.delete(path)
        assert (member.status, member.body["code"], member.body["detail"]) == (
            403,
            "permission_denied",
            "Labels are deleted by admins of the organization only; the user of this API key has the role member.",
        )
        alice.key.scopes = ["read", "write"]
        alice.key.save()
        plain = alice.delete(path)
        assert (plain.status, plain.body["code"], plain.body["detail"]) == (
            403,
            "scope",
            "This API key lacks the scope admin; it has read, write.",
        )
        assert Label.objects.get(pk=own.label_id).deleted_at is None

    def test_a_member_still_creates_and_changes_labels(self, bob: Caller) -> None:
        made = bob.post(LABELS, {"name": "Tone", "type": "star"}).body["result"]
        assert bob.patch(f"{LABELS}{made['id']}/", {"description": "d"}).status == 200
        assert bob.delete(f"{LABELS}{made['id']}/").status == 403


def test_the_command_makes_such_a_key(bob: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_api_key", "bob@example.com", "--scope", "annotate")
    assert "(acts as bob@example.com, scopes annotate;" in capsys.readouterr().out
    assert ApiKey.objects.order_by("-id")[0].scopes == ["annotate"]
