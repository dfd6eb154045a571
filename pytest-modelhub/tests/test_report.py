"""The report of a failed test has the organization's requests and the log of errors."""

from dataclasses import replace
from typing import Any

import pytest

from pytest_modelhub import Modelhub, RecordedRequest
from pytest_modelhub.processes import Run
from pytest_modelhub.report import sections, show, show_requests

REQUEST = RecordedRequest("2026-01-31T12:00:00Z", "POST", "/path", {}, None, 201, None, 12.34, None)
SENTENCE = "The database is not answering."


def problem(**members: str) -> dict[str, Any]:
    return {"detail": SENTENCE, "message": SENTENCE, "request_id": "id"} | members


@pytest.mark.parametrize(
    ("status", "ms", "fault", "line"),
    [
        (201, 12.34, None, "POST /path -> 201  12 ms"),
        (None, 12.34, "0199", "POST /path -> dropped  12 ms  fault 0199"),
        (None, None, "0199", "POST /path -> not answered yet  fault 0199"),
    ],
)
def test_a_request_is_a_line(status: int | None, ms: float | None, fault: str | None, line: str) -> None:
    assert show(replace(REQUEST, status=status, ms=ms, fault=fault)) == [line]


def test_characters_that_change_a_terminal_are_escaped() -> None:
    request = replace(REQUEST, path="/\x9b", request_body="\x1b[31m\0é\ud800\n")
    assert show(request) == ["POST /\\x9b -> 201  12 ms", r"    sent: \x1b[31m\x00é\ud800\n"]


def test_headers_that_differ_between_requests_are_shown() -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "x", "X-Secret-Key": "***", "X-Request-Id": "1"}
    assert show(replace(REQUEST, headers=headers)) == ["POST /path -> 201  12 ms"]

    headers = {"Content-Type": "text/csv", "Idempotency-Key": "key-1", "Prefer": "code=429"}
    assert show(replace(REQUEST, headers=headers))[1:] == [
        "    Content-Type: text/csv",
        "    Idempotency-Key: key-1",
        "    Prefer: code=429",
    ]


def test_a_message_that_repeats_the_detail_is_left_out() -> None:
    shown = show(replace(REQUEST, response_body=problem()))
    assert shown[1:] == [f'    answer: {{"detail": "{SENTENCE}", "request_id": "id"}}']
    shown = show(replace(REQUEST, response_body=problem(message="Another.")))
    assert '"message": "Another."' in shown[1]


def test_the_last_reason_of_a_long_error_is_shown() -> None:
    errors = [f"scores[{index}]: rating must be a whole number from 1 to 5, got 9" for index in range(25)]
    assert errors[-1] in show(replace(REQUEST, response_body={"errors": errors}))[1]
    assert show(replace(REQUEST, response_body="x" * 2001))[1] == f"    answer: {'x' * 2000}... (2001 characters)"


def test_equal_requests_in_a_row_are_one_line() -> None:
    retry = replace(REQUEST, status=503, response_body=problem())
    retries = [replace(retry, ms=float(number), response_body=problem(request_id=str(number))) for number in range(9)]
    other_key = replace(retry, headers={"Idempotency-Key": "other"})

    shown = show_requests([REQUEST, *retries, other_key, retry]).splitlines()
    assert [line for line in shown if line.startswith("POST")] == [
        "POST /path -> 201  12 ms",
        "POST /path -> 503  0 ms  (9 times)",
        "POST /path -> 503  12 ms",
        "POST /path -> 503  12 ms",
    ]


def test_an_error_inside_the_server_shows_its_log(
    organization: Modelhub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization.request("GET", "/model-hub/scores/", headers={"Prefer": "code=500"})
    [failed] = organization.requests
    assert [title for title, _ in sections(organization, run)] == ["modelhub: last requests, newest first"]

    # The server has no other way to fail that a test can choose.
    monkeypatch.setattr(Modelhub, "recorded_requests", lambda self: [replace(failed, fault=None)])
    title, log = [*sections(organization, run)][-1]
    assert title == "modelhub: log of the errors inside the server"
    assert "RuntimeError" in log
    assert all(failed.response_body["request_id"] in line for line in log.splitlines())
