"""Outermost middleware of the test controls, only with MODELHUB_TEST_CONTROLS."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from modelhub.core.errors import Invalid
from modelhub.core.health import stopping
from modelhub.core.problems import refusal_response
from modelhub.core.text import show
from modelhub.testing import gates
from modelhub.testing.bodies import labels_of
from modelhub.testing.drops import DroppedResponse
from modelhub.testing.failures import DEFAULT_WAIT, GATEWAY_STATUSES, STATUSES, failing, find_api_view, gateway_error
from modelhub.testing.faults import Effect
from modelhub.testing.preferences import find_code
from modelhub.testing.records import Record
from modelhub.testing.refusals import find_refused, refusing
from modelhub.testing.sources import acting_for, replace_sources
from modelhub.testing.state import Controls, find_controls

CONTROLS = "/__admin/"
NO_EFFECT = Effect()
DELAY_STEP = 0.1


@dataclass(frozen=True, slots=True)
class Strike:
    """The fault of one request: the id of its rule, or "prefer"."""

    fault: str | None = None
    effect: Effect = NO_EFFECT
    refused: Invalid | None = None


class TestControls:
    """Give each request of the API the controls of its organization."""

    # Not a class of tests, for pytest.
    __test__ = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        replace_sources()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(CONTROLS):
            return self.get_response(request)
        # Lines of the log before the request has its id are not those of the request before.
        structlog.contextvars.clear_contextvars()
        controls = find_controls(request)
        strike = vars(request)["strike"] = find_strike(request, controls)
        if controls is None:
            with acting_for(None):
                return prefer(self.respond(request, strike.effect), strike)
        record = Record.of(request, fault=strike.fault)
        controls.records.add(record)
        response = prefer(self.answer(request, controls, strike.effect), strike)
        record.finish(response, dropped=strike.effect.drop is not None)
        return DroppedResponse(response) if strike.effect.drop == "after_commit" else response

    def answer(self, request: HttpRequest, controls: Controls, effect: Effect) -> HttpResponseBase:
        """Return the answer of the product, or of no product at all."""
        is_lost = effect.drop == "before"
        if effect.delay_ms:
            delay(controls, effect.delay_ms / 1000)
            # After a reset, the first organization has no scores of requests before it.
            is_lost = is_lost or controls.is_gone
        if is_lost:
            return DroppedResponse()
        with gates.passing(controls.organization_id):
            refused = find_refused(request, controls, effect.refuse_scores)
            with acting_for(controls), refusing(refused):
                return self.respond(request, effect)

    def respond(self, request: HttpRequest, effect: Effect) -> HttpResponseBase:
        """Return the answer of the product, or that of a proxy which does not get one."""
        if effect.status in GATEWAY_STATUSES:
            return gateway_error(effect.status)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Return the failure if the request has a fault with a status; called by Django."""
        strike: Strike | None = vars(request).get("strike")
        if strike is None or (strike.refused is None and strike.effect.status is None):
            return None
        if strike.refused:
            return refusal_response(request, strike.refused)
        wait = strike.effect.retry_after
        failure = failing(view.cls).as_view(
            failure_status=strike.effect.status,
            failure_wait=DEFAULT_WAIT if wait is None else wait,
            **view.initkwargs,
        )
        response: HttpResponseBase = failure(request, *arguments, **options)
        if wait is not None and response.status_code == strike.effect.status:
            response["Retry-After"] = str(wait)
        return response


def prefer(response: HttpResponseBase, strike: Strike) -> HttpResponseBase:
    """Add Preference-Applied after a preference (RFC 7240, section 3)."""
    if strike.fault == "prefer" and response.status_code == strike.effect.status:
        response["Preference-Applied"] = f"code={strike.effect.status}"
    return response


def delay(controls: Controls, seconds: float) -> None:
    """Wait, until the server stops or the organization is deleted at the latest."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not controls.is_gone and not stopping.is_set():
        stopping.wait(min(left, DELAY_STEP))


def find_strike(request: HttpRequest, controls: Controls | None) -> Strike:
    """Return the fault of a request of the API. `Prefer` comes before rules."""
    if find_api_view(request.path_info) is None:
        return Strike()
    if (code := find_code(request.headers.get("Prefer", ""))) is not None:
        if code not in map(str, STATUSES):
            sentence = f"Prefer: code must be one of {', '.join(map(str, STATUSES))}, got {show(code)}"
            return Strike("prefer", refused=Invalid(sentence, field="Prefer"))
        return Strike("prefer", Effect(status=int(code)))
    if controls is None:
        return Strike()
    labels = labels_of(request) if controls.faults.are_about_labels else ()
    rule = controls.faults.strike(method=request.method or "", path=request.path_info, labels=labels)
    return Strike(str(rule.id), rule.then) if rule else Strike()
