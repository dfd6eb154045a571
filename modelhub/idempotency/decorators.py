"""The header `Idempotency-Key` (contract 0.4)."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import msgspec
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import api_key_of, caller
from modelhub.core import exact_json
from modelhub.core.schema import parameter
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.idempotency.services import check_key, claim_key, digest_of, keep_response

V = TypeVar("V")
P = ParamSpec("P")

IDEMPOTENCY_KEY = parameter(
    "Idempotency-Key",
    "A repeat of the request with the same key returns the first answer again; kept for 24 hours.",
    {"type": "string", "minLength": 1, "maxLength": 255},
    location=OpenApiParameter.HEADER,
)


def idempotent(
    method: Callable[Concatenate[V, Request, P], Response],
) -> Callable[Concatenate[V, Request, P], Response]:
    """Run a view method once per `Idempotency-Key` and store its response.

    A repeat of the same request returns that response with `Idempotency-Replayed: true`; the order of the body's keys
    does not count. An exception rolls the claim of the key back. Without the header the method runs as it is.
    """

    @repeat_aborted
    @in_transaction
    def run_once(key: str, view: V, request: Request, /, *ids: P.args, **named_ids: P.kwargs) -> Response:
        user = caller(request)
        line = request.method or "", request.get_full_path()
        # A key with other scopes might not get the first answer, such as the score of another annotator.
        digest = digest_of(*line, *sorted(api_key_of(request).scopes), exact_json.canonical(request.data))
        # The release before counted the order of keys; its records last for a day after the upgrade.
        ordered = digest_of(*line, exact_json.dumps(request.data))
        if earlier := claim_key(user=user, key=key, digests=(digest, ordered)):
            body = msgspec.Raw(earlier.body.encode())
            return Response(body, status=earlier.status, headers={"Idempotency-Replayed": "true"})
        response = method(view, request, *ids, **named_ids)
        keep_response(user=user, key=key, status=response.status_code, body=exact_json.dumps(response.data))
        return response

    @functools.wraps(method)
    def respond(view: V, request: Request, /, *ids: P.args, **named_ids: P.kwargs) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return method(view, request, *ids, **named_ids)
        return run_once(check_key(key), view, request, *ids, **named_ids)

    return respond
