"""Results of a label: all of its scores, and their agreement."""

import uuid
from typing import Any

from django.db.models import Q
from django.http.response import HttpResponseBase

from modelhub.agreement.figures import Question, get_agreement
from modelhub.agreement.levels import Raters
from modelhub.agreement.summary import get_summary
from modelhub.core.errors import Refused
from modelhub.core.models import LISTED
from modelhub.labels.rules import LabelRule
from modelhub.labels.services import get_label
from modelhub.scores.filters import ScoreFilter
from modelhub.scores.models import SCORE_SOURCES
from modelhub.scores.queries import live_scores
from modelhub.sources.models import Source
from modelhub.sources.refs import source_key
from modelhub.web.agreement_words import describe_agreement
from modelhub.web.distributions import CountedValues, describe_values
from modelhub.web.plots import Bar, draw_bars, draw_days
from modelhub.web.results import RATERS_WORDS, Results, Shown
from modelhub.web.tables import Column, Table, show_figure, show_number, show_share


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


def _bar_with_mean(name: str, number: int, mean: Any) -> Bar:
    return Bar(name, number, f"{number:,}" if mean is None else f"{number:,}, mean {show_figure(mean)}")


def _list_figures(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the figures of numbers, with their names."""
    names = ("mean", "median", "minimum", "maximum")
    return [(name.title(), show_number(summary[name])) for name in names if summary[name] is not None]
