"""Figures of agreement in sentences and tables, in the words of docs/agreement.md."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from modelhub.agreement.statistics import NO_PAIRS, NO_RATINGS, ONE_RATER, ONE_VALUE
from modelhub.core.text import count
from modelhub.web.plots import Estimate, Estimates, draw_estimates, show_estimate
from modelhub.web.tables import Column, Table, show_figure, show_share

# Krippendorff (2004, p. 241).
TENTATIVE, CUSTOMARY = 0.667, 0.8
REMEDIES = {
    NO_RATINGS: "There is no score by this label yet.",
    ONE_RATER: "A second annotator must judge the same items.",
    NO_PAIRS: "Give items to several people.",
    ONE_VALUE: "Add items with other values: without variation, nothing can be corrected for chance.",
}
IS_TEXT = "Similar texts do not agree. Ask for a category beside the text."
FIGURES = {
    "alpha": ("Krippendorff's alpha", "1 is perfect agreement, 0 as often as by chance."),
    "percent_agreement": ("Agreeing pairs", "Share of pairs of ratings that are equal, not corrected for chance."),
    "agreement_pct": ("All equal", "Share of items on which all values are equal; it falls with more people per item."),
    "cohens_kappa": ("Cohen's kappa", "Of exactly two annotators; each other value is a full disagreement."),
    "linear": ("Weighted kappa, linear", "Counts the steps between two numbers."),
    "quadratic": ("Weighted kappa, quadratic", "Counts the squared steps between two numbers."),
    "fleiss_kappa": ("Fleiss' kappa", "Of three annotators or more; each other value is a full disagreement."),
    "ac1": ("Gwet's AC1", "Stays stable when one value is rare."),
    "alpha_jaccard": (
        "Alpha with Jaccard's distance",
        "Of several options, by the share that two sets have in common.",
    ),
}
SHARES = ("percent_agreement", "agreement_pct")


class FigureLine(NamedTuple):
    name: str
    text: str
    meaning: str


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """The figures of a label; `entry` is that of the API."""

    entry: dict[str, Any]
    sentence: str
    lines: list[FigureLine]
    options: Table | None


class JudgeFigures(NamedTuple):
    """A judge beside people; `entry` is that of the API."""

    entry: dict[str, Any]
    sentence: str


@dataclass(frozen=True, slots=True)
class AgreementWords:
    """The agreement of a queue, or of a label, for a page."""

    labels: list[LabelFigures]
    plot: Estimates | None
    table: Table
    judges: list[JudgeFigures]
    judges_plot: Estimates | None
    judges_table: Table
    pairs: Table
    pairs_reason: str

    @property
    def tables(self) -> dict[str, Table]:
        options = [one.options for one in self.labels if one.options]
        return {table.name: table for table in (self.table, self.judges_table, self.pairs, *options)}


def describe_agreement(found: dict[str, Any], paths: Any) -> AgreementWords:
    """Return the words for an answer of `get_agreement`.

    `paths` returns the address of a table by its name.
    """
    labels, judges = found["labels"], found["judge_vs_human"]
    alphas = [estimate_of(one["label_name"], one["alpha"], one["alpha_interval"]) for one in labels]
    differences = [
        estimate_of(
            f"{one['judge_name']}: {one['label_name']}",
            one["with_people"]["difference"],
            one["with_people"]["interval"],
        )
        for one in judges
    ]
    return AgreementWords(
        labels=[_describe_label(one, paths) for one in labels],
        plot=draw_estimates("Krippendorff's alpha per label", "alphas", _given(alphas), (TENTATIVE, CUSTOMARY)),
        table=_table_of_labels(labels, paths("agreement")),
        judges=[JudgeFigures(one, explain_judge(one)) for one in judges],
        judges_plot=draw_estimates(
            "Change of alpha with a judge in place of a person", "judges", _given(differences), (0,), signed=True
        ),
        judges_table=_table_of_judges(judges, paths("judges")),
        pairs=_table_of_pairs(found["annotator_pairs"], labels, paths("pairs")),
        pairs_reason=found["annotator_pairs_reason"] or "",
    )


def estimate_of(name: str, value: float | None, interval: dict[str, Any] | None) -> Estimate | None:
    if value is None:
        return None
    return Estimate(name, value, interval["low"], interval["high"]) if interval else Estimate(name, value)


def _given(estimates: Iterable[Estimate | None]) -> list[Estimate]:
    return [one for one in estimates if one]


def explain_alpha(entry: dict[str, Any]) -> str:
    """Return one sentence about the alpha of a label, or about its absence."""
    alpha, interval = entry["alpha"], entry["alpha_interval"]
    if alpha is None:
        remedy = IS_TEXT if entry["level"] == "none" else REMEDIES.get(entry["reason"], "")
        return f"No Krippendorff's alpha: {entry['reason']}. {remedy}".strip()
    of = f"on {count(entry['items'], 'item')}, {count(entry['annotators'], 'annotator')}"
    if interval is None:
        return f"Krippendorff's alpha {show_figure(alpha)} {of}: {_judge_alpha(alpha)}."
    shown = f"{interval['level']:.0%} interval {show_figure(interval['low'])} to {show_figure(interval['high'])}"
    low = f"its lower end is {_judge_alpha(interval['low'])}"
    return f"Krippendorff's alpha {show_figure(alpha)} ({shown.replace('%', ' %')}) {of}: {low}."


def _judge_alpha(alpha: float) -> str:
    if alpha >= CUSTOMARY:
        return "at least 0.800, which is customary for conclusions"
    if alpha >= TENTATIVE:
        return "from 0.667 to 0.800, good enough for tentative conclusions only"
    return "below 0.667: change the guide, train, ask again; do not report results by this label"


def explain_judge(entry: dict[str, Any]) -> str:
    """Return one sentence about a judge in place of a person."""
    found = entry["with_people"]
    if found["difference"] is None:
        return f"No comparison with people: {found['reason']}."
    alphas = f"{show_figure(found['alpha_with_people'])} instead of {show_figure(found['alpha_of_people'])}"
    sentence = f"With the judge in place of a person, alpha is {alphas} on {count(found['items'], 'item')}"
    interval = found["interval"]
    if interval is None:
        return (
            f"{sentence}: a difference of {show_figure(found['difference'])}, without an interval ({found['reason']})."
        )
    shown = show_estimate(found["difference"], interval["low"], interval["high"])
    return f"{sentence}: a difference of {shown}. {_judge_difference(interval['low'], interval['high'])}"


def _judge_difference(low: float, high: float) -> str:
    if high < 0:
        return "The judge is worse than one more person."
    if low > 0:
        return "The judge is better than one more person."
    return "The interval has 0 in it: the judge passes only if the lower end is above the loss that you accept."


def _describe_label(entry: dict[str, Any], paths: Any) -> LabelFigures:
    lines = []
    values = entry | entry["weighted_kappa"]
    for name, (title, meaning) in FIGURES.items():
        if (value := values[name]) is not None:
            lines.append(FigureLine(title, show_share(value) if name in SHARES else show_figure(value), meaning))
    return LabelFigures(
        entry, explain_alpha(entry), lines, _table_of_options(entry, paths) if entry["options"] else None
    )


def _table_of_options(entry: dict[str, Any], paths: Any) -> Table:
    name = f"options_{entry['label_id']}"
    columns = (Column("Option"), Column("Alpha", "figure"), Column("Chosen", "count"), Column("Remark"))
    rows = [(one["option"], one["alpha"], one["selected"], one["reason"] or "") for one in entry["options"]]
    return Table(name, "Is the option chosen?", columns, rows, paths(name))


def _table_of_labels(labels: Iterable[dict[str, Any]], path: str) -> Table:
    columns = (
        Column("Label"),
        *(
            Column(title, "share" if name in SHARES else "figure", file_only=name != "alpha")
            for name, (title, _) in FIGURES.items()
        ),
        *(Column("Interval from", "figure"), Column("Interval to", "figure")),
        *(Column("Items", "count"), Column("Ratings", "count", file_only=True), Column("Annotators", "count")),
        *(
            Column("Disagreements", "count"),
            Column("Unusable", "count", file_only=True),
            Column("Remark", file_only=True),
        ),
    )
    rows = []
    for one in labels:
        values, interval = one | one["weighted_kappa"], one["alpha_interval"] or {}
        rows.append(
            (
                one["label_name"],
                *(values[name] for name in FIGURES),
                *(interval.get("low"), interval.get("high")),
                *(one["items"], one["pairable_values"], one["annotators"]),
                *(one["disagreement_count"], one["unusable"], one["reason"] or ""),
            )
        )
    return Table("agreement", "Figures of agreement", columns, rows, path)


def _table_of_judges(judges: Iterable[dict[str, Any]], path: str) -> Table:
    columns = (
        *(Column("Judge"), Column("Label"), Column("Items", "count")),
        *(Column("Alpha of people", "figure"), Column("Alpha with the judge", "figure")),
        *(Column("Difference", "figure"), Column("Interval from", "figure"), Column("Interval to", "figure")),
        Column("Remark"),
    )
    rows = []
    for one in judges:
        found = one["with_people"]
        interval = found["interval"] or {}
        rows.append(
            (
                *(one["judge_name"], one["label_name"], found["items"]),
                *(found["alpha_of_people"], found["alpha_with_people"], found["difference"]),
                *(interval.get("low"), interval.get("high"), found["reason"] or ""),
            )
        )
    return Table("judges", "Judges in place of a person", columns, rows, path)


def _table_of_pairs(pairs: Iterable[dict[str, Any]], labels: Iterable[dict[str, Any]], path: str) -> Table:
    names = {one["label_id"]: one["label_name"] for one in labels}
    columns = (
        *(Column("Annotator"), Column("And"), Column("Label"), Column("Comparisons", "count")),
        *(Column("Equal", "share"), Column("Cohen's kappa", "figure"), Column("Weighted kappa", "figure")),
    )
    rows = [
        (
            *(pair["annotator_1_name"], pair["annotator_2_name"], names[one["label_id"]], one["total_comparisons"]),
            *(one["agreement_pct"], one["cohens_kappa"], one["weighted_kappa"]["quadratic"]),
        )
        for pair in pairs
        for one in pair["per_label"]
    ]
    return Table("pairs", "Each two annotators", columns, rows, path)
