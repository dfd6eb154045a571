from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.agreement.distances import SETS_APART, Distance, OfSets
from modelhub.agreement.statistics import (
    MOST_SETS,
    NO_PAIRS,
    NO_RATINGS,
    NOT_TWO_RATERS,
    ONE_RATER,
    ONE_VALUE,
    TOO_FEW_RATERS,
    TOO_MANY_SETS,
    Figure,
    Table,
    Weights,
    cohen_kappa,
    equal_share,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    percent_agreement,
)

Unit = Mapping[str, Hashable]
FIGURES: dict[str, Callable[[Table], Figure]] = {
    "alpha": krippendorff_alpha,
    "ordinal alpha": lambda table: krippendorff_alpha(table, "ordinal"),
    "interval alpha": lambda table: krippendorff_alpha(table, "interval"),
    "kappa": cohen_kappa,
    "linear kappa": lambda table: cohen_kappa(table, "linear"),
    "quadratic kappa": lambda table: cohen_kappa(table, "quadratic"),
    "fleiss": fleiss_kappa,
    "ac1": gwet_ac1,
    "percent agreement": percent_agreement,
    "equal share": equal_share,
}
NOMINAL = ("alpha", "kappa", "fleiss", "ac1", "percent agreement", "equal share")


def figures(units: Sequence[Unit]) -> dict[str, Figure]:
    table = Table.of(units)
    return {name: figure(table) for name, figure in FIGURES.items()}


def sets(*values: str) -> list[frozenset[str]]:
    return [*map(frozenset, values)]


def tables(values: st.SearchStrategy[Hashable]) -> st.SearchStrategy[list[dict[str, Hashable]]]:
    return st.lists(st.dictionaries(st.sampled_from("abcd"), values), max_size=12)


NUMBERS = st.integers(-2, 3) | st.sampled_from([0.1, 0.2, 0.3, 1e100, -1e-100])


@given(tables(NUMBERS), st.randoms(use_true_random=False))
def test_no_figure_depends_on_the_order_of_units_and_raters(units: list[Unit], random: Random) -> None:
    shuffled = [dict(random.sample([*unit.items()], len(unit))) for unit in random.sample(units, len(units))]
    assert figures(shuffled) == figures(units)


@given(tables(NUMBERS), st.permutations("abcd"))
def test_no_figure_depends_on_the_names_of_raters(units: list[Unit], names: list[str]) -> None:
    new = dict(zip("abcd", names, strict=True))
    assert figures([{new[rater]: value for rater, value in unit.items()} for unit in units]) == figures(units)


@given(tables(st.integers(0, 4)), st.permutations(range(5)))
def test_no_figure_of_the_nominal_level_depends_on_the_names_of_values(units: list[Unit], names: list[int]) -> None:
    before = figures(units)
    after = figures([{rater: names[int(str(value))] for rater, value in unit.items()} for unit in units])
    assert {name: after[name] for name in NOMINAL} == {name: before[name] for name in NOMINAL}


@given(tables(st.integers(0, 4)))
def test_figures_of_numbers_depend_on_neither_origin_nor_unit(units: list[Unit]) -> None:
    # Powers of 2: floats hold the new numbers exactly.
    moved = [{rater: 2.0**40 + int(str(value)) * 2.0**-10 for rater, value in unit.items()} for unit in units]
    assert figures(moved) == figures(units)


def test_a_table_that_grows_has_the_figures_of_the_whole() -> None:
    units: list[Unit] = [{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 3}, {"a": 3, "b": 3, "c": 1}]
    table = Table()
    for size, unit in enumerate(units, start=1):
        table.add(unit)
        assert krippendorff_alpha(table) == krippendorff_alpha(Table.of(units[:size]))
        assert table.pairs == Table.of(units[:size]).pairs


def test_a_table_counts_units_and_pairs() -> None:
    table = Table.of([{"b": 1, "a": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 2}, {"c": 3}, {}, {"a": 1, "b": 1, "c": 3}])
    assert table.raters == {"a", "b", "c"}
    assert (table.compared, table.equal, table.pairable) == (4, 1, 9)
    assert table.pairs == {
        ("a", "b"): Counter({(1, 1): 2, (1, 2): 2}),
        ("a", "c"): Counter({(1, 3): 1}),
        ("b", "c"): Counter({(1, 3): 1}),
    }


@pytest.mark.parametrize(
    ("units", "reason"),
    [
        ([], NO_RATINGS),
        ([{}], NO_RATINGS),
        ([{"a": 1}, {"a": 2}], ONE_RATER),
        ([{"a": 1}, {"b": 1}], NO_PAIRS),
    ],
)
def test_every_figure_needs_a_unit_with_two_ratings(units: list[Unit], reason: str) -> None:
    assert set(figures(units).values()) == {Figure(None, reason)}


