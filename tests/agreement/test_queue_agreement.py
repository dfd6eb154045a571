"""`GET /model-hub/annotation-queues/{id}/agreement/` (contract 7.8)."""

import itertools
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.agreement import figures, pairs, reading
from modelhub.agreement.intervals import alpha_interval
from modelhub.agreement.pairs import WEIGHTED
from modelhub.agreement.statistics import (
    Table,
    cohen_kappa,
    equal_share,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    percent_agreement,
)
from modelhub.labels.models import Label
from modelhub.queues.models import Item, QueueLabel
from tests.agreement.panel import Panel, make_panel, set_value
from tests.client import Caller
from tests.factories import ApiKeyFactory, LabelFactory, QueueMemberFactory, ScoreFactory, UserFactory

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
NO_TWO = "no item has two ratings"
NOT_TWO, NOT_THREE = "needs exactly two annotators", "needs at least three annotators"
NO_WEIGHTS = "only star and numeric labels have weights"
NO_SETS = "only labels with several options have sets"
FIGURES = ("percent_agreement", "cohens_kappa", "fleiss_kappa", "ac1", "alpha", "alpha_jaccard", "alpha_interval")


@pytest.fixture
def panel(alice: Caller) -> Panel:
    return make_panel(alice)


def row(text: str) -> list[int | None]:
    return [None if word == "." else int(word) for word in text.split()]


class TestPublishedTables:
    """Tables of papers, sent through the API."""

    def test_krippendorff_2011_as_stars(self, panel: Panel) -> None:
        label = panel.attach("star")
        rows = {
            "A": row("1 2 3 3 2 1 4 1 2 . . ."),
            "B": row("1 2 3 3 2 2 4 1 2 5 . 3"),
            "C": row(". 3 3 3 2 3 4 2 2 5 1 ."),
            "D": row("1 2 3 3 2 4 4 1 2 5 1 ."),
        }
        panel.send(label, rows)
        found = panel.entry(label, "")
        assert found["level"] == "ordinal"
        assert float(found["alpha"]) == 0.815388
        assert round(float(found["ac1"]), 5) == 0.77544
        assert (found["items"], found["pairable_values"], found["annotators"]) == (11, 40, 4)
        interval = found["alpha_interval"]
        assert float(interval["low"]) < 0.815388 < float(interval["high"])
        assert (float(interval["level"]), interval["resamples"]) == (0.95, 1000)

    def test_fleiss_1971_as_single_choice(self, panel: Panel) -> None:
        label = panel.attach("categorical", options=["0", "1", "2", "3", "4"])
        counts = (
            "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
            "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
        )
        for number, unit in enumerate(counts.split()):
            values = [str(value) for value, count in enumerate(unit) for _ in range(int(count))]
            for name, value in zip("ABCDEF", values, strict=True):
                panel.send_one(label, name, number, value)
        found = panel.entry(label)
        assert found["level"] == "nominal"
        assert float(found["fleiss_kappa"]) == 0.430245
        assert float(found["alpha"]) == 0.433410
        assert round(float(found["ac1"]), 5) == 0.44788
        assert found["cohens_kappa"] is None
        assert found["reasons"]["cohens_kappa"] == NOT_TWO

    def test_cohen_1968_as_stars(self, panel: Panel) -> None:
        label = panel.attach("star", no_of_stars=3)
        cells = [row(line) for line in ["88 10 2 ", " 14 40 6 ", " 18 10 12"]]
        pairs_ = [
            (one, other) for one, line in enumerate(cells, 1) for other, n in enumerate(line, 1) for _ in range(n or 0)
        ]
        panel.send(label, {"A": [one for one, _ in pairs_], "B": [other for _, other in pairs_]})
        found = panel.read()
        [entry] = found["labels"]
        assert float(entry["cohens_kappa"]) == 0.491525
        assert {name: float(kappa) for name, kappa in entry["weighted_kappa"].items()} == {
            "linear": 0.473684,
            "quadratic": 0.454545,
        }
        assert entry["reasons"]["fleiss_kappa"] == NOT_THREE
        [pair] = found["annotator_pairs"]
        assert pair["total_comparisons"] == 200
        assert float(pair["agreement_pct"]) == 0.7
        assert float(pair["per_label"][0]["cohens_kappa"]) == 0.491525

    def test_sets_as_several_options(self, panel: Panel) -> None:
        label = panel.attach("categorical", options=["x", "y", "z", "w"], multi_choice=True)
        texts = {"A": "x xy y z xz y", "B": "x x y z xz xy", "C": "x xy yz z z y"}
        panel.send(label, {name: [list(word) for word in text.split()] for name, text in texts.items()})
        found = panel.entry(label)
        assert found["level"] == "set"
        assert float(found["alpha"]) == 0.601563
        assert float(found["alpha_jaccard"]) == 0.670968
        assert [(one["option"], one["selected"], one["reason"]) for one in found["options"]] == [
            ("x", 9, None),
            ("y", 8, None),
            ("z", 7, None),
            ("w", 0, "all ratings are equal"),
        ]
        assert found["options"][3]["alpha"] is None
        selected = Table.of({name: "x" in text.split()[at] for name, text in texts.items()} for at in range(6))
        assert float(found["options"][0]["alpha"]) == krippendorff_alpha(selected).rounded()


