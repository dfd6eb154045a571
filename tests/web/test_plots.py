"""Plots, bins and files of results."""

import itertools
from decimal import Decimal

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from modelhub.web import plots
from modelhub.web.distributions import bin_numbers
from modelhub.web.plots import Bar, Estimate, draw_bars, draw_days, draw_estimates, plot_name
from modelhub.web.tables import Column, Table, csv_response, show_cell


def test_the_longest_bar_has_the_whole_width() -> None:
    plot = draw_bars("Values", "values", [Bar("a", 4, "4"), Bar("b", 1, "1"), Bar("c", 0, "0")])
    assert [(bar.name, bar.width) for bar in plot.bars] == [("a", "100.00"), ("b", "25.00"), ("c", "0.00")]
    assert draw_bars("Shares", "shares", [Bar("a", 0.5, "50 %")], most=1).bars[0].width == "50.00"


def test_a_plot_has_thirty_bars_at_most() -> None:
    plot = draw_bars("Values", "values", [Bar(str(at), at, str(at)) for at in range(5000)])
    assert len(plot.bars) == plots.MOST_BARS == 30
    assert plot.height == 30 * plots.ROW


def test_a_plot_of_nothing_is_drawn() -> None:
    assert draw_bars("Values", "values", [Bar("a", 0, "0")]).bars[0].width == "0.00"
    assert draw_days("Days", "days", []).columns == []
    assert draw_estimates("Alpha", "alpha", [], ()) is None


def test_days_without_items_have_a_place() -> None:
    plot = draw_days("Days", "days", [("2026-02-27", 4), ("2026-03-02", 2)])
    assert [column.title for column in plot.columns] == [
        "2026-02-27: 4",
        "2026-02-28: 0",
        "2026-03-01: 0",
        "2026-03-02: 2",
    ]
    assert [column.height for column in plot.columns] == ["100.00", "0.00", "0.00", "50.00"]
    assert (plot.first, plot.last, plot.most) == ("2026-02-27", "2026-03-02", "4")


def test_many_days_are_months() -> None:
    plot = draw_days("Days", "days", [("2025-01-01", 1), ("2025-01-31", 2), ("2026-03-02", 5)])
    assert [column.title for column in plot.columns] == ["2025-01: 3", "2026-03: 5"]


def test_one_day_has_one_date() -> None:
    assert draw_days("Days", "days", [("2026-02-27", 4)]).last == ""


def test_an_estimate_has_its_place_between_0_and_1_or_from_minus_1() -> None:
    plot = draw_estimates("Alpha", "alpha", [Estimate("a", 0.5, 0.25, 0.75)], (0.667, 0.8))
    assert plot is not None
    [one] = plot.estimates
    assert (one.value, one.low, one.width, one.text) == ("50.00", "25.00", "50.00", "0.500 (0.250 to 0.750)")
    assert [(limit.x, limit.text) for limit in plot.limits] == [("66.70", "0.667"), ("80.00", "0.800")]
    plot = draw_estimates("Alpha", "alpha", [Estimate("a", 0.5, 0.25, 0.75), Estimate("b", -0.5)], (0.8,))
    assert plot is not None
    assert [one.value for one in plot.estimates] == ["66.67", "0.00"]
    assert plot.estimates[1].text == "\u22120.500"
    assert (plot.lowest, plot.highest) == ("\u22120.5", "1")
    plot = draw_estimates("Difference", "judges", [Estimate("a", -0.1, -0.3, 0.2)], (0,), signed=True)
    assert plot is not None
    assert (plot.lowest, plot.highest, plot.estimates[0].value) == ("\u22120.5", "0.5", "40.00")
    assert plot.limits[0] == ("0", "50.00", "end")
    plot = draw_estimates("Difference", "judges", [Estimate("a", 0)], (0,), signed=True)
    assert plot is not None
    assert plot.estimates[0].value == "50.00"


def test_a_name_in_a_plot_is_one_short_line_that_reorders_nothing() -> None:
    assert plot_name("a\u202eb\u2067c\u2069\n d\u200f") == "abc d"
    assert len(plot_name("x" * 1000)) == plots.LONGEST_NAME + 1
    html = render_to_string("web/plot_bars.html", {"plot": draw_bars("<b>", "values", [Bar("<svg onload=x>", 1, "1")])})
    assert "&lt;svg onload=x&gt;" in html
    assert '<title id="plot-values">&lt;b&gt;</title>' in html
    assert 'role="img" aria-labelledby="plot-values"' in html
    assert "style=" not in html


def spell(numbers: list[str]) -> list[tuple[str, int]]:
    return bin_numbers([(Decimal(number), 1) for number in numbers])


def test_few_numbers_stand_by_themselves() -> None:
    assert spell(["0", "0.50", "1E+2"]) == [("0", 1), ("0.5", 1), ("100", 1)]


@pytest.mark.parametrize(
    ("numbers", "first", "last"),
    [
        (range(100), ("0 to < 10", 10), ("90 to < 100", 10)),
        (range(101), ("0 to < 10", 10), ("100 to < 110", 1)),
        (range(5, 45), ("5 to < 10", 5), ("40 to < 45", 5)),
        ([at / 100 for at in range(25)], ("0 to < 0.05", 5), ("0.2 to < 0.25", 5)),
    ],
)
def test_many_numbers_are_in_bins(numbers: list[float], first: tuple[str, int], last: tuple[str, int]) -> None:
    found = spell([str(number) for number in numbers])
    assert (found[0], found[-1]) == (first, last)


def test_numbers_that_differ_in_late_digits_have_no_bins() -> None:
    found = spell([f"1{'0' * 40}{at:02}" for at in range(30)])
    assert len(found) == 30
    assert all(len(name) < 30 for name, _ in found)
    assert len(spell([f"1E{at * 4000}" for at in range(30)])) == 30


@given(st.sets(st.integers(0, 10**12), min_size=21, max_size=60))
def test_bins_hold_every_number_once(numbers: set[int]) -> None:
    found = bin_numbers([(Decimal(number).scaleb(-3), 2) for number in sorted(numbers)])
    assert sum(count for _, count in found) == 2 * len(numbers)
    assert len(found) <= 12
    for (name, _), (following, _) in itertools.pairwise(found):
        assert name.split(" < ")[1] == following.split(" to ")[0]


def test_cells_are_in_words_on_the_page_and_exact_in_the_file() -> None:
    assert [show_cell(None), show_cell(1234567, "count"), show_cell(0.12345, "share"), show_cell(-0.5, "figure")] == [
        "\u2013",
        "1,234,567",
        "12.3 %",
        "\u22120.500",
    ]
    assert show_cell(["a", "b"]) == "a, b"
    assert show_cell(Decimal("1E+131071"), "figure").endswith("e+131071")
    assert len(show_cell("x" * 1000)) == 201
    rows = [("=1+1", -0.25, None, Decimal("-1.50")), (["+a", "b"], 3, "plain", 0)]
    columns = (Column("A"), Column("B", "figure"), Column("C"), Column("D", "figure"))
    answer = csv_response(Table("days", "Days", columns, rows), "queue_1")
    assert answer.content.decode() == (
        '\ufeff"A","B","C","D"\r\n"\'=1+1","-0.25","","-1.50"\r\n"\'+a, b","3","plain","0"\r\n'
    )
    assert answer["Content-Disposition"] == 'attachment; filename="queue_1_days.csv"'


def test_a_table_shows_thirty_rows_and_counts_the_others() -> None:
    table = Table("days", "Days", (Column("Day"),), [(str(at),) for at in range(45)])
    assert (len(table.shown), table.more) == (30, 15)
