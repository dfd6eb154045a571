"""The keys of requests: snake_case or camelCase, both meaning the same (contract 0.1).

Only the envelope is ever re-spelled. What stands inside `value`, `settings` and `metadata` is data.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeVar

from modelhub.core.errors import Invalid
from modelhub.core.exact_json import same
from modelhub.core.text import did_you_mean, show

T = TypeVar("T")


_as_set = lru_cache(frozenset[str])


@lru_cache
def spellings(names: tuple[str, ...]) -> dict[str, str]:
    """The field that each spelling stands for."""
    return {spelling: name for name in names for spelling in (name, to_camel(name))}


def to_camel(name: str) -> str:
    """`source_type` as JavaScript writes it: `sourceType`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def rename(data: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The same object with the fields among `names` in snake_case, everything else as it is.

    Raises `Invalid` when both spellings of a field are there with different values.
    """
    if _as_set(names).issuperset(data):
        return data
    known = spellings(names)
    renamed: dict[str, Any] = {}
    for key, value in data.items():
        name = known.get(key, key)
        if name in renamed and not same(renamed[name], value):
            sentence = f"{name} and {to_camel(name)} are both given and differ"
            raise Invalid(sentence, code="conflicting_fields", fields={name: [sentence]})
        renamed[name] = value
    return renamed


def read_object(data: object, names: tuple[str, ...], *, strict: bool = False) -> dict[str, Any]:
    """The fields among `names` of a request body; raises `Invalid` for a body that is not an object.

    With `strict`, an unknown key is refused with the field that may have been meant (contract 0.3);
    without, it is ignored.
    """
    if not isinstance(data, dict):
        raise Invalid(f"The body must be a JSON object, got {show(data)}", code="not_an_object")
    fields = rename(data, names)
    if strict:
        refuse_unknown(fields, names, kind="field")
    return {name: value for name, value in fields.items() if name in names}


def refuse_unknown(given: Iterable[str], names: tuple[str, ...], *, kind: str) -> None:
    """Raises `Invalid` for the first key that is none of `names`."""
    for key in given:
        if key not in names:
            hint = did_you_mean(key, list(spellings(names))) or f". Known are {', '.join(names) or 'none'}"
            sentence = f"Unknown {kind} {show(key)}{hint}"
            raise Invalid(sentence, code=f"unknown_{kind.replace(' ', '_')}")


class FieldErrors:
    """Gathers what is wrong with several fields, so that one answer tells all of it."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}

    def check(self, name: str, function: Callable[..., T], *values: Any) -> T | None:
        """The function's answer, or `None` when it refuses: then its sentence is kept under `name`."""
        try:
            return function(*values)
        except Invalid as refused:
            self.fields.update(refused.fields or {name: [str(refused)]})
            return None

    def add(self, name: str, sentence: str) -> None:
        """Keep one more sentence."""
        self.fields.setdefault(name, []).append(sentence)

    def raise_any(self) -> None:
        """Raises `Invalid` with every sentence that was kept."""
        if self.fields:
            sentences = [sentence for several in self.fields.values() for sentence in several]
            raise Invalid("; ".join(sentences), fields=self.fields)
