"""PUT, PATCH, DELETE and the history of a score; bulk delete."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from modelhub.labels.models import Label
from modelhub.scores.models import Score, ScoreRevision
from modelhub.sources.models import Source
from tests.client import Caller, entry
from tests.factories import LabelFactory, ScoreFactory, SourceFactory

pytestmark = pytest.mark.django_db

SCORES = "/model-hub/scores/"
BULK_DELETE = SCORES + "bulk-delete/"


@pytest.fixture
def score(bob: Caller, trace: Source, labels: dict[str, Label]) -> Score:
    """Bob's."""
    return ScoreFactory.create(source=trace, label=labels["star"], annotator=bob.user, notes="old")


def path(score: Score) -> str:
    return f"{SCORES}{score.pk}/"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_its_annotator_corrects_it_and_the_history_tells(bob: Caller, score: Score, method: str) -> None:
    answer = bob.request(method, path(score), {"value": 2, "scoreSource": "api"})

    assert answer.status == 200
    assert (answer.body["value"], answer.body["score_source"], answer.body["notes"]) == ({"rating": 2}, "api", "old")
    history = bob.get(path(score) + "history/").body
    [revision] = history["results"]
    assert revision.pop("replaced_at") == answer.body["updated_at"]
    assert revision == {
        "value": {"rating": 4},
        "score_source": "human",
        "notes": "old",
        "updated_by": str(bob.user.pk),
        "updated_by_name": "Bob",
        "updated_by_email": "bob@example.com",
        "action": "overwritten",
        "replaced_by": str(bob.user.pk),
        "replaced_by_name": "Bob",
        "replaced_by_email": "bob@example.com",
    }


def test_an_equal_value_leaves_no_history(bob: Caller, score: Score) -> None:
    before = bob.get(path(score)).body
    answer = bob.patch(path(score), {"value": {"rating": 4}, "notes": "old"})
    assert (answer.status, answer.body) == (200, before)
    assert not ScoreRevision.objects.exists()


@pytest.mark.parametrize("bulk", [False, True])
def test_a_clock_up_to_a_minute_ahead_is_followed(bob: Caller, score: Score, bulk: bool) -> None:
    """A change is later than the one before it; a wrong clock does not decide for years."""
    for value, seconds in ((1, 40), (2, 100_000)):
        before = timezone.now() + timedelta(seconds=seconds)
        Score.objects.update(updated_at=before)
        if bulk:
            [changed] = bob.bulk(score.source, [entry(score.label, value)]).body["scores"]
        else:
            changed = bob.patch(path(score), {"value": value}).body
        updated_at = datetime.fromisoformat(changed["updated_at"])
        if seconds == 40:
            assert updated_at == before + timedelta(microseconds=1)
        else:
            assert updated_at <= timezone.now()


def test_fields_are_named_and_judged_in_the_order_of_the_contract(bob: Caller, score: Score) -> None:
    assert bob.patch(path(score), {}).body["message"] == (
        "At least one of value, notes, score_source must be given, other than null"
    )
    assert bob.patch(path(score), {"score_source": "x", "notes": 5}).body["code"] == "invalid_notes"


@pytest.mark.parametrize(
    ("method", "body", "code"),
    [
        ("PATCH", {}, "required"),
        ("PUT", {"notes": "x"}, "missing_value"),
        ("PATCH", {"value": 9}, "invalid_value"),
        ("PATCH", {"value": None}, "invalid_value"),
        ("PATCH", {"notes": 5}, "invalid_notes"),
        ("PATCH", {"score_source": "robot"}, "invalid_score_source"),
        ("PATCH", {"label_id": "x"}, "unknown_field"),
        ("PATCH", [], "not_an_object"),
    ],
)
def test_refusals(bob: Caller, score: Score, method: str, body: Any, code: str) -> None:
    answer = bob.request(method, path(score), body)
    assert (answer.status, answer.body["code"]) == (400, code)
    score.refresh_from_db()
    assert score.value == {"rating": 4}


