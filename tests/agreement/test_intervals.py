from collections.abc import Hashable, Mapping, Sequence
from itertools import chain
from random import Random
from statistics import quantiles

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.agreement.distances import Distance
from modelhub.agreement.intervals import (
    FEW_RANKS,
    FEW_UNITS,
    FEW_VALUES,
    MOST_GROUPS,
    NO_RESAMPLES,
    ONE_UNIT,
    SEED,
    Interval,
    alpha_interval,
    deal,
    get_sample,
)
from modelhub.agreement.statistics import NO_PAIRS, NO_RATINGS, ONE_RATER, ONE_VALUE, Table, krippendorff_alpha

Unit = Mapping[str, Hashable]
DISTANCES: tuple[Distance, ...] = ("nominal", "ordinal", "interval", "jaccard", "masi")


def values_of(distance: Distance, number: int) -> list[Hashable]:
    """Return different values: numbers with a gap, or sets of the letters of their binary forms."""
    if distance in {"jaccard", "masi"}:
        bits = [[letter for place, letter in enumerate("abcdefghij") if one >> place & 1] for one in range(number)]
        return [*map(frozenset, bits)]
    return [one if one < number / 2 else one + 3.5 for one in range(number)]


def noisy_units(values: Sequence[Hashable], number: int) -> list[dict[str, Hashable]]:
    """Return units of two to four raters, of whom most give the true value."""
    random = Random(18)
    units = []
    for _ in range(number):
        true, raters = random.choice(values), random.sample("abcd", random.randint(2, 4))
        units.append({rater: true if random.random() < 0.6 else random.choice(values) for rater in raters})
    return units


def expand(table: Table, distance: Distance) -> list[dict[str, Hashable]]:
    """Return the units of a table in the order in which they are resampled."""
    sample = get_sample(table, distance)
    values = table.values
    if distance == "nominal":
        counts = table.pairable_counts
        values = [values[code] for code in sorted(range(len(values)), key=lambda code: (counts[code], code))]
    return [
        {str(rater): values[code] for rater, code in enumerate(codes)}
        for codes, number in sample.units
        for _ in range(number)
    ]


def naive(units: Sequence[Unit], distance: Distance, *, seed: int = SEED, resamples: int = 1000) -> tuple[float, float]:
    """Return the interval by the alphas of tables of whole units."""
    random = Random(seed)
    drawn = (random.choices(range(len(units)), k=len(units)) for _ in range(resamples))
    figures = [krippendorff_alpha(Table.of(units[place] for place in places), distance).value for places in drawn]
    parts = quantiles([value for value in figures if value is not None], n=40, method="inclusive")
    return parts[0], parts[-1]


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_resample_of_few_values_has_the_alpha_of_its_units(distance: Distance) -> None:
    table = Table.of(noisy_units(values_of(distance, 7), 60))
    sample, random, units = get_sample(table, distance), Random(1), expand(table, distance)
    groups = deal(sample.get_vectors(), [number for _, number in sample.units], random)
    for _ in range(50):
        drawn = random.choices(range(len(units)), k=len(units))
        alpha = sample.find_alpha([sum(map(group.__getitem__, drawn)) for group in groups])
        assert alpha == krippendorff_alpha(Table.of(units[place] for place in drawn), distance).value


def test_a_resample_of_few_units_has_the_ordinal_alpha_of_its_units() -> None:
    random = Random(18)
    pairs = [(true, true + random.randint(0, 1)) for true in random.choices(range(50), k=FEW_UNITS)]
    table = Table.of({"a": one, "b": other} for one, other in pairs)
    assert len(table.values) > FEW_RANKS
    sample, units = get_sample(table, "ordinal"), expand(table, "ordinal")
    groups = deal(sample.get_vectors(), [number for _, number in sample.units], random)
    for _ in range(50):
        drawn = random.choices(range(len(units)), k=len(units))
        alpha = sample.find_alpha([sum(map(group.__getitem__, drawn)) for group in groups])
        assert alpha == krippendorff_alpha(Table.of(units[place] for place in drawn), "ordinal").value


# 1,000 resamples blur a bound by 2 % of the width. Of the ordinal distance, few units are exact.
@pytest.mark.parametrize(
    ("distance", "number", "blur"),
    [
        *(("nominal", 60, 0.025), ("ordinal", 60, 1e-9), ("ordinal", 250, 0.05)),
        *(("interval", 60, 1e-9), ("jaccard", 60, 0.025), ("masi", 60, 0.025)),
    ],
)
def test_the_interval_of_many_values_is_close_to_that_of_whole_units(
    distance: Distance, number: int, blur: float
) -> None:
    table = Table.of(noisy_units(values_of(distance, 2 * FEW_VALUES), number))
    assert len(table.values) > FEW_VALUES
    found = alpha_interval(table, distance)
    assert found.low is not None
    assert found.high is not None
    # Both draw the same units: the difference is the approximation's.
    assert (found.low, found.high) == pytest.approx(naive(expand(table, distance), distance), abs=blur * _width(found))


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_width_of_an_interval_falls_with_the_root_of_the_number_of_units(distance: Distance) -> None:
    units = noisy_units(values_of(distance, 5), MOST_GROUPS)
    few, many = (alpha_interval(Table.of(units * times), distance) for times in (1, 9))
    # The error of a width is 5 %, half of it by the groups.
    assert _width(many) == pytest.approx(_width(few) / 3, rel=0.2)


