"""Import of scores: ids and times stay, nothing is guessed, nothing is merged."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from modelhub.core import exact_json
from modelhub.labels.models import Label
from modelhub.scores.models import Score, ScoreRevision
from modelhub.sources.models import Source
from tests.client import Caller
from tests.factories import ScoreFactory, SourceFactory
from tests.scores.files import export, run_import

pytestmark = pytest.mark.django_db


def test_a_newcomers_round_trip(alice: Caller, bob: Caller, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An export that is imported into an empty organization gives the same scores."""
    types: dict[str, Any] = {"star": {}, "numeric": {"max": 100}, "categorical": {"options": ["a", "b"]}, "text": {}}
    labels = {
        type_: alice.post("/model-hub/annotations-labels/", {"name": type_, "type": type_, "settings": settings}).body
        for type_, settings in types.items()
    }
    ids = {type_: body["result"]["id"] for type_, body in labels.items()}
    for word, name in (("trace", "t-1"), ("span", "s-1")):
        assert alice.post("/model-hub/sources/", {"source_type": word, "source_id": name}).status == 201
    for who, rating in ((alice, 4), (bob, 2)):
        batch = [
            {"label_id": ids["star"], "value": {"rating": rating, "big": 10**30}, "notes": 'Ünï\n,"=1+1'},
            {"label_id": ids["numeric"], "value": 7, "score_source": "api"},
            {"label_id": ids["categorical"], "value": "a"},
        ]
        answer = who.post(
            "/model-hub/scores/bulk/", {"source_type": "trace", "source_id": "t-1", "scores": batch, "notes": "all"}
        )
        assert len(answer.body["scores"]) == 3
    listed = alice.get("/model-hub/scores/").body["results"]
    assert len(listed) == 6
    corrected = listed[-1]["id"]
    path = f"/model-hub/scores/{corrected}/"
    assert alice.patch(path, {"notes": "better"}).status == 200
    assert len(alice.get(path + "history/").body["results"]) == 1

    text, headers = export(alice)
    before = sorted(alice.get("/model-hub/scores/").body["results"], key=lambda score: score["id"])
    assert headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    file = tmp_path / "scores.jsonl"
    file.write_text(text)

    assert alice.post("/model-hub/scores/bulk-delete/", {"filter": {"source_id": "t-1"}}).body["deleted"] == 6
    assert alice.get("/model-hub/scores/").body["count"] == 0
    assert run_import(file) == ("6 scores created, 0 changed, 0 unchanged, 0 lines with errors", 0)
    after = sorted(alice.get("/model-hub/scores/").body["results"], key=lambda score: score["id"])
    assert after == before
    assert run_import(file) == ("0 scores created, 0 changed, 6 unchanged, 0 lines with errors", 0)

    assert capsys.readouterr().err == ""


def test_into_a_database_that_has_none_of_the_rows(alice: Caller, tmp_path: Path, labels: dict[str, Label]) -> None:
    """Sources are created, labels are found by name and type, ids and times stay."""
    score = ScoreFactory.build(label=labels["star"], annotator=alice.user)
    line = {
        "id": str(score.pk),
        "source_type": "observation_span",
        "source_id": "moved",
        "label_id": "01990000-0000-7000-8000-000000000000",
        "label_name": "STAR",
        "label_type": "star",
        "value": 3,
        "annotator_email": "ALICE@example.com",
        "created_at": "2020-01-01T00:00:00.000000Z",
        "updated_at": "2020-01-02T00:00:00.000000Z",
    }
    file = tmp_path / "scores.jsonl"
    file.write_text(exact_json.dumps(line))

    assert run_import(file, "--dry-run") == (
        "1 scores would be created, 0 would be changed, 0 unchanged, 0 lines with errors",
        0,
    )
    assert not Score.objects.exists()
    assert not Source.objects.exists()
    assert run_import(file)[1] == 0
    [stored] = alice.get("/model-hub/scores/").body["results"]
    assert {
        key: stored[key] for key in ("id", "source_type", "source_id", "created_at", "updated_at", "score_source")
    } == {
        "id": str(score.pk),
        "source_type": "span",
        "source_id": "moved",
        "created_at": "2020-01-01T00:00:00.000000Z",
        "updated_at": "2020-01-02T00:00:00.000000Z",
        "score_source": "imported",
    }


def test_each_wrong_line_costs_itself_only(
    alice: Caller,
    charlie: Caller,
    trace: Source,
    labels: dict[str, Label],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    foreign = ScoreFactory.create(source=SourceFactory.create(organization=charlie.user.organization))
    good = {
        "source_type": "trace",
        "source_id": trace.source_id,
        "label_id": str(labels["star"].pk),
        "value": 4,
        "annotator_email": "alice@example.com",
    }
    lines = [
        "{",
        "[]",
        exact_json.dumps(good | {"value": 9}),
        exact_json.dumps(good | {"label_id": str(foreign.label_id), "label_name": "x"}),
        exact_json.dumps(good | {"annotator_email": "nobody@example.com"}),
        exact_json.dumps(good | {"source_type": "x"}),
        exact_json.dumps(good | {"created_at": "yesterday"}),
        exact_json.dumps(good | {"id": str(foreign.pk), "label_id": str(labels["text"].pk), "value": "x"}),
        "",
        exact_json.dumps(good),
        exact_json.dumps(good | {"value": 5}),
    ]
    file = tmp_path / "scores.jsonl"
    file.write_text("\n".join(lines))

    assert run_import(file) == ("1 scores created, 1 changed, 0 unchanged, 8 lines with errors", 1)
    errors = capsys.readouterr().err.splitlines()
    assert [error.split(":")[0] for error in errors] == [f"line {number}" for number in range(1, 9)]
    assert "rating must be a whole number from 1 to 5, got 9" in errors[2]
    assert errors[7].endswith(f"The id {foreign.pk} is taken by another score")
    assert Score.objects.get(organization=alice.user.organization).value == {"rating": 5}
    assert ScoreRevision.objects.get().value == {"rating": 4}
    foreign.refresh_from_db()
    assert foreign.value == {"rating": 4}


def test_limits_of_requests_do_not_limit_an_import(
    alice: Caller, labels: dict[str, Label], tmp_path: Path, settings: Any
) -> None:
    settings.MAX_SOURCES = settings.MAX_SCORES = 1
    line = {"source_type": "trace", "label_id": str(labels["star"].pk), "value": 4, "annotator_id": str(alice.user.pk)}
    file = tmp_path / "scores.jsonl"
    file.write_text("\n".join(exact_json.dumps(line | {"source_id": name}) for name in ("one", "two")))
    assert run_import(file) == ("2 scores created, 0 changed, 0 unchanged, 0 lines with errors", 0)


def test_a_stand_in_for_annotators_that_are_not_here(
    alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label], tmp_path: Path
) -> None:
    line = {
        "source_type": "trace",
        "source_id": trace.source_id,
        "label_id": str(labels["star"].pk),
        "value": 4,
        "annotator_email": "gone@example.com",
    }
    file = tmp_path / "scores.jsonl"
    file.write_text(exact_json.dumps(line))
    assert run_import(file, "--annotator", "bob@example.com")[1] == 0
    assert Score.objects.get().annotator == bob.user


def test_a_file_that_is_none(alice: Caller, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run_import(tmp_path / "nothing")
