"""`…/annotation-queues/{id}/disagreements/`: cells whose ratings differ."""

import itertools
import random
import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.agreement import posteriors
from modelhub.agreement.dawid_skene import dawid_skene
from modelhub.core import clock, exact_json
from modelhub.labels.models import Label
from modelhub.queues.models import Adjudication, QueueLabel
from modelhub.scores.models import Score
from tests.agreement.panel import Panel, make_panel, set_value
from tests.client import Caller
from tests.factories import AdjudicationFactory, ApiKeyFactory, QueueMemberFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def panel(alice: Caller) -> Panel:
    return make_panel(alice)


def read_page(panel: Panel, query: str = "", caller: Caller | None = None) -> Any:
    answer = (caller or panel.manager).get(f"/model-hub/annotation-queues/{panel.queue.pk}/disagreements/{query}")
    assert answer.status == 200, answer.body
    return answer.body


def rows_of(panel: Panel, query: str = "") -> Any:
    return read_page(panel, query)["results"]


def cells_of(panel: Panel, query: str = "") -> list[tuple[int, str]]:
    """Return the number of the item and the type of the label of each row."""
    numbers = {str(item.pk): number for number, item in enumerate(panel.items)}
    return [(numbers[row["item_id"]], row["label_type"]) for row in rows_of(panel, query)]


def decide(panel: Panel, label: Label, number: int, value: object) -> None:
    body = {"item_id": str(panel.item(number).pk), "label_id": str(label.pk), "value": value, "notes": "n"}
    answer = panel.manager.post(f"/model-hub/annotation-queues/{panel.queue.pk}/adjudicate/", body)
    assert answer.status == 200, answer.body


