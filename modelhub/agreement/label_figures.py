"""Figures of one label, as answers have them (contract 7.8)."""

from typing import Any

from modelhub.agreement.intervals import Interval, alpha_interval
from modelhub.agreement.levels import DISTANCES, has_steps
from modelhub.agreement.options import option_alphas
from modelhub.agreement.statistics import (
    SHARE_PLACES,
    Figure,
    Table,
    cohen_kappa,
    equal_share,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    percent_agreement,
)
from modelhub.agreement.substitution import difference_interval, substitute
from modelhub.agreement.tallies import JudgeTally, LabelTally
from modelhub.labels.rules import LabelRule

CONFIDENCE = 0.95
IS_TEXT = "texts have no level of measurement"
NO_NUMBERS = "only star and numeric labels have weights"
NO_SETS = "only labels with several options have sets"
# Fields of figures other than shares, and weights of kappa.
FIGURES = (
    "percent_agreement",
    "cohens_kappa",
    "linear",
    "quadratic",
    "fleiss_kappa",
    "ac1",
    "alpha",
    "alpha_jaccard",
)


def identify(label: LabelRule) -> dict[str, Any]:
    """Return the fields by which an entry names its label."""
    return {"label_id": label.id, "label_name": label.name, "label_type": label.type}


def find_obstacle(label: LabelRule) -> str:
    """Return why a label has shares of equal values only, or ""."""
    if isinstance(label.kind, str):
        return label.kind
    return "" if label.level in DISTANCES else IS_TEXT


def describe_label(tally: LabelTally, *, without_interval: str = "") -> dict[str, Any]:
    """Return the figures of a label, with a reason for each that is null.

    `without_interval` is the reason to leave the interval out.
    """
    table, label = tally.table, tally.label
    share, figures = equal_share(table), _compute(table, label)
    interval = _find_interval(table, label, without_interval=without_interval)
    shown = {name: figure.rounded() for name, figure in figures.items()}
    reasons = {
        "agreement_pct": share.reason,
        "agreement_score": share.reason,
        **{name: figure.reason for name, figure in figures.items()},
        "alpha_interval": interval.reason,
    }
    reasons["weighted_kappa"] = reasons.pop("linear") or reasons["quadratic"]
    del reasons["quadratic"]
    return {
        **identify(label),
        "level": label.level,
        "agreement_pct": share.rounded(SHARE_PLACES),
        "agreement_score": share.rounded(SHARE_PLACES),
        "weighted_kappa": {weights: shown.pop(weights) for weights in ("linear", "quadratic")},
        **shown,
        "alpha_interval": _show_interval(interval),
        "options": _describe_options(table, label),
        "items": table.compared,
        "pairable_values": table.pairable,
        "annotators": len(table.compared_raters),
        "unusable": tally.unusable,
        "reason": reasons["alpha"] or None,
        "reasons": {name: reason for name, reason in reasons.items() if reason},
    }


def describe_judge(judge: JudgeTally, label: LabelRule, *, without_interval: str = "") -> dict[str, Any]:
    """Return the figures of a judge against the consensus of people, or as one.

    `without_interval` is the reason to leave the interval out.
    """
    table, obstacle = judge.table, find_obstacle(label)
    alpha = Figure(None, obstacle) if obstacle else krippendorff_alpha(table, DISTANCES[label.level])
    return {
        "score_sources": sorted(judge.score_sources),
        "agreement_pct": equal_share(table).rounded(SHARE_PLACES),
        "cohens_kappa": None if obstacle else cohen_kappa(table).rounded(),
        "alpha": alpha.rounded(),
        "total_comparisons": table.compared,
        "ties": judge.ties,
        "reason": alpha.reason or None,
        "with_people": _describe_substitution(judge, label, without_interval=without_interval),
    }


def _describe_substitution(judge: JudgeTally, label: LabelRule, *, without_interval: str) -> dict[str, Any]:
    figures: dict[str, float | None] = dict.fromkeys(("alpha_of_people", "alpha_with_people", "difference"))
    interval = Interval(None, None, 0, find_obstacle(label))
    if not interval.reason:
        found = substitute(judge.units, DISTANCES[label.level])
        figures = {name: getattr(found, name).rounded() for name in figures}
        if found.difference.reason or not without_interval:
            interval = difference_interval(found, level=CONFIDENCE)
        else:
            interval = Interval(None, None, 0, without_interval)
    return {
        "items": judge.units.total(),
        **figures,
        "interval": _show_interval(interval),
        "reason": interval.reason or None,
    }


def _compute(table: Table, label: LabelRule) -> dict[str, Figure]:
    """Return the figures of a label by their fields, weighted kappas by weights."""
    if obstacle := find_obstacle(label):
        return dict.fromkeys(FIGURES, Figure(None, obstacle)) | {"percent_agreement": percent_agreement(table)}
    figures = {
        "percent_agreement": percent_agreement(table),
        "cohens_kappa": cohen_kappa(table),
        "linear": Figure(None, NO_NUMBERS),
        "quadratic": Figure(None, NO_NUMBERS),
        "fleiss_kappa": fleiss_kappa(table),
        "ac1": gwet_ac1(table),
        "alpha": krippendorff_alpha(table, DISTANCES[label.level]),
        "alpha_jaccard": Figure(None, NO_SETS),
    }
    if has_steps(label.level):
        figures |= {"linear": cohen_kappa(table, "linear"), "quadratic": cohen_kappa(table, "quadratic")}
    if label.level == "set":
        figures["alpha_jaccard"] = krippendorff_alpha(table, "jaccard")
    return figures


def _find_interval(table: Table, label: LabelRule, *, without_interval: str) -> Interval:
    if reason := find_obstacle(label) or without_interval:
        return Interval(None, None, 0, reason)
    return alpha_interval(table, DISTANCES[label.level], level=CONFIDENCE)


def _show_interval(interval: Interval) -> dict[str, Any] | None:
    if interval.low is None or interval.high is None:
        return None
    low, high = (Figure(end).rounded() for end in (interval.low, interval.high))
    return {"low": low, "high": high, "level": CONFIDENCE, "resamples": interval.resamples}


def _describe_options(table: Table, label: LabelRule) -> list[dict[str, Any]]:
    """Return the figures of each option, those of the settings first."""
    if label.type != "categorical" or isinstance(label.kind, str):
        return []
    names = [label.spell(option["label"]) for option in label.kind.settings["options"]]
    return [
        {
            "option": one.option,
            "alpha": one.alpha.rounded(),
            "reason": one.alpha.reason or None,
            "selected": one.selected,
        }
        for one in option_alphas(table, names)
    ]