def test_each_field(panel: Panel) -> None:
    star, text = panel.attach("star"), panel.attach("text")
    panel.fill(star, {"Ann": [4, 5, 1, 2], "Ben": [4, 4, 1, None]})
    panel.fill(text, {"Ann": ["a", "b"], "Ben": ["a", "c"]})
    found = panel.read()
    ann, ben = sorted((panel.people["Ann"], panel.people["Ben"]), key=lambda user: str(user.pk))
    table = Table.of([{"a": 4, "b": 4}, {"a": 5, "b": 4}, {"a": 1, "b": 1}])
    star_entry = {
        "label_id": str(star.pk),
        "label_name": star.name,
        "label_type": "star",
        "level": "ordinal",
        "agreement_pct": 0.667,
        "agreement_score": 0.667,
        "percent_agreement": 0.666667,
        "cohens_kappa": 0.5,
        "weighted_kappa": {
            "linear": cohen_kappa(table, "linear").rounded(),
            "quadratic": cohen_kappa(table, "quadratic").rounded(),
        },
        "fleiss_kappa": None,
        "ac1": gwet_ac1(Table.of([{"a": 4, "b": 4}, {"a": 5, "b": 4}, {"a": 1, "b": 1}, {"a": 2}])).rounded(),
        "alpha": krippendorff_alpha(table, "ordinal").rounded(),
        "alpha_jaccard": None,
        "alpha_interval": None,
        "options": [],
        "items": 3,
        "pairable_values": 6,
        "annotators": 2,
        "unusable": 0,
        "disagreement_count": 1,
        "disagreement_items": [str(panel.items[1].pk)],
        "reason": None,
        "reasons": {"fleiss_kappa": NOT_THREE, "alpha_jaccard": NO_SETS, "alpha_interval": "bootstrap is false"},
    }
    untold = "texts have no level of measurement"
    text_entry = {
        "label_id": str(text.pk),
        "label_name": text.name,
        "label_type": "text",
        "level": "none",
        "agreement_pct": 0.5,
        "agreement_score": 0.5,
        **dict.fromkeys(FIGURES),
        "percent_agreement": 0.5,
        "weighted_kappa": {"linear": None, "quadratic": None},
        "options": [],
        "items": 2,
        "pairable_values": 4,
        "annotators": 2,
        "unusable": 0,
        "disagreement_count": 1,
        "disagreement_items": [str(panel.items[1].pk)],
        "reason": untold,
        "reasons": dict.fromkeys((*FIGURES[1:], "weighted_kappa"), untold),
    }
    assert plain(found) == {
        "queue_id": str(panel.queue.pk),
        "overall_agreement": 0.6,
        "labels": [star_entry, text_entry],
        "per_label": [star_entry, text_entry],
        "annotator_pairs": [
            {
                "annotator_1_id": str(ann.pk),
                "annotator_1_name": ann.name,
                "annotator_2_id": str(ben.pk),
                "annotator_2_name": ben.name,
                "agreement_pct": 0.6,
                "total_comparisons": 5,
                "per_label": [
                    {
                        "label_id": str(star.pk),
                        "agreement_pct": 0.667,
                        "total_comparisons": 3,
                        "cohens_kappa": 0.5,
                        "weighted_kappa": star_entry["weighted_kappa"],
                    },
                    {
                        "label_id": str(text.pk),
                        "agreement_pct": 0.5,
                        "total_comparisons": 2,
                        "cohens_kappa": None,
                        "weighted_kappa": {"linear": None, "quadratic": None},
                    },
                ],
            }
        ],
        "annotator_pairs_reason": None,
        "judge_vs_human": [],
    }