class TestRow:
    """One cell."""

    def test_a_value_that_is_nested_very_deeply_is_shown_as_none(self, panel: Panel) -> None:
        numeric = panel.attach("numeric")
        for name, number in (("Ann", 2), ("Ben", 4), ("Cleo", 4)):
            panel.store(numeric, name, 0, number)
        set_value(panel.store(numeric, "Dan", 0, 4), f'{{"value": {"[" * 3000}{"]" * 3000}}}')
        [row] = rows_of(panel)
        assert [one["value"] for one in row["values"]] == [2, 4, 4, None]
        assert (row["majority"], row["median"]) == (4, 4)

    def test_a_row_has_the_item_the_label_all_values_and_the_decision(self, panel: Panel) -> None:
        star = panel.attach()
        scores = [
            panel.store(star, name, 0, rating, notes=f"of {name}")
            for name, rating in (("Ann", 2), ("Ben", 4), ("Cleo", 4))
        ]
        panel.item(0).source.name = "Refund"
        panel.item(0).source.save()
        decide(panel, star, 0, 3)
        [row] = rows_of(panel)
        decision = Adjudication.objects.get()
        posterior, item = row.pop("posterior"), panel.item(0)
        assert row == {
            "item_id": str(item.pk),
            "source_type": "trace",
            "source_id": item.source.source_id,
            "source_name": "Refund",
            "label_id": str(star.pk),
            "label_name": star.name,
            "label_type": "star",
            "values": [
                {
                    "annotator_id": str(score.annotator_id),
                    "annotator_name": score.annotator.name,
                    "value": score.value["rating"],
                    "score_source": "human",
                    "notes": f"of {score.annotator.name}",
                    "score_id": str(score.pk),
                    "updated_at": exact_json.timestamp(score.updated_at),
                }
                for score in scores
            ],
            "majority": 4,
            "median": 4,
            "posterior_reason": None,
            "authoritative": {
                "id": str(decision.pk),
                "item_id": str(item.pk),
                "label_id": str(star.pk),
                "label_name": star.name,
                "label_type": "star",
                "value": 3,
                "notes": "n",
                "adjudicator_id": str(panel.manager.user.pk),
                "adjudicator_name": "Alice",
                "score_source": "human",
                "authoritative": True,
                "is_outdated": False,
                "created_at": exact_json.timestamp(decision.created_at),
                "replaced_at": None,
            },
        }
        assert [one["value"] for one in posterior] == [4, 2]
        assert sum(one["probability"] for one in posterior) == pytest.approx(1)

    @pytest.mark.parametrize(
        ("type_", "settings", "contents", "majority", "median"),
        [
            ("star", {}, [1, 4, 4], 4, 4),
            ("star", {}, [1, 4], None, exact_json.loads("2.5")),
            ("star", {}, [1, 1, 4, 4, 5], None, 4),
            ("numeric", {}, [1, 2, 2], 2, 2),
            ("numeric", {}, [1, 2], None, exact_json.loads("1.5")),
            ("numeric", {}, [7, 1, 2], None, 2),
            ("thumbs_up_down", {}, ["up", "down", "up"], "up", None),
            ("categorical", {}, [["neutral"], ["negative"], ["neutral"]], "neutral", None),
            ("text", {}, ["b", "a", "b"], "b", None),
            ("text", {}, ["b", "a"], None, None),
            (
                "categorical",
                {"options": [{"label": "Yes", "value": "y"}, "No", "Maybe"], "multi_choice": True},
                [["y", "No"], ["No", "Yes"], ["Maybe"]],
                ["No", "Yes"],
                None,
            ),
        ],
    )
    def test_majority_and_median(
        self, panel: Panel, type_: str, settings: Any, contents: list[Any], majority: Any, median: Any
    ) -> None:
        label = panel.attach(type_, **settings)
        for at, content in enumerate(contents):
            panel.store(label, f"P{at}", 0, content)
        [row] = rows_of(panel)
        assert (row["majority"], row["median"]) == (majority, median)

    def test_the_values_are_plain_as_in_exports(self, panel: Panel) -> None:
        label = panel.attach("categorical", options=["a", "b", "c"], multi_choice=True)
        panel.fill(label, {"Ann": [["a"]], "Ben": [["b", "a"]]})
        assert [one["value"] for one in rows_of(panel)[0]["values"]] == ["a", ["b", "a"]]

    def test_a_withdrawn_decision_is_not_authoritative_and_a_deleted_score_is_no_value(self, panel: Panel) -> None:
        star = panel.attach()
        panel.fill(star, {"Ann": [1], "Ben": [2], "Cleo": [5]})
        decide(panel, star, 0, 3)
        decide(panel, star, 0, None)
        score = Score.objects.get(annotator=panel.person("Cleo"))
        assert panel.manager.delete(f"/model-hub/scores/{score.pk}/").status == 200
        [row] = rows_of(panel)
        assert row["authoritative"] is None
        assert [one["value"] for one in row["values"]] == [1, 2]

    def test_scores_that_change_after_a_decision_outdate_it(self, panel: Panel) -> None:
        star = panel.attach()
        panel.fill(star, {"Ann": [1], "Ben": [2]})
        decide(panel, star, 0, 3)
        panel.send_one(star, "Ben", 0, 5)
        assert rows_of(panel)[0]["authoritative"]["is_outdated"]
        decide(panel, star, 0, 3)
        assert not rows_of(panel)[0]["authoritative"]["is_outdated"]


