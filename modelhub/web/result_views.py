"""Results of a queue and of a label: plots, tables, agreement in sentences.

Agreement and disagreements take up to a second. They are parts that the page asks for when it is there, with `?part=`;
without JavaScript a link does.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property

from modelhub.agreement.disagreements import Disagreements
from modelhub.agreement.figures import Question, get_agreement
from modelhub.agreement.levels import RATERS, Raters
from modelhub.agreement.reading import read_labels_of_queue, scores_of_queue
from modelhub.agreement.summary import get_summary
from modelhub.core.errors import Invalid, NotFound, Refused
from modelhub.core.models import LISTED
from modelhub.core.text import show
from modelhub.core.views import FLAG_VALUES
from modelhub.labels.rules import LabelRule
from modelhub.labels.services import get_label
from modelhub.queues.access import get_access
from modelhub.queues.analytics import get_analytics
from modelhub.queues.exporting import FORMATS, labels_in_order
from modelhub.queues.progress import percentage
from modelhub.scores.filters import ScoreFilter
from modelhub.scores.models import SCORE_SOURCES
from modelhub.scores.queries import live_scores
from modelhub.sources.models import Source
from modelhub.sources.refs import source_key
from modelhub.web.agreement_words import AgreementWords, describe_agreement
from modelhub.web.distributions import CountedValues, describe_values
from modelhub.web.page import Page
from modelhub.web.plots import Bar, Bars, Columns, draw_bars, draw_days
from modelhub.web.tables import Column, Table, csv_response, cut, show_figure, show_number, show_share, show_value

ROWS_PER_PAGE = 25
# Disagreements of a file, and of one read of their values.
MOST_DISAGREEMENTS, DISAGREEMENTS_PER_READ = 10_000, 1000
# Characters of a value in a list of disagreements.
LONGEST_VALUE = 60
STATUSES = {
    "pending": "Pending",
    "in_progress": "In progress",
    "needs_changes": "Needs changes",
    "in_review": "In review",
    "resubmitted": "Resubmitted",
    "completed": "Completed",
    "skipped": "Skipped",
}
RATERS_WORDS = {"people": "People", "judges": "Judges", "all": "People and judges"}
DECIDED_WORDS = {"": "All", "false": "Undecided", "true": "Decided"}


class Shown:
    """A plot with its table, for the template."""

    def __init__(self, plot: Bars | Columns | None, table: Table, note: str = "") -> None:
        self.plot, self.table, self.note = plot, table, note


class Results(Page):
    """Filters, parts and files of both pages."""

    # Parameters that every link of the page repeats.
    filters: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str] = ""
    # Of the whole page and of its parts.
    subject: dict[str, Any]

    @property
    def given(self) -> dict[str, str]:
        """Return the filters that are given and not blank."""
        return {name: value for name in self.filters if (value := self.request.GET.get(name, ""))}

    def address(self, **more: object) -> str:
        """Return the address of the page with its filters, as of a file or a part."""
        query = {name: str(value) for name, value in (self.given | more).items()}
        return f"{self.request.path}?{urlencode(query)}" if query else self.request.path

    def path_of(self, table: str) -> str:
        return self.address(table=table, format="csv")

    def read_word(self, name: str, words: Mapping[str, str], default: str) -> str:
        word = self.given.get(name, default)
        if word not in words:
            raise Invalid(f"{name} must be one of {', '.join(filter(None, words))}, got {show(word)}", field=name)
        return word

    def read_raters(self, default: Raters = "people") -> Raters:
        word = self.read_word("raters", RATERS_WORDS, default)
        return next(raters for raters in RATERS if raters == word)

    def read_flag(self, name: str, *, default: bool) -> bool:
        word = self.given.get(name, str(default).lower())
        self.read_word(name, dict.fromkeys(FLAG_VALUES, ""), word)
        return FLAG_VALUES[word]

    def file_of(self, tables: dict[str, Callable[[], dict[str, Table]]], pk: uuid.UUID) -> HttpResponseBase:
        """Return a table as CSV. Raise `NotFound`.

        `tables` has the functions that compute tables, by the beginnings of their names.
        """
        name = self.request.GET["table"]
        compute = tables.get(name.partition("_")[0])
        table = compute().get(name) if compute else None
        if table is None:
            raise NotFound(f"There is no table {show(name)} here")
        return csv_response(table, f"{self.kind}_{pk}")

    def show_part(self, parts: dict[str, Callable[[], dict[str, Any]]]) -> HttpResponseBase | None:
        """Return the part that htmx asks for, None for a whole page."""
        part = self.request.GET.get("part", "")
        if not self.is_htmx or part not in parts:
            return None
        return self.render(f"results_{part}.html", **self.compute_parts({part: parts[part]}))

    def compute_parts(self, parts: dict[str, Callable[[], dict[str, Any]]]) -> dict[str, Any]:
        """Return the context of the part that is asked for, with its error as a sentence."""
        wanted = self.request.GET.get("part", "")
        context = self.subject | {"given": self.given}
        context |= {f"{name}_path": self.address(part=name) for name in parts}
        if wanted in parts:
            try:
                context |= parts[wanted]()
            except Refused as refused:
                # Its sentence only: the traceback would hold the cursor of an unfinished read, and its transaction.
                context[f"{wanted}_refused"] = str(refused)
        return context


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


class LabelResults(Results):
    """Results of a label."""

    for_admins = "Results of a label are shown to admins of the organization"
    filters = ("score_source", "created_after", "created_before", "raters", "bootstrap")
    kind = "label"

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        self.label = get_label(organization_id=self.organization_id, label_id=pk)
        self.rule = LabelRule.of(self.label)
        self.subject = {"label": self.label}
        if "table" in self.request.GET:
            return self.file_of(
                {
                    **dict.fromkeys(("days", "people", "sources", "values"), self.tables_of_scores),
                    **dict.fromkeys(("agreement", "judges", "pairs", "options"), self.tables_of_agreement),
                },
                pk,
            )
        parts = {"agreement": self.agreement_part}
        raters = self.read_raters("all" if "score_source" in self.given else "people")
        if part := self.show_part(parts):
            return part
        context: dict[str, Any] = {}
        try:
            summary = get_summary(self.label, self.scores())
            context = {"summary": summary, "figures": _list_figures(summary), **self.describe_scores(summary)}
        except Refused as refused:
            self.refused = refused
        return self.render(
            "label_results.html",
            raters=raters,
            raters_words=RATERS_WORDS,
            score_sources=SCORE_SOURCES,
            **context,
            **self.compute_parts(parts),
        )

    def scores(self) -> Any:
        """Return the live scores of the label under the filters. Raise `Invalid`."""
        names = ("score_source", "created_after", "created_before")
        data = {name: value for name, value in self.given.items() if name in names}
        scores = live_scores(self.actor).filter(LISTED, label=self.label)
        return ScoreFilter(data, queryset=scores, request=self.request).get_rows()

    def describe_scores(self, summary: dict[str, Any]) -> dict[str, Any]:
        """Return plots and tables of a summary."""
        values = [(self.rule.spell(one["value"]), one["count"]) for one in summary["distribution"]]
        counted = CountedValues(self.rule, values, summary["other"], summary["count"])
        days = [(str(day["date"]), day["count"], day["mean"]) for day in summary["over_time"]]
        people = [(one["annotator_name"], one["count"], one["mean"]) for one in summary["per_annotator"]]
        total = summary["count"] or 1
        ways = [(name, number, number / total) for name, number in summary["score_sources"].items()]
        mean = Column("Mean", "figure")
        count_of = Column("Scores", "count")
        return {
            "distribution": describe_values(counted, self.path_of(f"values_{self.rule.id}")),
            "days": Shown(
                draw_days("Scores per day", "days", [day[:2] for day in days]) if days else None,
                Table("days", "Scores per day", (Column("Day"), count_of, mean), list(days), self.path_of("days")),
            ),
            "people": Shown(
                draw_bars("Scores per annotator", "people", [_bar_with_mean(*one) for one in people]),
                Table(
                    "people",
                    "Scores per annotator",
                    (Column("Annotator"), count_of, mean),
                    list(people),
                    self.path_of("people"),
                ),
            ),
            "ways": Shown(
                draw_bars(
                    "Scores per origin",
                    "sources",
                    [Bar(name, number, f"{number:,} ({show_share(share)})") for name, number, share in ways],
                ),
                Table(
                    "sources",
                    "Scores per origin",
                    (Column("Origin"), count_of, Column("Share", "share")),
                    list(ways),
                    self.path_of("sources"),
                ),
            ),
        }

    def tables_of_scores(self) -> dict[str, Table]:
        found = self.describe_scores(get_summary(self.label, self.scores()))
        return {one.table.name: one.table for one in found.values()}

    def agree(self) -> dict[str, Any]:
        default: Raters = "all" if "score_source" in self.given else "people"
        question = Question(
            organization_id=self.label.organization_id,
            scores=self.scores(),
            labels={self.rule.id: self.rule},
            unit="source_id",
            raters=self.read_raters(default),
            bootstrap=self.read_flag("bootstrap", default=True),
        )
        return get_agreement(question)

    def agreement_part(self) -> dict[str, Any]:
        found = self.agree()
        named = found["labels"][0]["disagreement_sources"]
        return {"agreement": describe_agreement(found, self.path_of), "sources": self._find_sources(named)}

    def _find_sources(self, named: list[dict[str, str]]) -> list[Source]:
        """Return the sources with a disagreement, the oldest first."""
        condition = Q(pk__in=())
        for one in named:
            condition |= Q(source_type=one["source_type"], source_key=source_key(one["source_id"]))
        sources = Source.objects.filter(condition, organization_id=self.label.organization_id)
        return list(sources.only("source_type", "source_id", "name").order_by("pk"))

    def tables_of_agreement(self) -> dict[str, Table]:
        return describe_agreement(self.agree(), self.path_of).tables


DAY = (Column("Day"), Column("Items", "count"))


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


def _bar_with_mean(name: str, number: int, mean: Any) -> Bar:
    return Bar(name, number, f"{number:,}" if mean is None else f"{number:,}, mean {show_figure(mean)}")


def _list_figures(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the figures of numbers, with their names."""
    names = ("mean", "median", "minimum", "maximum")
    return [(name.title(), show_number(summary[name])) for name in names if summary[name] is not None]


def _shorten_values(row: dict[str, Any]) -> dict[str, Any]:
    """Return a disagreement with its values in words."""
    values = [one | {"value": cut(show_value(one["value"]), LONGEST_VALUE)} for one in row["values"]]
    majority = None if row["majority"] is None else cut(show_value(row["majority"]), LONGEST_VALUE)
    decision = row["authoritative"]
    decided = cut(show_value(decision.value), LONGEST_VALUE) if decision else None
    return row | {"values": values, "majority": majority, "decision": decided}


def _read_page(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1
