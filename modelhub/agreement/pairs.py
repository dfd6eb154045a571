"""Agreement of each two annotators, over labels (contract 7.8)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any

from modelhub.agreement.label_figures import find_obstacle
from modelhub.agreement.levels import has_steps
from modelhub.agreement.statistics import SHARE_PLACES, Figure, Value, Weights, pair_kappa
from modelhub.agreement.tallies import LabelTally
from modelhub.labels.rules import LabelRule

# Comparisons of one answer: 200 MB, if all are of different numbers.
MOST_COMPARISONS = 1_000_000
# Pairs of one answer, and their entries per label.
MOST_PAIRS, MOST_ENTRIES = 5000, 20_000
WEIGHTED: tuple[Weights, ...] = ("linear", "quadratic")


@dataclass(slots=True)
class Pair:
    """Two annotators, in the order of their ids, with their pairs of values by label."""

    annotators: tuple[str, str]
    by_label: list[tuple[LabelRule, Counter[tuple[Value, Value]]]] = field(default_factory=list)

    @property
    def comparisons(self) -> int:
        return sum(values.total() for _, values in self.by_label)

    @property
    def equal(self) -> int:
        return sum(_count_equal(values) for _, values in self.by_label)


def find_pairs(tallies: Sequence[LabelTally]) -> tuple[list[Pair], str]:
    """Return pairs of annotators in the order of their ids, and why some are missing."""
    comparisons = sum(tally.table.comparisons for tally in tallies)
    if comparisons > MOST_COMPARISONS:
        return [], f"there are {comparisons} comparisons, more than {MOST_COMPARISONS}: filter by label_id"
    found: dict[tuple[str, str], Pair] = {}
    for tally in tallies:
        pair: Any
        for pair, values in tally.table.pairs.items():
            found.setdefault(pair, Pair(pair)).by_label.append((tally.label, values))
    most = min(MOST_PAIRS, MOST_ENTRIES // max(1, len(tallies)))
    pairs = nsmallest(most, found.values(), key=lambda pair: (-pair.comparisons, pair.annotators))
    reason = f"these are the {most} of {len(found)} pairs with the most comparisons" if len(found) > most else ""
    return sorted(pairs, key=lambda pair: pair.annotators), reason


def describe_pair(pair: Pair, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the agreement of two annotators, over all labels and per label."""
    one, other = pair.annotators
    return {
        "annotator_1_id": one,
        "annotator_1_name": names[one],
        "annotator_2_id": other,
        "annotator_2_name": names[other],
        "agreement_pct": Figure(pair.equal / pair.comparisons).rounded(SHARE_PLACES),
        "total_comparisons": pair.comparisons,
        "per_label": [
            {
                "label_id": label.id,
                "agreement_pct": Figure(_count_equal(values) / values.total()).rounded(SHARE_PLACES),
                "total_comparisons": values.total(),
                "cohens_kappa": None if find_obstacle(label) else pair_kappa(values).rounded(),
                "weighted_kappa": {
                    weights: pair_kappa(values, weights).rounded() if has_steps(label.level) else None
                    for weights in WEIGHTED
                },
            }
            for label, values in pair.by_label
        ],
    }


def _count_equal(values: Counter[tuple[Value, Value]]) -> int:
    return sum(number for (one, other), number in values.items() if one == other)
