"""Rules by which requests fail, per organization and in order of creation."""

import random
import threading
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from modelhub.core.errors import Invalid
from modelhub.core.ids import new_id

MAX_RULES = 1000


@dataclass(frozen=True, slots=True)
class Match:
    """The requests that a rule is about; None is any."""

    method: str | None = None
    path: str | None = None
    label_id: str | None = None

    def fits(self, *, method: str, path: str, labels: Iterable[str]) -> bool:
        """Check a request by its method, its path without query, and its labels."""
        return (
            self.method in {None, method}
            and (self.path is None or self._path_fits(path))
            and (self.label_id is None or self.label_id in labels)
        )

    def _path_fits(self, path: str) -> bool:
        """Compare from left to right: a regex with many stars could take for ever."""
        first, *others = str(self.path).split("*")
        if not others:
            return path == first
        *middle, last = others
        if not path.startswith(first):
            return False
        at = len(first)
        for part in middle:
            if (found := path.find(part, at)) < 0:
                return False
            at = found + len(part)
        return path.endswith(last) and len(path) - len(last) >= at


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a rule on a request; `status` excludes `drop` and `refuse_scores`."""

    status: int | None = None
    retry_after: int | None = None
    delay_ms: int | None = None
    drop: str | None = None
    refuse_scores: tuple[int, ...] = ()


@dataclass
class Rule:
    """A rule with the number of requests that it was applied to."""

    match: Match
    then: Effect
    times: int | None = None
    probability: float | None = None
    seed: int | str | None = None
    applied: int = 0
    id: uuid.UUID = field(default_factory=new_id)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - a sequence to repeat, no secret

    def strikes(self) -> bool:
        """Return whether the rule is applied to the next of its requests."""
        if self.times is not None and self.applied >= self.times:
            return False
        return self.probability is None or self._random.random() < self.probability

    def shown(self) -> dict[str, Any]:
        """Return the rule as the routes show it, without fields that it lacks."""
        values: dict[str, Any] = {"id": self.id, "match": _given(self.match)}
        for name in ("times", "probability", "seed"):
            if (value := getattr(self, name)) is not None:
                values[name] = value
        return {**values, "then": _given(self.then), "applied": self.applied}


def _given(values: Match | Effect) -> dict[str, Any]:
    return {name: value for name, value in asdict(values).items() if value is not None and value != ()}


class Faults:
    """The rules of one organization."""

    def __init__(self) -> None:
        self._rules: dict[uuid.UUID, Rule] = {}
        self._lock = threading.Lock()

    def add(self, rule: Rule) -> None:
        """Append a rule. Raise `Invalid` above the limit."""
        with self._lock:
            if len(self._rules) >= MAX_RULES:
                raise Invalid(f"An organization has at most {MAX_RULES} faults; delete some")
            self._rules[rule.id] = rule

    def remove(self, fault_id: uuid.UUID) -> bool:
        """Remove a rule and return whether there was one."""
        with self._lock:
            return self._rules.pop(fault_id, None) is not None

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def shown(self) -> list[dict[str, Any]]:
        """Return all rules in order of creation."""
        with self._lock:
            return [rule.shown() for rule in self._rules.values()]

    @property
    def are_about_labels(self) -> bool:
        """Return whether a rule needs the labels of a request."""
        with self._lock:
            return any(rule.match.label_id for rule in self._rules.values())

    def strike(self, *, method: str, path: str, labels: Iterable[str]) -> Rule | None:
        """Return the first rule that applies to a request, and count it."""
        with self._lock:
            for rule in self._rules.values():
                if rule.match.fits(method=method, path=path, labels=labels) and rule.strikes():
                    rule.applied += 1
                    return rule
        return None
