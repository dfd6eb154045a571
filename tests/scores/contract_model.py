"""A model of bulk writes, written from docs/contract.md alone.

It shares no code with the server, and has codes in place of sentences.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

SOURCES = {"human", "api", "auto", "imported", "automation", "sdk", "model"}
UUID = re.compile(r"([0-9a-fA-F]{8})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{12})")


class Wrong(Exception):
    """A code."""


@dataclass
class ModelLabel:
    """A label of the model."""

    kind: str
    options: tuple[str, ...] = ()
    many: bool = False
    low: Any = 0
    high: Any = 10
    step: Any = 1
    stars: int = 5
    longest: int = 5000
    deleted: bool = False


@dataclass
class Model:
    """One annotator's scores of one source, by label id."""

    labels: dict[str, ModelLabel]
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    revisions: int = 0

    def bulk(
        self, entries: list[Any], notes: str | None, *, atomic: bool, dry_run: bool
    ) -> tuple[list[Any], list[Any]]:
        """Return scores (label, value, notes, source) and errors (index, code)."""
        right: dict[str, dict[str, Any]] = {}
        errors: list[tuple[int, str]] = []
        for index, entry in enumerate(entries):
            try:
                label_id, value, source, own = self.read(entry)
                if label_id in right:
                    raise Wrong("duplicate_label")
            except Wrong as wrong:
                errors.append((index, str(wrong)))
                continue
            before = self.stored.get(label_id, {"notes": ""})
            said = own if own is not None else notes if notes is not None else before["notes"]
            right[label_id] = {"value": value, "source": source, "notes": said}
        if atomic and errors:
            return [], errors
        if not dry_run:
            for label_id, score in right.items():
                self.revisions += label_id in self.stored and self.stored[label_id] != score
                self.stored[label_id] = score
        return [(label_id, one["value"], one["notes"], one["source"]) for label_id, one in right.items()], errors

    def read(self, entry: Any) -> tuple[str, dict[str, Any], str, str | None]:
        """An entry that may be stored, or `Wrong`."""
        named = names(entry)
        match = UUID.fullmatch(named["label_id"]) if isinstance(named["label_id"], str) else None
        if not match or named["label_id"].count("-") not in (0, 4):
            raise Wrong("invalid_label_id")
        source, notes = named.get("score_source"), named.get("notes")
        source = "human" if source is None else source
        if not isinstance(source, str) or source not in SOURCES:
            raise Wrong("invalid_score_source")
        if notes is not None and not isinstance(notes, str):
            raise Wrong("invalid_notes")
        if notes is not None and "\x00" in notes:
            raise Wrong("unstorable_value")
        canonical = "-".join(match.groups()).lower()
        label = self.labels.get(canonical)
        if label is None:
            raise Wrong("label_not_found")
        if label.deleted:
            raise Wrong("label_deleted")
        return canonical, judge(label, named["value"]), source, notes


def names(entry: Any) -> dict[str, Any]:
    """The fields of an entry in snake_case, or `Wrong`."""
    if not isinstance(entry, dict):
        raise Wrong("not_an_object")
    camel: dict[Any, str] = {"labelId": "label_id", "scoreSource": "score_source"}
    named: dict[str, Any] = {}
    for key, value in entry.items():
        name = camel.get(key, str(key))
        if name in named and named[name] != value:
            raise Wrong("conflicting_fields")
        named[name] = value
    if set(named) - {"label_id", "value", "score_source", "notes"}:
        raise Wrong("unknown_field")
    for needed in ("label_id", "value"):
        if needed not in named:
            raise Wrong(f"missing_{needed}")
    return named


def judge(label: ModelLabel, value: Any) -> dict[str, Any]:
    """The stored object, or `Wrong`."""
    if not storable(value):
        raise Wrong("unstorable_value")
    key = {"star": "rating", "categorical": "selected", "text": "text"}.get(label.kind, "value")
    if isinstance(value, dict):
        if key not in value:
            raise Wrong("invalid_value")
        return {**value, key: plain(label, value[key])}
    return {key: plain(label, value)}


def storable(value: Any) -> bool:
    if isinstance(value, dict):
        return all(storable(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return all(map(storable, value))
    return not (isinstance(value, str) and "\x00" in value)


def plain(label: ModelLabel, value: Any) -> Any:
    """The legal scalar or list, or `Wrong`."""
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    match label.kind:
        case "star" if number and value == value // 1 and 1 <= value <= label.stars:
            return int(value)
        case "text" if isinstance(value, str) and 0 < len(value) <= label.longest:
            return value
        case "numeric" if number and label.low <= value <= label.high:
            steps = (Fraction(value) - Fraction(label.low)) / Fraction(label.step)
            if steps.denominator == 1 or value == label.high:
                return value
        case "thumbs_up_down" if value is True or value == "up":
            return "up"
        case "thumbs_up_down" if value is False or value == "down":
            return "down"
        case "categorical":
            chosen = [value] if isinstance(value, str) else value
            fits = isinstance(chosen, list) and chosen and all(isinstance(one, str) for one in chosen)
            legal = fits and set(chosen) <= set(label.options) and len(set(chosen)) == len(chosen)
            if legal and (len(chosen) == 1 or label.many):
                return chosen
    raise Wrong("invalid_value")
