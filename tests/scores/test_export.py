"""Export of scores: JSON lines for programs, CSV for spreadsheets."""

from typing import Any

import pytest
from django.db import connection

from modelhub.core import exact_json
from modelhub.labels.models import Label
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import Caller, entry
from tests.factories import LabelFactory, SourceFactory
from tests.scores.files import EXPORT, export, lines_of, rows_of

pytestmark = pytest.mark.django_db

LINE_ENDS = "\u2028\u2029\u0085\v\f\x1c\x1d\x1e\r\n"


def test_no_text_breaks_a_line(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    """`str.splitlines` breaks at ten characters, and some JSON writers escape only those of ASCII."""
    alice.bulk(trace, [entry(labels["text"], LINE_ENDS, notes=LINE_ENDS), entry(labels["star"], 4)])
    text, headers = export(alice)

    assert headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    assert text.count("\n") == len(text.splitlines()) == 2
    exported = {line["label_type"]: line for line in lines_of(text)}
    assert (exported["text"]["value"], exported["text"]["notes"]) == ({"text": LINE_ENDS}, LINE_ENDS)


class TestCsv:
    """For spreadsheets."""

    def test_utf8_with_a_charset_scalars_and_the_whole_value(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        alice.bulk(
            trace,
            [
                entry(labels["star"], {"rating": 4, "x": 1}, notes="Ünï"),
                entry(labels["categorical"], "positive"),
                entry(labels["numeric"], 7),
            ],
        )
        text, headers = export(alice, "?export_format=csv")
        rows = rows_of(text)

        assert headers["Content-Type"] == "text/csv; charset=utf-8"
        assert headers["Content-Disposition"] == 'attachment; filename="scores.csv"'
        assert {row["label_type"]: row["value"] for row in rows} == {
            "star": "4",
            "categorical": "positive",
            "numeric": "7",
        }
        assert {row["label_type"]: row["notes"] for row in rows}["star"] == "Ünï"
        assert {row["label_type"]: exact_json.loads(row["value_json"]) for row in rows}["star"] == {"rating": 4, "x": 1}

    @pytest.mark.parametrize(
        "text",
        ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20A1", "'=1"],
    )
    def test_cells_that_a_spreadsheet_would_execute_are_harmless(
        self, alice: Caller, trace: Source, labels: dict[str, Label], text: str
    ) -> None:
        alice.bulk(trace, [entry(labels["text"], text, notes=text)])
        [row] = rows_of(export(alice, "?export_format=csv")[0])
        assert (row["value"], row["notes"]) == (f"'{text}", f"'{text}")

    def test_ids_are_never_guarded(self, alice: Caller, labels: dict[str, Label]) -> None:
        """Their apostrophe would be part of the id for every other tool."""
        names = ["-abc", "=1", "+49", "@x", "\uff1d1", "'-abc"]
        for name in names:
            source = SourceFactory.create(organization=alice.user.organization, source_id=name)
            alice.bulk(source, [entry(labels["star"], 4)])
        exported = rows_of(export(alice, "?export_format=csv")[0])
        assert [row["source_id"] for row in exported] == names

    def test_every_cell_is_quoted(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        alice.bulk(trace, [entry(labels["star"], 4, notes='say "x"')])
        header, row = export(alice, "?export_format=csv")[0].rstrip("\r\n").split("\r\n")
        for line in (header, row):
            assert line.startswith('"')
            assert line.endswith('"')
            assert line.count('","') == len(header.split(",")) - 1
        assert '"say ""x""",' in row

    def test_a_byte_order_mark_on_request(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        alice.bulk(trace, [entry(labels["star"], 4)])
        plain = export(alice, "?export_format=csv")[0]
        for query in ("?export_format=csv&bom=true", "?bom=1&export_format=csv"):
            assert export(alice, query)[0] == "\ufeff" + plain
        assert export(alice, "?export_format=csv&bom=false")[0] == plain

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("?export_format=csv&bom=yes", 'bom must be true, false, 1 or 0, got "yes"'),
            ("?bom=true", "bom must be false unless export_format is csv, got true"),
        ],
    )
    def test_a_byte_order_mark_that_cannot_be(self, alice: Caller, query: str, sentence: str) -> None:
        answer = alice.get(EXPORT + query)
        assert (answer.status, answer.body["detail"]) == (400, sentence)

    def test_a_format_that_is_none(self, alice: Caller) -> None:
        answer = alice.get(EXPORT + "?export_format=xml")
        assert (answer.status, answer.body["detail"]) == (400, 'export_format must be one of jsonl, csv, got "xml"')


def test_the_export_takes_the_filters_and_stays_in_its_organization(
    alice: Caller, charlie: Caller, trace: Source, labels: dict[str, Label]
) -> None:
    alice.bulk(trace, [entry(labels["star"], 4), entry(labels["text"], "x")])
    assert [line["label_type"] for line in lines_of(export(alice, "?label_type=text")[0])] == ["text"]
    assert export(charlie)[0] == ""


def test_the_export_reads_in_pieces(alice: Caller, trace: Source, django_assert_num_queries: Any) -> None:
    """Two batches of at most 1,000 and an empty one, each in a savepoint here, else in a transaction."""
    labels = LabelFactory.create_batch(1001, organization=alice.user.organization)
    Score.objects.bulk_create(
        [
            Score(source=trace, label=label, annotator=alice.user, organization=trace.organization, value={"rating": 1})
            for label in labels
        ]
    )
    alice.get("/model-hub/sources/")
    # Without cursors (PgBouncer), 21 batches of 50 rows.
    batches = 22 if connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] else 3
    with django_assert_num_queries(1 + 3 * batches):
        assert len(export(alice)[0].splitlines()) == 1001
