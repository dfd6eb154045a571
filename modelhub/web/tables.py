"""Tables of results: cells in words for the page, exact ones for CSV."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from django.http import HttpResponse

from modelhub.core.csv_cells import BYTE_ORDER_MARK, guard, write_rows
from modelhub.core.downloads import CSV
from modelhub.core.text import show

# Rows on a page; the file has all.
MOST_ROWS = 30
# Characters of a cell on a page; names and numbers may be longer.
LONGEST_CELL = 200
NOTHING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"

Kind = Literal["text", "count", "share", "figure"]


class Column(NamedTuple):
    """A column: numbers are aligned right, and each kind has its own form."""

    title: str
    kind: Kind = "text"
    # In the file, not on the page.
    file_only: bool = False

    @property
    def is_number(self) -> bool:
        return self.kind != "text"


class ShownCell(NamedTuple):
    text: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `name` is that of its file, and `path` the address of it."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    path: str = ""

    @property
    def shown_columns(self) -> list[Column]:
        return [column for column in self.columns if not column.file_only]

    @property
    def shown(self) -> list[list[ShownCell]]:
        """Return the first rows in words."""
        return [
            [
                ShownCell(show_cell(cell, column.kind), column.is_number)
                for cell, column in zip(row, self.columns, strict=True)
                if not column.file_only
            ]
            for row in self.rows[:MOST_ROWS]
        ]

    @property
    def more(self) -> int:
        """Return the number of rows that only the file has."""
        return max(0, len(self.rows) - MOST_ROWS)


def show_cell(cell: Any, kind: Kind = "text") -> str:
    """Return a cell in words.

    Counts have separators, shares are in percent, figures have three places.
    """
    if cell is None:
        return NOTHING
    if kind == "text":
        return cut(show_value(cell), LONGEST_CELL)
    if kind == "count":
        return f"{cell:,}"
    return show_share(cell) if kind == "share" else show_figure(cell)


def show_share(share: float) -> str:
    return f"{100 * share:.1f} %"


def show_figure(figure: Any) -> str:
    """Return a number with three places and a minus sign."""
    # A mean may have thousands of digits.
    text = f"{figure:.3f}" if abs(figure) < 10**12 else f"{figure:.3e}"
    return text.replace("-", MINUS)


def show_number(number: Any) -> str:
    """Return a number with at most three places."""
    text = show_figure(number)
    return text if "e" in text else text.rstrip("0").removesuffix(".")


def show_value(value: Any) -> str:
    """Return a plain value: several options are separated by commas."""
    if isinstance(value, list):
        return ", ".join(show_value(part) for part in value[:LONGEST_CELL])
    if isinstance(value, str):
        return value
    return show(value, longest=LONGEST_CELL)


def cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def csv_response(table: Table, file: str) -> HttpResponse:
    """Return a table as a file.

    `file` is a name of ASCII letters, digits, hyphens and underscores.
    """
    header = [column.title for column in table.columns]
    content = write_rows([header, *(map(_write_cell, row) for row in table.rows)])
    response = HttpResponse(BYTE_ORDER_MARK + content, content_type=CSV)
    response["Content-Disposition"] = f'attachment; filename="{file}_{table.name}.csv"'
    return response


def _write_cell(cell: Any) -> str:
    """Return a cell with an apostrophe before a formula; numbers are none."""
    if cell is None:
        return ""
    if isinstance(cell, int | float | Decimal):
        return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
    return guard(_write_value(cell))


def _write_value(cell: Any) -> str:
    return ", ".join(map(_write_value, cell)) if isinstance(cell, list) else str(cell)
