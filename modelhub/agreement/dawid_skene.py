"""The model of Dawid and Skene (1979), in plain Python."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, repeat
from math import exp, fsum, inf, log
from operator import add, mul, sub, truediv
from typing import Any

from modelhub.agreement.statistics import Rater, Value, order

# Of 400 random tables of up to 60 units one needed more. After 100, 13 of 100 had a posterior that was wrong by 0.01.
MOST_ITERATIONS = 10_000
# Growth of the log-likelihood per rating in an iteration that ends the fit: above the rounding of floats, and below the
# growth near a saddle point, where 1e-12 ends some fits.
TOLERANCE = 1e-14


@dataclass(frozen=True, slots=True)
class Consensus:
    """A fitted model.

    `confusion` is by rater, true class and rated value; a rater's row is all 0 for a class that no unit of the rater
    can have. `posteriors` has one mapping from class to probability per unit, in the order given.
    """

    classes: list[Value]
    marginals: dict[Value, float]
    confusion: dict[Rater, dict[Value, dict[Value, float]]]
    posteriors: list[dict[Value, float]]
    log_likelihood: float
    iterations: int


def dawid_skene(units: Sequence[Sequence[tuple[Rater, Value]]], *, most_iterations: int = MOST_ITERATIONS) -> Consensus:
    """Return the probable classes of units and the error rates of raters.

    Paper: Dawid and Skene 1979, Applied Statistics 28. The classes are the values that occur. A rater may rate a unit
    several times. EM begins with the shares of a unit's ratings as its posteriors. The log-likelihood is that of the
    ratings one by one, without the multinomial coefficients of repeated ratings. Raise `ValueError` for no units and
    for a unit without ratings.
    """
    if not units or not all(units):
        raise ValueError("each unit must have at least one rating")
    fit = _Fit(units)
    tolerance = TOLERANCE * sum(map(len, units))
    before, likelihood, iterations = -inf, fit.iterate(), 1
    while likelihood - before > tolerance and iterations < most_iterations:
        before, likelihood, iterations = likelihood, fit.iterate(), iterations + 1
    return fit.get_consensus(likelihood, iterations)


class _Fit:
    """The state of EM over distinct units.

    Sums are exactly rounded, so that no order matters. A kind is a pair of a rater and a value. Lists of probabilities
    are by class, then by unit or kind.
    """

    def __init__(self, units: Sequence[Sequence[tuple[Rater, Value]]]) -> None:
        self.kinds: list[tuple[Any, Any]] = sorted({kind for unit in units for kind in unit}, key=_order_kind)
        self.classes = sorted({value for _, value in self.kinds}, key=order)
        kind_of = {kind: place for place, kind in enumerate(self.kinds)}
        self.patterns = [tuple(sorted(map(kind_of.__getitem__, unit))) for unit in units]
        numbers = Counter(self.patterns)
        # Units of one size follow each other: their ratings are columns.
        self.units = sorted(numbers, key=lambda pattern: (len(pattern), pattern))
        self.numbers = [float(numbers[pattern]) for pattern in self.units]
        self.columns = [[*zip(*group, strict=True)] for _, group in groupby(self.units, key=len)]
        self.rated: list[list[int]] = [[] for _ in self.kinds]
        for place, pattern in enumerate(self.units):
            for kind in pattern:
                self.rated[kind].append(place)
        values = [[self.kinds[kind][1] for kind in pattern] for pattern in self.units]
        self.posteriors = [[unit.count(one) / len(unit) for unit in values] for one in self.classes]
        self.marginals: list[float] = []
        self.rates: list[list[float]] = []

    def iterate(self) -> float:
        """Estimate all parameters and posteriors again. Return the log-likelihood."""
        estimates = [*map(self._estimate_class, self.posteriors)]
        self.marginals = [marginal for marginal, _ in estimates]
        self.rates = [rates for _, rates in estimates]
        return self._estimate_posteriors()

    def _estimate_class(self, posteriors: list[float]) -> tuple[float, list[float]]:
        """Return the marginal of a class and the rates of all kinds (equations 2.3, 2.4)."""
        weighted = [*map(mul, posteriors, self.numbers)]
        given = [fsum(map(weighted.__getitem__, places)) for places in self.rated]
        by_rater: dict[Rater, list[float]] = {}
        for (rater, _), amount in zip(self.kinds, given, strict=True):
            by_rater.setdefault(rater, []).append(amount)
        totals = {rater: fsum(amounts) for rater, amounts in by_rater.items()}
        rates = [
            amount / totals[rater] if amount else 0.0 for (rater, _), amount in zip(self.kinds, given, strict=True)
        ]
        return fsum(weighted) / fsum(self.numbers), rates

    def _estimate_posteriors(self) -> float:
        """Estimate the posteriors (equation 2.5). Return the log-likelihood.

        Logs do not underflow.
        """
        joint = [self._get_logs(*estimate) for estimate in zip(self.marginals, self.rates, strict=True)]
        highest = [*map(max, zip(*joint, strict=True))]
        shares = [[*map(exp, map(sub, logs, highest))] for logs in joint]
        totals = [*map(fsum, zip(*shares, strict=True))]
        self.posteriors = [[*map(truediv, column, totals)] for column in shares]
        return fsum(map(mul, map(add, highest, map(log, totals)), self.numbers))

    def _get_logs(self, marginal: float, rates: list[float]) -> list[float]:
        """Return the log of the joint probability of a class and the ratings of each unit."""
        prior = repeat(_log(marginal))
        get_log = [*map(_log, rates)].__getitem__
        return [
            unit
            for columns in self.columns
            for unit in map(fsum, zip(prior, *(map(get_log, column) for column in columns), strict=False))
        ]

    def get_consensus(self, log_likelihood: float, iterations: int) -> Consensus:
        rows = zip(*self.posteriors, strict=True)
        posteriors = {
            unit: dict(zip(self.classes, row, strict=True)) for unit, row in zip(self.units, rows, strict=True)
        }
        confusion: dict[Rater, dict[Value, dict[Value, float]]] = {
            rater: {true: dict.fromkeys(self.classes, 0.0) for true in self.classes} for rater, _ in self.kinds
        }
        for true, rates in zip(self.classes, self.rates, strict=True):
            for (rater, value), rate in zip(self.kinds, rates, strict=True):
                confusion[rater][true][value] = rate
        return Consensus(
            self.classes,
            dict(zip(self.classes, self.marginals, strict=True)),
            confusion,
            [posteriors[pattern] for pattern in self.patterns],
            log_likelihood,
            iterations,
        )


def _order_kind(kind: tuple[Any, Value]) -> Any:
    rater, value = kind
    return rater, order(value)


def _log(probability: float) -> float:
    return log(probability) if probability else -inf
