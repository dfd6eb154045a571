"""The model of Dawid and Skene (1979), in plain Python."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, fsum, inf, log
from typing import Any

from modelhub.agreement.statistics import Rater, Value, order

MOST_ITERATIONS = 500
# Growth of the log-likelihood in an iteration that ends the fit.
TOLERANCE = 1e-8


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


def dawid_skene(units: Sequence[Sequence[tuple[Rater, Value]]]) -> Consensus:
    """Return the probable classes of units and the error rates of raters.

    Paper: Dawid and Skene 1979, Applied Statistics 28. The classes are the values that occur. A rater may rate a unit
    several times. EM begins with the shares of a unit's ratings as its posteriors. The log-likelihood is that of the
    ratings one by one, without the multinomial coefficients of repeated ratings. Raise `ValueError` for no units and
    for a unit without ratings.
    """
    if not units or not all(units):
        raise ValueError("each unit must have at least one rating")
    fit = _Fit(units)
    before, likelihood, iterations = -inf, fit.iterate(), 1
    while likelihood - before > TOLERANCE and iterations < MOST_ITERATIONS:
        before, likelihood, iterations = likelihood, fit.iterate(), iterations + 1
    return fit.consensus(likelihood, iterations)


class _Fit:
    """The state of EM over distinct units.

    Sums are exactly rounded, so that no order matters. A kind is a pair of a rater and a value. Lists of
    probabilities are by class, then by unit or kind.
    """

    def __init__(self, units: Sequence[Sequence[tuple[Rater, Value]]]) -> None:
        kinds = {kind for unit in units for kind in unit}
        self.classes = sorted({value for _, value in kinds}, key=order)
        self.kinds = _number(kinds, key=lambda kind: (kind[0], order(kind[1])))
        self.patterns = [tuple(sorted(map(self.kinds.__getitem__, unit))) for unit in units]
        distinct = sorted(Counter(self.patterns).items())
        self.units = [pattern for pattern, _ in distinct]
        self.numbers = [number for _, number in distinct]
        self.rated: list[list[int]] = [[] for _ in kinds]
        for place, pattern in enumerate(self.units):
            for kind in pattern:
                self.rated[kind].append(place)
        values = [value for _, value in self.kinds]
        self.posteriors = [
            [sum(values[kind] == one for kind in pattern) / len(pattern) for pattern in self.units]
            for one in self.classes
        ]
        self.marginals: list[float] = []
        self.rates: list[list[float]] = []

    def iterate(self) -> float:
        """Estimate all parameters and posteriors again. Return the log-likelihood."""
        self.maximize()
        return self.expect()

    def maximize(self) -> None:
        """Estimate marginals and error rates from the posteriors (equations 2.3, 2.4)."""
        total = sum(self.numbers)
        self.marginals, self.rates = [], []
        for posteriors in self.posteriors:
            weighted = [*map(float.__mul__, posteriors, map(float, self.numbers))]
            self.marginals.append(fsum(weighted) / total)
            given = [fsum(map(weighted.__getitem__, places)) for places in self.rated]
            sums: dict[Rater, list[float]] = {}
            for (rater, _), amount in zip(self.kinds, given, strict=True):
                sums.setdefault(rater, []).append(amount)
            totals = {rater: fsum(amounts) for rater, amounts in sums.items()}
            self.rates.append(
                [
                    amount / totals[rater] if amount else 0.0
                    for (rater, _), amount in zip(self.kinds, given, strict=True)
                ]
            )

    def expect(self) -> float:
        """Estimate the posteriors (equation 2.5). Return the log-likelihood.

        Logs do not underflow.
        """
        joint = []
        for marginal, rates in zip(self.marginals, self.rates, strict=True):
            prior, logs = _log(marginal), [*map(_log, rates)]
            joint.append([prior + fsum(map(logs.__getitem__, pattern)) for pattern in self.units])
        likelihoods, posteriors = [], []
        for unit in zip(*joint, strict=True):
            highest = max(unit)
            shares = [exp(one - highest) for one in unit]
            total = fsum(shares)
            likelihoods.append(highest + log(total))
            posteriors.append([share / total for share in shares])
        self.posteriors = [[*column] for column in zip(*posteriors, strict=True)]
        return fsum(map(float.__mul__, likelihoods, map(float, self.numbers)))

    def consensus(self, log_likelihood: float, iterations: int) -> Consensus:
        rows = zip(*self.posteriors, strict=True)
        posteriors = {
            unit: dict(zip(self.classes, row, strict=True)) for unit, row in zip(self.units, rows, strict=True)
        }
        raters = dict.fromkeys(rater for rater, _ in self.kinds)
        confusion: dict[Rater, dict[Value, dict[Value, float]]] = {
            rater: {true: dict.fromkeys(self.classes, 0.0) for true in self.classes} for rater in raters
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


def _number(things: set[Any], key: Any) -> dict[Any, int]:
    return {thing: place for place, thing in enumerate(sorted(things, key=key))}


def _log(probability: float) -> float:
    return log(probability) if probability else -inf
