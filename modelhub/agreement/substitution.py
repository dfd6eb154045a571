"""Judges in place of people, in plain Python.

A judge that rates as one more person is as far from the people of a unit as they are from each other. Sums are of whole
numbers and a figure is rounded once: none depends on the order of units, people or values.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from modelhub.agreement.distances import Disagreement, Distance, get_disagreement
from modelhub.agreement.intervals import NO_RESAMPLES, Codes, Fixed, Interval, get_fixed, get_percentiles, resample
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

    `vectors` has the numbers of units by their vectors in the `sample` of the people's ratings, with two components
    more: `factor` times how much nearer the judge is to the people than they are to each other, and 1.
    """

    items: int
    alpha_of_people: Figure
    alpha_with_people: Figure
    difference: Figure
    vectors: Counter[tuple[int, ...]]
    factor: int
    sample: Fixed | None = field(compare=False)


def substitute(units: Mapping[JudgedUnit, int], distance: Distance) -> Substitution:
    """Return the agreement of people, and of a judge with them.

    `units` has numbers of units by their ratings. Distances are means over the pairs of a unit, then over units. As in
    Krippendorff's alpha (Krippendorff 2011) they are compared with the mean distance of all pairs of the people's
    ratings: with equally many people per unit, `alpha_of_people` is alpha. The difference is 0 but for chance where
    judge and people can be exchanged.
    """
    items = sum(units.values())
    values = sorted({value for people, judge in units for value in (*people, judge)}, key=order)
    rated: Counter[Value] = Counter()
    for (people, _), number in units.items():
        for value in people:
            rated[value] += number
    if distance == "nominal":
        # Other names of values do not change the interval, unless frequencies are equal.
        values.sort(key=rated.__getitem__)
    code_of = {value: code for code, value in enumerate(values)}.__getitem__
    counts = [rated[value] for value in values]
    if reason := _find_reason(counts, distance):
        return _without_figures(items, reason)
    disagreement = get_disagreement(values, counts, distance)
    factor = lcm(*{2 * len(people) * (len(people) - 1) for people, _ in units})
    ratings = sum(counts)
    expected = Fraction(factor * disagreement.of_all(counts), ratings * (ratings - 1))
    coded = [(tuple(sorted(map(code_of, people))), code_of(judge), number) for (people, judge), number in units.items()]
    sample = get_fixed([(people, number) for people, _, number in coded], counts, disagreement)
    vectors: Counter[tuple[int, ...]] = Counter()
    of_people = of_judge = 0
    for codes, judge, number in coded:
        one, other = _measure(codes, judge, disagreement, factor)
        if abs(one - other) > FARTHEST * expected:
            return _without_figures(items, TOO_FAR)
        vectors[*sample.reduce(codes), one - other, 1] += number
        of_people += number * one
        of_judge += number * other
    whole = items * expected
    people_alpha, judge_alpha = (Figure(float(1 - total / whole)) for total in (of_people, of_judge))
    difference = Figure(float((of_people - of_judge) / whole))
    return Substitution(items, people_alpha, judge_alpha, difference, vectors, factor, sample)


def difference_interval(found: Substitution, *, resamples: int = 1000, level: float = 0.95) -> Interval:
    """Return the percentile interval of the difference (Efron 1979).

    Units are resampled with all their ratings, and each resample has its own expected distance. Resamples in which all
    people agree on one value are dropped.
    """
    if found.sample is None:
        return Interval(None, None, 0, found.difference.reason)
    if found.items < 2:
        return Interval(None, None, 0, ONE_UNIT)
    vectors = sorted(found.vectors)
    differences = []
    for *sums, gain, items in resample(vectors, [found.vectors[vector] for vector in vectors], resamples):
        ratings, expected = found.sample.expect(sums)
        if expected > 0:
            differences.append(float(Fraction(gain * ratings * (ratings - 1)) / (items * found.factor * expected)))
    return get_percentiles(differences, level) if differences else Interval(None, None, 0, NO_RESAMPLES)


def _find_reason(counts: Sequence[int], distance: Distance) -> str:
    if not counts:
        return NO_UNITS
    if sum(map(bool, counts)) < 2:
        return EQUAL_PEOPLE
    return find_sets_reason(len(counts), distance)


def _without_figures(items: int, reason: str) -> Substitution:
    undefined = Figure(None, reason)
    return Substitution(items, undefined, undefined, undefined, Counter(), 1, None)


def _measure(people: Codes, judge: int, disagreement: Disagreement, factor: int) -> tuple[int, int]:
    """Return the distances in a unit of two people, and of judge and person."""
    size = len(people)
    within = disagreement.of_unit(people)
    across = disagreement.of_unit(sorted([*people, judge])) - within
    return within * (factor // (size * (size - 1))), across * (factor // (2 * size))
