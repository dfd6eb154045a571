"""An export is imported again: after changes of labels, corrections and deletions."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from modelhub.core import exact_json
from modelhub.labels.models import Label
from modelhub.scores.models import Score, ScoreRevision
from modelhub.sources.models import Source
from tests.client import Caller, entry
from tests.factories import LabelFactory, ScoreFactory
from tests.scores.files import export, lines_of, run_import, write

pytestmark = pytest.mark.django_db

UNCHANGED = ("0 scores created, 0 changed, 1 unchanged, 0 lines with errors", 0)
CREATED = ("1 score created, 0 changed, 0 unchanged, 0 lines with errors", 0)
CHANGED = ("0 scores created, 1 changed, 0 unchanged, 0 lines with errors", 0)
FAILED = ("0 scores created, 0 changed, 0 unchanged, 1 line with errors", 1)


@pytest.fixture
def five_stars(alice: Caller, trace: Source, labels: dict[str, Label], tmp_path: Path) -> Path:
    """Return an export of five stars, whose label has three since."""
    alice.bulk(trace, [entry(labels["star"], {"rating": 5, "why": "x"}, notes="good")])
    file = tmp_path / "scores.jsonl"
    file.write_text(export(alice)[0])
    path = f"/model-hub/annotations-labels/{labels['star'].pk}/?force=true"
    assert alice.patch(path, {"settings": {"no_of_stars": 3}}).status == 200
    return file


class TestSettingsThatChanged:
    def test_a_stored_score_is_unchanged(self, alice: Caller, five_stars: Path) -> None:
        before = export(alice)[0]
        assert run_import(five_stars) == UNCHANGED
        assert run_import(five_stars, "--force") == UNCHANGED
        assert export(alice)[0] == before

    @pytest.mark.parametrize("fresh", [False, True], ids=["deleted", "fresh server"])
    def test_force_restores_the_others(
        self, alice: Caller, trace: Source, five_stars: Path, capsys: pytest.CaptureFixture[str], fresh: bool
    ) -> None:
        before = export(alice)[0]
        if fresh:
            Score.objects.all().delete()
        else:
            assert (
                alice.post("/model-hub/scores/bulk-delete/", {"filter": {"source_id": trace.source_id}}).status == 200
            )
        assert run_import(five_stars) == FAILED
        assert "rating must be a whole number from 1 to 3, got 5" in capsys.readouterr().err
        assert export(alice)[0] == ""
        assert run_import(five_stars, "--force") == CREATED
        assert export(alice)[0] == before
        assert run_import(five_stars) == UNCHANGED

    @pytest.mark.parametrize(
        ("type_", "value"),
        [
            ("star", 1_000),
            ("numeric", Decimal("-7.50")),
            ("numeric", 10**400),
            ("text", "x" * 6_000),
            ("categorical", ["gone"]),
            ("categorical", ["positive", "negative"]),
        ],
    )
    def test_force_keeps_a_value_of_the_type(
        self, alice: Caller, labels: dict[str, Label], tmp_path: Path, type_: str, value: Any
    ) -> None:
        file = write(tmp_path, self.line(alice, labels[type_], value))
        assert run_import(file) == FAILED
        assert run_import(file, "--force") == CREATED
        assert run_import(file) == UNCHANGED
        stored = exact_json.dumps(Score.objects.get().value)
        assert stored.partition(":")[2] == f"{exact_json.dumps(value)}}}"

    @pytest.mark.parametrize(
        ("type_", "value"),
        [
            ("star", 0),
            ("star", 2.5),
            ("star", "5"),
            ("star", {"stars": 5}),
            ("star", 10**10),
            ("star", Decimal("1E+999999999")),
            ("numeric", "7"),
            ("numeric", True),
            ("numeric", Decimal("1E+400")),
            ("text", ""),
            ("text", "\x00"),
            ("text", 7),
            ("text", "x" * 70_000),
            ("categorical", []),
            ("categorical", [5]),
            ("categorical", ["positive", "positive"]),
            ("thumbs_up_down", "sideways"),
            ("thumbs_up_down", {"value": "up", "why": "\ud800"}),
        ],
    )
    def test_force_keeps_no_other_value(
        self, alice: Caller, labels: dict[str, Label], tmp_path: Path, type_: str, value: Any
    ) -> None:
        assert run_import(write(tmp_path, self.line(alice, labels[type_], value)), "--force") == FAILED
        assert not Score.objects.exists()

    def test_an_option_in_another_form_is_stored_as_the_label_spells_it(self, alice: Caller, tmp_path: Path) -> None:
        options = {"options": ["Caf\u00e9", "other"]}
        label = LabelFactory.create(organization=alice.user.organization, type="categorical", settings=options)
        file = write(tmp_path, self.line(alice, label, ["Cafe\u0301"]))
        for arguments, result in ((["--force"], CREATED), ([], UNCHANGED), (["--force"], UNCHANGED)):
            assert run_import(file, *arguments) == result
            assert Score.objects.get().value == {"selected": ["Caf\u00e9"]}

    def line(self, caller: Caller, label: Label, value: object) -> dict[str, Any]:
        return {
            "source_type": "trace",
            "source_id": "t-1",
            "label_id": str(label.pk),
            "value": value,
            "annotator_id": str(caller.user.pk),
        }


class TestTimes:
    """Readers that continue by `updated_after` see each change: `updated_at` never goes back."""

    @pytest.fixture
    def score(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> Score:
        moment = timezone.now() - timedelta(days=30)
        return ScoreFactory.create(
            source=trace, label=labels["star"], annotator=alice.user, created_at=moment, updated_at=moment
        )

    def test_an_older_export_over_a_correction(self, alice: Caller, score: Score, tmp_path: Path) -> None:
        file = write(tmp_path, *lines_of(export(alice)[0]))
        path = f"/model-hub/scores/{score.pk}/"
        corrected = alice.patch(path, {"value": 1}).body
        assert run_import(file) == CHANGED
        restored = alice.get(path).body
        assert restored["value"] == {"rating": 4}
        assert restored["updated_at"] > corrected["updated_at"]
        assert restored["created_at"] == corrected["created_at"]
        assert [one["value"] for one in alice.get(path + "history/").body["results"]] == [{"rating": 1}, {"rating": 4}]
        assert run_import(file) == UNCHANGED
        assert alice.get(path).body == restored

    def test_a_line_that_is_later_than_now(self, alice: Caller, score: Score, tmp_path: Path) -> None:
        soon = exact_json.timestamp(timezone.now() + timedelta(seconds=40))
        [line] = lines_of(export(alice)[0])
        assert run_import(write(tmp_path, line | {"value": 1, "updated_at": soon})) == CHANGED
        assert alice.get(f"/model-hub/scores/{score.pk}/").body["updated_at"] == soon

    def test_a_deleted_score_comes_back_with_its_times(self, alice: Caller, score: Score, tmp_path: Path) -> None:
        file = write(tmp_path, *lines_of(export(alice)[0]))
        path = f"/model-hub/scores/{score.pk}/"
        before = alice.get(path).body
        alice.delete(path)
        assert run_import(file) == CREATED
        assert alice.get(path).body == before
        assert [one["action"] for one in alice.get(path + "history/").body["results"]] == ["deleted"]

    def test_an_older_export_over_a_correction_that_was_deleted(
        self, alice: Caller, score: Score, tmp_path: Path
    ) -> None:
        file = write(tmp_path, *lines_of(export(alice)[0]))
        path = f"/model-hub/scores/{score.pk}/"
        corrected = alice.patch(path, {"value": 1}).body
        alice.delete(path)
        assert run_import(file) == CREATED
        assert alice.get(path).body["updated_at"] > corrected["updated_at"]

    def test_unchanged_scores_change_neither_themselves_nor_their_source(
        self, alice: Caller, score: Score, tmp_path: Path
    ) -> None:
        file = write(tmp_path, *lines_of(export(alice)[0]))
        before = list(Score.objects.values()), list(Source.objects.values())
        assert run_import(file) == UNCHANGED
        assert (list(Score.objects.values()), list(Source.objects.values())) == before
        assert not ScoreRevision.objects.exists()

    def test_a_stored_score_of_a_clock_that_was_wrong_is_unchanged(
        self, alice: Caller, score: Score, tmp_path: Path
    ) -> None:
        Score.objects.update(updated_at=timezone.now() + timedelta(days=400))
        file = write(tmp_path, *lines_of(export(alice)[0]))
        assert run_import(file) == UNCHANGED
        alice.delete(f"/model-hub/scores/{score.pk}/")
        assert run_import(file) == FAILED


def test_a_limit_that_was_lowered_does_not_touch_stored_scores(
    alice: Caller, trace: Source, labels: dict[str, Label], tmp_path: Path, settings: Any
) -> None:
    alice.bulk(trace, [entry(labels["text"], "x" * 100, notes="y" * 100)])
    file = write(tmp_path, *lines_of(export(alice)[0]))
    settings.MAX_NOTES_LENGTH = settings.MAX_VALUE_BYTES = 64
    assert run_import(file) == UNCHANGED
