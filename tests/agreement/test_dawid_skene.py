from collections.abc import Sequence
from math import fsum, log, prod
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.agreement.dawid_skene import MOST_ITERATIONS, Consensus, dawid_skene

Unit = Sequence[tuple[str, str]]
UNITS = st.lists(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz")), min_size=1, max_size=5), min_size=1, max_size=8
)


def simulate(number: int, skills: dict[str, float], classes: str = "xyz") -> tuple[list[str], list[Unit]]:
    """Return true classes and one rating per rater and unit, correct at the rate of the rater's skill."""
    random = Random(1979)
    truth = random.choices(classes, k=number)
    units: list[Unit] = [
        [(rater, true if random.random() < skill else random.choice(classes)) for rater, skill in skills.items()]
        for true in truth
    ]
    return truth, units


def get_probable(consensus: Consensus) -> list[Any]:
    return [max(posterior, key=posterior.__getitem__) for posterior in consensus.posteriors]


@settings(max_examples=50)
@given(UNITS, st.randoms(use_true_random=False), st.permutations("abcd"), st.permutations("xyz"))
def test_neither_order_nor_names_change_the_fit(
    units: list[Unit], random: Random, raters: list[str], values: list[str]
) -> None:
    rater: dict[Any, str] = dict(zip("abcd", raters, strict=True))
    value: dict[Any, str] = dict(zip("xyz", values, strict=True))
    places = random.sample(range(len(units)), len(units))
    before = dawid_skene(units, most_iterations=100)
    after = dawid_skene(
        [
            [(rater[by], value[given]) for by, given in random.sample(units[place], len(units[place]))]
            for place in places
        ],
        most_iterations=100,
    )
    assert (after.log_likelihood, after.iterations) == (before.log_likelihood, before.iterations)
    assert after.marginals == {value[true]: share for true, share in before.marginals.items()}
    assert after.confusion == {
        rater[by]: {value[true]: {value[given]: rate for given, rate in row.items()} for true, row in rows.items()}
        for by, rows in before.confusion.items()
    }
    assert after.posteriors == [
        {value[true]: share for true, share in before.posteriors[place].items()} for place in places
    ]


@given(UNITS)
def test_probabilities_sum_to_one(units: list[Unit]) -> None:
    consensus = dawid_skene(units, most_iterations=100)
    rows = [row for rows in consensus.confusion.values() for row in rows.values() if any(row.values())]
    for probabilities in (consensus.marginals, *consensus.posteriors, *rows):
        assert fsum(probabilities.values()) == pytest.approx(1)
        assert all(0 <= probability <= 1 for probability in probabilities.values())


def test_the_likelihood_and_the_posteriors_are_those_of_the_parameters() -> None:
    _, units = simulate(40, {"a": 0.9, "b": 0.7, "c": 0.5})
    consensus = dawid_skene(units)
    joint = [
        {
            true: marginal * prod(consensus.confusion[rater][true][given] for rater, given in unit)
            for true, marginal in consensus.marginals.items()
        }
        for unit in units
    ]
    likelihood = prod(sum(unit.values()) for unit in joint)
    assert consensus.log_likelihood == pytest.approx(log(likelihood))
    for unit, posterior in zip(joint, consensus.posteriors, strict=True):
        assert posterior == pytest.approx({true: share / sum(unit.values()) for true, share in unit.items()})


def test_a_good_rater_outweighs_two_bad_ones() -> None:
    truth, units = simulate(400, {"good": 0.97, "bad": 0.4, "worse": 0.35})
    consensus = dawid_skene(units)
    assert sum(map(str.__eq__, get_probable(consensus), truth)) > 0.95 * len(truth)
    correct = {rater: sum(rows[true][true] for true in "xyz") / 3 for rater, rows in consensus.confusion.items()}
    assert correct["good"] > 0.9
    assert correct["bad"] < 0.7


def test_many_ratings_of_a_unit_do_not_underflow() -> None:
    # 3,000 ratings of a unit have a probability below 1e-900.
    raters = {str(rater): 0.4 for rater in range(3000)}
    truth, units = simulate(6, raters)
    consensus = dawid_skene(units)
    assert get_probable(consensus) == truth
    assert -1e5 < consensus.log_likelihood < -5000


def test_equal_units_are_fitted_like_single_ones() -> None:
    _, units = simulate(20, {"a": 0.9, "b": 0.6})
    once, thrice = dawid_skene(units), dawid_skene(units * 3)
    for found, expected in zip(thrice.posteriors, once.posteriors * 3, strict=True):
        assert found == pytest.approx(expected)
    assert thrice.log_likelihood == pytest.approx(3 * once.log_likelihood)


def test_the_classes_are_the_values_that_occur() -> None:
    consensus = dawid_skene([[("a", "x")], [("a", "x"), ("b", "x")]])
    assert consensus.classes == ["x"]
    assert consensus.posteriors == [{"x": 1.0}, {"x": 1.0}]
    assert consensus.log_likelihood == 0


def test_sets_and_numbers_are_classes() -> None:
    assert dawid_skene([[("a", frozenset("xy"))], [("a", frozenset("z"))]]).classes == [frozenset("xy"), frozenset("z")]
    assert dawid_skene([[(2, True)], [(1, False)]]).classes == [False, True]


@pytest.mark.parametrize("units", [[], [[]], [[("a", "x")], []]])
def test_a_unit_without_ratings_is_rejected(units: list[Unit]) -> None:
    with pytest.raises(ValueError, match="at least one rating"):
        dawid_skene(units)


@pytest.mark.parametrize("seed", [12, 17, 29, 33, 36])
def test_small_tables_are_fitted_to_the_end(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # After 100 iterations a posterior of each is wrong by 0.09 or more. That of 29 passes a saddle point then.
    random = Random(seed)
    table = [[(rater, random.choice("xyz")) for rater in "abc" if random.random() < 0.8] for _ in range(20)]
    units = [unit for unit in table if unit]
    fitted = dawid_skene(units)
    monkeypatch.setattr("modelhub.agreement.dawid_skene.TOLERANCE", 0)
    for found, expected in zip(fitted.posteriors, dawid_skene(units, most_iterations=20_000).posteriors, strict=True):
        assert found == pytest.approx(expected, abs=1e-4)


def test_a_fit_ends() -> None:
    _, units = simulate(300, {"a": 0.5, "b": 0.5})
    assert dawid_skene(units).iterations <= MOST_ITERATIONS