def test_chance_corrected_figures_of_one_value_are_undefined() -> None:
    equal: list[Unit] = [{"a": 1, "b": 1, "c": 1}] * 5
    undefined = [name for name, figure in figures(equal).items() if figure.value is None]
    assert undefined == [name for name in FIGURES if name not in {"percent agreement", "equal share"}]
    assert {figures(equal)[name].reason for name in undefined} == {ONE_VALUE, NOT_TWO_RATERS}
    assert cohen_kappa(Table.of([{"a": 1, "b": 1}])) == Figure(None, ONE_VALUE)
    assert percent_agreement(Table.of(equal)) == equal_share(Table.of(equal)) == Figure(1.0)


@pytest.mark.parametrize("distance", ["nominal", "ordinal", "interval"])
def test_alpha_is_undefined_if_only_single_ratings_differ(distance: Distance) -> None:
    assert krippendorff_alpha(Table.of([{"a": 1, "b": 1}, {"a": 2}]), distance) == Figure(None, ONE_VALUE)


@pytest.mark.parametrize("distance", ["jaccard", "masi"])
def test_alpha_of_empty_sets_alone_is_undefined(distance: Distance) -> None:
    assert krippendorff_alpha(Table.of([dict(enumerate(sets("", "")))]), distance) == Figure(None, ONE_VALUE)


def test_alpha_of_too_many_sets_is_undefined() -> None:
    table = Table.of({"a": frozenset({str(one)}), "b": frozenset({"x"})} for one in range(MOST_SETS))
    assert krippendorff_alpha(table, "masi") == Figure(None, TOO_MANY_SETS)
    assert krippendorff_alpha(table).value is not None


@pytest.mark.parametrize("weights", ["nominal", "linear", "quadratic"])
def test_cohens_kappa_needs_two_raters_of_compared_units(weights: Weights) -> None:
    two: list[Unit] = [{"a": 1, "b": 1}, {"a": 2, "b": 1}]
    assert cohen_kappa(Table.of([*two, {"a": 1, "c": 1}]), weights) == Figure(None, NOT_TWO_RATERS)
    assert cohen_kappa(Table.of([*two, {"c": 1}]), weights) == cohen_kappa(Table.of(two), weights) == Figure(0.0)


def test_fleiss_kappa_needs_three_raters() -> None:
    assert fleiss_kappa(Table.of([{"a": 1, "b": 1}, {"a": 2, "b": 1}])) == Figure(None, TOO_FEW_RATERS)


def test_single_ratings_count_for_the_shares_of_values_alone() -> None:
    # Gwet 2014: shares (1 + 1/3 + 1) / 3 and 2/9; two of three pairs, then one of three agree.
    table = Table.of([{"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "c": 2}, {"a": 1}])
    agreement, first, second = Fraction(2, 3), Fraction(7, 9), Fraction(2, 9)
    chance = first**2 + second**2
    assert fleiss_kappa(table) == Figure(float((agreement - chance) / (1 - chance)))
    chance = first * second * 2
    assert gwet_ac1(table) == Figure(float((agreement - chance) / (1 - chance)))


@pytest.mark.parametrize(
    ("one", "other", "jaccard", "masi"),
    [
        ("", "", Fraction(0), Fraction(0)),
        ("", "x", Fraction(1), Fraction(1)),
        ("x", "y", Fraction(1), Fraction(1)),
        ("xy", "xy", Fraction(0), Fraction(0)),
        ("xy", "x", Fraction(1, 2), Fraction(2, 3)),
        ("xy", "yz", Fraction(2, 3), Fraction(8, 9)),
        ("wxy", "xyz", Fraction(1, 2), Fraction(5, 6)),
    ],
)
def test_distances_of_sets(one: str, other: str, jaccard: Fraction, masi: Fraction) -> None:
    for distance, expected in (("jaccard", jaccard), ("masi", masi)):
        disagreement = OfSets(sets(one, other), "jaccard" if distance == "jaccard" else "masi")
        assert Fraction(disagreement.of_unit([0, 1]), 2 * SETS_APART) == expected


def test_numbers_of_any_size_are_compared_exactly() -> None:
    # The second unit's difference is below the precision of floats beside the first one's values.
    table = Table.of([{"a": 1e100, "b": 1e100}, {"a": 0.0, "b": 1e-300}])
    assert krippendorff_alpha(table, "interval").value == 1.0
    assert cohen_kappa(table, "quadratic").value == 1.0
    assert krippendorff_alpha(Table.of([{"a": 5e-324, "b": 0.0}]), "interval").value == 0.0