@pytest.mark.parametrize("type_", ["star", "numeric", "thumbs_up_down"])
def test_pairs_of_three_people_have_kappas_by_the_steps_between_numbers(panel: Panel, type_: str) -> None:
    label = panel.attach(type_)
    rows: dict[str, list[Any]] = {"Ann": [1, 2, 4, 5, 3], "Ben": [2, 3, 5, 4, 3], "Cem": [1, 3, 4, 5, 1]}
    if type_ == "thumbs_up_down":
        rows = {name: ["up" if one > 2 else "down" for one in row] for name, row in rows.items()}
    panel.fill(label, rows)
    names = {str(person.pk): name for name, person in panel.people.items()}
    found = panel.read()["annotator_pairs"]
    assert len(found) == 3
    for pair in found:
        ones, others = (rows[names[pair[f"annotator_{number}_id"]]] for number in (1, 2))
        table = Table.of({"a": one, "b": other} for one, other in zip(ones, others, strict=True))
        [of_label] = pair["per_label"]
        expected = {weights: cohen_kappa(table, weights).rounded() for weights in WEIGHTED if type_ != "thumbs_up_down"}
        assert plain(of_label["weighted_kappa"]) == (expected or dict.fromkeys(WEIGHTED))
        assert plain(of_label["cohens_kappa"]) == cohen_kappa(table).rounded()


def test_each_option_of_a_single_choice_is_compared_with_the_others(panel: Panel) -> None:
    label = panel.attach("categorical", options=["x", "y", "z", "w"])
    units = [["x", "x"], ["y", "z"], ["x", "x"], ["z", "y"], ["x", "z"]]
    panel.fill(label, {name: [[unit[place]] for unit in units] for place, name in enumerate(["Ann", "Ben"])})
    found = plain(panel.entry(label)["options"])
    alphas = {
        option: krippendorff_alpha(Table.of(dict(enumerate(one == option for one in unit)) for unit in units)).rounded()
        for option in "xyzw"
    }
    assert [(one["option"], one["alpha"], one["selected"]) for one in found] == [
        ("x", alphas["x"], 5),
        ("y", alphas["y"], 2),
        ("z", alphas["z"], 3),
        ("w", None, 0),
    ]
    assert len({*alphas.values()}) > 2