class TestCells:
    """Which cells there are, and their order."""

    def test_equal_cells_single_ratings_and_removed_things_are_left_out(self, panel: Panel) -> None:
        star, text, gone, deleted = (panel.attach(type_) for type_ in ("star", "text", "numeric", "thumbs_up_down"))
        panel.fill(star, {"Ann": [1, 2, 3, None, 5], "Ben": [1, 3, None, 2, 1]})
        panel.fill(text, {"Ann": ["e\u0301"], "Ben": ["\u00e9"]})
        panel.fill(gone, {"Ann": [1], "Ben": [2]})
        panel.fill(deleted, {"Ann": ["up"], "Ben": ["down"]})
        QueueLabel.objects.filter(label=gone).delete()
        Label.objects.filter(pk=deleted.pk).update(deleted_at=clock.now())
        path = f"/model-hub/annotation-queues/{panel.queue.pk}/items/{panel.item(4).pk}/"
        assert panel.manager.delete(path).status == 200
        assert cells_of(panel) == [(1, "star")]

    def test_options_by_label_and_by_value_are_equal(self, panel: Panel) -> None:
        label = panel.attach("categorical", options=[{"label": "Yes", "value": "y"}, {"label": "No", "value": "n"}])
        panel.fill(label, {"Ann": [["y"], ["y"]], "Ben": [["Yes"], ["n"]]})
        [row] = rows_of(panel)
        assert [one["value"] for one in row["posterior"]] == ["No", "Yes"]
        assert [one["value"] for one in row["values"]] == ["y", "n"]

    def test_numbers_are_equal_by_their_value(self, panel: Panel) -> None:
        label = panel.attach("numeric")
        panel.fill(label, {"Ann": [7, 7], "Ben": [exact_json.loads("7.0"), exact_json.loads("7.5")]})
        assert cells_of(panel) == [(1, "numeric")]

    def test_the_oldest_item_is_first_then_the_order_of_the_labels(self, panel: Panel) -> None:
        first, second = panel.attach("text"), panel.attach("star")
        panel.fill(second, {"Ann": [1, 1, 1], "Ben": [2, 2, 2]})
        panel.fill(first, {"Ann": ["a", "a", "a"], "Ben": ["b", "a", "b"]})
        cells = [(0, "text"), (0, "star"), (1, "star"), (2, "text"), (2, "star")]
        assert cells_of(panel) == cells
        QueueLabel.objects.filter(label=first).update(order=9)
        assert cells_of(panel)[:2] == [(0, "star"), (0, "text")]

    def test_pages_have_each_cell_once(self, panel: Panel) -> None:
        star = panel.attach()
        panel.fill(star, {"Ann": [1] * 7, "Ben": [2] * 7})
        found = []
        for page in (1, 2, 3):
            body = read_page(panel, f"?page_size=3&page={page}")
            assert (body["count"], body["total_pages"], body["current_page"]) == (7, 3, page)
            assert bool(body["next"]) == (page < 3)
            found += [row["item_id"] for row in body["results"]]
        assert found == [str(item.pk) for item in panel.items]
        assert panel.manager.get(panel.path.replace("agreement", "disagreements") + "?page=4").status == 404

    def test_decisions_of_a_page_have_a_limit_of_bytes(self, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
        text = panel.attach("text")
        panel.fill(text, {"Ann": ["a"] * 100, "Ben": ["b"] * 100})
        for number in range(100):
            AdjudicationFactory.create(item=panel.item(number), label=text, value={"text": "x" * 1000})
        path = f"/model-hub/annotation-queues/{panel.queue.pk}/disagreements/?page_size=100"
        monkeypatch.setattr("modelhub.core.bounded.MAX_ANSWER_BYTES", 100_000)
        assert panel.manager.get(path).body["code"] == "answer_too_large"

    def test_nothing_to_show_is_an_empty_page(self, panel: Panel) -> None:
        assert read_page(panel)["count"] == 0
        panel.attach()
        panel.item(0)
        assert read_page(panel)["results"] == []

    def test_labels_decisions_and_raters_select_cells(self, panel: Panel) -> None:
        star, text = panel.attach("star"), panel.attach("text")
        panel.fill(star, {"Ann": [1, 1, 3], "Ben": [2, 2, 3]})
        panel.fill(text, {"Ann": ["a"], "Ben": ["b"]})
        panel.fill(star, {"Judge": [1, 2, 5], "Other": [1, 3, 5]}, score_source="model")
        decide(panel, star, 1, 4)
        AdjudicationFactory.create(item=panel.item(0), label=star, replaced_at=clock.now())
        assert cells_of(panel, f"?label_id={text.pk}") == [(0, "text")]
        assert cells_of(panel, f"?label_id={text.pk},{star.pk}") == [(0, "star"), (0, "text"), (1, "star")]
        assert cells_of(panel, "?adjudicated=true") == [(1, "star")]
        assert cells_of(panel, "?adjudicated=false") == [(0, "star"), (0, "text")]
        assert cells_of(panel, "?raters=judges") == [(1, "star")]
        assert cells_of(panel, f"?raters=all&labelId={star.pk}") == [(0, "star"), (1, "star"), (2, "star")]
        [row] = rows_of(panel, "?raters=judges")
        assert {one["annotator_name"] for one in row["values"]} == {"Judge", "Other"}
        assert [len(row["values"]) for row in rows_of(panel, "?raters=all")] == [4, 2, 4, 4]

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("?label_id=x", 'label_id must hold ids of labels of the queue, separated by commas, got "x"'),
            ("?adjudicated=maybe", 'adjudicated must be true, false, 1 or 0, got "maybe"'),
            ("?posterior=", 'posterior must be true, false, 1 or 0, got ""'),
            ("?raters=humans", 'raters must be one of people, judges, all, got "humans"'),
            ("?rater=all", 'Unknown query parameter "rater". Did you mean "raters"?'),
            ("?page=0", 'page must be a whole number above 0, got "0"'),
        ],
    )
    def test_a_query_that_cannot_be(self, panel: Panel, query: str, sentence: str) -> None:
        answer = panel.manager.get(f"/model-hub/annotation-queues/{panel.queue.pk}/disagreements/{query}")
        assert (answer.status, answer.body["detail"]) == (400, sentence)


