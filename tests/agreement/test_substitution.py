"""A judge in place of a person: the difference of two alphas over the same items."""

from collections import Counter
from collections.abc import Hashable, Sequence
from fractions import Fraction
from random import Random

import pytest

from modelhub.agreement.distances import Distance
from modelhub.agreement.intervals import MOST_GROUPS
from modelhub.agreement.statistics import TOO_MANY_SETS, Table, krippendorff_alpha, order
from modelhub.agreement.substitution import (
    EQUAL_PEOPLE,
    NO_UNITS,
    ONE_UNIT,
    TOO_FAR,
    JudgedUnit,
    Substitution,
    difference_interval,
    substitute,
)
from tests.agreement.test_intervals import DISTANCES, values_of

# Three people and the judge.
BY_HAND = ["aaaa", "aaba", "bbba", "abbb"]


def count(units: Sequence[Sequence[Hashable]]) -> Counter[JudgedUnit]:
    """Return units by their ratings. The judge's is the last."""
    return Counter((tuple(sorted(people, key=order)), judge) for *people, judge in units)


def noisy(random: Random, units: int, *, people: float, judge: float) -> Counter[JudgedUnit]:
    """Return ratings of three people and a judge that err at these rates."""

    def rate(true: bool, rate: float) -> bool:
        return true != (random.random() < rate)

    truths = random.choices([True, False], k=units)
    return count([[*(rate(true, people) for _ in range(3)), rate(true, judge)] for true in truths])


def mixed(distance: Distance, units: int = 40) -> list[list[Hashable]]:
    """Return units of two to four people and a judge."""
    random, values = Random(18), values_of(distance, 6)
    return [random.choices(values, k=random.randint(3, 5)) for _ in range(units)]


def figures(found: Substitution) -> tuple[float | None, ...]:
    return tuple(one.rounded() for one in (found.alpha_of_people, found.alpha_with_people, found.difference))


def test_the_figures_of_a_table_computed_by_hand() -> None:
    # Of two people 0, 2/3, 0, 2/3; of judge and person 0, 1/3, 1, 1/3; expected 72/132, of 6 a and 6 b.
    found = substitute(count(BY_HAND), "nominal")
    assert found.items == 4
    assert found.alpha_of_people.value == float(1 - Fraction(1, 3) * Fraction(11, 6))
    assert found.alpha_with_people.value == float(1 - Fraction(5, 12) * Fraction(11, 6))
    assert found.difference.value == float(Fraction(-11, 72))


def test_units_weigh_the_same_and_numbers_are_squared() -> None:
    # Of two people 4, 0 and of judge and person 1, 0; expected 8/6, of the pairs of 1, 3, 2, 2.
    assert figures(substitute(count([[1, 3, 2], [2, 2, 2]]), "interval")) == (-0.5, 0.625, 1.125)
    # Of two people 2/3, 0 and of judge and person 2/3, 1; expected 8/20, of 4 a and 1 b.
    assert figures(substitute(count(["aabb", "aab"]), "nominal")) == (0.166667, -1.083333, -1.25)


@pytest.mark.parametrize("distance", DISTANCES)
def test_of_equally_many_people_per_item_the_figure_is_alpha(distance: Distance) -> None:
    random, values = Random(18), values_of(distance, 6)
    units = [random.choices(values, k=4) for _ in range(40)]
    found = substitute(count(units), distance)
    table = Table.of(dict(enumerate(people)) for *people, _ in units)
    assert found.alpha_of_people == krippendorff_alpha(table, distance)


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_judge_that_takes_each_place_in_turn_has_no_difference(distance: Distance) -> None:
    turns = [unit[place:] + unit[:place] for unit in mixed(distance) for place in range(len(unit))]
    # Where units have different numbers of ratings, each of a unit is its judge once.
    vectors = substitute(count(turns), distance).vectors
    assert sum(gain * number for (*_, gain, _), number in vectors.items()) == 0
    assert len({gain for *_, gain, _ in vectors}) > 2


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_order_of_units_and_people_changes_no_digit(distance: Distance) -> None:
    random, units = Random(1), mixed(distance)
    found = substitute(count(units), distance)
    interval = difference_interval(found)
    for _ in range(5):
        random.shuffle(units)
        for unit in units:
            people = unit[:-1]
            random.shuffle(people)
            unit[:-1] = people
        again = substitute(count(units), distance)
        assert again == found
        assert difference_interval(again) == interval


