"""Error answers: RFC 9457 problems with an additional `message` (contract 0.8).

`handle_exception` is DRF's exception handler; `bad_request` to `server_error` are Django's handler400 to handler500.
Outside of DRF, browsers get a page instead.
"""

import functools
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import BadRequest, DisallowedHost, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import is_valid_path
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.response import Response

from modelhub.core import exact_json, metrics
from modelhub.core.errors import Refused, Unavailable
from modelhub.core.text import show
from modelhub.core.transactions import sqlstate

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
# SQLSTATEs that psycopg raises as InternalError: a write on a standby; an internal error of PostgreSQL, as when a
# restore replaces a function that a statement is about to call.
UNUSABLE = {"25006", "XX000"}
UNAVAILABLE = "The database is not answering. Nothing is known to be wrong with the request; try it again."
METHOD_NOT_ALLOWED = "Method {} is not allowed here."
WRONG_HOST = (
    "The request was refused before it was read (is its Host header allowed? MODELHUB_ALLOWED_HOSTS names the hosts)."
)
UNDERSCORE = (
    "The request was refused before it was read: its Host header has an underscore, which no name of a host may have "
    "(RFC 1034). Give the service a name without one."
)
# Longer than each path of the API with its ids.
LONGEST_PATH = 200
NOT_JSON = "The body must be JSON, not compressed, sent with Content-Type: application/json."


def problem(status: int, sentence: str, *, code: str, fields: Mapping[str, list[str]] | None = None) -> dict[str, Any]:
    """Return the body of an error answer and count it in the metrics."""
    metrics.PROBLEMS.labels(code).inc()
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


def handle_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return the answer to an exception of a view, or `None` to make it a 500."""
    headers: Mapping[str, str] = {}
    if refused := find_refusal(error):
        headers = refused.headers
        body = problem(refused.status, str(refused), code=refused.code, fields=refused.fields)
        body.update(refused.extensions)
    elif isinstance(error, APIException):
        sentence = NOT_JSON if isinstance(error, UnsupportedMediaType) else str(error.detail)
        body = problem(error.status_code, sentence, code=error.default_code)
    else:
        return None
    return Response(body, status=body["status"], headers=dict(headers), content_type=CONTENT_TYPE)


def find_refusal(error: BaseException | None) -> Refused | None:
    """Return the error for the client; log that of a database that cannot be used."""
    if error is None or isinstance(error, Refused):
        return error
    if isinstance(error, OperationalError | InterfaceError) or sqlstate(error) in UNUSABLE:
        log.error("database_unavailable", sqlstate=sqlstate(error), kind=type(error).__name__)
        return Unavailable(UNAVAILABLE)
    return None


def problem_response(
    request: HttpRequest, status: int, sentence: str, *, code: str, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return a problem from outside of DRF, as a page for a browser."""
    body = problem(status, sentence, code=code)
    if is_browser(request):
        page = render_to_string("modelhub/error.html", body)
        response = HttpResponse(page, status=status, headers=dict(headers or {}))
    else:
        content = exact_json.encode(body)
        response = HttpResponse(content, status=status, content_type=CONTENT_TYPE, headers=dict(headers or {}))
    patch_vary_headers(response, ["Accept"])
    return response


def is_browser(request: HttpRequest) -> bool:
    """Check for a client that prefers HTML to JSON and has no API key."""
    has_key = any(name in request.headers for name in ("X-Api-Key", "Authorization"))
    return not has_key and request.get_preferred_type(["application/json", "text/html"]) == "text/html"


def refusal_response(request: HttpRequest, error: Refused) -> HttpResponse:
    """Return the problem of an error that was raised outside of DRF."""
    return problem_response(request, error.status, str(error), code=error.code, headers=error.headers)


def method_not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    sentence = METHOD_NOT_ALLOWED.format(show(request.method))
    return problem_response(request, 405, sentence, code="method_not_allowed", headers={"Allow": allowed})


def read_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Decorate a view to reject all methods but GET and HEAD with a 405 problem."""

    @csrf_exempt
    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        if request.method in {"GET", "HEAD"}:
            return view(request, *args, **options)
        return method_not_allowed(request, "GET, HEAD")

    return wrapper


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return problem_response(request, 413, "The body is too large", code="request_too_large")
    if isinstance(exception, BadRequest):
        return problem_response(request, 400, str(exception), code="invalid")
    if isinstance(exception, DisallowedHost):
        sentence = UNDERSCORE if "_" in request.META.get("HTTP_HOST", "") else WRONG_HOST
        return problem_response(request, 400, sentence, code="host_not_allowed")
    return problem_response(request, 400, "The request was refused before it was read.", code="invalid")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, 403, "You may not do this.", code="permission_denied")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the 403 of a form without a valid token, as CSRF_FAILURE_VIEW."""
    sentence = "This form is out of date, or another site sent it. Go back, reload the page and send it again."
    if reason.startswith("Origin checking failed"):
        sentence = "The form came from another origin; MODELHUB_CSRF_TRUSTED_ORIGINS names those behind a proxy."
    return problem_response(request, 403, sentence, code="permission_denied")


def unknown_path(request: HttpRequest) -> str:
    """Return the sentence of a 404."""
    path = show(request.path, longest=LONGEST_PATH)
    hint = " Paths end in a slash." if is_valid_path(f"{request.path_info}/") else ""
    return f"There is no path {path} here.{hint}"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, 404, unknown_path(request), code="not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    """Log the current exception and return a 500 without details, or a 503."""
    if refused := find_refusal(sys.exception()):
        return refusal_response(request, refused)
    log.exception("unforeseen_error")
    sentence = "Something went wrong inside the server; its log has the details."
    return problem_response(request, 500, sentence, code="server_error")
