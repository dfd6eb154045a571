"""Text about requests and faults, for reports and warnings about a test."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from pytest_modelhub.errors import ModelhubError
from pytest_modelhub.organization import Fault, Modelhub, RecordedRequest
from pytest_modelhub.processes import Run

LINES = 10
SENT_LENGTH = 300
# The last reason of an error stands at its end.
ANSWER_LENGTH = 2000
HIDDEN_HEADERS = {"Accept", "Authorization", "User-Agent", "X-Api-Key", "X-Request-Id", "X-Secret-Key"}


def sections(organization: Modelhub, run: Run) -> Iterator[tuple[str, str]]:
    """Yield title and text of each section about the organization of a failed test."""
    try:
        requests = organization.requests
        unused = organization.faults.unused()
    except ModelhubError as error:
        yield "modelhub", str(error)
        return
    yield "modelhub: last requests, newest first", show_requests(requests) or "none"
    if unused:
        yield "modelhub: faults that met no request", "\n".join(map(show_fault, unused))
    if lines := run.log_lines(failed_ids(requests)):
        yield "modelhub: log of the errors inside the server", "\n".join(lines)


def show_requests(requests: list[RecordedRequest]) -> str:
    """Return the last requests, and equal ones in a row once."""
    shown = []
    for _, group in groupby(requests, key=comparable):
        newest, *others = group
        first, *more = show(newest)
        shown.append("\n".join([f"{first}  ({len(others) + 1} times)" if others else first, *more]))
    return "\n".join(shown[:LINES])


def show(request: RecordedRequest) -> list[str]:
    """Return a line for a request, one per interesting header, and one per body."""
    fault = f"  fault {request.fault}" if request.fault else ""
    lines = [f"{request.method} {request.path} -> {outcome(request)}{fault}"]
    lines += [f"    {name}: {value}" for name, value in interesting_headers(request).items()]
    answer = request.response_body
    if isinstance(answer, dict) and answer.get("message") == answer.get("detail"):
        answer = without(answer, "message")
    for name, body, length in (("sent", request.request_body, SENT_LENGTH), ("answer", answer, ANSWER_LENGTH)):
        if body not in (None, ""):
            lines.append(f"    {name}: {shorten(body, length)}")
    return [escape(line) for line in lines]


def show_fault(fault: Fault) -> str:
    return f"{json.dumps(fault.then)} for {json.dumps(fault.match) if fault.match else 'any request'}"


def show_paths(requests: list[RecordedRequest]) -> str:
    """Return methods and paths of the last requests, each once."""
    paths = dict.fromkeys(f"{one.method} {one.path.partition('?')[0]}" for one in requests)
    return ", ".join([*paths][:LINES]) or "none"


def outcome(request: RecordedRequest) -> str:
    if request.ms is None:
        return "not answered yet"
    return f"{'dropped' if request.status is None else request.status}  {request.ms:.0f} ms"


def comparable(request: RecordedRequest) -> tuple[object, ...]:
    """Return the members in which repeated requests are equal."""
    sent = request.method, request.path, interesting_headers(request), request.request_body
    is_answered = request.ms is not None
    return *sent, request.status, is_answered, without(request.response_body, "request_id"), request.fault


def interesting_headers(request: RecordedRequest) -> dict[str, str]:
    return {
        name: value
        for name, value in request.headers.items()
        if name not in HIDDEN_HEADERS and (name, value) != ("Content-Type", "application/json")
    }


def failed_ids(requests: list[RecordedRequest]) -> set[str]:
    """Return the ids of requests with a 5xx that no fault caused."""
    return {
        one.response_body["request_id"]
        for one in requests
        if one.status and one.status >= 500 and one.fault is None and "request_id" in (one.response_body or ())
    }


def without(body: Any, name: str) -> Any:
    return {key: value for key, value in body.items() if key != name} if isinstance(body, dict) else body


def escape(line: str) -> str:
    """Return the line without characters that change a terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)


def shorten(body: object, length: int) -> str:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return text if len(text) <= length else f"{text[:length]}... ({len(text)} characters)"
