"""Primary keys: UUIDv7, made in Python, so that rows of one moment lie side by side in every index."""

import re
import uuid

import uuid_utils

UUID_TEXT = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
SPELLED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch


def new_id() -> uuid.UUID:
    """A new id; within one process each is greater than the one before it (RFC 9562, version 7)."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def new_id_text() -> str:
    """A new id in its one spelling, for rows that travel as JSON."""
    return str(uuid_utils.uuid7())


def parse_uuid(text: object) -> uuid.UUID | None:
    """The UUID that a string spells in hex, with hyphens in their places or without any; else `None`."""
    spelled = spell_uuid(text)
    return None if spelled is None else uuid.UUID(hex=spelled)


def spell_uuid(text: object) -> str | None:
    """The same UUID in its one spelling: lower case, with hyphens; else `None`."""
    if not isinstance(text, str):
        return None
    if SPELLED(text):
        return text
    if not UUID_TEXT.fullmatch(text):
        return None
    lower = text.lower()
    if len(lower) == 36:
        return lower
    return f"{lower[:8]}-{lower[8:12]}-{lower[12:16]}-{lower[16:20]}-{lower[20:]}"
