"""Disagreement of ratings by a distance between values, in plain Python.

Values are given by their positions in the ascending list of a table's values. Distances are whole numbers with a
factor that they share, so that sums are exact.
"""

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import permutations
from math import lcm
from operator import mul
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
        return len(codes) ** 2 - sum(map(codes.count, codes))

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
        self.sets = [sum(map(bits.__getitem__, value)) for value in values]
        self.sizes = [*map(len, values)]
        self.distance = distance

    def of_unit(self, codes: Sequence[int]) -> int:
        return sum(
            number * other_number * self._between(self.sizes[one], self.sizes[other], self._count_shared(one, other))
            for (one, number), (other, other_number) in permutations(Counter(codes).items(), 2)
        )

    def of_each(self, counts: Sequence[int]) -> list[int]:
        by_size: dict[int, list[tuple[int, int]]] = {}
        for bits, size, count in zip(self.sets, self.sizes, counts, strict=True):
            by_size.setdefault(size, []).append((bits, count))
        return [self._of_one(one, size, by_size) for one, size in zip(self.sets, self.sizes, strict=True)]

    def _of_one(self, one: int, size: int, by_size: dict[int, list[tuple[int, int]]]) -> int:
        total = 0
        for other_size, others in by_size.items():
            shared: defaultdict[int, int] = defaultdict(int)
            for other, count in others:
                shared[(one & other).bit_count()] += count
            total += sum([count * self._between(size, other_size, both) for both, count in shared.items()])
        return total

    def _count_shared(self, one: int, other: int) -> int:
        return (self.sets[one] & self.sets[other]).bit_count()

    def _between(self, size: int, other: int, both: int) -> int:
        """Return the distance of sets of two sizes that share some options.

        The weights of MASI (Passonneau 2006) are 1 for equal sets, 2/3 if one contains the other, else 1/3.
        """
        either = size + other - both
        if not either:
            return 0
        weight = 3 if self.distance == "jaccard" or size == other == both else 2 if both == min(size, other) else 1
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
