"""Comparison of values by their level of measurement."""

from collections import Counter
from collections.abc import Hashable, Iterable
from statistics import median
from typing import Any, Literal, TypeVar

from modelhub.agreement.distances import Distance
from modelhub.labels.types.base import Level

V = TypeVar("V", bound=Hashable)

Raters = Literal["people", "judges", "all"]
RATERS: tuple[Raters, ...] = ("people", "judges", "all")
# The distance of Krippendorff's alpha. Free text has none.
DISTANCES: dict[Level, Distance] = {
    "nominal": "nominal",
    "ordinal": "ordinal",
    "interval": "interval",
    "set": "masi",
}


def find_majority(values: Iterable[V]) -> V | None:
    """Return the value that is more frequent than any other, None on a tie."""
    first, *others = Counter(values).most_common(2)
    return None if others and others[0][1] == first[1] else first[0]


def find_consensus(values: Iterable[Any], level: Level) -> Any:
    """Return the median of numbers, and the majority of other values."""
    return median(values) if level == "interval" else find_majority(values)
