"""Import of scores: ids and times stay, nothing is guessed, nothing is merged."""

import re
import tracemalloc
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.utils import timezone

from modelhub.core import clock, exact_json
from modelhub.core.envelope import to_camel
from modelhub.core.errors import MAX_HINTS
from modelhub.labels.models import Label
from modelhub.management.commands import import_scores
from modelhub.scores.import_files import Lines, read_json
from modelhub.scores.import_lines import LineReader
from modelhub.scores.importing import Importer
from modelhub.scores.line_index import FirstLine, LineIndex
from modelhub.scores.models import Score, ScoreRevision
from modelhub.sources.models import Source
from tests.client import Caller
from tests.factories import LabelFactory, ProjectFactory, ScoreFactory, SourceFactory
from tests.scores.files import Line, export, run_import, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def good(alice: Caller, labels: dict[str, Label]) -> Line:
    """Return a line that can be imported."""
    return {
        "source_type": "trace",
        "source_id": "t-1",
        "label_id": str(labels["star"].pk),
        "value": 4,
        "annotator_email": "alice@example.com",
    }


@pytest.fixture
def index() -> Iterator[LineIndex]:
    with closing(LineIndex()) as index:
        yield index


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
        "1 score would be created, 0 would be changed, 0 unchanged, 0 lines with errors",
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
    slots = [good | {"source_id": f"t-{number}"} for number in range(10)]
    lines = [
        "{",
        "[]",
        exact_json.dumps(slots[2] | {"value": 9}),
        exact_json.dumps(slots[3] | {"label_id": str(foreign.label_id), "label_name": "x"}),
        exact_json.dumps(slots[4] | {"annotator_email": "nobody@example.com"}),
        exact_json.dumps(slots[5] | {"source_type": "x"}),
        exact_json.dumps(slots[6] | {"created_at": "yesterday"}),
        exact_json.dumps(slots[7] | {"id": str(foreign.pk)}),
        "",
        exact_json.dumps(good),
        exact_json.dumps(good),
        exact_json.dumps(good | {"value": 5}),
        "nothing",
        '{"value": 1',
        "[" * 100_000,
    ]
    file = tmp_path / "scores.jsonl"
    file.write_bytes("\n".join(lines).encode() + b"\n\xff\n")

    assert run_import(file) == ("1 score created, 0 changed, 1 unchanged, 13 lines with errors", 1)
    errors = capsys.readouterr().err.splitlines()
    assert [error.split(":")[0] for error in errors] == [f"line {at}" for at in (*range(1, 9), *range(12, 17))]
    sentences = [error.partition(": ")[2] for error in errors]
    assert "rating must be a whole number from 1 to 5, got 9" in sentences[2]
    assert sentences[7] == f"The id {foreign.pk} is taken by another score"
    assert sentences[8] == "Line 10 has another score of this source, label and annotator"
    assert sentences[9] == "The line is not valid JSON at character 1: Expecting value"
    assert sentences[12] == "The line is not valid JSON: it is not UTF-8 at byte 0"
    assert not [sentence for sentence in sentences if re.search(r"line \d|null", sentence)]
    assert Score.objects.get(organization=alice.user.organization).value == {"rating": 4}
    assert not ScoreRevision.objects.exists()
    assert set(Source.objects.filter(source_id__startswith="t-").values_list("source_id", flat=True)) <= {"t-7"}
    foreign.refresh_from_db()
    assert foreign.value == {"rating": 4}


