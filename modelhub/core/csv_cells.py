"""Cells of CSV files that spreadsheets show as text and import reads exactly."""

import csv
import io
from collections.abc import Iterable

BYTE_ORDER_MARK = "\ufeff".encode()

# First characters that make a spreadsheet execute a cell (full-width ones are converted to ASCII), or that stand unseen
# before such a character.
DANGEROUS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")


def guard(text: str) -> str:
    """Return the text with an apostrophe before a formula.

    A text that looks guarded gets one, too: `unguard` is exact.
    """
    return f"'{text}" if text.lstrip("'").startswith(DANGEROUS) else text


def unguard(text: str) -> str:
    """Reverse `guard`."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(DANGEROUS) else text


def write_rows(rows: Iterable[Iterable[str]]) -> bytes:
    """Return rows as CSV in UTF-8, with every cell quoted."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()
