"""The envelope of requests: camelCase, unknown keys, query parameters.

Contract 0.1 and 0.3. Only keys of bodies, entries and queries are renamed; `value`, `settings` and `metadata` are the
client's data.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import unquote_to_bytes

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest

from modelhub.core.errors import Invalid
from modelhub.core.exact_json import same
from modelhub.core.text import HINTED_LENGTH, MISSPELLED, Hint, find_similar, shorten, show, show_list

# Unknown ones: a comparison with all fields costs 0.1 ms.
MAX_COMPARED_KEYS = 16
# Query parameters that clients of the hosted service send, and that mean nothing here.
IGNORED = ("dataset", "include_counts")
# Other services' names of query parameters.
PARAMETER_SYNONYMS = {"offset": "page", "per_page": "page_size", "sort": "ordering", "order_by": "ordering"}


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
            raise Invalid(sentence, code="conflicting_fields", field=name)
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
            otherwise = f". Known are {', '.join(names)}" if names else ". This route takes none"
            hint = Hint(PARAMETER_SYNONYMS.get(key, key), _spelled_like(key, spellings(names)), otherwise)
            code = f"unknown_{kind.replace(' ', '_')}"
            raise Invalid(f"Unknown {kind} {show(key)}", code=code, field=shorten(key), hint=hint)


def reject_misspelled(given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Raise `Invalid` for an unknown key like the name of a missing field.

    Other unknown keys are ignored: clients send objects back as they read them.
    """
    known = spellings(names)
    sent = {known[key] for key in given if key in known}
    missing = tuple(spelling for spelling, name in known.items() if name not in sent)
    unknown = (key for key in given if key not in known and len(key) <= HINTED_LENGTH)
    for key in islice(unknown, MAX_COMPARED_KEYS):
        if near := _find_misspelled(key, missing):
            sentence = f"Unknown field {show(key)}. Did you mean {show(near)}?"
            raise Invalid(sentence, code="unknown_field", field=shorten(key))


@lru_cache
def _find_misspelled(key: str, missing: tuple[str, ...]) -> str | None:
    """Return the name that a key misspells. Cached: lines of one file have the same keys."""
    return find_similar(key, _spelled_like(key, missing), cutoff=MISSPELLED)


def _spelled_like(key: str, words: Iterable[str]) -> list[str]:
    """Return the spellings in snake_case for a key without capitals, else all."""
    return [word for word in words if key != key.lower() or word == word.lower()]


def read_query(request: HttpRequest, names: tuple[str, ...], *, lists: Collection[str] = ()) -> dict[str, str]:
    """Return the query parameters in snake_case, without those of `IGNORED`.

    Repeated values of `lists` are joined by commas. Raise `Invalid` for an unknown parameter, another one with two
    different values, and text that PostgreSQL cannot hold.
    """
    try:
        # Django replaces bytes that are not UTF-8.
        unquote_to_bytes(request.META.get("QUERY_STRING", "").encode("latin-1")).decode()
        sent = request.GET
    except UnicodeDecodeError:
        raise Invalid("The query must be UTF-8, percent-encoded", code="malformed_query") from None
    except TooManyFieldsSent:
        raise Invalid("The query has too many parameters", code="malformed_query") from None
    known = spellings((*names, *IGNORED))
    given: dict[str, list[str]] = {}
    for key, values in sent.lists():
        given.setdefault(known.get(key, key), []).extend(values)
    reject_unknown([name for name in given if name not in IGNORED], names, kind="query parameter")
    query = {}
    for name, values in given.items():
        if any("\x00" in value for value in values):
            raise Invalid(f"{name} must hold no NUL characters, got {show_list(values)}", field=name)
        if name in IGNORED:
            continue
        if len(set(values)) > 1 and name not in lists:
            sentence = f"{name} must be given once, got {show_list(values)}"
            raise Invalid(sentence, code="conflicting_fields", field=name)
        query[name] = ",".join(dict.fromkeys(values))
    return query
