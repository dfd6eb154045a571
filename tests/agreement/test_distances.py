"""Distances at the ends of the range of floats, and of many ratings of one unit."""

import time

import pytest

from modelhub.agreement.intervals import alpha_interval
from modelhub.agreement.statistics import Figure, Table, cohen_kappa, gwet_ac1, krippendorff_alpha


def test_tiny_differences_do_not_vanish() -> None:
    def figures(factor: float) -> list[float | None]:
        pairs = ((1, 2), (2, 2), (3, 3), (9, 3))
        table = Table.of([{"a": one * factor, "b": other * factor} for one, other in pairs])
        weighted = [cohen_kappa(table, "linear"), cohen_kappa(table, "quadratic")]
        return [figure.value for figure in (krippendorff_alpha(table, "interval"), *weighted)]

    assert figures(1e-200) == pytest.approx(figures(1.0))
    assert None not in figures(1e-200)


def test_tiny_differences_count_beside_a_huge_number() -> None:
    table = Table.of([{"a": 0.0, "b": 1e-300}, {"a": 0.0, "b": 0.0}, {"a": 1e100}])
    assert krippendorff_alpha(table, "interval") == Figure(0.0)


def test_resamples_of_tiny_differences_have_figures() -> None:
    table = Table.of([{"a": 0.0, "b": 1e-300}, {"a": 0.0, "b": 1.0}])
    assert alpha_interval(table, "interval", resamples=100).resamples == 100


def test_ratings_of_one_unit_are_not_compared_one_by_one() -> None:
    """Comparing 200,000 ratings one by one takes minutes; the CPU time does not depend on other programs."""
    table = Table.of([{rater: rater % 5 for rater in range(200_000)}, {0: 1, 1: 1}])
    began = time.process_time()
    assert gwet_ac1(table).rounded(4) == 0.5294
    assert krippendorff_alpha(table).rounded(4) == 0.0
    assert time.process_time() - began < 10
