"""Lines of the report for requests with and without an answer."""

import pytest

from pytest_modelhub.organization import RecordedRequest
from pytest_modelhub.report import show


@pytest.mark.parametrize(
    ("status", "ms", "fault", "line"),
    [
        (201, 12.34, None, "POST /path -> 201  12 ms"),
        (None, 12.34, "0199", "POST /path -> dropped  12 ms  fault 0199"),
        (None, None, "0199", "POST /path -> not answered yet  fault 0199"),
    ],
)
def test_a_request_is_a_line(status: int | None, ms: float | None, fault: str | None, line: str) -> None:
    request = RecordedRequest("2026-01-31T12:00:00Z", "POST", "/path", {}, None, status, None, ms, fault)
    assert show(request) == line
