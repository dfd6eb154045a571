"""Errors of forms: beside their fields, with the titles that the form shows."""

import re
from collections.abc import Callable, Mapping

from modelhub.core.errors import Refused

# The name of a field in a sentence of the API: in front, perhaps with a position, in a comparison or a list. The sent
# words in quotes stay.
NAME = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<before>^|less than |with |least one of |, )(?P<name>\w+)(?:\[\d+\])?')


def name_fields(sentence: str, titles: Mapping[str, str]) -> str:
    """Return a sentence with titles of the form in place of names of the API."""

    def replace(found: re.Match[str]) -> str:
        return found["before"] + titles[found["name"]] if found["name"] in titles else found[0]

    return NAME.sub(replace, sentence)


def errors_by_field(
    refused: Refused | None, titles: Mapping[str, str], in_words: Callable[[str], str]
) -> dict[str, list[str]]:
    """Return the sentences by the field that they begin with, else that to blame."""
    errors: dict[str, list[str]] = {}
    for field, sentences in (refused.fields if refused else {}).items():
        for sentence in sentences:
            first = re.split(r"\W", sentence, maxsplit=1)[0]
            errors.setdefault(first if first in titles else field, []).append(in_words(sentence))
    return errors