class TestPosterior:
    """Probabilities by the model of Dawid and Skene over all ratings of the label."""

    def test_they_are_those_of_the_module(self, panel: Panel) -> None:
        thumbs = panel.attach("thumbs_up_down")
        choose = random.Random(3)
        names = ("Ann", "Ben", "Cleo")
        table = [
            {name: choose.choice(["up", "down", "up"]) for name in names if choose.random() < 0.9} for _ in range(30)
        ]
        for number, unit in enumerate(table):
            panel.item(number)
            for name, value in unit.items():
                panel.store(thumbs, name, number, value)
        rated = [number for number, unit in enumerate(table) if unit]
        expected = dawid_skene([list(table[number].items()) for number in rated]).posteriors
        rows = rows_of(panel, "?page_size=100")
        assert len(rows) > 10
        for row in rows:
            number = [str(item.pk) for item in panel.items].index(row["item_id"])
            found = {one["value"]: float(one["probability"]) for one in row["posterior"]}
            assert found == pytest.approx(
                {value: share for value, share in expected[rated.index(number)].items() if share >= 5e-7}, abs=1e-6
            )
            assert [*found.values()] == sorted(found.values(), reverse=True)
        assert [one["posterior"] for one in rows_of(panel, "?page_size=5&page=2")] == [
            one["posterior"] for one in rows[5:10]
        ]

    @pytest.mark.parametrize(("type_", "contents"), [("numeric", (1, 2)), ("text", ("a", "b"))])
    def test_numbers_and_texts_have_none(self, panel: Panel, type_: str, contents: tuple[Any, Any]) -> None:
        panel.fill(panel.attach(type_), {"Ann": [contents[0]], "Ben": [contents[1]]})
        [row] = rows_of(panel)
        assert (row["posterior"], row["posterior_reason"]) == (
            None,
            "numbers and texts have no posterior: the model is of classes",
        )

    def test_values_without_a_probability_are_left_out(self, panel: Panel) -> None:
        panel.fill(panel.attach(), {"Ann": [1, 3, 3, 1], "Ben": [2, 3, 3, 1]})
        [row] = rows_of(panel)
        assert {one["value"] for one in row["posterior"]} <= {1, 2}

    def test_they_are_left_out_on_request(self, panel: Panel) -> None:
        panel.fill(panel.attach(), {"Ann": [1], "Ben": [2]})
        [row] = rows_of(panel, "?posterior=false")
        assert (row["posterior"], row["posterior_reason"]) == (None, "posterior=false leaves it out")
        assert row["values"]

    def test_more_than_fifty_values_have_none(self, panel: Panel) -> None:
        star = panel.attach("star", no_of_stars=100)
        panel.fill(star, {"Ann": [*range(1, 51)], "Ben": [*range(50, 0, -1)]})
        assert rows_of(panel)[0]["posterior"] is not None
        panel.store(star, "Ann", 50, 51)
        [row, *_] = rows_of(panel)
        reason = "the label has more than 50 different values"
        assert (row["posterior"], row["posterior_reason"], row["majority"]) == (None, reason, None)

    @pytest.mark.parametrize(
        ("limit", "reason"),
        [
            ("MOST_RATINGS", "the label has more than 100000 ratings"),
            ("MOST_OPERATIONS", "the label has too many different values and ratings together"),
        ],
    )
    def test_too_much_work_is_not_done(
        self, panel: Panel, monkeypatch: pytest.MonkeyPatch, limit: str, reason: str
    ) -> None:
        panel.fill(panel.attach(), {"Ann": [1, 2, 1, 1], "Ben": [2, 2, 1, 2], "Cleo": [2, 1, 1, 1]})
        # 12 ratings, of 4 different patterns with 3 ratings each, by 2 values; 100 for each iteration.
        needed = {"MOST_RATINGS": 12, "MOST_OPERATIONS": (4 * 3 * 2 + 100) * 20}[limit]
        monkeypatch.setattr(posteriors, limit, needed)
        assert {row["posterior_reason"] for row in rows_of(panel)} == {None}
        monkeypatch.setattr(posteriors, limit, needed - 1)
        found = rows_of(panel)
        assert [(row["posterior"], row["posterior_reason"]) for row in found] == [(None, reason)] * 3

    @pytest.mark.parametrize(("labels", "items", "limit"), [(1, 10, 5), (10, 1, 15)])
    def test_disagreements_end_at_the_timeout_of_the_request(
        self, panel: Panel, monkeypatch: pytest.MonkeyPatch, settings: Any, labels: int, items: int, limit: int
    ) -> None:
        """Read under a clock on which each cell and each model takes a second."""
        for _ in range(labels):
            panel.fill(panel.attach(), {"Ann": [1] * items, "Ben": [2] * items})
        settings.SERVE_TIMEOUT = limit
        seconds = itertools.count(time.monotonic())
        monkeypatch.setattr("modelhub.labels.rules.time", SimpleNamespace(monotonic=lambda: next(seconds)))
        answer = panel.manager.get(f"/model-hub/annotation-queues/{panel.queue.pk}/disagreements/")
        assert (answer.status, answer.body["code"]) == (503, "too_slow")
        assert f"The disagreements were not found within {limit} seconds" in answer.body["message"]
        assert "by label_id" in answer.body["message"]

    def test_labels_share_the_work_of_an_answer(self, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
        labels = [panel.attach() for _ in range(2)]
        for label in labels:
            panel.fill(label, {"Ann": [1, 2, 1, 1], "Ben": [2, 2, 1, 2], "Cleo": [2, 1, 1, 1]})
        alone = rows_of(panel, f"?label_id={labels[0].pk}")
        monkeypatch.setattr("modelhub.agreement.disagreements.MOST_OPERATIONS", 1)
        rows = rows_of(panel)
        assert [row for row in rows if row["label_id"] == str(labels[0].pk)] == alone
        reason = "the models of the other labels on this page take too long: filter by label_id"
        assert {row["posterior_reason"] for row in rows if row["label_id"] == str(labels[1].pk)} == {reason}


UNUSABLE = '{"rating": {"a": []}, "value": [null], "text": 5, "selected": 7}'


class TestOddities:
    """Values and settings that only other writers than the API store."""

    def test_unusable_contents_neither_differ_nor_break_anything(self, panel: Panel) -> None:
        labels = [panel.attach(type_) for type_ in ("star", "numeric", "text", "categorical", "thumbs_up_down")]
        for label, content in zip(labels, (4, 4, "x", ["neutral"], "up"), strict=True):
            panel.store(label, "Ann", 0, content)
            set_value(panel.store(label, "Ben", 0, content), UNUSABLE)
            panel.store(label, "Cleo", 0, content)
            set_value(panel.store(label, "Dora", 0, content), "{}")
        assert cells_of(panel) == []
        panel.store(labels[0], "Emil", 0, 1)
        row = next(row for row in rows_of(panel) if row["label_type"] == "star")
        assert [one["value"] for one in row["values"]] == [4, {"a": []}, 4, None, 1]
        assert (row["majority"], row["median"]) == (4, 4)

    def test_huge_numbers(self, panel: Panel) -> None:
        numeric = panel.attach("numeric")
        for number, text in enumerate(("1" + "0" * 5000, "9" * 4000, "1E300", "-1E-300")):
            panel.store(numeric, "Ann", number, 1)
            set_value(panel.store(numeric, "Ben", number, 1), f'{{"value": {text}}}')
        rows = rows_of(panel)
        assert len(rows) == 4
        assert all(row["majority"] is None and row["median"] is not None for row in rows)

    def test_settings_that_changed_after_the_scores(self, panel: Panel) -> None:
        label = panel.attach("categorical", options=["a", "b"])
        panel.fill(label, {"Ann": [["a"]], "Ben": [["b"]]})
        label.settings = {"options": ["c", "d"], "multi_choice": False}
        label.save()
        assert rows_of(panel)[0]["majority"] is None
        label.settings = {"options": 5}
        label.save()
        [row] = rows_of(panel)
        assert (row["posterior"], row["posterior_reason"]) == (
            None,
            "numbers and texts have no posterior: the model is of classes",
        )
        label.settings = {"options": [{"label": "A", "value": "a"}, {"label": "Also a", "value": "b"}]}
        label.save()
        assert rows_of(panel)[0]["posterior"][0]["value"] in ("A", "Also a")


class TestRights:
    """Reviewers and managers, by a key with `read`."""

    @pytest.mark.parametrize(
        ("roles", "scopes", "status"),
        [
            (["reviewer"], ["read"], 200),
            (["manager"], ["read", "annotate"], 200),
            (["reviewer"], ["annotate"], 403),
            (["annotator"], ["read"], 403),
            ([], ["read"], 403),
            ([], ["annotate"], 403),
        ],
    )
    def test_by_role_and_scope(self, panel: Panel, roles: list[str], scopes: list[str], status: int) -> None:
        user = UserFactory.create(organization=panel.queue.organization)
        if roles:
            QueueMemberFactory.create(queue=panel.queue, user=user, roles=roles)
        caller = Caller(ApiKeyFactory.create(user=user, scopes=scopes))
        path = f"/model-hub/annotation-queues/{panel.queue.pk}/disagreements/"
        assert caller.get(path).status == status

    def test_another_organization_finds_none(self, panel: Panel, charlie: Caller) -> None:
        answer = charlie.get(f"/model-hub/annotation-queues/{panel.queue.pk}/disagreements/")
        assert (answer.status, answer.body["code"]) == (404, "queue_not_found")


def test_statements_grow_with_nothing(panel: Panel) -> None:
    numbers = []
    panel.manager.get("/model-hub/sources/")
    for turn in (1, 2):
        labels = [panel.attach() for _ in range(turn * 2)]
        for label in labels:
            panel.fill(label, {f"P{at}": [at + 1] * turn * 2 for at in range(turn * 2)})
        with CaptureQueriesContext(connection) as captured:
            rows_of(panel, "?page_size=80&adjudicated=false")
        numbers.append(len(captured))
    # Beyond 100 scores of the page they are read through a cursor, in a savepoint here.
    assert numbers[0] == numbers[1]


def test_decisions_change_no_figure_of_agreement(panel: Panel) -> None:
    star = panel.attach()
    panel.fill(star, {"Ann": [1, 2, 3, 4], "Ben": [1, 2, 4, 5]})
    before = panel.read()
    for number in range(4):
        decide(panel, star, number, 5)
    assert panel.read() == before
    assert cells_of(panel) == [(2, "star"), (3, "star")]
