"""Index of the lines of an import, on disk: memory does not grow with the file."""

import hashlib
import sqlite3
from typing import NamedTuple


class FirstLine(NamedTuple):
    """The first line with a key, and a digest of its content."""

    number: int
    digest: bytes


class LineIndex:
    """Lines by the keys that no two of them may share.

    SQLite caches 2 MB and writes the rest into a temporary file, about 60 bytes per key, which it deletes.
    """

    def __init__(self) -> None:
        self.database = sqlite3.connect("", isolation_level=None)
        # The index is of no use after a crash.
        self.database.execute("PRAGMA journal_mode = OFF")
        self.database.execute("CREATE TABLE line (key BLOB PRIMARY KEY, number INTEGER, content BLOB) WITHOUT ROWID")

    def close(self) -> None:
        self.database.close()

    def find(self, key: object) -> FirstLine | None:
        """Return the line with this key, if there is one."""
        found = self.database.execute("SELECT number, content FROM line WHERE key = ?", [short_digest(key)]).fetchone()
        return found and FirstLine(*found)

    def add(self, key: object, line: FirstLine) -> None:
        """Add a line, unless another one has the key."""
        self.database.execute("INSERT OR IGNORE INTO line VALUES (?, ?, ?)", [short_digest(key), *line])


def short_digest(content: object) -> bytes:
    """Return 16 bytes that differ for different keys or contents."""
    text = content if isinstance(content, bytes) else repr(content).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()
