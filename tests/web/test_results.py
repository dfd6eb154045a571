"""Results of a queue and of a label: numbers of the API, sentences, files, rights and hostile names."""

import csv
import io
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from modelhub.accounts.models import User
from modelhub.agreement import reading
from modelhub.core import clock
from modelhub.labels.models import Label
from modelhub.labels.types import get_type
from modelhub.queues.models import Item, Queue
from modelhub.web import agreement_words
from tests.agreement.panel import Panel, make_panel
from tests.client import Caller
from tests.factories import LabelFactory, QueueMemberFactory, ScoreFactory, SourceFactory, UserFactory
from tests.web.pages import log_in

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script> \u202egnp.exe\u202c \u2067\u05e9\u05dc\u05dd\u2069 =1+1"


@pytest.fixture
def panel(alice: Caller) -> Panel:
    return make_panel(alice)


@pytest.fixture
def admin(alice: Caller) -> Client:
    return log_in(alice.user)


def path_of(panel: Panel, **query: object) -> str:
    return f"{reverse('web:queue-results', kwargs={'pk': panel.queue.pk})}?{urlencode(query)}"


def path_of_label(label: Label, **query: object) -> str:
    return f"{reverse('web:label-results', kwargs={'pk': label.pk})}?{urlencode(query)}"


def read(client: Client, path: str, *, status: int = 200, **options: Any) -> str:
    answer = client.get(path, **options)
    assert answer.status_code == status, answer.content
    return answer.content.decode()


