"""Bootstrap confidence intervals of agreement, in plain Python.

A resample costs a few sums: units are reduced to short vectors of whole numbers beforehand.
"""

from abc import ABC, abstractmethod
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, starmap
from math import lcm
from operator import itemgetter, sub
from random import Random

from modelhub.agreement.distances import Disagreement, Distance, Squared, dot, get_disagreement, rank
from modelhub.agreement.statistics import Table, find_alpha_reason, get_alpha

SEED = 1979
# More units are dealt into so many groups. They blur the standard error by 2 %, 1,000 resamples a bound by 4 %.
MOST_GROUPS = 1000
# With more values, expected disagreement is approximated; the error is small beside that of 1,000 resamples.
FEW_VALUES = 30
# With more numbers in more units, all resamples have the ordinal distance of the sample.
FEW_RANKS = 20
FEW_UNITS = 200
# Bits of the number of a unit in a resample.
WIDTH = 32

ONE_UNIT = "needs at least two items with two ratings"
NO_RESAMPLES = "alpha is undefined in all resamples"

Codes = tuple[int, ...]
Units = list[tuple[Codes, int]]


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval, or None with a reason.

    `resamples` are those whose figure was defined.
    """

    low: float | None
    high: float | None
    resamples: int
    reason: str = ""


def alpha_interval(
    table: Table, distance: Distance = "nominal", *, resamples: int = 1000, level: float = 0.95
) -> Interval:
    """Return the percentile interval of Krippendorff's alpha (Efron 1979).

    Compared units are resampled. Resamples without a figure, as those of one value, are dropped.
    """
    if reason := find_alpha_reason(table, distance):
        return Interval(None, None, 0, reason)
    if table.compared < 2:
        return Interval(None, None, 0, ONE_UNIT)
    sample = get_sample(table, distance)
    numbers = [number for _, number in sample.units]
    found = map(sample.find_alpha, resample(sample.get_vectors(), numbers, resamples))
    alphas = [alpha for alpha in found if alpha is not None]
    return get_percentiles(alphas, level) if alphas else Interval(None, None, 0, NO_RESAMPLES)


def resample(vectors: Sequence[Codes], numbers: Sequence[int], resamples: int) -> Iterator[list[int]]:
    """Yield sums of the vectors of units, drawn with replacement.

    There are `numbers` units of each vector.
    """
    random = Random(SEED)  # noqa: S311 - repeatable, no secret
    groups = deal(vectors, numbers, random)
    size = len(groups[0])
    for _ in range(resamples):
        drawn = random.choices(range(size), k=size)
        yield [sum(map(group.__getitem__, drawn)) for group in groups]


def deal(vectors: Sequence[Codes], numbers: Sequence[int], random: Random) -> list[list[int]]:
    """Return the sums of the vectors of groups of units: a list per component."""
    components = [*zip(*vectors, strict=True)]
    places = [place for place, number in enumerate(numbers) for _ in range(number)]
    if len(places) <= MOST_GROUPS:
        return [[*map(component.__getitem__, places)] for component in components]
    random.shuffle(places)
    groups = [places[start::MOST_GROUPS] for start in range(MOST_GROUPS)]
    return [[sum(map(component.__getitem__, group)) for group in groups] for component in components]


def get_percentiles(figures: Sequence[float], level: float) -> Interval:
    """Return the interval between the percentiles of the figures of resamples."""
    ascending = sorted(figures)
    return Interval(_quantile(ascending, (1 - level) / 2), _quantile(ascending, (1 + level) / 2), len(ascending))


def _quantile(ascending: list[float], share: float) -> float:
    place = share * (len(ascending) - 1)
    below = int(place)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (place - below) * (ascending[above] - ascending[below])


class Sample(ABC):
    """Compared units as vectors of whole numbers, whose sum over units gives alpha."""

    def __init__(self, units: Units, counts: Sequence[int], disagreement: Disagreement) -> None:
        self.units = units
        self.counts = counts
        self.disagreement = disagreement
        self.number = sum(number for _, number in units)
        self.partners = lcm(*{len(codes) - 1 for codes, _ in units})

    @abstractmethod
    def reduce(self, codes: Codes) -> tuple[int, ...]:
        """Return the vector of a unit."""

    @abstractmethod
    def find_alpha(self, sums: Sequence[int]) -> float | None:
        """Return alpha by the sums of the vectors of units, None if it is undefined."""

    def observe(self, codes: Codes) -> int:
        return self.disagreement.of_unit(codes) * (self.partners // (len(codes) - 1))

    def divide(self, ratings: int, observed: int, expected: int | Fraction) -> float | None:
        return get_alpha(ratings, observed, self.partners * expected) if expected > 0 else None

    def get_vectors(self) -> list[tuple[int, ...]]:
        return [self.reduce(codes) for codes, _ in self.units]


class Fixed(Sample):
    """Units whose distance is that of the sample in all resamples.

    The last component of a vector is the observed disagreement.
    """

    @abstractmethod
    def expect(self, sums: Sequence[int]) -> tuple[int, int | Fraction]:
        """Return the number of ratings, and the sum of the distances of all pairs."""

    def find_alpha(self, sums: Sequence[int]) -> float | None:
        ratings, expected = self.expect(sums)
        return self.divide(ratings, sums[-1], expected)


class Moments(Fixed):
    """Numbers by their first two moments."""

    def __init__(self, units: Units, counts: Sequence[int], disagreement: Squared) -> None:
        super().__init__(units, counts, disagreement)
        self.numbers = disagreement.numbers

    def reduce(self, codes: Codes) -> tuple[int, ...]:
        numbers = [self.numbers[code] for code in codes]
        return len(codes), sum(numbers), dot(numbers, numbers), self.observe(codes)

    def expect(self, sums: Sequence[int]) -> tuple[int, int | Fraction]:
        ratings, total, squares = sums[:3]
        return ratings, 2 * (ratings * squares - total**2)


class Linear(Fixed):
    """Many values by their distances from all ratings of the sample.

    The expected disagreement of a resample is its tangent at the sample, less the mean of the quadratic rest.
    """

    def __init__(self, units: Units, counts: Sequence[int], disagreement: Disagreement) -> None:
        super().__init__(units, counts, disagreement)
        self.total = sum(counts)
        self.far = disagreement.of_each(counts)
        self.all = dot(self.far, counts)
        within = sum(number * disagreement.of_unit(codes) for codes, number in units)
        self.rest = self.all // self.number - within

    def reduce(self, codes: Codes) -> tuple[int, ...]:
        return len(codes), sum(map(self.far.__getitem__, codes)), self.observe(codes)

    def expect(self, sums: Sequence[int]) -> tuple[int, int | Fraction]:
        ratings, far = sums[:2]
        expected = 2 * ratings * self.total * far - ratings**2 * (self.all + self.rest)
        return ratings, Fraction(expected, self.total**2)


class Packed(Fixed):
    """Few values by their counts.

    The counts of a unit are digits of one whole number: all are added at once.
    """

    def __init__(self, units: Units, counts: Sequence[int], disagreement: Disagreement) -> None:
        super().__init__(units, counts, disagreement)
        # A resample has at most so many ratings of a value, and pairs of values.
        largest = MOST_GROUPS * sum(counts) * self.partners
        self.width = (largest.bit_length() + 7) // 8
        single = ([int(one == other) for other in range(len(counts))] for one in range(len(counts)))
        self.distances = [*map(disagreement.of_each, single)]

    def reduce(self, codes: Codes) -> tuple[int, ...]:
        return self.pack(self.count(codes)), self.observe(codes)

    def expect(self, sums: Sequence[int]) -> tuple[int, int | Fraction]:
        counts = self.unpack(sums[0], len(self.counts))
        return sum(counts), dot(counts, [dot(counts, distances) for distances in self.distances])

    def count(self, codes: Codes) -> list[int]:
        return [codes.count(code) for code in range(len(self.counts))]

    def pack(self, digits: Sequence[int]) -> int:
        return int.from_bytes(b"".join(digit.to_bytes(self.width, "little") for digit in digits), "little")

    def unpack(self, packed: int, number: int) -> list[int]:
        width = self.width
        text = packed.to_bytes(number * width, "little")
        return [int.from_bytes(text[start : start + width], "little") for start in range(0, number * width, width)]


class Ranks(Packed):
    """Few numbers by counts of values and of their pairs.

    Each resample has its own ordinal distance.
    """

    def reduce(self, codes: Codes) -> tuple[int, ...]:
        counts = self.count(codes)
        pairs = [2 * one * other * (self.partners // (len(codes) - 1)) for one, other in combinations(counts, 2)]
        return (self.pack(counts + pairs),)

    def find_alpha(self, sums: Sequence[int]) -> float | None:
        values = len(self.counts)
        digits = self.unpack(sums[0], values * (values + 1) // 2)
        counts = digits[:values]
        ranks = rank(counts)
        differences = starmap(sub, combinations(ranks, 2))
        observed = sum(number * difference**2 for number, difference in zip(digits[values:], differences, strict=True))
        return self.divide(sum(counts), observed, Squared(ranks).of_all(counts))


class Repeated(Sample):
    """Few units of many numbers, by the numbers of their repetitions.

    Each resample has its own ordinal distance: with that of the sample, intervals near 1 are half as wide.
    """

    def reduce(self, codes: Codes) -> tuple[int, ...]:
        place = bisect(self.units, codes, key=itemgetter(0)) - 1
        return (1 << WIDTH * place,)

    def find_alpha(self, sums: Sequence[int]) -> float | None:
        numbers = [sums[0] >> WIDTH * place & (1 << WIDTH) - 1 for place in range(len(self.units))]
        units = [(codes, number) for (codes, _), number in zip(self.units, numbers, strict=True) if number]
        counts = [0] * len(self.counts)
        for codes, number in units:
            for code in codes:
                counts[code] += number
        ranks = Squared(rank(counts))
        observed = sum(ranks.of_unit(codes) * number * (self.partners // (len(codes) - 1)) for codes, number in units)
        return self.divide(sum(counts), observed, ranks.of_all(counts))


def get_sample(table: Table, distance: Distance) -> Sample:
    """Return the compared units of a table, reduced for a distance."""
    units = sorted((codes, number) for codes, number in table.units if len(codes) > 1)
    counts = table.pairable_counts
    if distance == "nominal":
        units, counts = _sort_by_frequency(units, counts)
    disagreement = get_disagreement(table.values, counts, distance)
    if distance == "ordinal" and len(counts) <= FEW_RANKS:
        return Ranks(units, counts, disagreement)
    if distance == "ordinal" and len(units) <= FEW_UNITS:
        return Repeated(units, counts, disagreement)
    return get_fixed(units, counts, disagreement)


def get_fixed(units: Units, counts: Sequence[int], disagreement: Disagreement) -> Fixed:
    """Return units reduced for the distance of the sample."""
    if isinstance(disagreement, Squared):
        return Moments(units, counts, disagreement)
    return (Packed if len(counts) <= FEW_VALUES else Linear)(units, counts, disagreement)


def _sort_by_frequency(units: Units, counts: list[int]) -> tuple[Units, list[int]]:
    """Return units and counts with values in the order of their frequencies.

    Other names of values do not change the interval, unless frequencies are equal.
    """
    frequent = sorted(range(len(counts)), key=lambda code: (counts[code], code))
    place_of = {code: place for place, code in enumerate(frequent)}
    renumbered = sorted((tuple(sorted(map(place_of.__getitem__, codes))), number) for codes, number in units)
    return renumbered, sorted(counts)
