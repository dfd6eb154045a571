"""Bootstrap confidence intervals of agreement, in plain Python."""

from collections import Counter
from dataclasses import dataclass
from random import Random

from modelhub.agreement.distances import Distance, get_disagreement
from modelhub.agreement.statistics import Table, krippendorff_alpha

SEED = 1979


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval, or None with a reason.

    `resamples` are those whose figure was defined.
    """

    low: float | None
    high: float | None
    resamples: int
    reason: str = ""


def alpha_interval(
    table: Table, distance: Distance = "nominal", *, resamples: int = 1000, level: float = 0.95
) -> Interval:
    """Return the percentile interval of Krippendorff's alpha (Efron 1979).

    Compared units are resampled.
    """
    figure = krippendorff_alpha(table, distance)
    if figure.value is None:
        return Interval(None, None, 0, figure.reason)
    units = [codes for codes, number in table.units if len(codes) > 1 for _ in range(number)]
    random = Random(SEED)  # noqa: S311 - repeatable, not secret
    found = []
    for _ in range(resamples):
        counts = [0] * len(table.values)
        sample = sorted(Counter(random.choices(units, k=len(units))).items())
        for codes, number in sample:
            for code in codes:
                counts[code] += number
        if sum(map(bool, counts)) > 1:
            disagreement = get_disagreement(table.values, counts, distance)
            observed = sum(number * disagreement.of_unit(codes) for codes, number in sample)
            expected = disagreement.of_all(counts)
            if expected:
                found.append(1 - (sum(counts) - 1) * observed / expected)
    found.sort()
    return Interval(_quantile(found, (1 - level) / 2), _quantile(found, (1 + level) / 2), len(found))


def _quantile(ascending: list[float], share: float) -> float:
    place = share * (len(ascending) - 1)
    below = int(place)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (place - below) * (ascending[above] - ascending[below])
