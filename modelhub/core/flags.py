"""Query parameters that turn something on or off."""

from django.http import QueryDict

from modelhub.core.envelope import refuse_unknown, spellings
from modelhub.core.errors import Invalid
from modelhub.core.text import show

WORDS = {"true": True, "1": True, "false": False, "0": False}


def read_flags(query: QueryDict, names: tuple[str, ...]) -> dict[str, bool]:
    """Each flag of `names`, false where it is not given.

    Raises `Invalid` for a value other than true, false, 1 and 0, for one flag with two values, and for a
    parameter that there is not: a mistyped `dry_run` must not store anything.
    """
    known = spellings(names)
    given: dict[str, set[str]] = {}
    for key, values in query.lists():
        given.setdefault(known.get(key, key), set()).update(values)
    refuse_unknown(given, names, kind="query parameter")
    return {name: _read_flag(name, given.get(name, {"false"})) for name in names}


def _read_flag(name: str, values: set[str]) -> bool:
    meanings = {WORDS.get(value) for value in values}
    if len(meanings) == 1 and (meaning := meanings.pop()) is not None:
        return meaning
    sentence = f"{name} must be true, false, 1 or 0, got {', '.join(show(value) for value in sorted(values))}"
    raise Invalid(sentence, fields={name: [sentence]})
