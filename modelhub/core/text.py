"""Parts of error sentences: quoted values, lists and hints. Visible names."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from modelhub.core import exact_json

SHOWN = 80
HINTED_WORDS, HINTED_LENGTH = 50, 40
# Keys above this similarity are misspellings; the default of difflib takes `user_name` for `name`.
MISSPELLED = 0.8

# Characters that no font shows, though Unicode counts them as letters, marks or symbols.
BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U0001d159"
VARIATION_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
INVISIBLE = re.compile(f"[{BLANKS}{VARIATION_SELECTORS}]")
# ZWNJ and ZWJ between letters of Persian and between emoji, and the selector of an emoji's colours, as in keycaps. Not
# behind other ASCII characters, where they would only make two names look alike.
JOINED = re.compile(
    r"(?<=[^\x00-\x7f\s\u200c\u200d])[\u200c\u200d](?=[^\x00-\x7f\s\u200c\u200d])"
    rf"|(?<=[^\x00-\x7f\s\u200c\u200d])[{VARIATION_SELECTORS}]|(?<=[0-9#*])\ufe0f(?=\u20e3)"
)
# Control characters, format characters (bidirectional overrides among them), surrogates, separators of lines.
HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# A whole JSON character, an escape included.
CHARACTERS = re.compile(r"(?:[^\\]|\\u[0-9a-fA-F]{4}|\\[^u])*")


@dataclass(frozen=True, slots=True)
class Hint:
    """A hint to append to a sentence, looked for when it is read.

    `otherwise` is the hint if no word is similar. difflib needs 1.6 ms for 50 options of 40 characters, and one request
    may hold a thousand errors.
    """

    word: str
    words: Sequence[str]
    otherwise: str = ""

    def __str__(self) -> str:
        near = find_similar(self.word, self.words)
        if near is None:
            return self.otherwise
        spelled = f' It was sent as "{ascii(self.word)[1:-1]}".' if _scripts(self.word) - _scripts(near) else ""
        return f". Did you mean {show(near)}?{spelled}"


def find_similar(word: str, words: Sequence[str], *, cutoff: float = 0.6) -> str | None:
    """Return the most similar of the first fifty words, if one is similar."""
    if len(word) > HINTED_LENGTH:
        return None
    short = [other for other in words[:HINTED_WORDS] if len(other) <= HINTED_LENGTH]
    return next(iter(get_close_matches(word, short, n=1, cutoff=cutoff)), None)


def show(value: object, *, longest: int = SHOWN) -> str:
    """Return a value as compact JSON in one visible line, cut after `longest` characters."""
    try:
        text = exact_json.dumps(value[: longest + 1] if isinstance(value, str) else value)
    except RecursionError:
        return "a value that is nested too deeply"
    except ValueError:
        return "a number that is too long"
    return visible(text) if len(text) <= longest else _cut(text, longest)


def shorten(name: str) -> str:
    """Return a name of at most 80 characters, for the keys of an answer."""
    return name if len(name) <= SHOWN else f"{name[:SHOWN]}…"


def unix_lines(text: str) -> str:
    """Return a text with the line ends that it was typed with: browsers post CRLF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def visible(text: str) -> str:
    """Return the text with escapes for characters that are invisible or reorder it."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character.isprintable() and not INVISIBLE.match(character) else ascii(character)[1:-1]
        for character in text
    )


def show_list(words: Sequence[str]) -> str:
    """Return the first ten words, quoted and separated by commas."""
    return ", ".join(show(word) for word in words[:10]) + (", …" if len(words) > 10 else "")


def count(number: int, noun: str) -> str:
    """Return a number with its noun, as in "1 line" and "2 lines"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def join_names(names: Sequence[str], *, most: int) -> str:
    """Return names as in "Ada, Bob and 3 more"."""
    shown = [*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def fold(name: str) -> str:
    """Return the key under which names are equal: NFC, without case and outer spaces."""
    # Not casefold(): to PostgreSQL's lower(), which keeps names unique, Maße and Masse differ.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.strip()).lower())


def is_visible(name: str) -> bool:
    """Return whether people can see each character of a name, and tell it from others.

    Not allowed: control and format characters, bidirectional overrides, blanks. Joiners and variation selectors are a
    part of the character before them.
    """
    if name.isascii():
        return name.isprintable() and not name.isspace() and name != ""
    text = JOINED.sub("", name)
    if INVISIBLE.search(text):
        return False
    categories = {unicodedata.category(character) for character in text}
    return not categories & HIDDEN_CATEGORIES and any(one[0] not in "MZ" for one in categories)


def is_visible_id(text: str, *, longest: int) -> bool:
    """Return whether a text is one to `longest` visible characters without spaces."""
    return len(text) <= longest and text.isprintable() and " " not in text and is_visible(text)


def _cut(text: str, longest: int) -> str:
    """Return the first `longest` characters of JSON, with quotes and brackets closed."""
    kept = CHARACTERS.match(text[:longest]).group()  # type: ignore[union-attr]  # matches any text
    ends: list[str] = []
    for character in re.findall(r"\\.|.", kept):
        if character == '"':
            ends = ends[:-1] if ends[-1:] == ['"'] else [*ends, '"']
        elif ends[-1:] != ['"'] and character in "[{":
            ends.append("]" if character == "[" else "}")
        elif ends[-1:] != ['"'] and character in "]}":
            ends.pop()
    return visible(kept) + "…" + "".join(reversed(ends))


def _scripts(word: str) -> set[str]:
    """Return the scripts of a word's letters: some of Cyrillic look like Latin ones."""
    return {unicodedata.name(letter, "").partition(" ")[0] for letter in word if letter.isalpha()} | {"LATIN"}
