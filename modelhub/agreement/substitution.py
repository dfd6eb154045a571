"""Judges in place of people, in plain Python.

A judge that rates as one more person is as far from the people of a unit as they are from each other. Sums are of whole
numbers and a figure is rounded once: none depends on the order of units, people or values.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from modelhub.agreement.distances import Disagreement, Distance, get_disagreement
from modelhub.agreement.intervals import Interval, get_percentiles, resample
from modelhub.agreement.statistics import Figure, Value, find_sets_reason, order

NO_UNITS = "no item has ratings of the judge and of two people"
EQUAL_PEOPLE = "all ratings of people are equal"
ONE_UNIT = "needs at least two items with ratings of the judge and of two people"

TOO_FAR = "the numbers of the judge are too far from those of people"

# A larger difference of a unit, of numbers outside the range of the label, is no figure that an answer can show.
FARTHEST = 10**9

# The ratings of a unit: those of its people, which are two or more, and the judge's.
JudgedUnit = tuple[tuple[Value, ...], Value]


@dataclass(frozen=True, slots=True)
class Substitution:
    """The agreement of people, and of a judge with them, over `items` units.

    `gains` has the numbers of units by how much nearer the judge is to the people than they are to each other, and
    `expected` the distance of any two ratings of people. Both share a factor.
    """

    items: int
    alpha_of_people: Figure
    alpha_with_people: Figure
    difference: Figure
    gains: Counter[int]
    expected: Fraction


def substitute(units: Mapping[JudgedUnit, int], distance: Distance) -> Substitution:
    """Return the agreement of people, and of a judge with them.

    `units` has numbers of units by their ratings. Distances are means over the pairs of a unit, then over units. As in
    Krippendorff's alpha (Krippendorff 2011) they are compared with the mean distance of all pairs of the people's
    ratings: with equally many people per unit, `alpha_of_people` is alpha. The difference is 0 but for chance where
    judge and people can be exchanged.
    """
    items = sum(units.values())
    values = sorted({value for people, judge in units for value in (*people, judge)}, key=order)
    code_of = {value: code for code, value in enumerate(values)}.__getitem__
    counts = [0] * len(values)
    for (people, _), number in units.items():
        for code in map(code_of, people):
            counts[code] += number
    if reason := _find_reason(counts, distance):
        return _without_figures(items, reason)
    disagreement = get_disagreement(values, counts, distance)
    factor = lcm(*{2 * len(people) * (len(people) - 1) for people, _ in units})
    ratings = sum(counts)
    expected = Fraction(factor * disagreement.of_all(counts), ratings * (ratings - 1))
    gains: Counter[int] = Counter()
    of_people = of_judge = 0
    for (people, judge), number in units.items():
        one, other = _measure([*map(code_of, people)], code_of(judge), disagreement, factor)
        gains[one - other] += number
        of_people += number * one
        of_judge += number * other
    if max(map(abs, gains)) > FARTHEST * expected:
        return _without_figures(items, TOO_FAR)
    whole = items * expected
    people_alpha, judge_alpha = (Figure(float(1 - total / whole)) for total in (of_people, of_judge))
    difference = Figure(float((of_people - of_judge) / whole))
    return Substitution(items, people_alpha, judge_alpha, difference, gains, expected)


def difference_interval(found: Substitution, *, resamples: int = 1000, level: float = 0.95) -> Interval:
    """Return the percentile interval of the difference (Efron 1979).

    Units are resampled with all their ratings. The expected distance is that of the sample.
    """
    if found.difference.reason:
        return Interval(None, None, 0, found.difference.reason)
    if found.items < 2:
        return Interval(None, None, 0, ONE_UNIT)
    gains = sorted(found.gains)
    numbers = [found.gains[gain] for gain in gains]
    sums = resample([(gain, 1) for gain in gains], numbers, resamples)
    return get_percentiles([float(gain / (items * found.expected)) for gain, items in sums], level)


def _find_reason(counts: Sequence[int], distance: Distance) -> str:
    if not counts:
        return NO_UNITS
    if sum(map(bool, counts)) < 2:
        return EQUAL_PEOPLE
    return find_sets_reason(len(counts), distance)


def _without_figures(items: int, reason: str) -> Substitution:
    undefined = Figure(None, reason)
    return Substitution(items, undefined, undefined, undefined, Counter(), Fraction())


def _measure(people: list[int], judge: int, disagreement: Disagreement, factor: int) -> tuple[int, int]:
    """Return the distances in a unit of two people, and of judge and person."""
    size = len(people)
    within = disagreement.of_unit(sorted(people))
    across = disagreement.of_unit(sorted([*people, judge])) - within
    return within * (factor // (size * (size - 1))), across * (factor // (2 * size))
