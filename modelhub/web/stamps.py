"""Stamps of forms: hashes of the stored values that a form was made from."""

import hashlib
from collections.abc import Mapping

from django.http import QueryDict

from modelhub.core import exact_json
from modelhub.core.errors import Conflict, Refused


class FormOutdated(Conflict):
    """Raised for a form that would overwrite changes that it did not show."""


def stamp(content: object) -> str:
    """Return a short hash of JSON content."""
    return hashlib.sha256(exact_json.encode(content)).hexdigest()[:16]


def stamp_parts(parts: Mapping[str, object]) -> str:
    """Return the stamps of the named parts of a form."""
    return " ".join(f"{name}:{stamp(content)}" for name, content in parts.items())


def stamps_to_send(posted: QueryDict, refused: Refused | None, parts: Mapping[str, object]) -> str:
    """Return the stamps for a form: those of the stored parts, or sent ones.

    A form that another error rejected keeps its own.
    """
    present = stamp_parts(parts)
    return present if isinstance(refused, FormOutdated) else posted.get("made_from", present)


def find_changed(made_from: str | None, parts: Mapping[str, object]) -> list[str]:
    """Return the names of the parts that a form was not made from.

    A form without stamps was made from all of them.
    """
    stamps = stamp_parts(parts).split() if made_from is None else made_from.split()
    return [name for name, content in parts.items() if f"{name}:{stamp(content)}" not in stamps]