def words(html: str) -> str:
    """Return the text of a page, with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def read_csv(client: Client, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def complete(panel: Panel, number: int) -> None:
    Item.objects.filter(pk=panel.item(number).pk).update(status="completed", completed_at=clock.now())


STARS = {"Ann": [5, 4, 1, 2, 4, 5], "Ben": [5, 4, 1, 3, 4, 5], "Cem": [5, 4, 2, 2, 4, 1]}


class TestQueue:
    def test_an_empty_queue_has_the_next_step(self, admin: Client, panel: Panel) -> None:
        html = words(read(admin, path_of(panel)))
        assert "The queue has no items yet. Add items" in html
        assert "Progress" not in html
        for part, sentence in (
            ("agreement", "There are no labels to compare."),
            ("disagreements", "No item has different values."),
        ):
            page = read(admin, path_of(panel, part=part), headers={"HX-Request": "true"})
            assert sentence in words(page)

    def test_a_queue_without_scores_has_the_next_step(self, admin: Client, panel: Panel) -> None:
        panel.item(0)
        assert "The queue has no labels. Choose labels" in words(read(admin, path_of(panel)))
        panel.attach()
        assert "They appear here as annotators submit them. See who judges" in words(read(admin, path_of(panel)))
        Queue.objects.update(status="draft")
        html = words(read(admin, path_of(panel)))
        assert "There are no scores yet: the queue is a draft. Activate it" in html
        assert ("Agreement" in html, "Export" in html) == (False, True)

    def test_progress_and_values_are_those_of_the_api(self, admin: Client, alice: Caller, panel: Panel) -> None:
        label = panel.attach()
        panel.fill(label, STARS)
        complete(panel, 0)
        analytics = alice.get(f"/model-hub/annotation-queues/{panel.queue.pk}/analytics/").body
        html = words(read(admin, path_of(panel)))
        assert f"Items {analytics['total']} Completed 1 (16.7 %)" in html
        assert "All items with their scores. Use reviewers' decisions where there are some JSON CSV JSON lines" in html
        values = read_csv(admin, path_of(panel, table=f"values_{label.pk}", format="csv"))
        shown = analytics["label_distribution"][str(label.pk)]["values"]
        assert {row["Value"]: int(row["Scores"]) for row in values} == shown
        assert sum(float(row["Share of scores"]) for row in values) == pytest.approx(1)
        assert [row["Value"] for row in values] == ["1", "2", "3", "4", "5"]
        days = read_csv(admin, path_of(panel, table="days"))
        assert [(row["Day"], int(row["Items"])) for row in days] == [
            (day["date"], day["count"]) for day in analytics["throughput"]["daily"]
        ]
        people = read_csv(admin, path_of(panel, table="people"))
        assert {(row["Annotator"], int(row["Completed"])) for row in people} == {("Ann", 1), ("Ben", 1), ("Cem", 1)}
        statuses = read_csv(admin, path_of(panel, table="statuses"))
        assert [(row["Status"], row["Items"]) for row in statuses] == [("Pending", "5"), ("Completed", "1")]
        note = "Items count once a reviewer has approved them."
        assert note not in html
        Queue.objects.update(requires_review=True)
        assert note in words(read(admin, path_of(panel)))

    def test_agreement_is_that_of_the_api_in_one_sentence(self, admin: Client, panel: Panel) -> None:
        label = panel.attach()
        panel.fill(label, STARS)
        entry = panel.entry(label, "")
        html = words(read(admin, path_of(panel, part="agreement")))
        low, high = (f"{entry['alpha_interval'][end]:.3f}".replace("-", "\u2212") for end in ("low", "high"))
        assert f"Krippendorff&#x27;s alpha {entry['alpha']:.3f} (95 % interval {low} to {high})" in html
        assert "on 6 items, 3 annotators: its lower end is below 0.667" in html
        [row] = read_csv(admin, path_of(panel, table="agreement"))
        assert (row["Label"], float(row["Krippendorff's alpha"])) == (label.name, float(entry["alpha"]))
        assert float(row["Interval from"]) == float(entry["alpha_interval"]["low"])
        assert int(row["Disagreements"]) == entry["disagreement_count"] == 3

    def test_intervals_are_left_out_on_request(self, admin: Client, panel: Panel) -> None:
        panel.fill(panel.attach(), STARS)
        html = read(admin, path_of(panel, part="agreement", bootstrap="false"))
        assert "interval 0" not in html
        assert "on 6 items, 3 annotators: " in html

    def test_too_few_ratings_are_a_sentence(self, admin: Client, panel: Panel) -> None:
        panel.fill(panel.attach(), {"Ann": [1, 2, 3]})
        html = words(read(admin, path_of(panel, part="agreement")))
        assert "No Krippendorff&#x27;s alpha: needs at least two annotators. A second annotator must judge" in html

    def test_texts_have_counts_and_lengths_and_no_alpha(self, admin: Client, panel: Panel) -> None:
        label = panel.attach("text")
        panel.fill(label, {"Ann": ["secret words", "abc"], "Ben": ["secret words", "abcd"]})
        html = read(admin, path_of(panel))
        assert "secret words" not in html
        assert "4 scores, 3 different texts; lengths are in characters." in html
        rows = read_csv(admin, path_of(panel, table=f"values_{label.pk}"))
        assert [(row["Characters"], row["Scores"]) for row in rows] == [("3", "1"), ("4", "1"), ("12", "2")]
        assert "texts have no level of measurement" in read(admin, path_of(panel, part="agreement"))

    def test_options_without_scores_are_shown(self, admin: Client, panel: Panel) -> None:
        label = panel.attach("categorical", options=["good", "bad"], multi_choice=True)
        panel.fill(label, {"Ann": [["good"]], "Ben": [["good"]]})
        rows = read_csv(admin, path_of(panel, table=f"values_{label.pk}"))
        assert [(row["Value"], row["Scores"]) for row in rows] == [("good", "2"), ("bad", "0")]

    def test_shares_of_several_options_are_of_scores_here_and_at_the_label(self, admin: Client, panel: Panel) -> None:
        label = panel.attach("categorical", options=["good", "bad"], multi_choice=True)
        panel.fill(label, {"Ann": [["good"], ["good", "bad"]], "Ben": [["bad", "good"], ["bad"]]})
        sentence = "4 scores with one option or several, so that shares may add up to more than 100 %."
        for page in (path_of(panel), path_of_label(label)):
            assert sentence in read(admin, page)
            rows = read_csv(admin, f"{page}table=values_{label.pk}")
            shares = {row["Value"]: (row["Scores"], row["Share of scores"]) for row in rows}
            assert shares == {"good": ("3", "0.75"), "bad": ("3", "0.75")}

    def test_judges_are_compared_with_people(self, admin: Client, panel: Panel) -> None:
        label = panel.attach()
        panel.fill(label, STARS)
        panel.fill(label, {"Model": [5, 4, 1, 2, 4, 5]}, score_source="model")
        [judge] = panel.read("")["judge_vs_human"]
        html = words(read(admin, path_of(panel, part="agreement")))
        found = judge["with_people"]
        of = f"{found['alpha_with_people']:.3f} instead of {found['alpha_of_people']:.3f} on 6 items"
        assert f"With the judge in place of a person, alpha is {of}" in html
        [row] = read_csv(admin, path_of(panel, table="judges"))
        assert (row["Judge"], float(row["Difference"])) == ("Model", float(found["difference"]))
        pairs = read_csv(admin, path_of(panel, table="pairs"))
        assert [(row["Annotator"], row["And"]) for row in pairs] == [("Ann", "Ben"), ("Ann", "Cem"), ("Ben", "Cem")]

    def test_disagreements_open_the_review_of_the_item(self, admin: Client, panel: Panel) -> None:
        label = panel.attach()
        panel.fill(label, STARS)
        html = read(admin, path_of(panel, part="disagreements"))
        for number in (2, 3, 5):
            item = panel.items[number]
            assert reverse("web:review", kwargs={"pk": panel.queue.pk, "item_id": item.pk}) in html
        assert "3 items and labels" in html
        rows = read_csv(admin, path_of(panel, table="disagreements"))
        assert [(row["annotator"], row["value"], row["majority"]) for row in rows[:3]] == [
            ("Ann", "1", "1"),
            ("Ben", "1", "1"),
            ("Cem", "2", "1"),
        ]
        assert len(rows) == 9

    def test_filters_reach_agreement_and_disagreements(self, admin: Client, panel: Panel) -> None:
        first, second = panel.attach(), panel.attach()
        for label in (first, second):
            panel.fill(label, STARS)
        html = read(admin, path_of(panel, part="agreement", label_id=second.pk))
        assert f"<h3><bdi>{second.name}</bdi></h3>" in html.split('id="agreement"')[1]
        assert f"<h3><bdi>{first.name}</bdi></h3>" not in html.split('id="agreement"')[1]
        assert "3 items and labels" in read(admin, path_of(panel, part="disagreements", label_id=second.pk))
        assert "No item has different values under these filters." in words(
            read(admin, path_of(panel, part="disagreements", raters="judges"))
        )
        assert "No item has different values" in read(admin, path_of(panel, part="disagreements", adjudicated="true"))
        judges = read_csv(admin, path_of(panel, table="agreement", raters="judges"))
        assert [(row["Items"], row["Remark"]) for row in judges] == [("0", "there are no ratings")] * 2
        html = read(admin, path_of(panel, part="agreement", raters="everyone"), status=400)
        assert "raters must be one of people, judges, all" in html

    def test_gold_items_have_an_accuracy_per_person(self, admin: Client, panel: Panel) -> None:
        label = panel.attach()
        panel.fill(label, {"Ann": [4, 5], "Ben": [4, 1]})
        for number in range(2):
            Item.objects.filter(pk=panel.item(number).pk).update(gold=True, expected={str(label.pk): {"rating": 4}})
        assert "Correct answers to gold items" in read(admin, path_of(panel))
        rows = read_csv(admin, path_of(panel, table="gold"))
        assert [(row["Annotator"], row["Answers"], row["Correct"], row["Accuracy"]) for row in rows] == [
            ("Ann", "2", "1", "0.5"),
            ("Ben", "2", "1", "0.5"),
        ]

    def test_a_limit_is_a_sentence_of_the_part(
        self, admin: Client, panel: Panel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        panel.fill(panel.attach(), STARS)
        monkeypatch.setattr(reading, "MOST_SCORES", 10)
        for part in ("agreement", "disagreements"):
            html = read(admin, path_of(panel, part=part), headers=HTMX)
            assert "The scores must be at most 10, and there are more: filter by label_id" in html
            assert html.startswith(f'<section id="{part}"')

    def test_a_timeout_is_a_sentence_of_the_part(self, admin: Client, panel: Panel, settings: Any) -> None:
        panel.fill(panel.attach(), STARS)
        settings.SERVE_TIMEOUT = -1
        for part in ("agreement", "disagreements"):
            assert "within -1 seconds" in read(admin, path_of(panel, part=part))

    def test_a_part_alone_is_for_htmx(self, admin: Client, panel: Panel) -> None:
        panel.fill(panel.attach(), STARS)
        assert "<html" in read(admin, path_of(panel, part="agreement"))
        html = read(admin, path_of(panel, part="agreement"), headers=HTMX)
        assert "<html" not in html
        assert html.startswith('<section id="agreement"')
        html = read(admin, path_of(panel))
        assert 'part=agreement" hx-trigger="load"' in html
        assert "part=agreement#agreement" in html

    def test_statements_do_not_grow(self, admin: Client, panel: Panel) -> None:
        def count(path: str) -> int:
            with CaptureQueriesContext(connection) as captured:
                read(admin, path)
            return len(captured)

        panel.fill(panel.attach(), {"Ann": [1, 2], "Ben": [2, 1]})
        paths = [
            path_of(panel),
            path_of(panel, part="agreement"),
            path_of(panel, part="disagreements"),
            path_of(panel, table="disagreements"),
        ]
        few = [count(path) for path in paths]
        for _ in range(3):
            people = {f"Person {at}": [at % 5 + 1] * 30 for at in range(6)}
            panel.fill(panel.attach(), people)
        # More than 100 values are read by a cursor, in a savepoint.
        assert all(count(path) <= before + 3 for path, before in zip(paths, few, strict=True))

    def test_a_page_of_disagreements_has_25(self, admin: Client, panel: Panel) -> None:
        panel.fill(panel.attach(), {"Ann": [1] * 30, "Ben": [2] * 30})
        first = read(admin, path_of(panel, part="disagreements"))
        assert "Page 1 of 2" in first
        assert first.count("/review/") == 25 + 1
        assert "page=2#disagreements" in first
        assert read(admin, path_of(panel, part="disagreements", page=2)).count("/review/") == 5 + 1
        for page in ("0", "99", "x", "-1", "9" * 30):
            read(admin, path_of(panel, part="disagreements", page=page))

    def test_a_missing_table_is_not_found(self, admin: Client, panel: Panel) -> None:
        for table in ("", "x", "values", "values_x", "options_1", "../days"):
            read(admin, path_of(panel, table=table), status=404)

    def test_files_and_parts_need_the_right_to_review(self, panel: Panel, charlie: Caller) -> None:
        panel.fill(panel.attach(), STARS)
        annotator, reviewer = panel.person("Ann"), panel.person("Ben")
        QueueMemberFactory.create(queue=panel.queue, user=annotator, roles=["annotator"])
        QueueMemberFactory.create(queue=panel.queue, user=reviewer, roles=["reviewer"])
        stranger = UserFactory.create(organization=panel.queue.organization)
        for query in ({"table": "people"}, {"table": "disagreements"}, {"part": "agreement"}):
            for user, status in ((annotator, 403), (reviewer, 200), (stranger, 404), (charlie.user, 404)):
                read(log_in(user), path_of(panel, **query), status=status)
            assert Client().get(path_of(panel, **query)).status_code == 302

    def test_hostile_names_are_text(self, admin: Client, panel: Panel) -> None:
        type(panel.queue).objects.filter(pk=panel.queue.pk).update(name=HOSTILE)
        label = panel.attach("categorical", options=["=cmd()", "x" * 200, "<svg onload=alert(1)>"])
        Label.objects.filter(pk=label.pk).update(name=HOSTILE)
        ann, ben = panel.person("Ann"), panel.person("Ben")
        User.objects.filter(pk=ann.pk).update(name=HOSTILE)
        User.objects.filter(pk=ben.pk).update(name="@SUM(A1)")
        panel.fill(label, {"Ann": [["=cmd()"], ["=cmd()"]], "Ben": [["<svg onload=alert(1)>"], ["=cmd()"]]})
        complete(panel, 0)
        for query in ({}, {"part": "agreement"}, {"part": "disagreements"}):
            html = read(admin, path_of(panel, **query))
            assert "<script>alert" not in html
            assert "<svg onload" not in html
            assert "&lt;script&gt;alert(1)" in html
            for plot in re.findall(r"<svg class.*?</svg>\n</svg>", html, re.DOTALL):
                assert not re.search("[\u202a-\u202e\u2066-\u2069]", plot.split("</title>", 1)[1])
        names = {row["Annotator"] for row in read_csv(admin, path_of(panel, table="people"))}
        assert "'@SUM(A1)" in names
        values = read_csv(admin, path_of(panel, table=f"values_{label.pk}"))
        assert values[0]["Value"] == "'=cmd()"
        answer = admin.get(path_of(panel, table=f"values_{label.pk}"))
        assert answer["Content-Disposition"] == (f'attachment; filename="queue_{panel.queue.pk}_values_{label.pk}.csv"')

    def test_five_thousand_options_have_thirty_bars_and_a_full_file(self, admin: Client, panel: Panel) -> None:
        label = panel.attach("categorical", options=[f"option {at}" for at in range(5000)])
        panel.fill(label, {"Ann": [[f"option {at}"] for at in range(40)]})
        html = read(admin, path_of(panel))
        assert html.count("option ") < 100
        assert "4970 more values with 10 in the file" in html
        assert len(read_csv(admin, path_of(panel, table=f"values_{label.pk}"))) == 5000


class TestLabel:
    def test_a_label_without_scores_says_so(self, admin: Client, organization: Any) -> None:
        label = LabelFactory.create(organization=organization)
        html = words(read(admin, path_of_label(label)))
        assert "There are no scores by this label yet. People give them in a queue with the label" in html
        assert "Agreement of" in html
        assert "Krippendorff" not in html
        html = words(read(admin, path_of_label(label, part="agreement"), headers={"HX-Request": "true"}))
        assert "No Krippendorff&#x27;s alpha: there are no ratings." in html

    def test_figures_are_those_of_the_api(self, admin: Client, alice: Caller, organization: Any) -> None:
        label = LabelFactory.create(organization=organization)
        people = [UserFactory.create(organization=organization, name=name) for name in ("Ann", "Ben")]
        for values in ((1, 2), (4, 4), (5, 5), (3, 1)):
            source = SourceFactory.create(organization=organization)
            for person, value in zip(people, values, strict=True):
                ScoreFactory.create(source=source, label=label, annotator=person, value={"rating": value})
        summary = alice.get(f"/model-hub/annotations-labels/{label.pk}/summary/").body
        html = words(read(admin, path_of_label(label)))
        assert "Scores 8 Annotators 2 Sources 4 Mean 3.125 Median 3.5 Minimum 1 Maximum 5" in html
        rows = read_csv(admin, path_of_label(label, table=f"values_{label.pk}"))
        assert [(row["Value"], int(row["Scores"]), float(row["Share of scores"])) for row in rows] == [
            (str(one["value"]), one["count"], float(one["share"])) for one in summary["distribution"]
        ]
        [day] = read_csv(admin, path_of_label(label, table="days"))
        assert (day["Day"], day["Scores"], day["Mean"]) == (summary["over_time"][0]["date"], "8", "3.125")
        people_rows = read_csv(admin, path_of_label(label, table="people"))
        assert [(row["Annotator"], row["Mean"]) for row in people_rows] == [("Ann", "3.25"), ("Ben", "3")]
        assert [row["Origin"] for row in read_csv(admin, path_of_label(label, table="sources"))] == ["human"]
        [entry] = alice.get(f"/model-hub/agreement/?label_id={label.pk}").body["labels"]
        html = read(admin, path_of_label(label, part="agreement"))
        assert f"alpha {entry['alpha']:.3f}" in html
        assert html.count("/sources/") - html.count('href="/sources/"') == 2

    def test_filters_are_those_of_scores(self, admin: Client, organization: Any) -> None:
        label = LabelFactory.create(organization=organization)
        for score_source in ("human", "model"):
            ScoreFactory.create(
                source=SourceFactory.create(organization=organization), label=label, score_source=score_source
            )
        assert "Scores 2 " in words(read(admin, path_of_label(label)))
        assert "Scores 1 " in words(read(admin, path_of_label(label, score_source="model")))
        html = words(read(admin, path_of_label(label, created_before="2020-01-01")))
        assert "There are no scores by this label under these filters. Without filters" in html
        html = words(read(admin, path_of_label(label, created_after="yesterday"), status=400))
        assert "created_after must be a date" in html

    def test_numbers_are_binned(self, admin: Client, organization: Any) -> None:
        settings = get_type("numeric").check_settings({"min": 0, "max": 1000, "step_size": 0.5})
        label = LabelFactory.create(organization=organization, type="numeric", settings=settings)
        for at in range(100):
            source = SourceFactory.create(organization=organization)
            ScoreFactory.create(source=source, label=label, value={"value": at * 10})
        rows = read_csv(admin, path_of_label(label, table=f"values_{label.pk}"))
        assert [(row["Value"], row["Scores"]) for row in rows][:2] == [("0 to < 100", "10"), ("100 to < 200", "10")]
        assert len(rows) == 10

    def test_statements_do_not_grow(self, admin: Client, organization: Any) -> None:
        label = LabelFactory.create(organization=organization)
        people = [UserFactory.create(organization=organization) for _ in range(3)]

        def add(number: int) -> None:
            for _ in range(number):
                source = SourceFactory.create(organization=organization)
                for at, person in enumerate(people):
                    ScoreFactory.create(source=source, label=label, annotator=person, value={"rating": at + 1})

        def count() -> list[int]:
            found = []
            for query in ({}, {"part": "agreement"}):
                with CaptureQueriesContext(connection) as captured:
                    read(admin, path_of_label(label, **query))
                found.append(len(captured))
            return found

        add(2)
        few = count()
        add(30)
        assert count() == few

    def test_files_are_for_admins_of_the_organization(
        self, organization: Any, bob: Caller, charlie: Caller, admin: Client
    ) -> None:
        label = LabelFactory.create(organization=organization)
        for query in ({"table": "days"}, {"part": "agreement"}):
            read(admin, path_of_label(label, **query))
            read(log_in(bob.user), path_of_label(label, **query), status=403)
            read(log_in(charlie.user), path_of_label(label, **query), status=404)
        read(admin, path_of_label(label, table="x"), status=404)


def test_a_sentence_compares_the_limits_with_the_lower_end() -> None:
    entry = {
        "alpha": 0.85,
        "alpha_interval": {"low": 0.7, "high": 0.95, "level": 0.95},
        "items": 1,
        "annotators": 2,
        "level": "nominal",
        "reason": None,
    }
    assert agreement_words.explain_alpha(entry) == (
        "Krippendorff's alpha 0.850 (95 % interval 0.700 to 0.950) on 1 item, 2 annotators: its lower end is "
        "from 0.667 to 0.800, good enough for tentative conclusions only."
    )
    entry["alpha_interval"]["low"] = 0.8  # type: ignore[index]
    assert "customary for conclusions" in agreement_words.explain_alpha(entry)
    entry["alpha_interval"] = None
    assert agreement_words.explain_alpha(entry).endswith("at least 0.800, which is customary for conclusions.")
