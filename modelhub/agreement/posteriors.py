"""Probable values of cells, by the model of Dawid and Skene."""

from collections.abc import Hashable, Mapping
from typing import Any

from modelhub.agreement.dawid_skene import MOST_ITERATIONS, Consensus, dawid_skene
from modelhub.agreement.statistics import order
from modelhub.labels.rules import LabelRule

MOST_CLASSES = 50
MOST_RATINGS = 100_000
# Operations of a model, an operation being a rating by a class in an iteration: some 3 seconds.
MOST_OPERATIONS = 12_500_000
# An iteration costs as much as these, however small the table is.
LEAST_OPERATIONS = 100
# Fewer iterations than these are no fit.
LEAST_ITERATIONS = 20
# Decimal places of probabilities; classes with 0 are left out.
PLACES = 6
LEFT_OUT = "posterior=false leaves it out"
NO_CLASSES = "numbers and texts have no posterior: the model is of classes"
TOO_MANY_CLASSES = f"the label has more than {MOST_CLASSES} different values"
TOO_MANY_RATINGS = f"the label has more than {MOST_RATINGS} ratings"
TOO_MANY_PATTERNS = "the label has too many different values and ratings together"
TOO_MANY_LABELS = "the models of the other labels on this page take too long: filter by label_id"

Pattern = tuple[tuple[str, Hashable], ...]


class Posteriors:
    """The ratings of a label by unit, and the probabilities of their values."""

    def __init__(self, label: LabelRule, *, wanted: bool) -> None:
        self.reason = "" if wanted else LEFT_OUT
        if label.level in ("interval", "none"):
            self.reason = NO_CLASSES
        self._units: list[Pattern] = []
        # Equal patterns are once in memory.
        self._patterns: dict[Pattern, Pattern] = {}
        self._classes: set[Hashable] = set()
        self._ratings = 0
        self._consensus: Consensus | None = None

    def add(self, ratings: Mapping[str, Hashable]) -> int:
        """Add the values of a unit by rater. Return its place for `of`."""
        if not self.reason and ratings:
            self._ratings += len(ratings)
            self._classes.update(ratings.values())
            pattern = tuple(sorted(ratings.items(), key=lambda rating: rating[0]))
            self._units.append(self._patterns.setdefault(pattern, pattern))
            if self._ratings > MOST_RATINGS:
                self.give_up(TOO_MANY_RATINGS)
            elif len(self._classes) > MOST_CLASSES:
                self.give_up(TOO_MANY_CLASSES)
        return len(self._units) - 1

    @property
    def compared(self) -> int:
        """Return the number of units with at least two raters."""
        return sum(len(unit) > 1 for unit in self._units)

    def fit(self) -> int:
        """Fit the model, or set the reason why it is not. Return the operations."""
        if self.reason:
            return 0
        of_iteration = LEAST_OPERATIONS + len(self._classes) * sum(map(len, self._patterns))
        most_iterations = min(MOST_ITERATIONS, MOST_OPERATIONS // of_iteration)
        if most_iterations < LEAST_ITERATIONS:
            self.give_up(TOO_MANY_PATTERNS)
            return 0
        self._consensus = dawid_skene(self._units, most_iterations=most_iterations)
        return self._consensus.iterations * of_iteration

    def of(self, place: int) -> list[dict[str, Any]] | None:
        """Return the values of a unit with their probabilities, most probable first."""
        if self._consensus is None:
            return None
        posterior = [(value, round(share, PLACES)) for value, share in self._consensus.posteriors[place].items()]
        ranked = sorted(posterior, key=lambda one: (-one[1], order(one[0])))
        return [{"value": plain_class(value), "probability": share} for value, share in ranked if share]

    def give_up(self, reason: str) -> None:
        """Drop the ratings, for a reason unless there is one."""
        self.reason = self.reason or reason
        self._units.clear()
        self._patterns.clear()


def plain_class(value: Hashable) -> Any:
    """Return a comparable value as clients see values: options by their labels."""
    if not isinstance(value, frozenset):
        return value
    options = sorted(value)
    return options[0] if len(options) == 1 else options