def test_an_admin_may_and_another_member_may_not(alice: Caller, bob: Caller, labels: dict[str, Label]) -> None:
    source = SourceFactory.create(organization=alice.user.organization)
    alices = ScoreFactory.create(source=source, label=labels["star"], annotator=alice.user)
    bobs = ScoreFactory.create(source=source, label=labels["star"], annotator=bob.user)

    for method, body in (("PATCH", {"value": 1}), ("DELETE", None)):
        refused = bob.request(method, path(alices), body)
        assert (refused.status, refused.body["code"]) == (403, "permission_denied")
        assert refused.body["message"].endswith("an admin of the organization; bob@example.com has the role member")
    assert alice.patch(path(bobs), {"value": 1}).status == 200
    assert ScoreRevision.objects.get().replaced_by == alice.user


def test_an_admins_key_without_the_scope_is_a_members(alice: Caller, score: Score) -> None:
    for scopes, missing in ((["read", "write"], "admin"), (["read", "annotate", "admin"], "write")):
        alice.key.scopes = scopes
        alice.key.save()
        for method, body in (("PATCH", {"value": 1}), ("DELETE", None)):
            refused = alice.request(method, path(score), body)
            assert refused.status == 403
            assert refused.body["message"].endswith(f"; this API key lacks the scope {missing}")
        refused = alice.post(BULK_DELETE, {"filter": {"source_id": score.source.source_id}})
        assert refused.body["message"].endswith(f"; this API key lacks the scope {missing}")


def test_delete_is_soft_answers_with_a_body_and_is_in_the_history(bob: Caller, score: Score) -> None:
    answer = bob.delete(path(score), {})

    assert (answer.status, answer.body) == (200, {"deleted": True})
    assert bob.delete(path(score)).status == 404
    [revision] = bob.get(path(score) + "history/").body["results"]
    assert (revision["action"], revision["value"]) == ("deleted", {"rating": 4})
    assert Score.objects.get().deleted_at is not None


def test_a_deleted_score_makes_room_for_a_new_one(
    bob: Caller, score: Score, trace: Source, labels: dict[str, Label]
) -> None:
    bob.delete(path(score))
    answer = bob.bulk(trace, [entry(labels["star"], 1)])
    assert answer.status == 201
    assert answer.body["scores"][0]["id"] != str(score.pk)


def test_the_history_is_newest_first_and_its_organizations_own(bob: Caller, charlie: Caller, score: Score) -> None:
    for rating in (1, 2, 3):
        bob.patch(path(score), {"value": rating})
    body = bob.get(path(score) + "history/?limit=2").body
    assert [one["value"]["rating"] for one in body["results"]] == [2, 1]
    assert body["count"] == 3
    assert charlie.get(path(score) + "history/").status == 404
    assert bob.get(f"{SCORES}{uuid.uuid4()}/history/").status == 404


