"""Distances at the ends of the range of floats."""

from modelhub.agreement.intervals import alpha_interval
from modelhub.agreement.statistics import ONE_VALUE, Figure, Table, cohen_kappa, krippendorff_alpha


def test_differences_whose_squares_are_0_make_the_figures_undefined() -> None:
    table = Table.of([{"a": 0.0, "b": 1e-300}, {"a": 0.0, "b": 0.0}])
    assert krippendorff_alpha(table, "interval") == Figure(None, ONE_VALUE)
    assert cohen_kappa(table, "quadratic") == Figure(None, ONE_VALUE)
    assert alpha_interval(table, "interval").reason == ONE_VALUE


def test_resamples_of_such_differences_are_dropped() -> None:
    table = Table.of([{"a": 0.0, "b": 1e-300}, {"a": 0.0, "b": 1.0}])
    found = alpha_interval(table, "interval", resamples=100)
    assert 0 < found.resamples < 100
