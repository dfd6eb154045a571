"""Disagreement of ratings by a distance between values, in plain Python.

Values are given by their positions in the ascending list of a table's values. Distances are whole numbers with a
factor that they share, so that sums are exact.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from functools import cache, partial
from math import lcm
from operator import itemgetter, mul
from typing import Any, Literal

Distance = Literal["nominal", "ordinal", "interval", "jaccard", "masi"]

# The distance 1 of sets. Distances of sets with up to 40 options together are exact, others have 16 digits.
SETS_APART = 3 * lcm(*range(1, 41))


class Disagreement(ABC):
    """Sums of the distances of ordered pairs of ratings."""

    @abstractmethod
    def of_unit(self, codes: Sequence[int]) -> int:
        """Return the sum over the ratings of a unit."""

    @abstractmethod
    def of_each(self, counts: Sequence[int]) -> list[int]:
        """Return the sum of the distances of each value to all ratings, by their numbers."""

    def of_all(self, counts: Sequence[int]) -> int:
        """Return the sum over all ratings, by their numbers."""
        return dot(counts, self.of_each(counts))


class Nominal(Disagreement):
    """Values that are equal or not."""

    def of_unit(self, codes: Sequence[int]) -> int:
        if codes[0] == codes[-1]:  # they ascend
            return 0
        return len(codes) ** 2 - sum(number**2 for number in Counter(codes).values())

    def of_each(self, counts: Sequence[int]) -> list[int]:
        total = sum(counts)
        return [total - count for count in counts]


class Squared(Disagreement):
    """Numbers by the squares of their differences."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers

    def of_unit(self, codes: Sequence[int]) -> int:
        numbers = [self.numbers[code] for code in codes]
        return 2 * (len(codes) * dot(numbers, numbers) - sum(numbers) ** 2)

    def of_each(self, counts: Sequence[int]) -> list[int]:
        weighted = [*map(mul, counts, self.numbers)]
        total, double, squares = sum(counts), 2 * sum(weighted), dot(weighted, self.numbers)
        return [number * (total * number - double) + squares for number in self.numbers]


class OfSets(Disagreement):
    """Sets by the distance of Jaccard or MASI.

    An empty set is at distance 0 from itself and at distance 1 from any other set.
    """

    def __init__(self, values: Sequence[Any], distance: Distance) -> None:
        bits = {option: 1 << place for place, option in enumerate(sorted(frozenset().union(*values)))}
        # A set is a whole number with a bit per option: its intersections are fast.
        sets = [sum(map(bits.__getitem__, value)) for value in values]
        sizes = [*map(len, values)]
        between = cache(partial(_get_distance, distance))
        sized = [*zip(sizes, sets, strict=True)]
        self.distances = [
            [between(size, other_size, (one & other).bit_count()) for other_size, other in sized] for size, one in sized
        ]

    def of_unit(self, codes: Sequence[int]) -> int:
        if codes[0] == codes[-1]:  # they ascend
            return 0
        counts = Counter(codes)
        pick, numbers = itemgetter(*counts), [*counts.values()]
        return sum(number * dot(numbers, pick(self.distances[code])) for code, number in counts.items())

    def of_each(self, counts: Sequence[int]) -> list[int]:
        return [dot(counts, distances) for distances in self.distances]


def _get_distance(distance: Distance, size: int, other: int, both: int) -> int:
    """Return the distance of sets of two sizes that share some options.

    The weights of MASI (Passonneau 2006) are 1 for equal sets, 2/3 if one contains the other, else 1/3.
    """
    either = size + other - both
    if not either:
        return 0
    weight = 3 if distance == "jaccard" or size == other == both else 2 if both == min(size, other) else 1
    return SETS_APART - SETS_APART // 3 * weight * both // either


def get_disagreement(values: Sequence[Any], counts: Sequence[int], distance: Distance) -> Disagreement:
    """Return the disagreement of values by a distance.

    `counts` are their numbers of pairable ratings.
    """
    match distance:
        case "nominal":
            return Nominal()
        case "ordinal":
            return Squared(rank(counts))
        case "interval":
            return Squared(scale(values))
        case _:
            return OfSets(values, distance)


def rank(counts: Sequence[int]) -> list[int]:
    """Return twice the middle rank of each value.

    Krippendorff's ordinal distance is the square of half the difference of two.
    """
    ranks, below = [], 0
    for count in counts:
        ranks.append(2 * below + count)
        below += count
    return ranks


def scale(numbers: Sequence[Any]) -> list[int]:
    """Return numbers as multiples of a unit that they share, exactly.

    Floats are multiples of a power of 2.
    """
    ratios = [number.as_integer_ratio() for number in numbers]
    unit = lcm(*(denominator for _, denominator in ratios))
    return [numerator * (unit // denominator) for numerator, denominator in ratios]


def dot(ones: Sequence[int], others: Sequence[int]) -> int:
    return sum(map(mul, ones, others))
