"""Count the ratings of labels, cell by cell: no rating is kept."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from statistics import median_low
from typing import Any

from modelhub.agreement.levels import Raters, find_majority, get_median
from modelhub.agreement.reading import Cell, Comparables, is_chosen
from modelhub.agreement.statistics import Table, order
from modelhub.agreement.substitution import JudgedUnit
from modelhub.core import exact_json
from modelhub.labels.rules import LabelRule

# Units with a disagreement that an answer names.
MOST_UNITS = 20
PEOPLE, JUDGE = "people", "judge"


@dataclass(slots=True)
class Differing:
    """Units whose ratings differ: their number, and the ids of the oldest."""

    count: int = 0
    oldest: list[uuid.UUID] = field(default_factory=list)

    def add(self, unit_id: uuid.UUID) -> None:
        """Count a unit. Units are added oldest first."""
        self.count += 1
        if len(self.oldest) < MOST_UNITS:
            self.oldest.append(unit_id)


@dataclass(slots=True)
class JudgeTally:
    """Counts of a judge's ratings beside those of people, by one label.

    `table` has the consensus of people, `units` the ratings of two people or more.
    """

    table: Table = field(default_factory=Table)
    units: Counter[JudgedUnit] = field(default_factory=Counter)
    differing: Differing = field(default_factory=Differing)
    score_sources: set[str] = field(default_factory=set)
    ties: int = 0


class LabelTally:
    """Counts of the ratings by one label."""

    def __init__(self, label: LabelRule, raters: Raters) -> None:
        self.label, self.raters = label, raters
        self.table = Table()
        self.differing = Differing()
        self.unusable = 0
        self.judges: defaultdict[str, JudgeTally] = defaultdict(JudgeTally)
        self._comparables = Comparables(label)

    def add(self, cell: Cell) -> None:
        """Count the ratings of a cell. Units are added oldest first."""
        people: dict[Hashable, Hashable] = {}
        judges: dict[str, Hashable] = {}
        # Of a person that is a judge, too, the last rating counts.
        both: dict[Hashable, Hashable] = {}
        for rating in cell.ratings:
            try:
                value = self._comparables.of(rating.content)
            except ValueError:
                self.unusable += is_chosen(rating.score_source, self.raters)
                continue
            both[rating.annotator_id] = value
            if rating.is_judge:
                judges[rating.annotator_id] = value
                self.judges[rating.annotator_id].score_sources.add(rating.score_source)
            else:
                people[rating.annotator_id] = value
        ratings: dict[Raters, dict[Any, Hashable]] = {"people": people, "judges": judges, "all": both}
        chosen = ratings[self.raters]
        self.table.add(chosen)
        if len({*chosen.values()}) > 1:
            self.differing.add(cell.unit_id)
        if people and judges:
            self._compare(cell.unit_id, self._find_consensus(people, cell), judges)
            self._substitute(people, judges)

    def _find_consensus(self, people: Mapping[Hashable, Any], cell: Cell) -> Any:
        """Return the median of people's numbers, and the majority of other values."""
        if self.label.level != "interval":
            return find_majority(people.values())
        if len(people) % 2:
            return median_low(people.values())
        # Of the numbers, not of their places: 0.2 and 0.4 have the mean 0.30000000000000004.
        contents = [one.content for one in cell.ratings if not one.is_judge and one.annotator_id in people]
        return self.label.comparable(get_median([exact_json.loads(content) for content in contents]))

    def _compare(self, unit_id: uuid.UUID, consensus: Hashable, judges: Mapping[str, Hashable]) -> None:
        for judge_id, value in judges.items():
            tally = self.judges[judge_id]
            if consensus is None:
                tally.ties += 1
                continue
            tally.table.add({PEOPLE: consensus, JUDGE: value})
            if value != consensus:
                tally.differing.add(unit_id)

    def _substitute(self, people: Mapping[Hashable, Hashable], judges: Mapping[str, Hashable]) -> None:
        """Count the ratings of judges beside those of at least two other people."""
        values = tuple(sorted(people.values(), key=order))
        for judge_id, value in judges.items():
            others = values
            if judge_id in people:
                others = tuple(sorted((one for rater, one in people.items() if rater != judge_id), key=order))
            if len(others) > 1:
                self.judges[judge_id].units[others, value] += 1
