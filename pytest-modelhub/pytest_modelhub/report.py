"""The last requests of an organization, for the report of a failed test."""

import json
from http.client import HTTPException

from pytest_modelhub.errors import ModelhubError
from pytest_modelhub.organization import Modelhub, RecordedRequest

REQUESTS = 10
BODY_LENGTH = 300


def last_requests(organization: Modelhub) -> str:
    """Return the last requests as text, else the reason why they cannot be read."""
    try:
        requests = organization.recorded_requests(REQUESTS)
    except (ModelhubError, OSError, HTTPException) as error:
        return str(error)
    return "\n".join(map(show, requests)) or "none"


def show(request: RecordedRequest) -> str:
    """Return a line for a request, and one for each body."""
    fault = f"  fault {request.fault}" if request.fault else ""
    lines = [f"{request.method} {request.path} -> {outcome(request)}{fault}"]
    for name, body in (("sent", request.request_body), ("answer", request.response_body)):
        if body not in (None, ""):
            lines.append(f"    {name}: {shorten(body)}")
    return "\n".join(lines)


def outcome(request: RecordedRequest) -> str:
    if request.ms is None:
        return "not answered yet"
    return f"{'dropped' if request.status is None else request.status}  {request.ms:.0f} ms"


def shorten(body: object) -> str:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return text if len(text) <= BODY_LENGTH else f"{text[:BODY_LENGTH]}... ({len(text)} characters)"
