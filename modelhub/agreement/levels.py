"""Comparison of values by their level of measurement."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from statistics import median_high, median_low
from typing import Literal, TypeVar

from modelhub.agreement.distances import Distance
from modelhub.labels.types.base import Level
from modelhub.labels.types.numeric import COMPARED

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


def has_steps(level: Level) -> bool:
    """Return whether values are numbers, with steps between them."""
    return level in ("ordinal", "interval")


def find_majority(values: Iterable[V]) -> V | None:
    """Return the value that is more frequent than any other, None on a tie."""
    first, *others = Counter(values).most_common(2)
    return None if others and others[0][1] == first[1] else first[0]


def get_median(numbers: Sequence[int | Decimal]) -> int | Decimal:
    """Return the median, in a context that no number of a label overflows."""
    low, high = median_low(numbers), median_high(numbers)
    return low if low == high else COMPARED.divide(COMPARED.add(Decimal(low), Decimal(high)), Decimal(2))
