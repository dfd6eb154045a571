"""Figures of agreement between raters, in plain Python.

Each function names the paper of its figure.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

Distance = Literal["nominal", "ordinal", "interval", "jaccard", "masi"]
Weights = Literal["nominal", "linear", "quadratic"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, or None with the reason why it is undefined."""

    value: float | None
    reason: str = ""


class Table:
    """Counts of ratings: units by their values, and pairs of raters by theirs."""

    def __init__(self) -> None:
        self.units: list[Mapping[Hashable, Hashable]] = []

    @classmethod
    def of(cls, units: Iterable[Mapping[Hashable, Hashable]]) -> Self:
        """Return the table of units, each with the values by rater."""
        table = cls()
        for unit in units:
            table.add(unit)
        return table

    def add(self, unit: Mapping[Hashable, Hashable]) -> None:
        """Count a unit: its values by rater."""
        self.units.append(unit)
