"""Primary keys: UUIDv7, made in Python, so that rows of one moment lie side by side in every index."""

import re
import uuid

from uuid_utils.compat import uuid7

UUID_TEXT = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def new_id() -> uuid.UUID:
    """A new id; within one process each is greater than the one before it (RFC 9562, version 7)."""
    return uuid7()


def parse_uuid(text: object) -> uuid.UUID | None:
    """The UUID that a string spells in hex, with hyphens in their places or without any; else `None`."""
    if isinstance(text, str) and UUID_TEXT.fullmatch(text):
        return uuid.UUID(hex=text)
    return None
