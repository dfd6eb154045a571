"""Content of sources on pages: conversations, texts and trees of bounded size."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from modelhub.core import exact_json
from modelhub.core.text import count, shorten
from modelhub.web.links import page_links

# Rows and messages of a page, entries of one list, levels of a tree, and characters of what is deeper.
MAX_ROWS, MAX_ENTRIES, MAX_DEPTH, MAX_DEEP_TEXT = 1000, 200, 12, 2000
# Strings that get a block of their own, which scrolls.
LONG_TEXT = 100
# Rows of the metadata, and characters of each.
MAX_METADATA, MAX_METADATA_TEXT = 100, 1000
# Roles with a colour of their own.
ROLES = ("system", "user", "assistant", "tool")
ROLE_SYNONYMS = {"developer": "system", "human": "user", "ai": "assistant", "model": "assistant", "function": "tool"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a tree: a value, an end of a list or object, or a number left out."""

    kind: Literal["value", "open", "close", "more"]
    key: str = ""
    text: str = ""
    # The JSON type of a value.
    type: str = ""
    is_long: bool = False
    # Whether a list or object is unfolded at first.
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A text, or a titled tree, of a message."""

    text: str = ""
    title: str = ""
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation; `style` is one of `ROLES` or "other"."""

    role: str
    style: str
    name: str
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the content; its title is "" where it is all of it."""

    title: str
    text: str = ""
    messages: list[Message] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    # Messages left out.
    more: int = 0


@dataclass(frozen=True, slots=True)
class Content:
    """The parts of a page about the content and the metadata of a source.

    `whole` is all of the content as JSON text, where the sections leave a part out.
    """

    sections: list[Section]
    metadata: list[tuple[str, str]]
    whole: str = ""
    # Of all texts: a rendering uses it up.
    links: Iterator[int] = field(default_factory=page_links)


def describe_content(content: object, metadata: object) -> Content:
    """Return the sections of content: JSON, JSON text (`msgspec.Raw`) or None."""
    value = _read(content)
    reader = Reader()
    sections = list(reader.read_sections(value)) if value is not None else []
    whole = msgspec.json.format(exact_json.encode(value)).decode() if reader.is_cut else ""
    return Content(sections, _read_metadata(_read(metadata)), whole)


class Reader:
    """Reads content into sections, with a budget of rows."""

    def __init__(self) -> None:
        self.left = MAX_ROWS
        self.is_cut = False

    def read_sections(self, value: object) -> Iterator[Section]:
        """Yield input, messages, output and the rest of an object, or one section."""
        if not isinstance(value, Mapping) or not _is_known(value):
            yield self.read_section("", value)
            return
        for key in ("input", "messages", "output"):
            if value.get(key) is not None:
                yield self.read_section("Conversation" if key == "messages" else key.title(), value[key])
        rest = {key: member for key, member in value.items() if key not in ("input", "messages", "output")}
        if rest:
            yield self.read_section("More", rest)

    def read_section(self, title: str, value: object) -> Section:
        """Return a conversation, a text or a tree."""
        if isinstance(value, Mapping) and len(value) == 1 and _is_conversation(value.get("messages")):
            value = value["messages"]
        if _is_message(value):
            value = [value]
        if _is_conversation(value):
            return self._read_conversation(title, value)
        if isinstance(value, Mapping | list) and value:
            return Section(title, rows=self.read_tree(value))
        return Section(title, text=_spell(value))

    def read_tree(self, value: object) -> list[Row]:
        """Return the rows of an object or a list."""
        return list(self._walk(value, 0))

    def _read_conversation(self, title: str, value: Any) -> Section:
        shown = []
        for message in value:
            if self.left <= 0:
                break
            shown.append(self._read_message(message))
        self.is_cut |= len(shown) < len(value)
        return Section(title, messages=shown, more=len(value) - len(shown))

    def _read_message(self, message: Mapping[str, Any]) -> Message:
        self.left -= 1
        role = message["role"].strip().lower()
        style = ROLE_SYNONYMS.get(role, role)
        name = message.get("name")
        rest = {key: value for key, value in message.items() if key not in ("role", "content", "name")}
        rest = {key: value for key, value in rest.items() if value not in (None, "", [], {})}
        parts = [*self._read_parts(message.get("content")), *self._read_members(rest)]
        return Message(
            shorten(message["role"]),
            style if style in ROLES else "other",
            shorten(name) if isinstance(name, str) else "",
            parts,
        )

    def _read_parts(self, content: object) -> Iterator[Part]:
        """Yield the parts of a message that are not blank, and the number left out."""
        sent = content if isinstance(content, list) else [content]
        for at, one in enumerate(sent):
            if self.left <= 0:
                yield self._more(len(sent) - at, "parts")
                return
            text = _find_text(one)
            part = one if text is None else text
            self.left -= 1
            if isinstance(part, Mapping | list):
                kind = part.get("type") if isinstance(part, Mapping) else None
                yield Part(
                    title=shorten(kind).replace("_", " ") if isinstance(kind, str) else "", rows=self.read_tree(part)
                )
            elif part not in (None, ""):
                yield Part(text=_spell(part))

    def _read_members(self, members: Mapping[str, Any]) -> Iterator[Part]:
        """Yield the other keys of a message, as tool calls, and the number left out."""
        for at, (key, value) in enumerate(members.items()):
            if self.left <= 0:
                yield self._more(len(members) - at, "keys")
                return
            self.left -= 1
            rows = self.read_tree(value) if isinstance(value, Mapping | list) else [self._value("", value)]
            yield Part(title=key.replace("_", " "), rows=rows)

    def _more(self, number: int, noun: str) -> Part:
        self.is_cut = True
        return Part(rows=[Row("more", noun, f"{number:,}")])

    def _walk(self, value: Any, depth: int) -> Iterator[Row]:
        """Yield the entries of an object or a list, and the number left out."""
        entries: Iterable[tuple[str, Any]] = (
            value.items() if isinstance(value, Mapping) else ((str(at), entry) for at, entry in enumerate(value))
        )
        for at, (key, member) in enumerate(entries):
            if at >= MAX_ENTRIES or self.left <= 0:
                self.is_cut = True
                yield Row("more", text=f"{len(value) - at:,}")
                return
            if not isinstance(member, Mapping | list) or not member:
                yield self._value(key, member)
            elif depth + 1 >= MAX_DEPTH:
                yield self._deep(key, member)
            else:
                self.left -= 1
                noun = "key" if isinstance(member, Mapping) else "entry"
                size = count(len(member), noun).replace("entrys", "entries")
                yield Row("open", key, size, is_open=depth < 2 and len(member) <= 20)
                yield from self._walk(member, depth + 1)
                yield Row("close")

    def _value(self, key: str, value: object) -> Row:
        self.left -= 1
        text = _spell(value)
        return Row("value", key, text, _type_of(value), is_long=len(text) > LONG_TEXT or "\n" in text)

    def _deep(self, key: str, value: object) -> Row:
        self.left -= 1
        text = _spell(value)
        if len(text) > MAX_DEEP_TEXT:
            self.is_cut = True
            text = f"{text[:MAX_DEEP_TEXT]}…"
        return Row("value", key, text, "json", is_long=len(text) > LONG_TEXT)


def _read(value: object) -> Any:
    return exact_json.loads(bytes(value)) if isinstance(value, msgspec.Raw) else value


def _is_known(value: Mapping[str, Any]) -> bool:
    has_texts = value.get("input") is not None or value.get("output") is not None
    return has_texts or _is_conversation(value.get("messages"))


def _is_conversation(value: object) -> bool:
    """Return whether a value is a list of `{role, content}`."""
    return isinstance(value, list) and bool(value) and all(_is_message(message) for message in value)


def _is_message(value: object) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("role"), str):
        return False
    return "content" in value or "tool_calls" in value


def _find_text(part: object) -> str | None:
    """Return the text of a part `{type, text}`, if it is one."""
    text = part.get("text") if isinstance(part, Mapping) and len(part) <= 2 else None
    return text if isinstance(text, str) else None


def _spell(value: object) -> str:
    """Return a string as it is, and anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return exact_json.dumps(value)
    except RecursionError:
        return "a value that is nested too deeply"


def _type_of(value: object) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool) or value is None:
        return "word"
    return "json" if isinstance(value, Mapping | list) else "number"


def _read_metadata(metadata: object) -> list[tuple[str, str]]:
    """Return the first keys of the metadata with their values, cut."""
    if not isinstance(metadata, Mapping):
        return []
    rows = [(key, _cut(_spell(value))) for key, value in list(metadata.items())[:MAX_METADATA]]
    left_out = len(metadata) - len(rows)
    return [*rows, ("…", f"{left_out:,} more")] if left_out else rows


def _cut(text: str) -> str:
    return text if len(text) <= MAX_METADATA_TEXT else f"{text[:MAX_METADATA_TEXT]}…"
