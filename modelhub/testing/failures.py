"""Failures on demand, raised as the product raises them (docs/testing.md)."""

import io
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.urls import Resolver404, resolve
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from modelhub.accounts.authentication import api_key_of, caller
from modelhub.accounts.keys import REFUSAL
from modelhub.accounts.people import Actor
from modelhub.accounts.throttling import KeyThrottle
from modelhub.core.drf_json import JSONParser
from modelhub.core.errors import TooLarge, Unauthenticated
from modelhub.idempotency.services import mismatch
from modelhub.labels.models import Label
from modelhub.labels.services import name_is_taken
from modelhub.scores.queries import score_not_found
from modelhub.sources.refs import check_source_ref
from modelhub.sources.services import source_not_found
from modelhub.testing.bodies import read_fields

DEFAULT_WAIT = 1
# These come before the API key is checked: a database that does not answer cannot check it.
UNCHECKED = frozenset({401, 503})
WITH_RETRY_AFTER = frozenset({429, 503})


class LimitedThrottle(KeyThrottle):
    """The limit of an API key, also where none is set."""

    rate = settings.RATE_PER_KEY or "600/minute"


class Failing(APIView):
    """Mixin of a view whose requests fail with a status, once they are checked."""

    failure_status = 0
    failure_wait = DEFAULT_WAIT

    def initial(self, request: Request, *args: Any, **options: Any) -> None:
        """Raise the failure, for most statuses after key, scope and limits are checked."""
        if self.failure_status not in UNCHECKED:
            # Not that of the view, which goes on: with its query, or with a 501.
            APIView.initial(self, request, *args, **options)
        if self.failure_status == 429:
            raise LimitedThrottle().refusal(request, wait=self.failure_wait)
        FAILURES[self.failure_status](request, options)


@lru_cache
def failing(view: type[APIView]) -> type[Failing]:
    """Return a view with the methods, scopes and headers of another that only fails."""
    return type(view.__name__, (Failing, view), {})


def find_api_view(path: str) -> type[APIView] | None:
    """Return the view of a path that needs an API key."""
    try:
        return api_view_of(resolve(path).func)
    except Resolver404:
        return None


def api_view_of(callback: Callable[..., Any]) -> type[APIView] | None:
    """Return the class behind the callback of a route, if that needs an API key."""
    view: type[APIView] | None = getattr(callback, "cls", None)
    return view if view is not None and view.authentication_classes else None


def _raise_malformed(request: Request, options: dict[str, Any]) -> None:
    JSONParser().parse(io.BytesIO(b'{"scores": ['))


def _raise_unauthenticated(request: Request, options: dict[str, Any]) -> None:
    raise Unauthenticated(REFUSAL)


def _raise_scope(request: Request, options: dict[str, Any]) -> None:
    scope = "read" if request.method in SAFE_METHODS else "write"
    scopes = [other for other in api_key_of(request).scopes if other not in {scope, "annotate"}]
    Actor(caller(request), scopes).check_scope(scope)


def _raise_not_found(request: Request, options: dict[str, Any]) -> None:
    """Raise the 404 of a source or score if the request names one, else of the path."""
    match = resolve(request.path_info)
    if match.view_name in {"score", "score-history"}:
        raise score_not_found(options["pk"])
    fields = read_fields(request)
    if match.view_name in {"scores", "scores-bulk"} and request.method == "POST":
        raise source_not_found(check_source_ref(fields.get("source_type"), fields.get("source_id")))
    raise Http404


def _raise_conflict(request: Request, options: dict[str, Any]) -> None:
    fields = read_fields(request)
    name, type_ = fields.get("name", "Quality"), fields.get("type", "star")
    raise name_is_taken(Label(name=name, type=type_))


def _raise_too_large(request: Request, options: dict[str, Any]) -> None:
    raise TooLarge(f"The body must have at most {settings.MAX_BODY_BYTES} bytes", code="request_too_large")


def _raise_unsupported(request: Request, options: dict[str, Any]) -> None:
    raise UnsupportedMediaType("text/plain")


def _raise_mismatch(request: Request, options: dict[str, Any]) -> None:
    raise mismatch(request.headers.get("Idempotency-Key", "of-another-request"))


def _raise_error(request: Request, options: dict[str, Any]) -> None:
    raise RuntimeError("a fault that a test asked for")


def _raise_unavailable(request: Request, options: dict[str, Any]) -> None:
    raise OperationalError("a fault that a test asked for")


FAILURES: dict[int, Callable[[Request, dict[str, Any]], None]] = {
    400: _raise_malformed,
    401: _raise_unauthenticated,
    403: _raise_scope,
    404: _raise_not_found,
    409: _raise_conflict,
    413: _raise_too_large,
    415: _raise_unsupported,
    422: _raise_mismatch,
    500: _raise_error,
    503: _raise_unavailable,
}
# Of a proxy in front, which gets no answer of the server.
GATEWAY_STATUSES = frozenset({502, 504})
STATUSES = tuple(sorted([*FAILURES, 429, *GATEWAY_STATUSES]))


def gateway_error(status: int) -> HttpResponse:
    """Return a page of a proxy: neither JSON nor with headers of this server."""
    title = f"{status} {HTTPStatus(status).phrase}"
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>".encode()
    return HttpResponse(page, status=status, headers={"Content-Length": str(len(page))})
