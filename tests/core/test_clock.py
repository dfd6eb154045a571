"""Times and ids come from one place each, which test controls can replace."""

import re
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

import modelhub
from modelhub.core import clock, ids

PACKAGE = Path(modelhub.__file__).parent
# Migrations have shipped, and test controls replace the sources.
ELSEWHERE = {"core/clock.py", "core/ids.py"}


def test_times_and_ids_come_from_sources_that_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    moment, id_ = datetime(2030, 1, 2, tzinfo=UTC), uuid.UUID("01a21b80-0664-7531-8ff6-4c6646ecee75")
    monkeypatch.setattr(clock, "source", lambda: moment)
    monkeypatch.setattr(ids, "source", lambda: id_)
    monkeypatch.setattr(ids, "request_source", lambda: uuid.UUID(int=id_.int + 1))

    assert clock.now() == moment
    assert (ids.new_id(), ids.new_id_text()) == (id_, str(id_))
    assert ids.new_request_id() == str(uuid.UUID(int=id_.int + 1))


def test_no_other_code_reads_the_time_or_makes_ids() -> None:
    direct = re.compile(r"timezone\.now|datetime\.(utc)?now|\buuid[147]\(|uuid_utils")
    found = [
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in {"migrations", "testing"}
        and str(path.relative_to(PACKAGE)) not in ELSEWHERE
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if direct.search(line)
    ]
    assert not found


def test_sql_reads_the_time_by_two_functions_which_test_controls_replace() -> None:
    others = re.compile(
        r"\b(now|transaction_timestamp|timeofday)\(|current_(date|time|timestamp)|localtime", re.IGNORECASE
    )
    found = [str(path) for path in PACKAGE.rglob("*.sql") if others.search(path.read_text())]
    assert not found
