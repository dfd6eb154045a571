"""The header `Idempotency-Key`: a request that arrives twice is done once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from modelhub.core import exact_json
from modelhub.idempotency.models import IdempotencyRecord
from modelhub.idempotency.services import digest_of
from modelhub.labels.models import Label
from modelhub.scores.models import Score, ScoreRevision
from modelhub.sources.models import Source
from tests.client import BULK, Answer, Caller, entry

ROUNDS = 100


def post(caller: Caller, source: Source, scores: Any, key: str = "k-1", query: str = "") -> Answer:
    body = {"source_type": source.source_type, "source_id": source.source_id, "scores": scores}
    return caller.post(BULK + query, body, headers={"Idempotency-Key": key})


@pytest.fixture
def batch(labels: dict[str, Label]) -> list[dict[str, Any]]:
    """One right and one wrong."""
    return [entry(labels["star"], {"rating": 4, "n": 10**30}), entry(labels["text"], 5)]


@pytest.mark.django_db
class TestOneAfterTheOther:
    def test_the_first_answer_comes_again_and_nothing_is_written(
        self, alice: Caller, trace: Source, labels: dict[str, Label], batch: list[Any]
    ) -> None:
        first = post(alice, trace, batch)
        alice.bulk(trace, [entry(labels["star"], 1)])
        again = post(alice, trace, batch)

        assert (first.status, again.status) == (201, 201)
        assert again.body == first.body
        assert again.headers["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first.headers
        assert Score.objects.get().value == {"rating": 1}

    def test_a_single_score_too(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        body = {"source_type": "trace", "source_id": trace.source_id, **entry(labels["star"], 4)}
        answers = [alice.post("/model-hub/scores/", body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
        assert answers[0].body == answers[1].body
        assert "Idempotency-Replayed" in answers[1].headers

    def test_another_request_with_the_key_is_a_422(
        self, alice: Caller, trace: Source, labels: dict[str, Label], batch: list[Any]
    ) -> None:
        post(alice, trace, batch)
        single = {"source_type": "trace", "source_id": trace.source_id, **entry(labels["star"], 4)}
        for other in (
            post(alice, trace, batch[:1]),
            post(alice, trace, batch, query="?atomic=true"),
            alice.post("/model-hub/scores/", single, headers={"Idempotency-Key": "k-1"}),
        ):
            assert (other.status, other.body["code"]) == (422, "idempotency_mismatch")

    @pytest.mark.parametrize("extra", ["x", "\ud800"])
    def test_the_order_of_keys_and_white_space_do_not_count(
        self, alice: Caller, trace: Source, labels: dict[str, Label], extra: str
    ) -> None:
        value = {"rating": 4, "z": {"b": [1, {"d": 1, "c": extra}], "a": None}}
        reordered = {"z": {"a": None, "b": [1, {"c": extra, "d": 1}]}, "rating": 4}
        source = {"source_type": "trace", "source_id": trace.source_id}
        first = {**source, "scores": [entry(labels["star"], value)]}
        again = {"scores": [{"value": reordered, "label_id": str(labels["star"].pk)}], **source}
        bodies = [json.dumps(first).encode(), json.dumps(again, indent=4).encode()]
        answers = [alice.post(BULK, raw=raw, headers={"Idempotency-Key": "k"}) for raw in bodies]
        assert [answer.status for answer in answers] == [201 if extra == "x" else 200] * 2
        assert answers[1].body == answers[0].body
        assert "Idempotency-Replayed" in answers[1].headers

    @pytest.mark.parametrize(("one", "other"), [("1", "1.0"), ("[1,2]", "[2,1]"), ("1", '"1"'), ("1", "true")])
    def test_different_values_are_another_request(
        self, alice: Caller, trace: Source, labels: dict[str, Label], one: str, other: str
    ) -> None:
        statuses = []
        for value in (one, other):
            scores = f'[{{"label_id": "{labels["star"].pk}", "value": {{"rating": 4, "more": {value}}}}}]'
            raw = f'{{"source_type": "trace", "source_id": "{trace.source_id}", "scores": {scores}}}'.encode()
            statuses.append(alice.post(BULK, raw=raw, headers={"Idempotency-Key": "k"}).status)
        assert statuses == [201, 422]

    def test_a_key_with_other_scopes_gets_no_answer_of_the_first(
        self, alice: Caller, bob: Caller, trace: Source, batch: list[Any]
    ) -> None:
        body = {"source_type": "trace", "source_id": trace.source_id, "scores": batch, "annotator_id": str(bob.user.pk)}
        statuses = []
        for scopes in (["read", "write", "act-as"], ["act-as", "write", "read"], ["read", "write"]):
            alice.key.scopes = scopes
            alice.key.save()
            statuses.append(alice.post(BULK, body, headers={"Idempotency-Key": "k"}).status)
        assert statuses == [201, 201, 422]

    def test_a_body_that_is_nested_too_deeply_is_a_400(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        value = '["\\ud800",' + "[" * 800 + "]" * 800 + "]"
        scores = f'[{{"label_id": "{labels["star"].pk}", "value": {value}}}]'
        raw = f'{{"source_type": "trace", "source_id": "{trace.source_id}", "scores": {scores}}}'.encode()
        answer = alice.post(BULK, raw=raw, headers={"Idempotency-Key": "k"})
        assert (answer.status, answer.body["code"]) == (400, "malformed_json")

    def test_a_record_of_the_release_before_is_found(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        body = {"source_type": "trace", "source_id": trace.source_id, "scores": [entry(labels["star"], 4)]}
        first = alice.post(BULK, body, headers={"Idempotency-Key": "k"})
        before = digest_of("POST", BULK, exact_json.dumps(body))
        assert IdempotencyRecord.objects.get().digest != before
        IdempotencyRecord.objects.update(digest=before)
        assert alice.post(BULK, body, headers={"Idempotency-Key": "k"}).body == first.body

    def test_keys_belong_to_users(self, alice: Caller, bob: Caller, trace: Source, batch: list[Any]) -> None:
        mine, his = post(alice, trace, batch), post(bob, trace, batch)
        assert mine.body["scores"][0]["id"] != his.body["scores"][0]["id"]

    def test_a_refused_request_may_be_tried_again(
        self, alice: Caller, labels: dict[str, Label], batch: list[Any]
    ) -> None:
        body = {"source_type": "trace", "source_id": "later", "scores": batch}
        headers = {"Idempotency-Key": "k"}
        assert alice.post("/model-hub/scores/bulk/", body, headers=headers).status == 404
        assert not IdempotencyRecord.objects.exists()
        alice.post("/model-hub/sources/", {"source_type": "trace", "source_id": "later"})
        assert alice.post("/model-hub/scores/bulk/", body, headers=headers).status == 201

    def test_a_dry_run_stores_its_answer_only(self, alice: Caller, trace: Source, batch: list[Any]) -> None:
        answers = [post(alice, trace, batch, query="?dry_run=true") for _ in range(2)]
        assert answers[0].body == answers[1].body
        assert not Score.objects.exists()

    def test_after_a_day_the_key_is_free_again(
        self, alice: Caller, trace: Source, batch: list[Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        post(alice, trace, batch)
        IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
        again = post(alice, trace, batch[:1])
        assert (again.status, "Idempotency-Replayed" in again.headers) == (201, False)

        IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=25))
        call_command("purge")
        assert capsys.readouterr().out == "1 idempotency keys, 0 sessions, 0 links purged.\n"
        assert not IdempotencyRecord.objects.exists()

    @pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\x7f"])
    def test_a_key_that_is_none(self, alice: Caller, trace: Source, batch: list[Any], key: str) -> None:
        answer = post(alice, trace, batch, key=key)
        assert answer.status == 400
        assert answer.body["detail"].startswith("Idempotency-Key must have 1 to 255 visible characters")


@pytest.mark.parametrize("value", ["NaN", "-Infinity", '{"rating": NaN}', "1e400"])
def test_values_that_json_cannot_express_are_rejected_once_and_replayed(
    alice: Caller, trace: Source, labels: dict[str, Label], value: str
) -> None:
    entry = f'{{"label_id": "{labels["star"].pk}", "value": {value}}}'
    raw = f'{{"source_type": "trace", "source_id": "{trace.source_id}", "scores": [{entry}]}}'.encode()
    answers = [alice.post("/model-hub/scores/bulk/", raw=raw, headers={"Idempotency-Key": "no-words"}) for _ in (1, 2)]

    assert answers[0].status == 200
    assert answers[0].body["errors"][0].startswith(f"scores[0]: Label {labels['star'].pk}")
    assert answers[1].body == answers[0].body
    assert answers[1].headers["Idempotency-Replayed"] == "true"


@pytest.mark.django_db(transaction=True)
def test_two_equal_requests_at_once_are_one_write_and_two_equal_answers(
    alice: Caller, trace: Source, labels: dict[str, Label]
) -> None:
    """Send the same request twice at the same moment, with a new value per round."""
    together = threading.Barrier(2)

    def send(turns: range) -> list[Answer]:
        caller = Caller(alice.key)
        answers = []
        for turn in turns:
            together.wait()
            answers.append(post(caller, trace, [entry(labels["text"], f"turn {turn}")], key=f"k-{turn}"))
        connection.close()
        return answers

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(send, [range(ROUNDS)] * 2)

    for first, second in zip(one, other, strict=True):
        assert first.status == second.status == 201
        assert first.body == second.body
        assert ("Idempotency-Replayed" in first.headers) != ("Idempotency-Replayed" in second.headers)
    assert Score.objects.count() == 1
    assert ScoreRevision.objects.count() == ROUNDS - 1
