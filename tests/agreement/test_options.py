"""Agreement on single options (Krippendorff 2011)."""

import random
from collections.abc import Hashable, Mapping

import pytest

from modelhub.agreement.options import option_alphas
from modelhub.agreement.statistics import Table, krippendorff_alpha

Unit = Mapping[Hashable, Hashable]
SETS = {
    "a": ["x", "xy", "y", "z", "xz", "y"],
    "b": ["x", "x", "y", "z", "xz", "xy"],
    "c": ["x", "xy", "yz", "z", "z", "y"],
}


def test_each_option_has_the_alpha_of_its_selection_or_not() -> None:
    generator = random.Random(18)
    raters = "abcd"
    for _ in range(50):
        units: list[Mapping[Hashable, frozenset[str]]] = [
            {rater: frozenset(generator.sample("xyz", generator.randint(1, 3))) for rater in raters[: at % 4 + 1]}
            for at in range(generator.randint(1, 9))
        ]
        for found in option_alphas(Table.of(units), "zyx"):
            binary: list[Unit] = [{by: found.option in value for by, value in unit.items()} for unit in units]
            expected = krippendorff_alpha(Table.of(binary))
            assert found.alpha.value == pytest.approx(expected.value, abs=1e-12), units
            assert found.alpha.reason == expected.reason
            assert found.selected == sum(found.option in value for unit in units for value in unit.values())


def test_given_options_are_first_and_unselected_ones_have_a_reason() -> None:
    units: list[Unit] = [{rater: frozenset(sets[at]) for rater, sets in SETS.items()} for at in range(6)]
    found = option_alphas(Table.of(units), ["z", "w"])
    assert [(one.option, one.selected, one.alpha.reason) for one in found] == [
        ("z", 7, ""),
        ("w", 0, "all ratings are equal"),
        ("x", 9, ""),
        ("y", 8, ""),
    ]