def test_other_names_of_values_change_no_digit() -> None:
    units = mixed("nominal")
    names = dict(zip(values_of("nominal", 6), "fcadbe", strict=True))
    found, renamed = (substitute(count(one), "nominal") for one in (units, [[names[v] for v in u] for u in units]))
    assert renamed == found
    assert difference_interval(renamed) == difference_interval(found)


def test_the_interval_covers_0_for_a_judge_that_errs_as_people_do() -> None:
    random = Random(7)
    intervals = [
        difference_interval(substitute(noisy(random, 60, people=0.1, judge=0.1), "nominal"), resamples=200)
        for _ in range(200)
    ]
    covering = sum(one.low <= 0 <= one.high for one in intervals if one.low is not None and one.high is not None)
    assert 0.91 <= covering / len(intervals) <= 0.98


def test_the_interval_is_below_0_for_a_judge_with_four_times_the_errors() -> None:
    random = Random(7)
    intervals = [
        difference_interval(substitute(noisy(random, 60, people=0.05, judge=0.2), "nominal"), resamples=200)
        for _ in range(100)
    ]
    assert sum(one.high < 0 for one in intervals if one.high is not None) >= 70
    assert not any(one.low > -0.05 for one in intervals if one.low is not None)


def test_the_interval_of_numbers_covers_the_difference_of_many_items() -> None:
    # With the expected distance of the sample in all resamples, half of such intervals do.
    random = Random(11)

    def rate(items: int) -> Substitution:
        truths = [random.uniform(0, 10 if random.random() < 0.9 else 60) for _ in range(items)]
        errors = (3, 3, 3, 12)
        return substitute(
            count([[round(true + random.gauss(0, error)) for error in errors] for true in truths]), "interval"
        )

    true = rate(20_000).difference.value
    assert true is not None
    intervals = [difference_interval(rate(60), resamples=200) for _ in range(100)]
    covering = sum(one.low <= true <= one.high for one in intervals if one.low is not None and one.high is not None)
    assert covering >= 75


def test_of_many_items_the_interval_is_of_groups_of_different_sizes() -> None:
    # Each item has the same gain: no draw changes the mean.
    found = substitute(Counter({(("a", "b"), "a"): MOST_GROUPS * 3 // 2}), "nominal")
    interval = difference_interval(found)
    assert (interval.low, interval.high) == pytest.approx((found.difference.value,) * 2, rel=1e-4)
    assert interval.resamples == 1000


def test_the_width_falls_with_the_root_of_the_number_of_items() -> None:
    units = noisy(Random(3), MOST_GROUPS, people=0.1, judge=0.2)
    few, many = (
        difference_interval(substitute(Counter({unit: number * times for unit, number in units.items()}), "nominal"))
        for times in (1, 9)
    )
    assert few.low is not None
    assert few.high is not None
    assert many.low is not None
    assert many.high is not None
    assert many.high - many.low == pytest.approx((few.high - few.low) / 3, rel=0.2)


@pytest.mark.parametrize(
    ("units", "reason", "of_interval"),
    [
        ([], NO_UNITS, NO_UNITS),
        (["aaab", "aaaa"], EQUAL_PEOPLE, EQUAL_PEOPLE),
        (["abb"], "", ONE_UNIT),
    ],
)
def test_undefined_figures_have_a_reason(units: list[str], reason: str, of_interval: str) -> None:
    found = substitute(count(units), "nominal")
    assert found.items == len(units)
    for one in (found.alpha_of_people, found.alpha_with_people, found.difference):
        assert (one.value is None, one.reason) == (bool(reason), reason)
    interval = difference_interval(found)
    assert (interval.low, interval.high, interval.resamples, interval.reason) == (None, None, 0, of_interval)


@pytest.mark.parametrize("judge", [1e3, 1e12, 1e300, -1e300])
def test_numbers_of_a_judge_that_are_far_away_have_a_reason(judge: float) -> None:
    found = substitute(count([[0.25, 0.5, judge], [0.25, 0.25, 0.25]]), "interval")
    is_far = abs(judge) > 1e3
    assert found.difference.reason == (TOO_FAR if is_far else "")
    assert (found.difference.rounded() is None) == is_far
    assert difference_interval(found).reason == found.difference.reason


def test_too_many_sets_have_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelhub.agreement.statistics.MOST_SETS", 5)
    found = substitute(count(mixed("masi")), "masi")
    assert found.difference.reason == TOO_MANY_SETS
