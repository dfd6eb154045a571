"""The header `Idempotency-Key` (contract 0.4)."""

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import caller
from modelhub.core import exact_json
from modelhub.idempotency.services import answer_once, check_key, digest_of

HEADER = "Idempotency-Key"


def respond_once(request: Request, act: Callable[[], tuple[int, Any]]) -> Response:
    """The answer of `act`; with the header, that of the first request with this key and content.

    `act` answers a status and a body, stores in the transaction that is open, and raises what it refuses.
    """
    key = request.headers.get(HEADER)
    if key is None:
        status, body = act()
        return Response(body, status=status)
    answer = answer_once(
        user=caller(request),
        key=check_key(key),
        digest=digest_of(request.method or "", request.get_full_path(), exact_json.dumps(request.data)),
        act=lambda: _as_text(*act()),
    )
    response = Response(exact_json.loads(answer.body), status=answer.status)
    if answer.replayed:
        response["Idempotency-Replayed"] = "true"
    return response


def _as_text(status: int, body: Any) -> tuple[int, str]:
    return status, exact_json.encode(body).decode()
