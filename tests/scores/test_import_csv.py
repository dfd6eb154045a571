"""The CSV of an export is imported like its JSON lines."""

import csv
import gzip
import io
from pathlib import Path

import pytest

from modelhub.labels.models import Label
from modelhub.scores import import_files
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import Caller, entry
from tests.factories import LabelFactory
from tests.scores.files import export, run_import

pytestmark = pytest.mark.django_db

HEADER = "source_type,source_id,label_name,label_type,value,value_json,annotator_email,notes"


@pytest.fixture
def exported(alice: Caller, trace: Source, labels: dict[str, Label]) -> str:
    """Return the CSV of five scores, with texts over several lines."""
    values = {"star": 4, "categorical": "positive", "text": "=1\r\n'\n\",;", "numeric": 7, "thumbs_up_down": "up"}
    scores = [entry(labels[type_], value, notes=f"'=\n{type_}") for type_, value in values.items()]
    assert len(alice.bulk(trace, scores).body["scores"]) == 5
    return export(alice, "?export_format=csv")[0]


def write_text(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "scores.csv"
    file.write_bytes(text.encode(encoding))
    return file


def rewrite(text: str, *, delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL, end: str = "\r\n") -> str:
    """Write CSV again, as another program does."""
    out = io.StringIO()
    rows = csv.reader(io.StringIO(text, newline=""))
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue()


class TestReading:
    def test_it_restores_everything(self, alice: Caller, exported: str, tmp_path: Path) -> None:
        before = export(alice)[0]
        Score.objects.all().delete()
        file = write_text(tmp_path, exported)
        assert run_import(file) == ("5 scores created, 0 changed, 0 unchanged, 0 lines with errors", 0)
        assert export(alice)[0] == before
        assert run_import(file) == ("0 scores created, 0 changed, 5 unchanged, 0 lines with errors", 0)

    def test_a_note_that_was_added_since_is_removed(
        self, alice: Caller, trace: Source, labels: dict[str, Label], tmp_path: Path
    ) -> None:
        alice.bulk(trace, [entry(labels["star"], 4)])
        file = write_text(tmp_path, export(alice, "?export_format=csv")[0])
        alice.bulk(trace, [entry(labels["star"], 4, notes="new")])
        assert run_import(file) == ("0 scores created, 1 changed, 0 unchanged, 0 lines with errors", 0)
        assert Score.objects.get().notes == ""

    def test_other_spellings_of_the_same(self, exported: str, tmp_path: Path) -> None:
        camel = exported.replace("source_type", "sourceType", 1).replace("value_json", "valueJson", 1)
        for text in (
            "\ufeff" + exported,
            "\r\n" + exported + "\r\n",
            rewrite(exported),
            rewrite(exported, end="\n"),
            rewrite(exported, delimiter=";"),
            rewrite(exported, delimiter="\t", quoting=csv.QUOTE_ALL),
            "\ufeff" + rewrite(exported, delimiter=";"),
            camel,
        ):
            assert run_import(write_text(tmp_path, text))[0].startswith("0 scores created, 0 changed, 5 unchanged, 0 ")

    def test_plain_values_suffice(self, alice: Caller, labels: dict[str, Label], tmp_path: Path) -> None:
        rows = [
            "trace,1,Star,star,4,,alice@example.com,",
            "trace,2,Numeric,numeric,7.0,,alice@example.com,'=1",
            "trace,-3,Text,text,4,,alice@example.com,",
            "trace,4,Categorical,categorical,positive,,alice@example.com,",
            'trace,5,Categorical,categorical,"[""positive""]",,alice@example.com,',
            "trace,6,Thumbs_Up_Down,thumbs_up_down,up,,alice@example.com,",
            'trace,7,Text,text,"[""positive""]",,alice@example.com,',
            "trace,8,Text,text,[sic],,alice@example.com,",
            ",,,,,,,",
        ]
        assert run_import(write_text(tmp_path, "\n".join([HEADER, *rows])))[0].startswith("8 scores created")
        found = dict(Score.objects.values_list("source__source_id", "value"))
        assert found == {
            "1": {"rating": 4},
            "2": {"value": 7},
            "-3": {"text": "4"},
            "4": {"selected": ["positive"]},
            "5": {"selected": ["positive"]},
            "6": {"value": "up"},
            "7": {"text": '["positive"]'},
            "8": {"text": "[sic]"},
        }
        assert Score.objects.get(source__source_id="2").notes == "=1"

    @pytest.mark.parametrize("option", ["[1]", "[", '["a", 1]'])
    def test_an_option_that_looks_like_a_list(self, alice: Caller, tmp_path: Path, option: str) -> None:
        options = {"options": [option, "other"]}
        label = LabelFactory.create(organization=alice.user.organization, type="categorical", settings=options)
        out = io.StringIO()
        row = ["trace", "1", label.name, "categorical", option, "", "alice@example.com", ""]
        csv.writer(out).writerows([HEADER.split(","), row])
        assert run_import(write_text(tmp_path, out.getvalue()))[1] == 0
        assert Score.objects.get().value == {"selected": [option]}

    def test_a_number_that_a_spreadsheet_wrote_again(
        self, alice: Caller, labels: dict[str, Label], tmp_path: Path
    ) -> None:
        row = 'trace,1,Numeric,numeric,7,"{""value"":7.0}",alice@example.com,'
        assert run_import(write_text(tmp_path, f"{HEADER}\n{row}\n"))[1] == 0

    @pytest.mark.parametrize("label_type", ["star", "", "Star"])
    @pytest.mark.parametrize("value_json", ['"{""rating"":4}"', "4"])
    def test_a_corrected_value_is_never_lost(
        self, alice: Caller, labels: dict[str, Label], tmp_path: Path, label_type: str, value_json: str
    ) -> None:
        header = HEADER.replace("label_name", "label_id")
        for value, status in (("5", 1), ("4", 0)):
            row = f"trace,1,{labels['star'].pk},{label_type},{value},{value_json},alice@example.com,"
            assert run_import(write_text(tmp_path, f"{header}\n{row}\n"))[1] == status
        assert Score.objects.get().value == {"rating": 4}

    def test_a_source_id_is_taken_as_it_is(self, labels: dict[str, Label], alice: Caller, tmp_path: Path) -> None:
        rows = [f"trace,{name},Star,star,4,,alice@example.com," for name in ("'=1", "=1", "''")]
        assert run_import(write_text(tmp_path, "\n".join([HEADER, *rows])))[1] == 0
        assert set(Source.objects.values_list("source_id", flat=True)) == {"'=1", "=1", "''"}


class TestErrors:
    """A wrong line costs itself, and its number is the one of its first line in the file."""

    def test_each_wrong_line(
        self, alice: Caller, labels: dict[str, Label], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rows = [
            'trace,1,Star,star,4,,alice@example.com,"two\nlines"',
            "trace,2,Star,star,4",
            "trace,3,Star,star,x,,alice@example.com,",
            "trace,4,Star,star,4,nothing,alice@example.com,",
            'trace,5,Star,star,5,"{""rating"":4}",alice@example.com,',
            "trace,6,Star,star,,,alice@example.com,",
            "trace,7,Star,star,9,,alice@example.com,\udcff",
            "trace,8,Star,star,4,,,",
            "trace,9,Star,star,4,,alice@example.com,",
        ]
        file = tmp_path / "scores.csv"
        file.write_bytes("\n".join([HEADER, *rows]).encode("utf-8", "surrogateescape"))
        assert run_import(file) == ("2 scores created, 0 changed, 0 unchanged, 7 lines with errors", 1)
        assert capsys.readouterr().err.splitlines() == [
            "line 4: A line must have 8 cells, as many as the header, got 5",
            'line 5: value must be JSON, got "x"',
            'line 6: value_json must be JSON, got "nothing"',
            'line 7: value and value_json must say the same, got "5" and {"rating":4}',
            "line 8: value must be given",
            "line 9: The line is not UTF-8",
            "line 10: annotator_email or annotator must be given; --annotator names one for all such lines",
        ]

    @pytest.mark.parametrize("rest", ['trace,2,"Star\n', 'trace,2,"Star"x,star\n', "trace,2\rtrace\n"])
    def test_after_a_broken_quote_nothing_is_read(
        self, alice: Caller, labels: dict[str, Label], tmp_path: Path, capsys: pytest.CaptureFixture[str], rest: str
    ) -> None:
        good = "trace,1,Star,star,4,,alice@example.com,\n"
        text = f"{HEADER}\n{good}{rest}{good.replace(',1,', ',3,')}"
        assert run_import(write_text(tmp_path, text))[0].startswith("1 score created, 0 changed, 0 unchanged, 1 line ")
        assert capsys.readouterr().err.startswith("line 3: The CSV cannot be read from this line on: ")

    def test_an_open_quote_does_not_read_the_file_into_memory(
        self, alice: Caller, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lines = import_files.Lines(io.BytesIO(f'{HEADER}\n"trace{("x,y" * 10_000 + chr(10)) * 100}'.encode()))
        [record] = import_files.read_records(lines)
        assert f"field larger than field limit ({lines.longest})" in str(record.fields)
        assert lines.number < 70

    @pytest.mark.parametrize(
        ("header", "column"),
        [
            ("source_type,source_id,source_type", "source_type"),
            ("source_type;source_id;sourceId", "source_id"),
            (f"{HEADER},x,x", "x"),
            (f"{HEADER},,", ""),
        ],
    )
    def test_a_repeated_column_is_one_error(
        self, alice: Caller, tmp_path: Path, capsys: pytest.CaptureFixture[str], header: str, column: str
    ) -> None:
        assert run_import(write_text(tmp_path, f"\n{header}\n1,2\n3,4\n"))[0].endswith(" 1 line with errors")
        sentence = f'The header of CSV must have each column once, got "{column}" twice'
        assert capsys.readouterr().err == f"line 2: {sentence}\n"

    @pytest.mark.parametrize("header", ["id,value", "{}"])
    def test_a_first_line_that_is_no_header(self, alice: Caller, tmp_path: Path, header: str) -> None:
        assert run_import(write_text(tmp_path, f"{header}\n1,2\n"))[0].endswith("2 lines with errors")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("\ufeffa\nb\n".encode("utf-16-le"), "UTF-16"),
        ("\ufeffa\nb\n".encode("utf-16-be"), "UTF-16"),
        (gzip.compress(b"a\nb\n", mtime=0), "gzip"),
        (b"PK\x03\x04\n\n", "a zip file or a workbook"),
    ],
)
def test_another_kind_of_file_is_one_error(
    alice: Caller, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, kind: str
) -> None:
    file = tmp_path / "scores.csv"
    file.write_bytes(content)
    assert run_import(file)[0].endswith(" 1 line with errors")
    assert capsys.readouterr().err == f"line 1: The file must be JSON lines or CSV in UTF-8, got {kind}\n"


def test_lines_that_are_too_long_are_errors_and_not_in_memory(
    alice: Caller, exported: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    longest = import_files.Lines(io.BytesIO()).longest
    text = export(alice)[0]
    file = write_text(tmp_path, '{"notes": "' + "x" * 2 * longest + '"}\n' + text)
    assert run_import(file)[0].startswith("0 scores created, 0 changed, 5 unchanged, 1 ")
    assert capsys.readouterr().err.startswith("line 1: The line is not valid JSON at character 11: Unterminated string")
    lines = import_files.Lines(io.BytesIO(file.read_bytes()))
    assert max(len(line) for line in lines) == longest
    assert (lines.number, lines.size) == (6, file.stat().st_size)
