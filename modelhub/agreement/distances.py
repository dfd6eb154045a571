"""Disagreement of ratings by a distance between values, in plain Python.

Values are given by their positions in the ascending list of a table's values.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from math import fsum
from typing import Any, Literal

Distance = Literal["nominal", "ordinal", "interval", "jaccard", "masi"]


class Nominal:
    """Disagreement of values that are equal or not."""

    def of_unit(self, codes: Sequence[int]) -> float:
        """Return the sum over ordered pairs of ratings of a unit.

        It is divided by the number of ratings that each rating is paired with.
        """
        return (len(codes) ** 2 - sum(number**2 for number in Counter(codes).values())) / (len(codes) - 1)

    def of_all(self, counts: Sequence[int]) -> float:
        """Return the sum over ordered pairs of all ratings, by the number of each value."""
        return sum(counts) ** 2 - sum(number**2 for number in counts)


class Squared(Nominal):
    """Disagreement of numbers by their squared differences."""

    def __init__(self, numbers: Sequence[float]) -> None:
        self.numbers = numbers

    def of_unit(self, codes: Sequence[int]) -> float:
        # Differences from the least number: those of equal ratings are exactly 0.
        least = self.numbers[codes[0]]
        differences = [self.numbers[code] - least for code in codes]
        squares = sum(difference**2 for difference in differences)
        return 2 * (len(codes) * squares - sum(differences) ** 2) / (len(codes) - 1)

    def of_all(self, counts: Sequence[int]) -> float:
        total = sum(counts)
        mean = fsum(number * count for number, count in zip(self.numbers, counts, strict=True)) / total
        return (
            2 * total * fsum(count * (number - mean) ** 2 for number, count in zip(self.numbers, counts, strict=True))
        )


class OfSets(Nominal):
    """Disagreement of sets by the distance of Jaccard or MASI.

    An empty set is at distance 0 from itself and 1 from any other set.
    """

    def __init__(self, values: Sequence[Any], distance: Distance) -> None:
        options = sorted({option for value in values for option in value})
        bits = {option: 1 << place for place, option in enumerate(options)}
        masks = [sum(bits[option] for option in value) for value in values]
        between = jaccard_distance if distance == "jaccard" else masi_distance
        self.distances = [[between(one, other) for other in masks] for one in masks]

    def of_unit(self, codes: Sequence[int]) -> float:
        return 2 * fsum(self.distances[one][other] for one, other in combinations(codes, 2)) / (len(codes) - 1)

    def of_all(self, counts: Sequence[int]) -> float:
        rows = zip(counts, self.distances, strict=True)
        return fsum(one * other * far for one, row in rows for other, far in zip(counts, row, strict=True))


def get_disagreement(values: Sequence[Any], counts: Sequence[int], distance: Distance) -> Nominal:
    """Return the disagreement of values with their numbers of pairable ratings."""
    match distance:
        case "nominal":
            return Nominal()
        case "ordinal":
            return Squared(rank(counts))
        case "interval":
            return Squared(scale(values))
        case _:
            return OfSets(values, distance)


def scale(numbers: Sequence[float]) -> list[float]:
    """Return ascending numbers as places between the least, 0, and the greatest, 1.

    Figures stay the same, and squares of tiny differences do not vanish.
    """
    least, span = numbers[0], numbers[-1] - numbers[0]
    return [(number - least) / span if span else 0.0 for number in numbers]


def rank(counts: Sequence[int]) -> list[int]:
    """Return twice the middle rank of each value.

    Krippendorff's ordinal distance is the square of the difference of two, but for a factor.
    """
    ranks, below = [], 0
    for count in counts:
        ranks.append(2 * below + count)
        below += count
    return ranks


def jaccard_distance(one: int, other: int) -> float:
    """Return the share of options that only one of two sets has; sets are bits."""
    either = (one | other).bit_count()
    return (one ^ other).bit_count() / either if either else 0.0


def masi_distance(one: int, other: int) -> float:
    """Return the distance of two sets of Passonneau (2006); sets are bits.

    Jaccard's similarity is weighted: 1 (equal), 2/3 (one contains the other), 1/3 (they overlap) or 0.
    """
    if one == other:
        return 0.0
    both = (one & other).bit_count()
    contained = both in {one.bit_count(), other.bit_count()}
    return 1 - both * (2 if contained else 1) / (3 * (one | other).bit_count())
