"""nltk as an oracle. It has no stubs."""

from collections import Counter
from collections.abc import Callable, Hashable
from random import Random
from typing import Any

import pytest
from nltk.metrics.agreement import AnnotationTask
from nltk.metrics.distance import binary_distance, interval_distance, jaccard_distance, masi_distance

from modelhub.agreement.distances import Distance
from modelhub.agreement.statistics import ONE_VALUE, Table, Weights, cohen_kappa, krippendorff_alpha

TABLES = 500
Units = list[dict[str, Any]]


def generate(number: int, distance: Distance) -> Units:
    """Return up to 12 units of up to 5 raters, some without ratings or with one."""
    random = Random(number)
    values: list[Hashable]
    if distance in {"jaccard", "masi"}:
        values = [frozenset(random.sample("pqrstu", random.randint(0, 4))) for _ in range(6)]
    elif distance == "interval":
        values = [round(random.uniform(-5, 5), random.randint(0, 6)) for _ in range(6)]
    else:
        values = [*range(1, random.randint(2, 7))]
    raters, here = "abcde"[: random.randint(2, 5)], random.uniform(0.3, 1)
    return [
        {rater: random.choice(values) for rater in raters if random.random() < here}
        for _ in range(random.randint(1, 12))
    ]


def get_task(units: Units, distance: Callable[[Any, Any], float]) -> Any:
    return AnnotationTask(
        [(rater, place, value) for place, unit in enumerate(units) for rater, value in unit.items()], distance
    )


def get_distance(units: Units, distance: Distance) -> Callable[[Any, Any], float]:
    counts = Counter(value for unit in units if len(unit) > 1 for value in unit.values())

    def ordinal_distance(one: int, other: int) -> float:
        """Return Krippendorff's ordinal distance, which nltk lacks."""
        between = range(min(one, other), max(one, other) + 1)
        passed: float = sum(counts[value] for value in between) - (counts[one] + counts[other]) / 2
        return passed**2

    distances = {
        "nominal": binary_distance,
        "ordinal": ordinal_distance,
        "interval": interval_distance,
        "jaccard": jaccard_distance,
        "masi": masi_distance,
    }
    # nltk divides 0 by 0 for two empty sets.
    return lambda one, other: 0.0 if one == other else distances[distance](one, other)


@pytest.mark.parametrize("distance", ["nominal", "ordinal", "interval", "jaccard", "masi"])
def test_alpha_is_that_of_nltk(distance: Distance) -> None:
    compared = 0
    for number in range(TABLES * 2):
        units = generate(number, distance)
        figure = krippendorff_alpha(Table.of(units), distance)
        if figure.value is not None:
            assert figure.value == pytest.approx(get_task(units, get_distance(units, distance)).alpha(), abs=1e-9), (
                units
            )
            compared += 1
        elif figure.reason == ONE_VALUE:
            assert get_task(units, binary_distance).alpha() == 1  # nltk's figure for 0/0
    assert compared >= TABLES


DISAGREEMENTS: dict[Weights, Callable[[Any, Any], float]] = {
    "nominal": binary_distance,
    "linear": lambda one, other: abs(one - other),
    "quadratic": interval_distance,
}


@pytest.mark.parametrize("weights", ["nominal", "linear", "quadratic"])
def test_cohens_kappa_is_that_of_nltk(weights: Weights) -> None:
    compared = 0
    for number in range(TABLES * 2):
        random = Random(number)
        units: Units = [{"a": random.randint(1, 4), "b": random.randint(1, 4)} for _ in range(random.randint(1, 15))]
        figure = cohen_kappa(Table.of(units), weights)
        if figure.value is not None:
            task = get_task(units, DISAGREEMENTS[weights])
            assert figure.value == pytest.approx(task.weighted_kappa(), abs=1e-9), units
            compared += 1
    assert compared >= TABLES
