"""Results of a queue: progress, values, agreement and disagreements."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.db.models import Count
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property

from modelhub.agreement.disagreements import Disagreements
from modelhub.agreement.figures import Question, get_agreement
from modelhub.agreement.reading import read_labels_of_queue, scores_of_queue
from modelhub.labels.rules import LabelRule
from modelhub.queues.access import get_access
from modelhub.queues.analytics import get_analytics
from modelhub.queues.exporting import FORMATS, labels_in_order
from modelhub.queues.progress import percentage
from modelhub.web.agreement_words import AgreementWords, describe_agreement
from modelhub.web.distributions import CountedValues, describe_values
from modelhub.web.plots import Bar, draw_bars, draw_days
from modelhub.web.results import RATERS_WORDS, Results, Shown
from modelhub.web.tables import Column, Table, cut, show_share, show_value

ROWS_PER_PAGE = 25
# Disagreements of a file, and of one read of their values.
MOST_DISAGREEMENTS, DISAGREEMENTS_PER_READ = 10_000, 1000
# Characters of a value in a list of disagreements.
LONGEST_VALUE = 60
STATUSES = {
    "pending": "Pending",
    "in_progress": "In progress",
    "needs_changes": "Returned",
    "in_review": "In review",
    "resubmitted": "Resubmitted",
    "completed": "Completed",
    "skipped": "Skipped",
}
DECIDED_WORDS = {"": "All", "false": "Undecided", "true": "Decided"}
DAY = (Column("Day"), Column("Items", "count"))


class QueueResults(Results):
    """Results."""

    filters = ("raters", "label_id", "adjudicated", "bootstrap")
    kind = "queue"

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        self.access = get_access(self.actor, pk)
        self.access.check("review")
        self.subject = {"queue": self.access.queue}
        if "table" in self.request.GET:
            return self.file_of(
                {
                    **dict.fromkeys(("days", "people", "gold", "values", "statuses"), self.tables_of_work),
                    **dict.fromkeys(("agreement", "judges", "pairs", "options"), self.tables_of_agreement),
                    "disagreements": self.table_of_disagreements,
                },
                pk,
            )
        parts = {"agreement": self.agreement_part, "disagreements": self.disagreements_part}
        raters = self.read_raters()
        if part := self.show_part(parts):
            return part
        analytics = get_analytics(self.access)
        values = analytics["label_distribution"].values()
        return self.render(
            "queue_results.html",
            formats=list(FORMATS),
            may_manage=self.access.may("manage"),
            raters=raters,
            raters_words=RATERS_WORDS,
            decided_words=DECIDED_WORDS,
            has_scores=any(found["values"] or found["other"] for found in values),
            labels=[label for label in self.labels.values() if not label.deleted],
            total=analytics["total"],
            completed=analytics["status_breakdown"]["completed"],
            percent=percentage(analytics["status_breakdown"]["completed"], analytics["total"]),
            average=analytics["throughput"]["avg_per_day"],
            **self.describe_work(analytics),
            **self.compute_parts(parts),
        )

    def describe_work(self, analytics: dict[str, Any]) -> dict[str, Any]:
        """Return plots and tables of the progress, the people, gold items and the values."""
        daily = [(day["date"], day["count"]) for day in analytics["throughput"]["daily"]]
        people = analytics["annotator_performance"]
        gold = [one for one in people if one["gold"]["answered"]]
        return {
            "statuses": self._show_statuses(analytics["status_breakdown"]),
            "days": Shown(
                draw_days("Completed items per day", "days", daily) if daily else None,
                Table("days", "Completed items per day", DAY, list(daily), self.path_of("days")),
            ),
            "people": _show_people(people, self.path_of("people"), reviewed=self.access.queue.requires_review),
            "gold": _show_gold(gold, self.path_of("gold")) if gold else None,
            "distributions": [
                describe_values(counted, self.path_of(f"values_{counted.label.id}"))
                for counted in self._count_values(analytics["label_distribution"])
            ],
        }

    def _show_statuses(self, counts: dict[str, int]) -> Shown:
        shown = [(title, counts[name]) for name, title in STATUSES.items() if counts.get(name)]
        total = sum(counts.values()) or 1
        bars = [Bar(title, number, f"{number:,} ({show_share(number / total)})") for title, number in shown]
        columns = (Column("Status"), Column("Items", "count"), Column("Share", "share"))
        rows: list[tuple[Any, ...]] = [(title, number, number / total) for title, number in shown]
        plot = draw_bars("Items by status", "statuses", bars) if bars else None
        return Shown(plot, Table("statuses", "Items by status", columns, rows, self.path_of("statuses")))

    def _count_values(self, distribution: dict[str, dict[str, Any]]) -> Iterator[CountedValues]:
        several = {label_id for label_id in distribution if self.labels[label_id].level == "set"}
        totals = self._count_scores() if several else {}
        for label_id, found in distribution.items():
            values = found["values"].total() + found["other"]
            total = totals.get(label_id, 0) if label_id in several else values
            yield CountedValues(self.labels[label_id], found["values"].most_common(), found["other"], total)

    def _count_scores(self) -> dict[str, int]:
        """Return the numbers of scores by label: each may hold several options."""
        scores = scores_of_queue(self.access.queue).values_list("label_id")
        return {str(label_id): number for label_id, number in scores.annotate(Count("pk"))}

    @cached_property
    def labels(self) -> dict[str, LabelRule]:
        """Return the labels of the queue by id, deleted ones included."""
        return {str(label.pk): LabelRule.of(label) for label in labels_in_order(self.access.queue)}

    def tables_of_work(self) -> dict[str, Table]:
        found = self.describe_work(get_analytics(self.access))
        shown = [found[name] for name in ("statuses", "days", "people", "gold") if found[name]]
        tables = [one.table for one in [*shown, *found["distributions"]]]
        return {table.name: table for table in tables}

    def agree(self) -> AgreementWords:
        queue = self.access.queue
        question = Question(
            organization_id=queue.organization_id,
            scores=scores_of_queue(queue),
            labels=read_labels_of_queue(queue, self.given.get("label_id")),
            unit="queue_item",
            raters=self.read_raters(),
            bootstrap=self.read_flag("bootstrap", default=True),
        )
        return describe_agreement(get_agreement(question), self.path_of)

    def agreement_part(self) -> dict[str, Any]:
        return {"agreement": self.agree()}

    def tables_of_agreement(self) -> dict[str, Table]:
        return self.agree().tables

    def find_disagreements(self) -> Disagreements:
        decided = self.given.get("adjudicated")
        return Disagreements(
            self.access.queue,
            read_labels_of_queue(self.access.queue, self.given.get("label_id")),
            raters=self.read_raters(),
            adjudicated=self.read_flag("adjudicated", default=False) if decided else None,
            posterior=False,
        )

    def disagreements_part(self) -> dict[str, Any]:
        """Return a page of disagreements, the nearest one to the number that is asked for."""
        found = self.find_disagreements()
        last = max(1, -(-len(found.cells) // ROWS_PER_PAGE))
        number = min(max(_read_page(self.request.GET.get("page", "1")), 1), last)
        cells = found.cells[(number - 1) * ROWS_PER_PAGE : number * ROWS_PER_PAGE]
        of_page = {step: self.address(part="disagreements", page=number + step) for step in (-1, 1)}
        return {
            "disagreements": [_shorten_values(row) for row in found.describe(cells)],
            "disagreements_count": len(found.cells),
            "most_in_file": MOST_DISAGREEMENTS,
            "page_number": number,
            "last_page": last,
            "previous_page": of_page[-1] if number > 1 else "",
            "next_page": of_page[1] if number < last else "",
            "file_path": self.path_of("disagreements"),
        }

    def table_of_disagreements(self) -> dict[str, Table]:
        """Return the disagreements with a row per value."""
        found = self.find_disagreements()
        titles = ("item_id", "source_type", "source_id", "label", "annotator", "value", "majority", "decision")
        rows: list[tuple[Any, ...]] = []
        for start in range(0, min(len(found.cells), MOST_DISAGREEMENTS), DISAGREEMENTS_PER_READ):
            for row in found.describe(found.cells[start : start + DISAGREEMENTS_PER_READ]):
                of_item = (row["item_id"], row["source_type"], row["source_id"], row["label_name"])
                decision = row["authoritative"].value if row["authoritative"] else None
                rows.extend(
                    (*of_item, one["annotator_name"], one["value"], row["majority"], decision) for one in row["values"]
                )
        columns = tuple(map(Column, titles))
        return {"disagreements": Table("disagreements", "Disagreements", columns, rows)}


def _show_people(people: list[dict[str, Any]], path: str, *, reviewed: bool) -> Shown:
    ranked = sorted(people, key=lambda one: -one["completed"])
    bars = [Bar(one["name"], one["completed"], f"{one['completed']:,}") for one in ranked]
    columns = (
        *(Column("Annotator"), Column("Completed", "count"), Column("Skips", "count")),
        Column("Last active (UTC)"),
    )
    rows: list[tuple[Any, ...]] = [
        (one["name"], one["completed"], one["skips"], one["last_active"][:16].replace("T", " ")) for one in ranked
    ]
    plot = draw_bars("Completed items per annotator", "people", bars) if bars else None
    note = "Items count once a reviewer has approved them." if reviewed else ""
    return Shown(plot, Table("people", "Completed items per annotator", columns, rows, path), note)


def _show_gold(people: list[dict[str, Any]], path: str) -> Shown:
    ranked = sorted(people, key=lambda one: -one["gold"]["accuracy"])
    bars, rows = [], []
    for one in ranked:
        gold = one["gold"]
        text = f"{show_share(gold['accuracy'])} ({gold['correct']:,} of {gold['answered']:,})"
        bars.append(Bar(one["name"], gold["accuracy"], text))
        rows.append((one["name"], gold["answered"], gold["correct"], gold["accuracy"]))
    columns = (
        *(Column("Annotator"), Column("Answers", "count"), Column("Correct", "count")),
        Column("Accuracy", "share"),
    )
    title = "Correct answers to gold items"
    return Shown(draw_bars(title, "gold", bars, most=1), Table("gold", title, columns, rows, path))


def _shorten_values(row: dict[str, Any]) -> dict[str, Any]:
    """Return a disagreement with its values in words."""
    values = [one | {"value": cut(show_value(one["value"]), LONGEST_VALUE)} for one in row["values"]]
    majority = None if row["majority"] is None else cut(show_value(row["majority"]), LONGEST_VALUE)
    decision = row["authoritative"]
    decided = cut(show_value(decision.value), LONGEST_VALUE) if decision else None
    return row | {"values": values, "majority": majority, "decision": decided}


def _read_page(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1
