"""The envelope of requests: camelCase, unknown keys and flags (contract 0.1, 0.3).

Only keys of bodies, entries and queries are renamed; `value`, `settings` and `metadata` are the client's data.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.http import QueryDict

from modelhub.core.errors import Invalid
from modelhub.core.exact_json import same
from modelhub.core.text import did_you_mean, show

FLAG_VALUES = {"true": True, "1": True, "false": False, "0": False}


@lru_cache
def spellings(names: tuple[str, ...]) -> dict[str, str]:
    """Map each field name, in snake_case and in camelCase, to the name in snake_case."""
    return {spelling: name for name in names for spelling in (name, to_camel(name))}


def to_camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def rename(data: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the object with the fields among `names` in snake_case.

    Other keys stay. Raise `Invalid` if both spellings of a field are given and differ.
    """
    if data.keys() <= set(names):
        return data
    known = spellings(names)
    renamed: dict[str, Any] = {}
    for key, value in data.items():
        name = known.get(key, key)
        if name in renamed and not same(renamed[name], value):
            sentence = f"{name} and {to_camel(name)} are both given and differ"
            raise Invalid.of_field(name, sentence, code="conflicting_fields")
        renamed[name] = value
    return renamed


def read_object(data: object, names: tuple[str, ...], *, strict: bool = False) -> dict[str, Any]:
    """Return the fields among `names` of a request body.

    Raise `Invalid` for a body that is not an object and, with `strict`, for unknown keys; else they are ignored.
    """
    if not isinstance(data, dict):
        raise Invalid(f"The body must be a JSON object, got {show(data)}", code="not_an_object")
    fields = rename(data, names)
    if strict:
        reject_unknown(fields, names, kind="field")
        return fields
    return {name: value for name, value in fields.items() if name in names}


def reject_unknown(given: Iterable[str], names: tuple[str, ...], *, kind: str) -> None:
    """Raise `Invalid` for the first key that is not among `names`."""
    for key in given:
        if key not in names:
            hint = did_you_mean(key, list(spellings(names))) or f". Known are {', '.join(names) or 'none'}"
            raise Invalid(f"Unknown {kind} {show(key)}{hint}", code=f"unknown_{kind.replace(' ', '_')}")


def read_flags(query: QueryDict, names: tuple[str, ...]) -> dict[str, bool]:
    """Return each flag, false by default.

    Raise `Invalid` for a value other than true, false, 1 and 0, for two different values, and for an unknown query
    parameter: a misspelled `dry_run` must not write.
    """
    known = spellings(names)
    given: dict[str, set[str]] = {}
    for key, values in query.lists():
        given.setdefault(known.get(key, key), set()).update(values)
    reject_unknown(given, names, kind="query parameter")
    flags = dict.fromkeys(names, False)
    for name, words in given.items():
        meanings = {FLAG_VALUES.get(word) for word in words}
        if meanings not in ({True}, {False}):
            sentence = f"{name} must be true, false, 1 or 0, got {', '.join(map(show, sorted(words)))}"
            raise Invalid.of_field(name, sentence)
        flags[name] = True in meanings
    return flags


def read_flag(query: dict[str, str], name: str) -> bool:
    """Return a flag of the query, false by default. Raise `Invalid`."""
    word = query.get(name, "false")
    if word not in FLAG_VALUES:
        raise Invalid.of_field(name, f"{name} must be true, false, 1 or 0, got {show(word)}")
    return FLAG_VALUES[word]
