"""Judges beside people: `judge_vs_human`, `raters` and `score_source` (contract 7.8)."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from modelhub.agreement import figures
from modelhub.agreement.statistics import Figure, Table, cohen_kappa, krippendorff_alpha
from modelhub.agreement.substitution import JudgedUnit, difference_interval, substitute
from modelhub.core import clock
from modelhub.labels.models import Label
from modelhub.queues.models import Item
from modelhub.scores.models import SCORE_SOURCES
from tests.agreement.panel import Panel, entry_of, make_panel
from tests.client import Caller
from tests.factories import ItemFactory, ScoreFactory

pytestmark = pytest.mark.django_db

AGREEMENT = "/model-hub/agreement/?bootstrap=false"


@pytest.fixture
def panel(alice: Caller) -> Panel:
    return make_panel(alice)


@pytest.fixture
def label(panel: Panel) -> Label:
    return panel.attach()


def judged(panel: Panel, query: str = "?bootstrap=false") -> Any:
    """Return the only entry of `judge_vs_human`."""
    [found] = panel.read(query)["judge_vs_human"]
    return found


def test_a_judge_is_compared_with_the_majority_of_people(panel: Panel, label: Label) -> None:
    panel.fill(label, {"Ann": [4, 4, 1, 2, 3], "Ben": [4, 5, 1, 3, None], "Cem": [3, 5, 1, 4, None]})
    panel.fill(label, {"Judge": [4, 4, 1, 4, 2, 5]}, score_source="model")
    units = [(4, 4), (5, 4), (1, 1), (3, 2)]
    table = Table.of({"people": people, "judge": judge} for people, judge in units)
    found = judged(panel)
    assert found == {
        "label_id": str(label.pk),
        "label_name": label.name,
        "label_type": "star",
        "judge_id": str(panel.people["Judge"].pk),
        "judge_name": "Judge",
        "score_sources": ["model"],
        "agreement_pct": found["agreement_pct"],
        "cohens_kappa": found["cohens_kappa"],
        "alpha": found["alpha"],
        "total_comparisons": 4,
        "ties": 1,
        "disagreement_count": 2,
        "disagreement_items": [str(panel.items[1].pk), str(panel.items[4].pk)],
        "reason": None,
        "with_people": found["with_people"],
    }
    assert float(found["agreement_pct"]) == 0.5
    assert float(found["cohens_kappa"]) == cohen_kappa(table).rounded()
    assert float(found["alpha"]) == krippendorff_alpha(table, "ordinal").rounded()


def test_a_judge_is_compared_with_single_people_over_items_of_two_people_or_more(panel: Panel, label: Label) -> None:
    panel.fill(label, {"Ann": [4, 4, 1, 2, 3], "Ben": [4, 5, 1, 3, None], "Cem": [3, 5, 1, 4, None]})
    panel.fill(label, {"Judge": [4, 4, 1, 4, 2, 5]}, score_source="model")
    # The fourth item is a tie, the fifth has one person, and the sixth none.
    units: Counter[JudgedUnit] = Counter({((3, 4, 4), 4): 1, ((4, 5, 5), 4): 1, ((1, 1, 1), 1): 1, ((2, 3, 4), 4): 1})
    expected = substitute(units, "ordinal")
    interval = difference_interval(expected)
    found = judged(panel, "")["with_people"]
    assert {name: float(found.pop(name)) for name in ("alpha_of_people", "alpha_with_people", "difference")} == {
        "alpha_of_people": expected.alpha_of_people.rounded(),
        "alpha_with_people": expected.alpha_with_people.rounded(),
        "difference": expected.difference.rounded(),
    }
    ends = [Figure(end).rounded() for end in (interval.low, interval.high)]
    assert [float(found["interval"].pop(name)) for name in ("low", "high", "level")] == [*ends, 0.95]
    # Dropped: the resamples of one item, on which the people agree.
    assert found == {"items": 4, "interval": {"resamples": interval.resamples}, "reason": None}
    assert 980 < interval.resamples < 1000
    without = judged(panel)["with_people"]
    assert (without["interval"], without["reason"]) == (None, "bootstrap is false")
    assert float(without["difference"]) == expected.difference.rounded()


def test_a_judge_beside_single_people_or_people_that_agree_has_a_reason(panel: Panel, label: Label) -> None:
    text = panel.attach("text")
    panel.fill(label, {"Ann": [4, 3], "Ben": [None, None]})
    panel.fill(text, {"Ann": ["a"], "Ben": ["a"]})
    for one in (label, text):
        panel.fill(one, {"Judge": [4 if one is label else "b"]}, score_source="model")
    undefined = {"alpha_of_people": None, "alpha_with_people": None, "difference": None, "interval": None}
    assert [one["with_people"] for one in panel.read()["judge_vs_human"]] == [
        {"items": 0, **undefined, "reason": "no item has ratings of the judge and of two people"},
        {"items": 1, **undefined, "reason": "texts have no level of measurement"},
    ]
    panel.fill(label, {"Ben": [4]})
    found = judged(panel, f"?label_id={label.pk}")["with_people"]
    assert found == {"items": 1, **undefined, "reason": "all ratings of people are equal"}


def test_numbers_of_a_judge_far_outside_the_range_have_a_reason(panel: Panel) -> None:
    label = panel.attach("numeric")
    panel.fill(label, {"Ann": [1, 2], "Ben": [2, 2]})
    panel.fill(label, {"Judge": [10**300, 2]}, score_source="model")
    found = judged(panel, "")
    assert found["with_people"]["reason"] == "the numbers of the judge are too far from those of people"
    assert found["total_comparisons"] == 2


def test_many_judges_have_no_interval(panel: Panel, label: Label, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MOST_INTERVALS", 1)
    panel.fill(label, {"Ann": [4, 3], "Ben": [4, 4]})
    panel.fill(label, {"One": [4, 3]}, score_source="model")
    assert judged(panel, "")["with_people"]["interval"] is not None
    panel.fill(label, {"Two": [4, 3]}, score_source="model")
    found = panel.read("")
    assert entry_of(found, label)["alpha_interval"] is not None
    reason = "there are intervals of at most 1 judges: filter by label_id"
    for one in found["judge_vs_human"]:
        assert (one["with_people"]["interval"], one["with_people"]["reason"]) == (None, reason)


def test_of_numbers_the_median_of_people_counts(panel: Panel) -> None:
    label = panel.attach("numeric")
    panel.fill(label, {"Ann": [1, 2, 4], "Ben": [9, 3, 5], "Cem": [2, None, None]})
    panel.fill(label, {"Judge": [2, 2.5, 4]}, score_source="auto")
    found = judged(panel)
    assert (found["total_comparisons"], found["ties"], found["disagreement_count"]) == (3, 0, 1)
    assert found["disagreement_items"] == [str(panel.items[2].pk)]


def test_the_median_of_two_people_is_equal_to_the_same_number_of_a_judge(panel: Panel) -> None:
    label = panel.attach("numeric")
    # Places in the range from 0 to 10; as floats, 0.2 + 0.4 is 0.6000000000000001.
    panel.fill(label, {"Ann": [2, 1], "Ben": [4, 9]})
    panel.fill(label, {"Judge": [3, 5]}, score_source="auto")
    assert judged(panel)["disagreement_count"] == 0


def test_one_person_suffices_and_two_that_differ_are_a_tie(panel: Panel, label: Label) -> None:
    panel.fill(label, {"Ann": [1, 2], "Ben": [None, 3]})
    panel.fill(label, {"Judge": [1, 2]}, score_source="automation")
    found = judged(panel)
    assert (found["total_comparisons"], found["ties"], found["agreement_pct"]) == (1, 1, 1)
    assert (found["alpha"], found["cohens_kappa"], found["reason"]) == (None, None, "all ratings are equal")


def test_a_judge_without_people_has_a_reason(panel: Panel, label: Label) -> None:
    panel.fill(label, {"Ann": [None, 2]})
    panel.fill(label, {"Judge": [1]}, score_source="model")
    found = judged(panel)
    assert (found["total_comparisons"], found["ties"], found["agreement_pct"]) == (0, 0, None)
    assert found["reason"] == "there are no ratings"


def test_texts_of_judges_have_shares_only(panel: Panel) -> None:
    label = panel.attach("text")
    panel.fill(label, {"Ann": ["a", "b"]})
    panel.fill(label, {"Judge": ["a", "c"]}, score_source="model")
    found = judged(panel)
    assert (float(found["agreement_pct"]), found["cohens_kappa"], found["alpha"]) == (0.5, None, None)
    assert found["reason"] == "texts have no level of measurement"


def test_each_judge_and_each_label_has_an_entry(panel: Panel, label: Label) -> None:
    other = panel.attach("thumbs_up_down")
    panel.fill(label, {"Ann": [1, 2]})
    panel.fill(other, {"Ann": ["up"]})
    panel.fill(label, {"One": [1, None], "Two": [1, 1]}, score_source="model")
    panel.store(label, "One", 1, 2, score_source="auto")
    panel.fill(other, {"One": ["down"]}, score_source="model")
    found = {(one["label_id"], one["judge_name"]): one for one in panel.read()["judge_vs_human"]}
    assert {key: (float(one["agreement_pct"]), one["score_sources"]) for key, one in found.items()} == {
        (str(label.pk), "One"): (1, ["auto", "model"]),
        (str(label.pk), "Two"): (0.5, ["model"]),
        (str(other.pk), "One"): (0, ["model"]),
    }


@pytest.mark.parametrize("word", SCORE_SOURCES)
def test_the_score_source_says_whether_a_rating_is_a_judges(panel: Panel, label: Label, word: str) -> None:
    panel.fill(label, {"Ann": [4], "Ben": [4]})
    panel.send(label, {"Cem": [3]}, word)
    found = panel.read()
    is_judge = word in {"auto", "model", "automation"}
    assert len(found["judge_vs_human"]) == is_judge
    assert float(found["overall_agreement"]) == is_judge
    assert found["labels"][0]["annotators"] == (2 if is_judge else 3)


def test_figures_are_of_the_raters_that_are_asked_for(panel: Panel, label: Label) -> None:
    panel.fill(label, {"Ann": [4, 2], "Ben": [4, 2]})
    panel.fill(label, {"One": [3, 2], "Two": [4, 2]}, score_source="model")
    panel.store(label, "Tri", 0, "no number", score_source="model")
    for query, annotators, agreement, unusable in (
        ("", 2, 1, 0),
        ("&raters=people", 2, 1, 0),
        ("&raters=judges", 2, 0.5, 1),
        ("&raters=all", 4, 0.5, 1),
    ):
        body = panel.read(f"?bootstrap=false{query}")
        found = entry_of(body, label)
        shown = (found["annotators"], float(found["agreement_pct"]), found["unusable"])
        assert shown == (annotators, agreement, unusable), query
        assert len(body["judge_vs_human"]) == 2, query
        assert len(body["annotator_pairs"]) == annotators * (annotators - 1) / 2, query


class TestScoreSource:
    """The filter of the route for any scores."""

    def read(self, panel: Panel, query: str) -> Any:
        answer = panel.manager.get(AGREEMENT + query)
        assert answer.status == 200, answer.body
        return answer.body

    def test_all_ratings_under_it_count(self, panel: Panel, label: Label) -> None:
        panel.fill(label, {"Ann": [4], "Ben": [4]})
        panel.fill(label, {"One": [3], "Two": [2]}, score_source="model")
        for query, annotators in (("", 2), ("&score_source=model", 2), ("&score_source=auto", None)):
            body = self.read(panel, query)
            assert [one["annotators"] for one in body["labels"]] == ([annotators] if annotators else []), query
        assert self.read(panel, "")["overall_agreement"] == 1
        judges = self.read(panel, "&score_source=model")
        assert judges["overall_agreement"] == 0
        assert {one["total_comparisons"] for one in judges["judge_vs_human"]} == {0}
        assert self.read(panel, "&scoreSource=model&raters=people")["overall_agreement"] is None
        assert self.read(panel, "&score_source=human&raters=judges")["overall_agreement"] is None

    def test_a_person_that_is_a_judge_too_has_two_ratings_of_which_the_last_counts_among_all(
        self, panel: Panel, label: Label
    ) -> None:
        item: Item = panel.item(0)
        panel.store(label, "Ann", 0, 4)
        panel.store(label, "Ben", 0, 4)
        elsewhere = ItemFactory.create(queue__created_by=panel.manager.user, source=item.source)
        score = ScoreFactory.create(
            source=item.source,
            label=label,
            annotator=panel.people["Ben"],
            value={"rating": 3},
            score_source="model",
            queue_item=elsewhere.pk,
            queue_id=elsewhere.queue_id,
        )
        for delay, agreement in ((timedelta(hours=1), 0), (timedelta(hours=-1), 1)):
            score.updated_at = clock.now() + delay
            score.save()
            assert self.read(panel, "")["overall_agreement"] == 1
            assert self.read(panel, "&raters=all")["overall_agreement"] == agreement
            [judge] = self.read(panel, "")["judge_vs_human"]
            # Against the majority of Ann and Ben.
            assert (judge["total_comparisons"], judge["disagreement_count"]) == (1, 1)
            # The judge is Ben: beside Ann alone there is no figure.
            assert judge["with_people"]["items"] == 0
        panel.store(label, "Cem", 0, 2)
        [judge] = self.read(panel, "")["judge_vs_human"]
        assert judge["with_people"]["items"] == 1
        # Of the pairs of 4 and 2, and of 3 with each, by the ordinal distance: 4, 1 and 1; expected 4.
        assert float(judge["with_people"]["alpha_with_people"]) == 0.75
