"""Stored responses: a repeated request returns the first one (contract 0.4)."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection

from modelhub.accounts.models import User
from modelhub.core import clock
from modelhub.core.errors import Invalid, Mismatch
from modelhub.core.ids import new_id
from modelhub.core.metrics import REPLAYS
from modelhub.core.sql import read_sql
from modelhub.core.text import is_visible_id, show
from modelhub.idempotency.models import IdempotencyRecord

KEPT_FOR = timedelta(hours=24)
CLAIM = read_sql("idempotency", "claim_key")


def check_key(key: str) -> str:
    """Return a key of 1 to 255 visible characters, or raise `Invalid`."""
    if not is_visible_id(key, longest=255):
        sentence = f"Idempotency-Key must have 1 to 255 visible characters, got {show(key)}"
        raise Invalid(sentence, field="Idempotency-Key")
    return key


def digest_of(*parts: str) -> str:
    """Return a digest that tells one request from another."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def claim_key(*, user: User, key: str, digests: Sequence[str]) -> IdempotencyRecord | None:
    """Claim a key in the open transaction, or return the stored response.

    The first of `digests` is stored; a record of the same request may have any of them. Waits for a request with the
    same key that is still running. Raise `Mismatch` for the key of another request.
    """
    now = clock.now()
    parameters: dict[str, Any] = {
        "id": new_id(),
        "organization_id": user.organization_id,
        "user_id": user.pk,
        "key": key,
        "digest": digests[0],
        "now": now,
        "oldest": now - KEPT_FOR,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, parameters)
        if cursor.fetchone():
            return None
    record = IdempotencyRecord.objects.get(organization_id=user.organization_id, user=user, key=key)
    if record.digest not in digests:
        raise mismatch(key)
    REPLAYS.inc()
    return record


def mismatch(key: str) -> Mismatch:
    return Mismatch(f"The Idempotency-Key {key} was used for another request; use a new key for a new request")


def keep_response(*, user: User, key: str, status: int, body: str) -> None:
    """Store the response of a claimed key, in the transaction of its claim."""
    claimed = IdempotencyRecord.objects.filter(organization_id=user.organization_id, user=user, key=key)
    claimed.update(status=status, body=body)


def purge() -> int:
    """Delete responses older than 24 hours and return their number."""
    return IdempotencyRecord.objects.filter(created_at__lt=clock.now() - KEPT_FOR).delete()[0]
