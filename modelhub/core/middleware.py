"""What surrounds every request: an id that client, answer and log share, and one line in the log."""

import re
import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from modelhub.core.ids import new_id
from modelhub.core.metrics import count_request

log = structlog.get_logger("modelhub.requests")

# A caller's own id is taken over when it is safe to log.
SAFE_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}", re.ASCII)
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestMiddleware:
    """Binds the request id for everything that is logged meanwhile, and answers it as `X-Request-Id`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, count it and log how it went: never its body, its query or its headers."""
        started = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        request_id = given if SAFE_ID.fullmatch(given) else str(new_id())
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        seconds = time.perf_counter() - started
        route = request.resolver_match.view_name if request.resolver_match else ""
        count_request(method=request.method or "", route=route, status=response.status_code, seconds=seconds)
        if request.path not in QUIET or response.status_code >= 500:
            log.info(
                "request",
                method=request.method,
                route=route or None,
                path=request.path,
                status=response.status_code,
                ms=round(seconds * 1000, 1),
            )
        part(response)
        return response


def part(response: HttpResponse) -> None:
    """Let view, request and response of DRF go, which know each other in circles.

    What a large request was made of is then freed at once, while it is at hand, and not when the garbage collector has
    found out, with all that has been made meanwhile.
    """
    if context := vars(response).pop("renderer_context", None):
        context["request"].parser_context = {}
