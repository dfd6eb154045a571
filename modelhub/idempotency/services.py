"""Requests that may arrive twice: the second one gets the first one's answer, and nothing is done again."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from modelhub.accounts.models import User
from modelhub.core.errors import Invalid, Mismatch
from modelhub.core.ids import new_id
from modelhub.core.metrics import count_replay
from modelhub.core.text import show
from modelhub.core.transactions import in_one_transaction
from modelhub.idempotency.models import IdempotencyRecord

KEPT_FOR = timedelta(hours=24)

# Waits for a request with the same key that is being worked on, whose row is there but not committed yet. No row
# comes back when the key is taken; one whose time is over is taken again.
CLAIM = """
INSERT INTO modelhub_idempotencyrecord AS record
    (id, organization_id, user_id, key, digest, status, body, created_at)
VALUES (%(id)s, %(organization)s, %(user)s, %(key)s, %(digest)s, 0, '', %(now)s)
ON CONFLICT ON CONSTRAINT idempotency_key_is_unique DO UPDATE SET
    id = excluded.id, digest = excluded.digest, status = 0, body = '', created_at = excluded.created_at
WHERE record.created_at < %(oldest)s
RETURNING record.id
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON text, and whether they are those of an earlier request."""

    status: int
    body: str
    replayed: bool = False


def check_key(key: str) -> str:
    """1 to 255 visible characters; raises `Invalid`."""
    if not 1 <= len(key) <= 255 or not key.isprintable() or " " in key:
        raise Invalid(f"Idempotency-Key must have 1 to 255 visible characters, got {show(key)}")
    return key


def digest_of(*parts: str) -> str:
    """What tells one request from another."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


@in_one_transaction
def answer_once(*, user: User, key: str, digest: str, act: Callable[[], tuple[int, str]]) -> Answer:
    """Do it and keep the answer, or answer what an equal request with this key of this user was answered.

    Key, answer and whatever `act` stores are committed together: either all of it is there or nothing. What `act`
    refuses leaves no trace, and may be tried again. Raises `Mismatch` for a key that another request had.
    """
    now = timezone.now()
    claim: dict[str, Any] = {
        "id": new_id(),
        "organization": user.organization_id,
        "user": user.pk,
        "key": key,
        "digest": digest,
        "now": now,
        "oldest": now - KEPT_FOR,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, claim)
        ours = cursor.fetchone()
    if ours:
        status, body = act()
        own = IdempotencyRecord.objects.filter(organization_id=user.organization_id, pk=claim["id"])
        own.update(status=status, body=body)
        return Answer(status, body)
    record = IdempotencyRecord.objects.get(organization_id=user.organization_id, user=user, key=key)
    if record.digest != digest:
        raise Mismatch(f"The Idempotency-Key {key} was used for another request; use a new key for a new request")
    count_replay()
    return Answer(record.status, record.body, replayed=True)


def purge() -> int:
    """Forget the answers whose time is over; answers how many."""
    return IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()[0]
