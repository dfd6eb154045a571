"""Words of error sentences: quoted values, lists and hints."""

import difflib
from collections.abc import Sequence

from modelhub.core import exact_json

SHOWN = 80
# Bounds of the search for a similar word: number of words, and characters per word.
HINTED_WORDS, HINTED_LENGTH = 50, 40


def did_you_mean(word: object, words: Sequence[str]) -> str:
    """A hint for a sentence's end, or nothing when no word is near."""
    if not isinstance(word, str) or len(word) > HINTED_LENGTH:
        return ""
    # difflib takes a second for some hundreds of long words, and a request may be wrong a thousand times.
    short = [other for other in words[:HINTED_WORDS] if len(other) <= HINTED_LENGTH]
    near = difflib.get_close_matches(word, short, n=1)
    return f". Did you mean {show(near[0])}?" if near else ""


def show(value: object) -> str:
    """How a sentence quotes what was sent: compact JSON in one line, cut where it gets long. Raises nothing."""
    try:
        text = exact_json.dumps(value)
    except (ValueError, TypeError, RecursionError):
        text = _as_python(value)
    visible = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text[:SHOWN])
    return visible + "…" if len(text) > SHOWN else visible


def _as_python(value: object) -> str:
    """For what JSON cannot spell: NaN as Python writes it, or words for what is too deep or too long even for that."""
    try:
        return str(value)
    except RecursionError:
        return "a value that is nested too deeply"
    except ValueError:
        return "a number that is too long"


def listed(words: Sequence[str]) -> str:
    """Return the first ten words, quoted and separated by commas."""
    return ", ".join(show(word) for word in words[:10]) + (", …" if len(words) > 10 else "")
