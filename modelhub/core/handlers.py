"""Every error becomes an answer: a problem in the one shape of `modelhub.core.problems`."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import exceptions
from rest_framework.response import Response

from modelhub.core import exact_json
from modelhub.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Mismatch,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TooLarge,
    Unauthenticated,
)
from modelhub.core.problems import CONTENT_TYPE, problem
from modelhub.core.savepoints import sqlstate
from modelhub.core.text import show

log = structlog.get_logger(__name__)

# What `WWW-Authenticate` of a 401 says.
CHALLENGE = "ApiKey"
STATUSES: dict[type[Refused], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    Mismatch: 422,
    RateLimited: 429,
    OutcomeUnknown: 503,
}
# A standby that has not taken over yet; its driver's exception is that of a mistake of ours.
READ_ONLY = "25006"
UNAVAILABLE = "The database is not answering. Nothing is known to be wrong with the request; try it again."


def answer_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler. `None` means that nobody foresaw this: it becomes a 500 and a line in the log."""
    if isinstance(error, Refused):
        return _answer_refused(error)
    if isinstance(error, OperationalError | InterfaceError) or sqlstate(error) == READ_ONLY:
        log.error("database_unavailable", sqlstate=sqlstate(error), kind=type(error).__name__)
        return _respond(problem(503, UNAVAILABLE, code="service_unavailable"), {"Retry-After": "1"})
    if isinstance(error, RequestDataTooBig):
        return _respond(problem(413, "The body is too large", code="request_too_large"))
    if isinstance(error, Http404):
        error = exceptions.NotFound(str(error) or None)
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.APIException):
        return _answer_api_exception(error)
    return None


def _answer_refused(error: Refused) -> Response:
    status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
    fields = error.fields if isinstance(error, Invalid) else None
    headers = {401: {"WWW-Authenticate": CHALLENGE}, 503: {"Retry-After": "1"}}.get(status, {})
    if isinstance(error, RateLimited):
        headers = {"Retry-After": str(error.wait)}
    return _respond(problem(status, str(error), code=error.code, fields=fields), headers)


def _answer_api_exception(error: exceptions.APIException) -> Response:
    fields: dict[str, list[str]] = {}
    if isinstance(error.detail, dict):
        fields = {str(name): [str(sentence) for sentence in several] for name, several in error.detail.items()}
        sentence = "; ".join(f"{name}: {' '.join(several)}" for name, several in fields.items())
    elif isinstance(error.detail, list):
        sentence = "; ".join(str(part) for part in error.detail)
    else:
        sentence = str(error.detail)
    if isinstance(error, exceptions.UnsupportedMediaType):
        sentence = "The body must be JSON, not compressed, sent with Content-Type: application/json."
    headers = {"Retry-After": str(int(wait))} if (wait := getattr(error, "wait", None)) else {}
    return _respond(problem(error.status_code, sentence, code=error.default_code, fields=fields), headers)


def _respond(body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status=body["status"], headers=dict(headers or {}), content_type=CONTENT_TYPE)


def plain(status: int, sentence: str, *, code: str) -> HttpResponse:
    """A problem from outside of DRF."""
    body = exact_json.dumps(problem(status, sentence, code=code))
    return HttpResponse(body, status=status, content_type=CONTENT_TYPE)


def too_often(error: RateLimited) -> HttpResponse:
    """A 429 from where no view of the API answers."""
    response = plain(429, str(error), code=error.code)
    response["Retry-After"] = str(error.wait)
    return response


def read_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page for browsers: anything but GET and HEAD is a 405 problem."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        if request.method in {"GET", "HEAD"}:
            return view(request, *args, **options)
        response = plain(405, f"Method {show(request.method)} is not allowed here.", code="method_not_allowed")
        response["Allow"] = "GET, HEAD"
        return response

    return answer


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: a wrong Host header and the like."""
    return plain(400, "The request was refused before it was read (is its Host header allowed?).", code="invalid")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return plain(403, "You may not do this.", code="permission_denied")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: no such path, often for want of its slash."""
    hint = "" if request.path.endswith("/") else " Paths end in a slash."
    return plain(404, f"There is no path {show(request.path)} here.{hint}", code="not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, called while the exception is being handled: logs it and says nothing of it."""
    log.exception("unforeseen_error")
    return plain(500, "Something went wrong inside the server; its log has the details.", code="server_error")
