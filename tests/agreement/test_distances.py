"""Distances at the ends of the range of floats."""

import pytest

from modelhub.agreement.intervals import alpha_interval
from modelhub.agreement.statistics import ONE_VALUE, Figure, Table, cohen_kappa, krippendorff_alpha


def test_tiny_differences_do_not_vanish() -> None:
    def figures(factor: float) -> list[float | None]:
        pairs = ((1, 2), (2, 2), (3, 3), (9, 3))
        table = Table.of([{"a": one * factor, "b": other * factor} for one, other in pairs])
        weighted = [cohen_kappa(table, "linear"), cohen_kappa(table, "quadratic")]
        return [figure.value for figure in (krippendorff_alpha(table, "interval"), *weighted)]

    assert figures(1e-200) == pytest.approx(figures(1.0))
    assert None not in figures(1e-200)


def test_differences_that_vanish_beside_a_huge_number_make_the_figures_undefined() -> None:
    table = Table.of([{"a": 0.0, "b": 1e-300}, {"a": 0.0, "b": 0.0}, {"a": 1.0}])
    assert krippendorff_alpha(table, "interval") == Figure(None, ONE_VALUE)
    assert alpha_interval(table, "interval").reason == ONE_VALUE


def test_resamples_of_such_differences_are_dropped() -> None:
    table = Table.of([{"a": 0.0, "b": 1e-300}, {"a": 0.0, "b": 1.0}])
    found = alpha_interval(table, "interval", resamples=100)
    assert 0 < found.resamples < 100
