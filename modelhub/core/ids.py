"""Primary keys: UUIDv7 (RFC 9562), so that new rows are neighbours in every index."""

import re
import uuid
from collections.abc import Callable

import uuid_utils

UUID_TEXT = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
CANONICAL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Test controls replace both while they are switched on (docs/architecture.md).
source: Callable[[], uuid_utils.UUID | uuid.UUID] = uuid_utils.uuid7
request_source: Callable[[], uuid_utils.UUID | uuid.UUID] = uuid_utils.uuid7


def new_id() -> uuid.UUID:
    """Return a new id, greater than all earlier ones of this process."""
    return uuid.UUID(int=source().int)


def new_id_text() -> str:
    """Return a new id as text, for rows that travel as JSON."""
    return str(source())


def new_request_id() -> str:
    return str(request_source())


def parse_uuid(text: object) -> uuid.UUID | None:
    """Return the UUID of hex digits with all hyphens or none; else `None`."""
    canonical = spell_uuid(text)
    return None if canonical is None else uuid.UUID(hex=canonical)


def spell_uuid(text: object) -> str | None:
    """Return the same UUID in lower case with hyphens; `None` for anything else."""
    if not isinstance(text, str):
        return None
    if CANONICAL.fullmatch(text):
        return text
    return str(uuid.UUID(hex=text)) if UUID_TEXT.fullmatch(text) else None
