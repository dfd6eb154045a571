"""Guards of CSV cells: harmless in a spreadsheet, and exact."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelhub.core.csv_cells import DANGEROUS, guard, unguard, write_rows

texts = st.text(st.sampled_from([*DANGEROUS, "'", "a", "1"]), max_size=5) | st.text(max_size=5)


@given(texts)
@example("'=1")
@example("''")
def test_a_guard_is_harmless_and_exact(text: str) -> None:
    guarded = guard(text)
    assert not guarded.startswith(DANGEROUS)
    assert unguard(guarded) == text


@pytest.mark.parametrize("text", ["", "'", "'quoted'", "don't = worry", "4", "née"])
def test_harmless_texts_have_no_guard(text: str) -> None:
    assert guard(text) == text


@given(st.lists(st.lists(texts, min_size=1), min_size=1))
def test_rows_are_read_as_they_were_written(rows: list[list[str]]) -> None:
    text = write_rows([[guard(cell) for cell in row] for row in rows]).decode()
    read = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert [[unguard(cell) for cell in row] for row in read] == rows