def test_a_file_has_a_bounded_number_of_hints(
    good: Line, labels: dict[str, Label], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = good | {"label_id": str(labels["categorical"].pk), "value": "positiv"}
    run_import(write(tmp_path, *({**wrong, "source_id": f"t-{number}"} for number in range(MAX_HINTS + 5))))
    errors = capsys.readouterr().err.splitlines()
    assert [error.endswith('Did you mean "positive"?') for error in errors] == [True] * MAX_HINTS + [False] * 5


def test_limits_of_requests_do_not_limit_an_import(
    alice: Caller, labels: dict[str, Label], tmp_path: Path, settings: Any
) -> None:
    settings.MAX_SOURCES = settings.MAX_SCORES = 1
    line = {"source_type": "trace", "label_id": str(labels["star"].pk), "value": 4, "annotator_id": str(alice.user.pk)}
    file = tmp_path / "scores.jsonl"
    file.write_text("\n".join(exact_json.dumps(line | {"source_id": name}) for name in ("one", "two")))
    assert run_import(file) == ("2 scores created, 0 changed, 0 unchanged, 0 lines with errors", 0)


def test_a_file_that_is_none(alice: Caller, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run_import(tmp_path / "nothing")


class TestMissingAndUnfitFields:
    """The sentence says which field is missing or unfit."""

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"label_id": None}, "label_id or label_name must be given"),
            ({"label_id": "x"}, 'label_id must be a UUID, got "x"'),
            ({"label_id": 5}, "label_id must be a UUID, got 5"),
            ({"label_id": None, "label_name": 5}, "label_name must be a string, got 5"),
            ({"label_id": None, "label_name": "Tone"}, 'Label not found: "Tone"'),
            ({"label_id": None, "label_name": "Star", "label_type": "x"}, 'Label not found: "Star" of type "x"'),
            (
                {"label_id": "01990000-0000-7000-8000-000000000000", "label_name": "Tone"},
                'Label not found: 01990000-0000-7000-8000-000000000000, nor "Tone"',
            ),
            ({"id": "x"}, 'id must be a UUID, got "x"'),
            ({"annotator_email": None}, "annotator_email or annotator must be given; --annotator names one for all"),
            ({"annotator_email": None, "annotator": "alice"}, 'Annotator not found: "alice"'),
            ({"annotator_email": 5}, "annotator_email must be a string, got 5"),
            ({"source_id": None}, "source_id must be a string of 1 to 255 visible characters, got null"),
            ({"score_source": "x"}, "score_source must be one of human, api,"),
            ({"notes": 5}, "notes must be a string, got 5"),
            ({"created_at": 1770010112345}, "created_at must be a time with its zone, as in 2026-01-31T12:00:00Z"),
            ({"created_at": "2026-13-01T00:00:00Z"}, "created_at must be a time with its zone"),
            ({"updated_at": "2090-01-01T00:00:00Z"}, 'updated_at must not be in the future, got "2090-01-01T00'),
            ({"created_at": "2090-01-01T00:00:00Z"}, 'created_at must not be in the future, got "2090-01-01T00'),
            ({"sourceId": "other"}, "source_id and sourceId are both given and differ"),
        ],
    )
    def test_the_field_is_named(
        self, good: Line, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: Line, sentence: str
    ) -> None:
        file = write(tmp_path, good | changes)
        assert run_import(file) == ("0 scores created, 0 changed, 0 unchanged, 1 line with errors", 1)
        assert capsys.readouterr().err.startswith(f"line 1: {sentence}")
        assert not Score.objects.exists()
        assert not Source.objects.exists()

    def test_a_missing_value(self, good: Line, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        del good["value"]
        run_import(write(tmp_path, good))
        assert capsys.readouterr().err == "line 1: value must be given\n"

    def test_clocks_of_two_machines_may_differ_by_seconds(self, good: Line, tmp_path: Path) -> None:
        soon = (timezone.now() + timedelta(seconds=30)).isoformat()
        assert run_import(write(tmp_path, good | {"created_at": soon, "updated_at": soon}))[1] == 0

    @pytest.mark.parametrize(("day", "errors"), [(30, 1), (31, 0)])
    def test_the_future_begins_at_the_time_of_the_clock(
        self, good: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: int, errors: int
    ) -> None:
        monkeypatch.setattr(clock, "source", lambda: datetime(2040, 1, day, 12, tzinfo=UTC))
        assert run_import(write(tmp_path, good | {"updated_at": "2040-01-31T12:00:00Z"}))[1] == errors

    @pytest.mark.parametrize("name", ["created_at", "updated_at"])
    def test_one_time_is_both(self, good: Line, tmp_path: Path, name: str) -> None:
        assert run_import(write(tmp_path, good | {name: "2020-01-01T00:00:00Z"}))[1] == 0
        score = Score.objects.get()
        assert score.created_at == score.updated_at == datetime(2020, 1, 1, tzinfo=UTC)

    def test_null_is_not_given(self, good: Line, tmp_path: Path) -> None:
        """Contract 0.5: of a stored score, fields that are not given stay."""
        nothing = dict.fromkeys(("id", "score_source", "notes", "created_at", "updated_at", "updated_by"))
        file = write(tmp_path, good | nothing)
        assert run_import(file)[1] == 0
        score = Score.objects.get()
        assert (score.score_source, score.notes) == ("imported", "")
        Score.objects.update(score_source="human", notes="mine")
        assert run_import(file) == ("0 scores created, 0 changed, 1 unchanged, 0 lines with errors", 0)
        run_import(write(tmp_path, good | {"value": 1}))
        score.refresh_from_db()
        assert (score.value, score.score_source, score.notes) == ({"rating": 1}, "human", "mine")

    def test_keys_may_be_in_camel_case(self, good: Line, tmp_path: Path) -> None:
        camel = {to_camel(name): value for name, value in good.items()} | {"scoreSource": "api", "labelName": "x"}
        assert run_import(write(tmp_path, camel))[1] == 0
        assert Score.objects.get().score_source == "api"


class TestLabels:
    """Found by id, else by name and type; never guessed."""

    def test_a_name_that_fits_several_labels(
        self, alice: Caller, good: Line, labels: dict[str, Label], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        twins = [
            LabelFactory.create(organization=alice.user.organization, name="star", type="text"),
            LabelFactory.create(
                organization=alice.user.organization,
                name="STAR",
                project=ProjectFactory.create(organization=alice.user.organization),
            ),
        ]
        good["label_id"] = None
        named = good | {"label_name": "Star"}
        file = write(
            tmp_path, named, good | {"label_name": "star", "label_type": "star"}, named | {"label_type": "text"}
        )
        assert run_import(file) == ("0 scores created, 0 changed, 0 unchanged, 3 lines with errors", 1)
        errors = capsys.readouterr().err.splitlines()
        assert errors[0].startswith('line 1: label_name "Star" fits 3 labels, name one by its label_id: ')
        assert errors[1].startswith('line 2: label_name "star" fits 2 labels, name one by its label_id: ')
        for label in (labels["star"], twins[1]):
            assert str(label.pk) in errors[1]
        assert "text must be a string, got 4" in errors[2]

    def test_a_name_in_another_normal_form(self, alice: Caller, good: Line, tmp_path: Path) -> None:
        label = LabelFactory.create(organization=alice.user.organization, name="Caf\u00e9")
        assert run_import(write(tmp_path, good | {"label_id": None, "label_name": "CAFE\u0301"}))[1] == 0
        assert Score.objects.get().label == label

    def test_a_deleted_namesake_does_not_count(
        self, alice: Caller, good: Line, labels: dict[str, Label], tmp_path: Path
    ) -> None:
        labels["star"].deleted_at = timezone.now()
        labels["star"].save()
        label = LabelFactory.create(organization=alice.user.organization, name="Star")
        assert run_import(write(tmp_path, good | {"label_id": None, "label_name": "Star"}))[1] == 0
        assert Score.objects.get().label == label

    @pytest.mark.parametrize("by_name", [False, True])
    def test_a_deleted_label_takes_no_scores(
        self,
        alice: Caller,
        good: Line,
        labels: dict[str, Label],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        by_name: bool,
    ) -> None:
        labels["star"].deleted_at = timezone.now()
        labels["star"].save()
        if by_name:
            good |= {"label_id": None, "label_name": "Star"}
        for arguments in ([], ["--force"]):
            assert run_import(write(tmp_path, good), *arguments)[1] == 1
            assert "the label was deleted and takes no new scores" in capsys.readouterr().err
        assert not Score.objects.exists()

    def test_a_score_of_a_deleted_label_that_is_stored_is_unchanged(
        self, alice: Caller, good: Line, labels: dict[str, Label], tmp_path: Path
    ) -> None:
        assert run_import(write(tmp_path, good))[1] == 0
        assert alice.delete(f"/model-hub/annotations-labels/{labels['star'].pk}/").status == 200
        assert run_import(write(tmp_path, good)) == ("0 scores created, 0 changed, 1 unchanged, 0 lines with errors", 0)

    def test_labels_that_change_during_an_import(
        self, alice: Caller, good: Line, labels: dict[str, Label], index: LineIndex
    ) -> None:
        """Each transaction judges by the labels as they are then."""
        importer = Importer(alice.user, LineReader(alice.user.organization_id), index)
        lines = [exact_json.dumps(good | {"source_id": name, "value": 5}).encode() for name in ("a", "b")]
        assert importer.run([read_json(1, lines[0])]).created == 1
        path = f"/model-hub/annotations-labels/{labels['star'].pk}/?force=true"
        assert alice.patch(path, {"settings": {"no_of_stars": 3}}).status == 200
        [(number, sentence)] = importer.run([read_json(2, lines[1])]).errors
        assert (number, sentence.endswith("rating must be a whole number from 1 to 3, got 5")) == (2, True)


class TestTwoLinesForOneScore:
    """The second one is an error, unless it repeats the first one; so a second import changes nothing."""

    @pytest.fixture(params=[500, 1], ids=["one transaction", "two transactions"])
    def batches(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(import_scores, "LINES_PER_TRANSACTION", request.param)

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"id": str(uuid.uuid4())}, "Line 1 has another score of this source, label and annotator"),
            ({"value": 5}, "Line 1 has another score of this source, label and annotator"),
            ({"queue_item": str(uuid.uuid4())}, "Line 1 has another score of this source, label and annotator"),
            ({"source_id": "other"}, "Line 1 has another score with this id"),
        ],
    )
    @pytest.mark.usefixtures("batches")
    def test_they_are_errors(
        self, good: Line, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: Line, sentence: str
    ) -> None:
        first = good | {"id": str(uuid.uuid4()), "queue_item": None}
        file = write(tmp_path, first, first | changes)
        would = "1 score would be created, 0 would be changed, 0 unchanged, 1 line with errors"
        assert run_import(file, "--dry-run") == (would, 1)
        assert run_import(file) == ("1 score created, 0 changed, 0 unchanged, 1 line with errors", 1)
        before = list(Score.objects.values())
        assert run_import(file) == ("0 scores created, 0 changed, 1 unchanged, 1 line with errors", 1)
        assert capsys.readouterr().err == f"line 2: {sentence}\n" * 3
        assert list(Score.objects.values()) == before
        assert str(Score.objects.get().pk) == first["id"]

    def test_an_id_that_is_stored_elsewhere(
        self, good: Line, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Also where the source and label of the line have a score."""
        one, other = (good | {"id": str(uuid.uuid4()), "source_id": name} for name in ("one", "other"))
        assert run_import(write(tmp_path, one, other))[1] == 0
        before = list(Score.objects.values())
        assert run_import(write(tmp_path, one | {"id": other["id"], "value": 5}))[1] == 1
        assert capsys.readouterr().err == f"line 1: The id {other['id']} is taken by another score\n"
        assert list(Score.objects.values()) == before

    @pytest.mark.usefixtures("batches")
    def test_a_repeated_line_is_unchanged(self, good: Line, tmp_path: Path) -> None:
        file = write(tmp_path, good, good)
        would = "1 score would be created, 0 would be changed, 1 unchanged, 0 lines with errors"
        assert run_import(file, "--dry-run") == (would, 0)
        assert run_import(file) == ("1 score created, 0 changed, 1 unchanged, 0 lines with errors", 0)

    @pytest.mark.usefixtures("batches")
    def test_a_line_that_is_not_stored_takes_no_score(self, good: Line, tmp_path: Path) -> None:
        bad = good | {"value": 9}
        assert run_import(write(tmp_path, bad, bad, good))[0].startswith("1 score created, 0 changed, 0 unchanged, 2 ")

    def test_transactions_are_bounded_by_bytes(
        self, good: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(import_scores, "BYTES_PER_TRANSACTION", 1_000)
        lines = [good | {"source_id": f"t-{number}", "notes": "x" * 500} for number in range(6)]
        with write(tmp_path, *lines).open("rb") as file:
            assert [len(batch) for batch in import_scores.bounded_batches(Lines(file))] == [2, 2, 2]

    def test_the_memory_of_an_import_does_not_grow_with_its_lines(self, index: LineIndex) -> None:
        tracemalloc.start()
        for number in range(50_000):
            index.add(number, FirstLine(number, b"0123456789abcdef"))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1_000_000
        assert index.find(40_000) == (40_000, b"0123456789abcdef")
        assert index.find(-1) is None


class TestMistakesOfNewcomers:
    def errors(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], *lines: Any) -> list[str]:
        assert run_import(write(tmp_path, *lines))[1] == 1
        return [error.partition(": ")[2] for error in capsys.readouterr().err.splitlines()]

    def test_a_saved_page_is_called_a_page(
        self, tmp_path: Path, good: Line, capsys: pytest.CaptureFixture[str]
    ) -> None:
        page: Any = {"count": 1, "next": None, "previous": None, "results": [good]}
        assert self.errors(tmp_path, capsys, page, [good]) == [
            "The line is a page of scores, and a line must be one score; convert it: jq -c '.results[]' FILE",
            "The line is a list, and a line must be one score; convert it: jq -c '.[]' FILE",
        ]

    @pytest.mark.parametrize(
        ("key", "wrong"),
        [("value", "valu"), ("label_id", "lable_id"), ("label_id", "lableId"), ("annotator_email", "annotater_email")],
    )
    def test_a_misspelled_key(
        self, tmp_path: Path, good: Line, capsys: pytest.CaptureFixture[str], key: str, wrong: str
    ) -> None:
        sent = {wrong: good.pop(key), **good}
        [error] = self.errors(tmp_path, capsys, sent)
        assert error.replace("labelId", "label_id") == f'Unknown field "{wrong}". Did you mean "{key}"?'

    def test_a_misspelled_optional_key_loses_nothing(
        self, tmp_path: Path, good: Line, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wrong = ("craeted_at", "note", "score_sorce", "updated_by_emial")
        errors = self.errors(tmp_path, capsys, *(good | {key: "x"} for key in wrong))
        assert [error.split('"')[1] for error in errors] == list(wrong)
        assert not Score.objects.exists()

    def test_a_misspelled_column(self, tmp_path: Path, good: Line, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "scores.csv"
        file.write_text(f"source_type,source_id,label_id,valu,annotator_email\ntrace,t-1,{good['label_id']},4,\n")
        assert run_import(file)[1] == 1
        assert 'Unknown field "valu". Did you mean "value"?' in capsys.readouterr().err

    def test_other_keys_of_other_exports_are_ignored(self, tmp_path: Path, good: Line) -> None:
        words = "value_history queue_id label created_by created_by_email created_by_name item_id source_name"
        more = "deleted_at label_settings label_allow_notes project_id organization review_status item_notes"
        others = dict.fromkeys(f"{words} {more}".split(), "x")
        assert run_import(write(tmp_path, good | others)) == (
            "1 score created, 0 changed, 0 unchanged, 0 lines with errors",
            0,
        )

    def test_a_label_of_a_similar_name(self, tmp_path: Path, good: Line, capsys: pytest.CaptureFixture[str]) -> None:
        del good["label_id"]
        lines = [good | {"label_name": "Sttar"}, good | {"label_name": "star", "label_type": "text"}]
        assert self.errors(tmp_path, capsys, *lines, good | {"label_name": "zzz"}) == [
            'Label not found: "Sttar". Did you mean "Star"?',
            'Label not found: "star" of type "text". A label of this name has the type star',
            'Label not found: "zzz"',
        ]