class TestBulkDelete:
    """`POST /model-hub/scores/bulk-delete/`."""

    def test_by_ids_each_by_itself(
        self, alice: Caller, bob: Caller, charlie: Caller, trace: Source, score: Score
    ) -> None:
        alices = ScoreFactory.create(source=trace, annotator=alice.user)
        foreign = ScoreFactory.create(source__organization=charlie.user.organization)
        unknown = uuid.uuid4()
        ids = [str(score.pk), str(alices.pk), str(foreign.pk), str(unknown), 7, str(score.pk).upper()]
        answer = bob.post(BULK_DELETE, {"ids": ids})

        assert answer.status == 200
        assert answer.body == {
            "deleted": 1,
            "errors": [
                (
                    f"ids[1]: Score {alices.pk} is not yours: a score is changed or deleted by its annotator "
                    "or an admin of the organization; bob@example.com has the role member"
                ),
                f"ids[2]: Score not found: {foreign.pk}",
                f"ids[3]: Score not found: {unknown}",
                "ids[4]: Score not found: 7",
                f"ids[5]: Score {score.pk} is already named by ids[0]",
            ],
        }
        assert set(Score.objects.filter(deleted_at=None)) == {alices, foreign}
        assert ScoreRevision.objects.get().action == "deleted"

    def test_by_a_filter(self, alice: Caller, trace: Source, score: Score) -> None:
        other = ScoreFactory.create(source=SourceFactory.create(organization=alice.user.organization))
        answer = alice.post(BULK_DELETE, {"filter": {"sourceType": "trace", "source_id": trace.source_id}})

        assert answer.body == {"deleted": 1, "errors": []}
        assert list(Score.objects.filter(deleted_at=None)) == [other]

    def test_a_members_filter_deletes_no_scores_of_others(
        self, alice: Caller, bob: Caller, trace: Source, score: Score
    ) -> None:
        ScoreFactory.create(source=trace, annotator=alice.user)
        answer = bob.post(BULK_DELETE, {"filter": {"source_id": trace.source_id}})
        assert (answer.status, answer.body["detail"]) == (
            403,
            "Nothing was deleted: of the 2 scores that match, 1 are not yours; bob@example.com has the role member",
        )
        assert not Score.objects.exclude(deleted_at=None).exists()
        mine = {"source_id": trace.source_id, "annotator_id": str(bob.user.pk)}
        assert bob.post(BULK_DELETE, {"filter": mine}).body["deleted"] == 1

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"ids": []},
            {"ids": "x"},
            {"filter": {}},
            {"filter": []},
            {"filter": {"source_id": ""}},
            {"filter": {"source_id": " "}},
            {"filter": {"label_id": "\t"}},
            {"filter": {"annotator_id": "\u3000"}},
            {"filter": {"annotator_email": "\u00a0"}},
            {"filter": {"source_id": "a", "sourceId": "b"}},
            {"filter": {"source_id": None}},
            {"filter": {"label": "x"}},
            {"filter": {"label_id": "x"}},
            {"filter": {"page": "1"}},
            {"ids": ["x"], "filter": {"source_id": "x"}},
            {"id": ["x"]},
        ],
    )
    def test_filters_that_could_delete_too_much_are_rejected(
        self, alice: Caller, score: Score, body: dict[str, Any]
    ) -> None:
        assert alice.post(BULK_DELETE, body).status == 400
        assert not Score.objects.exclude(deleted_at=None).exists()

    @pytest.mark.parametrize("name", ["source_id", "annotator_email", "label_id", "created_after"])
    @pytest.mark.parametrize("text", [rb"a\u0000b", rb"\ud800"])
    def test_a_filter_that_the_database_cannot_be_asked_for(self, alice: Caller, name: str, text: bytes) -> None:
        raw = b'{"filter": {"%s": "%s"}}' % (name.encode(), text)
        answer = alice.post(BULK_DELETE, raw=raw)
        assert (answer.status, answer.body["code"]) == (400, "unstorable_value")

    def test_at_most_a_thousand_ids(self, alice: Caller) -> None:
        assert alice.post(BULK_DELETE, {"ids": ["x"] * 1001}).status == 413

    def test_costs_the_same_however_many(self, alice: Caller, trace: Source, django_assert_num_queries: Any) -> None:
        labels = LabelFactory.create_batch(30, organization=alice.user.organization)
        answer = alice.bulk(trace, [entry(label, 3) for label in labels])
        scores = [score["id"] for score in answer.body["scores"]]
        for some in (scores[:1], scores[1:]):
            with django_assert_num_queries(7):
                assert alice.post(BULK_DELETE, {"ids": some}).body["deleted"] == len(some)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_null_means_not_given(bob: Caller, score: Score, method: str) -> None:
    answer = bob.request(method, path(score), {"value": 2, "notes": None, "score_source": None})
    assert (answer.status, answer.body["notes"], answer.body["score_source"]) == (200, "old", "human")
    assert bob.request(method, path(score), {"value": 2, "notes": ""}).body["notes"] == ""
    assert bob.request(method, path(score), {"value": None}).body["code"] == "invalid_value"


def test_null_alone_changes_nothing_and_says_so(bob: Caller, score: Score) -> None:
    answer = bob.patch(path(score), {"notes": None})
    assert (answer.status, answer.body["code"]) == (400, "required")
    assert list(answer.body["errors"]) == ["value", "notes", "score_source"]
    assert Score.objects.get().notes == "old"
