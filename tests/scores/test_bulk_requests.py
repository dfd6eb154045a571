"""Whole bulk requests that are wrong, and numbers that must survive the way."""

import itertools
import time
from difflib import get_close_matches
from types import SimpleNamespace
from typing import Any

import pytest

from modelhub.core.errors import MAX_HINTS
from modelhub.labels.models import Label
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import BULK, Caller, entry

pytestmark = pytest.mark.django_db


class TestTheRequestItself:
    """Errors of a whole request."""

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"source_type": "dialogue"}, "source_type must be one of trace, span, "),
            ({"source_type": None}, "source_type must be one of trace, span, "),
            ({"source_id": 7}, "source_id must be a string of 1 to 255 visible characters, got 7"),
            ({"source_id": "a b"}, "source_id must be a string of 1 to 255 visible characters, got "),
            ({"source_id": "x" * 256}, "source_id must be a string of 1 to 255 visible characters, got "),
            ({"scores": []}, "scores must be a list of at least one score, got []"),
            ({"scores": {"a": 1}}, 'scores must be a list of at least one score, got {"a":1}'),
            ({"scores": None}, "scores must be a list of at least one score, got null"),
            ({"notes": 5}, "notes must be a string, got 5"),
            ({"notes": "\x00"}, "notes holds a NUL character, which cannot be stored"),
            ({"note": "x"}, 'Unknown field "note". Did you mean "notes"?'),
        ],
    )
    def test_is_refused_with_a_sentence(
        self, alice: Caller, trace: Source, labels: dict[str, Label], change: dict[str, Any], sentence: str
    ) -> None:
        body = {"source_type": "trace", "source_id": trace.source_id, "scores": [entry(labels["star"], 4)]}
        answer = alice.post(BULK, body | change)

        assert answer.status == 400
        assert answer.body["detail"].startswith(sentence)
        assert answer.body["errors"] == {name: [answer.body["detail"]] for name in change}
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert not Score.objects.exists()

    def test_tells_everything_that_is_wrong_at_once(self, alice: Caller) -> None:
        answer = alice.post(BULK, {"source_type": "x", "source_id": "", "scores": 3, "notes": 4})

        errors = answer.body["errors"]
        assert list(errors) == ["source_type", "source_id", "notes", "scores"]
        assert answer.body["detail"] == "; ".join(sentence for [sentence] in errors.values())

    def test_at_most_a_thousand_scores(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        answer = alice.bulk(trace, [entry(labels["star"], 4)] * 1001)

        assert answer.status == 413
        assert answer.body["detail"] == "At most 1000 scores a request, got 1001"
        assert answer.body["errors"] == {"scores": ["At most 1000 scores a request, got 1001"]}

    @pytest.mark.parametrize(
        "raw", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"4", b"[" * 10_000, b'{"scores":' + b"[" * 10_000]
    )
    def test_a_body_that_is_no_json_object_is_a_400(self, alice: Caller, raw: bytes) -> None:
        answer = alice.post(BULK, raw=raw)

        assert answer.status == 400
        assert answer.body["detail"]

    def test_ten_megabytes_are_a_413(self, alice: Caller) -> None:
        answer = alice.post(BULK, raw=b'"' + b"x" * 10_000_000 + b'"')

        assert answer.status == 413
        assert answer.body["code"] == "request_too_large"

    def test_a_form_is_a_415(self, alice: Caller) -> None:
        answer = alice.client.post(
            BULK, {"a": 1}, headers={"X-Api-Key": alice.key.api_key, "X-Secret-Key": alice.secret}
        )

        assert answer.status_code == 415
        assert answer.json()["detail"].startswith("The body must be JSON, not compressed, sent with Content-Type: ")


