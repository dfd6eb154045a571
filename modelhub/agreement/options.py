"""Agreement on single options of categorical labels, in plain Python."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from modelhub.agreement.statistics import ONE_VALUE, Figure, Table, get_alpha


@dataclass(frozen=True, slots=True)
class OptionFigure:
    """Krippendorff's alpha of an option, and the number of ratings with it."""

    option: str
    alpha: Figure
    selected: int


def option_alphas(table: Table, options: Iterable[str]) -> list[OptionFigure]:
    """Return the alpha of each option of sets, selected or not (Krippendorff 2011).

    Given `options` come first, in their order, then the other ones that occur.
    """
    # Numbers of units by their ratings, and by those with the option.
    units: defaultdict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
    values: list[Any] = table.values
    for codes, number in table.units:
        ratings = Counter(option for code in codes for option in values[code])
        for option, selected in ratings.items():
            units[option][len(codes), selected] += number
    names = [*dict.fromkeys([*options, *sorted(units)])]
    return [OptionFigure(name, _alpha(table, units[name]), _count_selected(units[name])) for name in names]


def _alpha(table: Table, units: Counter[tuple[int, int]]) -> Figure:
    if reason := table.find_reason():
        return Figure(None, reason)
    compared = {unit: number for unit, number in units.items() if unit[0] > 1}
    selected = _count_selected(compared)
    expected = selected * (table.pairable - selected)
    if not expected:
        return Figure(None, ONE_VALUE)
    partners = table.partners
    observed = sum(
        number * count * (size - count) * (partners // (size - 1)) for (size, count), number in compared.items()
    )
    return Figure(get_alpha(table.pairable, observed, partners * expected))


def _count_selected(units: Any) -> int:
    return sum(number * count for (_, count), number in units.items())