def plain(node: Any) -> Any:
    """Return an answer with floats instead of decimals."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    return float(node) if hasattr(node, "as_tuple") else node


def table_of(generator: random.Random, values: list[Any]) -> list[dict[str, Any]]:
    """Return units of up to four raters, some with no or one rating."""
    raters = "ABCD"[: generator.randint(1, 4)]
    return [
        {name: generator.choice(values) for name in raters if generator.random() < 0.8}
        for _ in range(generator.randint(1, 12))
    ]


KINDS: dict[str, tuple[str, dict[str, Any], list[Any]]] = {
    "nominal": ("categorical", {"options": ["x", "y", "z"]}, [["x"], ["y"], ["z"]]),
    "ordinal": ("star", {}, [1, 2, 3, 4, 5]),
    "interval": ("numeric", {"min": 2, "max": 12}, [2, 3, 5, 12]),
    "masi": ("categorical", {"options": ["x", "y", "z"], "multi_choice": True}, [["x"], ["x", "y"], ["z"], ["y", "z"]]),
}


@pytest.mark.parametrize("distance", ["nominal", "ordinal", "interval", "masi"])
def test_the_figures_are_those_of_the_module_in_any_order_of_scores(alice: Caller, distance: Any) -> None:
    generator = random.Random(distance)
    for _ in range(5):
        panel = make_panel(alice)
        type_, settings, values = KINDS[distance]
        label = panel.attach(type_, **settings)
        units = table_of(generator, values)
        ratings = [(number, name, content) for number, unit in enumerate(units) for name, content in unit.items()]
        for name in generator.sample("ABCD", 4):
            panel.person(name)
        panel.item(len(units))
        for number, name, content in generator.sample(ratings, len(ratings)):
            panel.store(label, name, number, content)
        table = Table.of({name: as_value(content) for name, content in unit.items()} for unit in units)
        interval = alpha_interval(table, distance)
        found = plain(panel.entry(label, ""))
        expected = {
            "agreement_pct": equal_share(table).rounded(3),
            "percent_agreement": percent_agreement(table).rounded(),
            "cohens_kappa": cohen_kappa(table).rounded(),
            "fleiss_kappa": fleiss_kappa(table).rounded(),
            "ac1": gwet_ac1(table).rounded(),
            "alpha": krippendorff_alpha(table, distance).rounded(),
            "items": table.compared,
            "pairable_values": table.pairable,
            "disagreement_count": table.compared - table.equal,
        }
        assert {name: found[name] for name in expected} == pytest.approx(expected, abs=2e-6), units
        if interval.low is None or interval.high is None:
            assert found["alpha_interval"] is None
        else:
            assert found["alpha_interval"]["resamples"] == interval.resamples
            assert found["alpha_interval"]["low"] == pytest.approx(interval.low, abs=2e-6)
            assert found["alpha_interval"]["high"] == pytest.approx(interval.high, abs=2e-6)


def as_value(content: Any) -> Any:
    return frozenset(content) if isinstance(content, list) else content


def test_cells_of_one_annotator_count_nowhere(panel: Panel) -> None:
    star, thumbs = panel.attach("star"), panel.attach("thumbs_up_down")
    assert panel.read()["overall_agreement"] is None
    panel.fill(star, {"Ann": [4, 5]})
    found = panel.read()
    assert found["overall_agreement"] is None
    assert found["annotator_pairs"] == []
    assert [(one["agreement_pct"], one["items"], one["reason"]) for one in found["labels"]] == [
        (None, 0, "needs at least two annotators"),
        (None, 0, "there are no ratings"),
    ]
    panel.fill(star, {"Ben": [None, None, 4]})
    assert panel.entry(star)["reason"] == NO_TWO
    panel.fill(thumbs, {"Ann": ["up"], "Ben": ["up"]})
    found = panel.read()
    assert found["overall_agreement"] == 1
    assert (found["labels"][1]["alpha"], found["labels"][1]["reason"]) == (None, "all ratings are equal")


def test_annotators_of_compared_items_are_counted(panel: Panel) -> None:
    label = panel.attach()
    panel.fill(label, {"Ann": [4, 5, 3], "Ben": [4, 5, None], "Cem": [None, None, None, 4]})
    found = panel.entry(label)
    assert (found["annotators"], found["items"], found["pairable_values"]) == (2, 2, 4)
    assert found["cohens_kappa"] == 1
    assert found["reasons"]["fleiss_kappa"] == NOT_THREE


def test_overall_agreement_is_the_share_of_all_cells_that_are_equal(panel: Panel) -> None:
    star, text, several = panel.attach("star"), panel.attach("text"), panel.attach("categorical", **KINDS["masi"][1])
    panel.fill(star, {"Ann": [4, 4, 4], "Ben": [4, 3, 4], "Cem": [4, 4, None]})
    panel.fill(text, {"Ann": ["caf\u00e9", "b"], "Ben": ["cafe\u0301", "B"]})
    panel.fill(several, {"Ann": [["x", "y"]], "Ben": [["y", "x"]]})
    found = panel.read()
    assert [float(one["agreement_pct"]) for one in found["labels"]] == [0.667, 0.5, 1]
    assert float(found["overall_agreement"]) == 0.667


def test_disagreements_are_counted_and_the_oldest_twenty_named(panel: Panel) -> None:
    label = panel.attach("star")
    panel.fill(label, {"Ann": [1] * 25, "Ben": [1, *[2] * 24]})
    found = panel.entry(label)
    assert found["disagreement_count"] == 24
    assert found["disagreement_items"] == [str(item.pk) for item in panel.items[1:21]]


def test_an_option_is_one_by_label_and_by_value_in_any_order_and_form(panel: Panel) -> None:
    options = [{"label": "Caf\u00e9", "value": "c"}, {"label": "Tea", "value": "t"}, "Milk"]
    label = panel.attach("categorical", options=options, multi_choice=True)
    panel.fill(label, {"Ann": [["c", "Tea"], ["Milk"]], "Ben": [["t", "Cafe\u0301"], ["c"]]})
    found = panel.entry(label)
    assert (float(found["agreement_pct"]), found["items"]) == (0.5, 2)
    assert [(one["option"], one["selected"]) for one in found["options"]] == [("Caf\u00e9", 3), ("Tea", 2), ("Milk", 1)]


def test_an_option_that_the_label_lost_is_shown_behind_the_others(panel: Panel) -> None:
    label = panel.attach("categorical", options=["x", "y"], multi_choice=True)
    panel.fill(label, {"Ann": [["gone"], ["x"]], "Ben": [["gone"], ["y"]]})
    assert [one["option"] for one in panel.entry(label)["options"]] == ["x", "y", "gone"]


@pytest.mark.parametrize("contents", [("4", None), ([4], {"a": 1}), (4.5, True)])
def test_a_content_of_another_type_is_left_out_and_counted(panel: Panel, contents: tuple[Any, Any]) -> None:
    label = panel.attach("star")
    panel.fill(label, {"Ann": [4, 3], "Ben": [4, 3]})
    for name, content in zip(("Cem", "Dan"), contents, strict=True):
        panel.store(label, name, 0, content)
    found = panel.entry(label)
    assert (found["unusable"], found["items"], found["annotators"], float(found["alpha"])) == (2, 2, 2, 1)


def test_a_label_with_unfit_settings_has_shares_only(panel: Panel) -> None:
    label = panel.attach("categorical")
    panel.fill(label, {"Ann": [["x"], ["y"]], "Ben": [["x"], ["x"]]})
    Label.objects.filter(pk=label.pk).update(settings={"options": 4})
    found = panel.entry(label, "")
    assert (float(found["agreement_pct"]), found["alpha"], found["level"], found["options"]) == (0.5, None, "none", [])
    assert found["reason"].startswith("the settings of the label are unfit: options must be")


NUMBERS = {
    "the ends of what the database holds": (["9" * 400, "1E+131071", "1E-16383", "0"], "0"),
    "integers of 400 digits": (["9" * 400, "1" + "0" * 400, "1", "2"], "1" + "0" * 400),
    "beyond the settings of now": (["1E+300", "5", "6", "-1E+300"], "5"),
    "tiny steps in a huge range": (["1", "2", "3", "3"], "1" + "0" * 300),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_of_any_size_have_figures(panel: Panel, case: str) -> None:
    contents, highest = NUMBERS[case]
    label = panel.attach("numeric")
    scores = [panel.store(label, "Ann", at, 1) for at in range(4)] + [
        panel.store(label, "Ben", at, 1) for at in range(4)
    ]
    for score, text in zip(scores, [*contents, *reversed(contents)], strict=True):
        set_value(score, f'{{"value": {text}}}')
    if highest not in ("0", "5"):
        Label.objects.filter(pk=label.pk).update(settings={"max": int(highest)})
    found = panel.entry(label, "")
    assert found["unusable"] == 0
    assert -8 <= found["alpha"] <= 1
    assert None not in found["weighted_kappa"].values()
    assert found["alpha_interval"]["resamples"] > 900


def test_a_value_that_is_nested_very_deeply_is_left_out(panel: Panel) -> None:
    label = panel.attach("numeric")
    panel.fill(label, {"Ann": [4], "Ben": [4]})
    set_value(panel.store(label, "Cem", 0, 4), f'{{"value": {"[" * 3000}{"]" * 3000}}}')
    found = panel.entry(label)
    assert (found["unusable"], found["items"], found["annotators"]) == (1, 1, 2)


def test_long_numbers_are_equal_by_value(panel: Panel) -> None:
    label = panel.attach("numeric")
    panel.fill(label, {"Ann": [1, 1], "Ben": [1, 1]})
    for score, digits in zip(panel.scores(label), (300, 400, 300, 300), strict=True):
        set_value(score, f'{{"value": 7.{"0" * digits}}}')
    found = panel.entry(label)
    assert (found["agreement_pct"], found["unusable"], found["items"]) == (1, 0, 2)


class TestWhichScores:
    def test_a_removed_label_and_a_deleted_one_are_left_out(self, panel: Panel) -> None:
        removed, deleted, kept = (panel.attach() for _ in range(3))
        for label in (removed, deleted, kept):
            panel.fill(label, {"Ann": [4], "Ben": [4 if label is kept else 3]})
        QueueLabel.objects.filter(label=removed).delete()
        Label.objects.filter(pk=deleted.pk).update(deleted_at=NOON)
        found = panel.read()
        assert [one["label_id"] for one in found["labels"]] == [str(kept.pk)]
        assert (found["overall_agreement"], found["annotator_pairs"][0]["total_comparisons"]) == (1, 1)

    def test_removed_items_deleted_scores_and_other_queues_are_left_out(self, panel: Panel, alice: Caller) -> None:
        label = panel.attach()
        panel.fill(label, {"Ann": [4, 4, 4], "Ben": [4, 3, 4]})
        answer = alice.delete(f"/model-hub/annotation-queues/{panel.queue.pk}/items/{panel.items[1].pk}/")
        assert answer.status == 200
        panel.store(label, "Cem", 0, 1, deleted_at=NOON)
        other = make_panel(alice)
        other.people = panel.people
        QueueLabel.objects.create(organization_id=panel.queue.organization_id, queue=other.queue, label=label, order=0)
        other.fill(label, {"Ann": [1], "Ben": [2]})
        ScoreFactory.create(label=label, source=panel.items[0].source, annotator=panel.person("Cem"))
        found = panel.entry(label)
        assert (found["items"], found["disagreement_count"], found["annotators"]) == (2, 0, 2)

    @pytest.mark.parametrize("status", ["pending", "in_progress", "completed", "skipped"])
    def test_all_states_of_work_count(self, panel: Panel, status: str) -> None:
        label = panel.attach()
        panel.fill(label, {"Ann": [4], "Ben": [4]})
        Item.objects.update(status=status)
        assert panel.entry(label)["items"] == 1

    def test_labels_can_be_selected(self, panel: Panel) -> None:
        one, two, three = (panel.attach() for _ in range(3))
        panel.fill(one, {"Ann": [4], "Ben": [4]})
        panel.fill(two, {"Ann": [4], "Ben": [3]})
        panel.fill(three, {"Ann": [4], "Ben": [3]})
        query = f"?bootstrap=0&labelId={str(two.pk).upper()}, {one.pk.hex}"
        found = panel.read(query.replace(" ", "%20"))
        assert [entry["label_id"] for entry in found["labels"]] == [str(one.pk), str(two.pk)]
        assert float(found["overall_agreement"]) == 0.5
        [pair] = found["annotator_pairs"]
        assert [entry["label_id"] for entry in pair["per_label"]] == [str(one.pk), str(two.pk)]

    def test_only_some_annotators(self, panel: Panel) -> None:
        label = panel.attach()
        panel.fill(label, {"Ann": [1, 2, 3, 4], "Ben": [1, 2, 3, 4], "Cem": [4, 3, 2, 1]})
        without = f"?annotator_id={panel.person('Ann').pk},{panel.person('Ben').pk.hex}"
        assert (panel.entry(label)["alpha"] < 0, panel.entry(label, without)["alpha"]) == (True, 1)
        assert panel.entry(label, without)["annotators"] == 2
        for sent in ("", "x", f"{panel.person('Ann').pk},"):
            answer = panel.ask(f"?annotator_id={sent}")
            assert (answer.status, list(answer.body["errors"])) == (400, ["annotator_id"])

    @pytest.mark.parametrize("sent", ["", "x", "{label},", "{other}"])
    def test_labels_that_the_queue_does_not_have_are_rejected(self, panel: Panel, sent: str) -> None:
        label, other = panel.attach(), LabelFactory.create(organization=panel.queue.organization)
        answer = panel.ask(f"?label_id={sent.format(label=label.pk, other=other.pk)}")
        assert (answer.status, list(answer.body["errors"])) == (400, ["label_id"])
        assert answer.body["detail"].startswith("label_id must hold ids of labels of the queue")


class TestPairs:
    def test_of_three_annotators_each_two_are_compared(self, panel: Panel) -> None:
        label = panel.attach()
        rows: dict[str, list[int | None]] = {"Ann": [1, 2, 3, 4], "Ben": [1, 2, 3, None], "Cem": [1, 1, None, None]}
        panel.fill(label, rows)
        found = panel.read()
        ids = {str(user.pk): name for name, user in panel.people.items()}
        pairs_ = {
            frozenset((ids[one["annotator_1_id"]], ids[one["annotator_2_id"]])): one for one in found["annotator_pairs"]
        }
        assert all(one["annotator_1_id"] < one["annotator_2_id"] for one in found["annotator_pairs"])
        assert {pair: (float(one["agreement_pct"]), one["total_comparisons"]) for pair, one in pairs_.items()} == {
            frozenset(("Ann", "Ben")): (1, 3),
            frozenset(("Ann", "Cem")): (0.5, 2),
            frozenset(("Ben", "Cem")): (0.5, 2),
        }
        assert found["labels"][0]["cohens_kappa"] is None
        assert found["labels"][0]["fleiss_kappa"] is not None

    @pytest.mark.parametrize(("limit", "value"), [("MOST_PAIRS", 1), ("MOST_ENTRIES", 3)])
    def test_the_most_compared_pairs_are_shown(
        self, panel: Panel, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
    ) -> None:
        monkeypatch.setattr(pairs, limit, value)
        panel.fill(panel.attach(), {"Ann": [1, None, 2], "Ben": [1, 2, 1], "Cem": [None, 2, 1]})
        panel.fill(panel.attach(), {"Ben": [1], "Cem": [1]})
        found = panel.read()
        assert [one["total_comparisons"] for one in found["annotator_pairs"]] == [3]
        assert found["annotator_pairs_reason"] == "these are the 1 of 3 pairs with the most comparisons"

    def test_too_many_comparisons_are_not_made(self, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
        panel.fill(panel.attach(), {"Ann": [1], "Ben": [1], "Cem": [2]})
        monkeypatch.setattr(pairs, "MOST_COMPARISONS", 3)
        assert len(panel.read()["annotator_pairs"]) == 3
        monkeypatch.setattr(pairs, "MOST_COMPARISONS", 2)
        found = panel.read()
        assert found["annotator_pairs"] == []
        assert found["annotator_pairs_reason"] == "there are 3 comparisons, more than 2: filter by label_id"
        assert found["labels"][0]["alpha"] is not None


class TestRequests:
    def test_it_needs_the_right_to_review(self, panel: Panel, bob: Caller, charlie: Caller) -> None:
        assert panel.ask(caller=bob).body["code"] == "queue_role"
        member = QueueMemberFactory.create(queue=panel.queue, user=bob.user)
        for roles, status in ((["annotator"], 403), (["reviewer"], 200), (["annotator", "manager"], 200)):
            member.roles = roles
            member.save()
            assert panel.ask(caller=bob).status == status, roles
        annotate = Caller(ApiKeyFactory.create(user=bob.user, scopes=["annotate"]))
        assert (panel.ask(caller=annotate).status, panel.ask(caller=annotate).body["code"]) == (403, "scope")
        assert panel.ask(caller=charlie).status == 404

    def test_the_bootstrap_can_be_left_out(self, panel: Panel) -> None:
        label = panel.attach()
        panel.fill(label, {"Ann": [1, 2, 3, 4, 1], "Ben": [1, 2, 3, 3, 2]})
        for flag in ("false", "0"):
            found = panel.entry(label, f"?bootstrap={flag}")
            assert (found["alpha_interval"], found["reasons"]["alpha_interval"]) == (None, "bootstrap is false")
        for query in ("", "?bootstrap=true", "?bootstrap=1"):
            found = panel.entry(label, query)
            assert found["alpha_interval"]["low"] < found["alpha"] < found["alpha_interval"]["high"]
            assert "alpha_interval" not in found["reasons"]

    def test_intervals_are_of_a_limited_number_of_labels(self, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = panel.attach(), panel.attach()
        for label in (one, other):
            panel.fill(label, {"Ann": [1, 2, 3, 4, 1], "Ben": [1, 2, 3, 3, 2]})
        monkeypatch.setattr(figures, "MOST_INTERVALS", 1)
        for label in (one, other):
            found = panel.entry(label, "")
            reason = "there are intervals of at most 1 labels: filter by label_id"
            assert (found["alpha_interval"], found["reasons"]["alpha_interval"]) == (None, reason)
            assert panel.entry(label, f"?label_id={label.pk}")["alpha_interval"] is not None

    @pytest.mark.parametrize(
        ("query", "field"),
        [("?bootstrap=maybe", "bootstrap"), ("?raters=everyone", "raters"), ("?raters=", "raters"), ("?x=1", "x")],
    )
    def test_unusable_parameters_are_rejected(self, panel: Panel, query: str, field: str) -> None:
        answer = panel.ask(query)
        assert (answer.status, list(answer.body["errors"])) == (400, [field])

    def test_more_scores_than_the_limit_are_rejected(self, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = panel.attach(), panel.attach()
        panel.fill(one, {"Ann": [1], "Ben": [1]})
        panel.fill(other, {"Ann": [1], "Ben": [1]})
        monkeypatch.setattr(reading, "MOST_SCORES", 3)
        answer = panel.ask()
        assert (answer.status, answer.body["code"]) == (400, "too_many_scores")
        assert answer.body["detail"] == "The scores must be at most 3, and there are more: filter by label_id"
        assert panel.entry(one, f"?label_id={one.pk}")["items"] == 1

    def test_more_labels_than_the_limit_are_rejected(self, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
        one, _ = panel.attach(), panel.attach()
        monkeypatch.setattr(figures, "MOST_LABELS", 1)
        assert panel.ask().body["code"] == "too_many_labels"
        assert panel.ask(f"?label_id={one.pk}").status == 200

    @pytest.mark.parametrize(
        ("labels", "items", "people", "judges", "limit"),
        [(1, 10, 1, 0, 5), (10, 1, 1, 0, 15), (1, 1, 6, 0, 8), (1, 1, 1, 12, 8)],
        ids=str,
    )
    def test_figures_end_at_the_timeout_of_the_request(
        self,
        panel: Panel,
        monkeypatch: pytest.MonkeyPatch,
        settings: Any,
        labels: int,
        items: int,
        people: int,
        judges: int,
        limit: int,
    ) -> None:
        """Compute under a clock on which each cell, label, pair and judge takes a second."""
        for _ in range(labels):
            label = panel.attach()
            panel.fill(label, {f"Person {number}": [1] * items for number in range(people)})
            panel.fill(label, {f"Judge {number}": [1] * items for number in range(judges)}, score_source="model")
        settings.SERVE_TIMEOUT = limit
        seconds = itertools.count(time.monotonic())
        monkeypatch.setattr("modelhub.labels.rules.time", SimpleNamespace(monotonic=lambda: next(seconds)))
        answer = panel.ask()
        assert (answer.status, answer.body["code"]) == (503, "too_slow")
        assert f"not computed within {limit} seconds" in answer.body["message"]
        assert "by label_id" in answer.body["message"]

    def test_the_statements_do_not_grow(self, panel: Panel) -> None:
        panel.ask()  # records the use of the key
        numbers = []
        for _ in range(3):
            with CaptureQueriesContext(connection) as captured:
                panel.read()
            numbers.append(len(captured))
            label = panel.attach()
            names = [UserFactory.build().name for _ in range(3)]
            panel.fill(label, {name: [1, 2, 3] for name in names})
            panel.fill(label, {f"judge of {names[0]}": [1, 2, 3]}, score_source="model")
        assert len({*numbers[1:]}) == 1, numbers