class TestNumbers:
    """Numbers come back as the numbers that were sent."""

    @pytest.mark.parametrize("digits", ["9" * 200, "-" + "8" * 400, "7" * 5000, "0.1", "2.50", "123456789.000000001"])
    def test_exactly(self, alice: Caller, trace: Source, labels: dict[str, Label], digits: str) -> None:
        raw = (
            f'{{"source_type": "trace", "source_id": "{trace.source_id}", "scores": '
            f'[{{"label_id": "{labels["star"].pk}", "value": {{"rating": 4, "n": {digits}}}}}]}}'
        )
        answer = alice.client.generic(
            "POST",
            BULK,
            raw,
            content_type="application/json",
            headers={"X-Api-Key": alice.key.api_key, "X-Secret-Key": alice.secret},
        )

        assert answer.status_code == 201
        assert f'"n":{digits}' in answer.content.decode()
        assert str(Score.objects.get().value["n"]) == digits

    @pytest.mark.parametrize("digits", ["NaN", "Infinity", "-Infinity", "1e400", "1e-400", "1e99999999999999999999"])
    def test_numbers_that_others_cannot_read_are_errors_of_the_entry(
        self, alice: Caller, trace: Source, labels: dict[str, Label], digits: str
    ) -> None:
        raw = (
            f'{{"source_type": "trace", "source_id": "{trace.source_id}", "scores": '
            f'[{{"label_id": "{labels["star"].pk}", "value": {{"rating": 4, "n": {digits}}}}},'
            f'{{"label_id": "{labels["text"].pk}", "value": "right"}}]}}'
        )
        answer = alice.post(BULK, raw=raw.encode())

        assert answer.status == 201
        assert [score["value"] for score in answer.body["scores"]] == [{"text": "right"}]
        assert answer.body["errors"][0].startswith("scores[0]: Label ")


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}])
def test_a_label_id_that_is_half_a_surrogate_pair_is_told_as_it_was_sent(
    alice: Caller, trace: Source, labels: dict[str, Label], headers: dict[str, str]
) -> None:
    """No UTF-8 holds it, in the answer no more than in the record of an answer."""
    raw = (
        f'{{"source_type": "trace", "source_id": "{trace.source_id}", "scores": '
        f'[{{"label_id": "\\ud800", "value": 1}}, {{"label_id": "{labels["star"].pk}", "value": 4}}]}}'
    )
    for _ in range(2):
        answer = alice.post(BULK + "?error_details=true", raw=raw.encode(), headers=headers)

        assert answer.status == 201
        assert answer.body["errors"] == ['scores[0]: label_id must be a UUID, got "\\ud800"']
        assert answer.body["error_details"][0]["label_id"] == "\ud800"
        assert [score["value"] for score in answer.body["scores"]] == [{"rating": 4}]


class TestManyErrors:
    def test_a_request_has_a_bounded_number_of_hints(
        self, alice: Caller, trace: Source, labels: dict[str, Label], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked_for = []

        def find(word: str, *arguments: Any, **options: Any) -> list[str]:
            looked_for.append(word)
            return get_close_matches(word, *arguments, **options)

        monkeypatch.setattr("modelhub.core.text.get_close_matches", find)
        wrong = [entry(labels["categorical"], f"positiv{number}") for number in range(900)]
        misspelled = [{"label_id": str(labels["star"].pk), "valu": 1}] * 100
        answer = alice.bulk(trace, [*wrong, *misspelled], "?error_details=true")

        assert (answer.status, len(answer.body["errors"]), len(looked_for)) == (200, 1000, MAX_HINTS)
        hinted = [message for message in answer.body["errors"] if message.endswith('Did you mean "positive"?')]
        assert hinted == answer.body["errors"][:MAX_HINTS]
        assert answer.body["errors"][999].endswith('Unknown field "valu"')

    def test_errors_that_have_no_hint_do_not_count(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        answer = alice.bulk(trace, [*[7] * MAX_HINTS, entry(labels["categorical"], "positiv")])
        assert answer.body["errors"][-1].endswith('Did you mean "positive"?')

    def test_judging_ends_at_the_timeout_of_the_request(
        self, alice: Caller, trace: Source, labels: dict[str, Label], monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        """Judge under a clock on which each entry takes a second."""
        settings.SERVE_TIMEOUT = 5
        seconds = itertools.count(time.monotonic())
        monkeypatch.setattr("modelhub.labels.rules.time", SimpleNamespace(monotonic=lambda: next(seconds)))
        monkeypatch.setattr("modelhub.scores.recording.store_scores", lambda *a, **k: pytest.fail("was stored"))
        answer = alice.bulk(trace, [entry(labels["star"], 4)] * 10)

        assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (503, "too_slow", "1")
        assert "not judged within 5 seconds" in answer.body["message"]
        assert "nothing was stored" in answer.body["message"]
