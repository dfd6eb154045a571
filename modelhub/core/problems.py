"""The one shape of every error answer: an RFC 9457 problem that also carries `message`, which the clients read."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog

from modelhub.core import metrics

CONTENT_TYPE = "application/problem+json"


def problem(status: int, sentence: str, *, code: str, fields: Mapping[str, list[str]] | None = None) -> dict[str, Any]:
    """The body of an error answer, which is counted; `errors` holds the sentences by field where there are any."""
    metrics.count_problem(code)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": sentence,
        "message": sentence,
        "code": code,
    }
    if fields:
        body["errors"] = fields
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        body["request_id"] = request_id
    return body
