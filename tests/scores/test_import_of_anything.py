"""Any file is imported without an exception, and each of its lines is counted once."""

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from modelhub.core import exact_json
from modelhub.labels.models import Label
from modelhub.scores.cells import CSV_COLUMNS
from modelhub.scores.import_files import ROW_FIELDS
from modelhub.scores.models import Score, ScoreRevision
from modelhub.sources.models import Source
from tests.client import Caller
from tests.labels.types.strategies import json_values
from tests.repeats import examples
from tests.scores.files import run_import

pytestmark = [pytest.mark.django_db, pytest.mark.faults]

IDS = [str(uuid.UUID(int=number)) for number in range(4)]
some = st.sampled_from
VALUES: dict[str, list[Any]] = {
    "Star": [1, {"rating": 3}, {"rating": 9}],
    "TEXT": ["x", {"text": "y", "more": [None]}],
    "numeric": [7, {"value": 7.5}],
    "Categorical": ["positive", ["neutral", "positive"]],
}
OPTIONAL = {
    "id": some(IDS),
    "score_source": some(["human", None]),
    "notes": some(["", "n", None]),
    "annotator_id": some(IDS[:2]),
    "updated_by_email": some(["alice@example.com", "newest@example.com", None]),
    "created_at": some(["2026-01-01T00:00:00Z", None]),
    "updated_at": some(["2026-01-02T00:00:00+02:00", None]),
}


@st.composite
def near_lines(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a line that can be imported, perhaps with some fields of another kind."""
    name = draw(some(list(VALUES)))
    line = {
        "source_type": draw(some(["span", "observation_span"])),
        "source_id": draw(some([IDS[0], IDS[0].replace("-", "")])),
        "label_name": name,
        "value": draw(some(VALUES[name])),
        "annotator_email": draw(some(["alice@example.com", "new@example.com"])),
    }
    line |= draw(st.fixed_dictionaries({}, optional=OPTIONAL))
    return line | draw(st.just({}) | st.dictionaries(some(ROW_FIELDS), json_values, max_size=1))


lines = near_lines() | near_lines() | near_lines() | st.dictionaries(st.text(), json_values, max_size=3) | json_values
cells = some(["", "trace", "a", "Star", "star", "4", '{"rating":4}', "alice@example.com", "'=1", '"']) | st.text(
    max_size=6
)


@st.composite
def json_files(draw: st.DrawFn) -> bytes:
    """Draw lines that nearly are scores, any JSON, and any bytes."""
    written = []
    for line in draw(st.lists(lines | st.binary(max_size=9), max_size=8)):
        if isinstance(line, bytes):
            written.append(line.replace(b"\n", b""))
        else:
            written.append(exact_json.encode(line).replace(b"NaN", b"null"))
    return b"\n".join(written)


@st.composite
def csv_files(draw: st.DrawFn) -> bytes:
    columns = draw(st.lists(some(CSV_COLUMNS), unique=True, max_size=12))
    rows = draw(st.lists(st.lists(cells, min_size=len(columns), max_size=len(columns) + 2), max_size=6))
    text = "\n".join(",".join(row) for row in [["source_type", "source_id", *columns], *rows])
    return text.encode("utf-8", "surrogatepass")


@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    content=json_files() | csv_files(),
    arguments=st.lists(some(["--create-annotators", "--force", "--annotator=alice@example.com"]), unique=True),
)
def test_any_file(
    alice: Caller, labels: dict[str, Label], tmp_path: Path, content: bytes, arguments: list[str]
) -> None:
    for model in (ScoreRevision, Score, Source):
        model.objects.all().delete()
    file = tmp_path / "scores"
    file.write_bytes(content)
    numbers: list[list[int]] = []
    for _ in range(2):
        text, status = run_import(file, *arguments)
        numbers.append(
            [
                int(digits)
                for digits in re.findall(r"^(\d+)|, (\d+)", text.splitlines()[0])
                for digits in digits
                if digits
            ]
        )
        assert status == bool(numbers[-1][-1])
    (created, changed, unchanged, failed), second = numbers
    event(f"{created} created")
    assert second == [0, 0, created + changed + unchanged, failed]
    before = list(Score.objects.order_by("id").values())
    run_import(file, *arguments)
    assert list(Score.objects.order_by("id").values()) == before