@pytest.mark.parametrize("distance", ["nominal", "ordinal", "masi"])
def test_the_interval_of_groups_is_close_to_that_of_whole_units(distance: Distance) -> None:
    units = noisy_units(values_of(distance, 5), MOST_GROUPS + MOST_GROUPS // 2)
    found = alpha_interval(Table.of(units), distance)
    # Bounds of 1,000 and of 400 resamples differ by 0.16 standard errors, 4 % of the width: this is the fourfold.
    expected = naive(units, distance, seed=5, resamples=400)
    assert (found.low, found.high) == pytest.approx(expected, abs=0.16 * _width(found))


def _width(interval: Interval) -> float:
    assert interval.low is not None
    assert interval.high is not None
    return interval.high - interval.low


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("number", [5, 40])
@settings(max_examples=20)
@given(random=st.randoms(use_true_random=False))
def test_the_order_of_units_and_raters_does_not_change_the_interval(
    distance: Distance, number: int, random: Random
) -> None:
    units = noisy_units(values_of(distance, number), 40)
    shuffled = [dict(random.sample([*unit.items()], len(unit))) for unit in random.sample(units, len(units))]
    renamed = [{rater * 2: value for rater, value in unit.items()} for unit in shuffled]
    before = alpha_interval(Table.of(units), distance, resamples=20)
    assert alpha_interval(Table.of(renamed), distance, resamples=20) == before


def test_the_order_of_units_does_not_change_the_groups() -> None:
    units = noisy_units("xyz", MOST_GROUPS + 500)
    assert alpha_interval(Table.of(units[::-1])) == alpha_interval(Table.of(units))


@given(st.permutations("pqrs"))
def test_the_names_of_values_do_not_change_the_interval(names: list[str]) -> None:
    units = noisy_units("wxyz", 60)
    frequencies = Table.of(units).pairable_counts
    assert len({*frequencies}) == len(frequencies)
    new = dict(zip("wxyz", names, strict=True))
    renamed = [{rater: new[str(value)] for rater, value in unit.items()} for unit in units]
    assert alpha_interval(Table.of(renamed), resamples=50) == alpha_interval(Table.of(units), resamples=50)


@pytest.mark.parametrize(
    ("units", "reason"),
    [
        ([], NO_RATINGS),
        ([{"a": 1}], ONE_RATER),
        ([{"a": 1}, {"b": 1}], NO_PAIRS),
        ([{"a": 1, "b": 1}, {"a": 2}], ONE_VALUE),
        ([{"a": 1, "b": 2}, {"a": 2}], ONE_UNIT),
    ],
)
@pytest.mark.parametrize("distance", ["nominal", "ordinal", "interval"])
def test_an_interval_without_resamples_has_a_reason(units: list[Unit], reason: str, distance: Distance) -> None:
    assert alpha_interval(Table.of(units), distance) == Interval(None, None, 0, reason)


@pytest.mark.parametrize("distance", ["nominal", "ordinal", "interval"])
def test_resamples_of_one_value_are_dropped(distance: Distance) -> None:
    table = Table.of([{"a": 1, "b": 1}, {"a": 2, "b": 2}])
    found = alpha_interval(table, distance)
    # Half of the resamples have both units; three standard errors are 47.
    assert found == Interval(1.0, 1.0, found.resamples)
    assert 453 < found.resamples < 547


def test_an_interval_of_undefined_resamples_has_a_reason() -> None:
    table = Table.of([{"a": 1, "b": 1}, {"a": 2, "b": 2}])
    assert alpha_interval(table, resamples=0) == Interval(None, None, 0, NO_RESAMPLES)


def test_a_higher_level_has_a_wider_interval() -> None:
    table = Table.of(noisy_units("xyz", 50))
    bounds = [alpha_interval(table, level=level) for level in (0.99, 0.95, 0.5)]
    alpha = krippendorff_alpha(table).value
    assert alpha is not None
    lows, highs = [found.low for found in bounds], [found.high for found in bounds]
    ascending = [value for value in chain(lows, [alpha], highs[::-1]) if value is not None]
    assert ascending == sorted(set(ascending))
    assert len(ascending) == 7
