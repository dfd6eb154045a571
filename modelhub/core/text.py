"""Parts of error sentences: quoted values, lists and hints."""

import difflib
import unicodedata
from collections.abc import Sequence

from modelhub.core import exact_json

SHOWN = 80
# difflib needs a second for some hundreds of long words, and one request may hold a thousand errors.
HINTED_WORDS, HINTED_LENGTH = 50, 40


def did_you_mean(word: object, words: Sequence[str]) -> str:
    """Return a hint to append to a sentence, or "" if no word is similar."""
    if not isinstance(word, str) or len(word) > HINTED_LENGTH:
        return ""
    short = [other for other in words[:HINTED_WORDS] if len(other) <= HINTED_LENGTH]
    near = difflib.get_close_matches(word, short, n=1)
    return f". Did you mean {show(near[0])}?" if near else ""


def show(value: object) -> str:
    """Return a value as compact JSON in one printable line, cut after 80 characters."""
    try:
        text = exact_json.dumps(value)
    except RecursionError:
        text = "a value that is nested too deeply"
    except ValueError:
        text = "a number that is too long"
    visible = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text[:SHOWN])
    return visible + "…" if len(text) > SHOWN else visible


def fold(name: str) -> str:
    """Return the key under which names are equal: NFC, without case and outer spaces."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.strip()).casefold())


def show_list(words: Sequence[str]) -> str:
    """Return the first ten words, quoted and separated by commas."""
    return ", ".join(show(word) for word in words[:10]) + (", …" if len(words) > 10 else "")
