"""API keys: creation, which alone returns the secret, verification and the rest."""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Container, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from django.db import DatabaseError, connection, transaction

from modelhub.accounts.models import SCOPES, ApiKey, User, default_scopes
from modelhub.core import clock
from modelhub.core.errors import Conflict, Unauthenticated
from modelhub.core.sql import read_sql
from modelhub.core.transactions import sqlstate

log = structlog.get_logger(__name__)

NIL = uuid.UUID(int=0)
REFUSAL = "The API key or secret key is missing, wrong, expired or revoked."

# By hand, because the ORM builds this query in 0.25 ms per request. Fields that no request needs are deferred.
READ_KEY = read_sql("accounts", "read_key")
# In the order of the models' fields, as `from_db` takes them.
KEY_FIELDS = ("id", "organization_id", "user_id", "secret_digest", "scopes")
USER_FIELDS = ("is_superuser", "id", "email", "name", "organization_id", "role")
RECORD_USE = read_sql("accounts", "record_use")


def digest(secret: str) -> str:
    """Return a secret as stored: the name of the algorithm and the hex digest.

    One round of SHA-256 suffices for 256 random bits; the name lets another algorithm follow.
    """
    return f"sha256${hashlib.sha256(secret.encode('utf-8', 'surrogatepass')).hexdigest()}"


def secret_fits(secret: str, stored: str) -> bool:
    """Compare a secret with a stored digest in constant time."""
    return hmac.compare_digest(stored, digest(secret))


def create_api_key(
    *,
    user: User,
    name: str,
    api_key: str = "",
    secret_key: str = "",
    expires_at: datetime | None = None,
    scopes: Sequence[str] | None = None,
) -> tuple[ApiKey, str]:
    """Create a key that acts as `user`. Return it with its secret."""
    secret_key = secret_key or secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        organization_id=user.organization_id,
        user=user,
        name=name,
        api_key=api_key or secrets.token_hex(16),
        secret_digest=digest(secret_key),
        scopes=list(default_scopes() if scopes is None else scopes),
        expires_at=expires_at,
    )
    return key, secret_key


def are_scopes(sent: object, allowed: Container[str] = SCOPES) -> bool:
    """Return whether this is a list of at least one scope, each once."""
    known = isinstance(sent, list) and all(isinstance(word, str) and word in allowed for word in sent)
    return isinstance(sent, list) and known and bool(sent) and len(set(sent)) == len(sent)


def scopes_rule(allowed: Iterable[str] = SCOPES) -> str:
    """Return the rule of `are_scopes` in words."""
    return f"a list of at least one of {', '.join(allowed)}, each once"


class KeyRow(NamedTuple):
    """A row of `read_key.sql`, which judges the key by the clock of the database."""

    pk: uuid.UUID
    organization_id: uuid.UUID
    secret_digest: str
    scopes: str
    user_id: uuid.UUID
    email: str
    name: str
    role: str
    is_superuser: bool
    is_known: bool
    is_valid: bool
    is_use_due: bool


# Without any key, and for texts that no key can be.
NO_KEY = KeyRow(NIL, NIL, "", "", NIL, "", "", "", *(False,) * 4)
# Compared with the secret of an unknown key, so that both rejections do the same work.
UNKNOWN_KEY_DIGEST = digest(secrets.token_urlsafe(32))


def authenticate(api_key: str, secret_key: str) -> ApiKey:
    """Return the valid key of a pair, with its user, and record its use.

    One statement, and an upsert once per minute and key. Raise `Unauthenticated` with the same sentence after the same
    work whichever part is wrong.
    """
    row = _read_key(api_key)
    fits = secret_fits(secret_key, row.secret_digest if row.is_known else UNKNOWN_KEY_DIGEST)
    if not (fits and row.is_known and row.is_valid):
        raise Unauthenticated(REFUSAL)
    key_values = (row.pk, row.organization_id, row.user_id, row.secret_digest, row.scopes.split())
    key = ApiKey.from_db(connection.alias, KEY_FIELDS, key_values)
    user_values = (row.is_superuser, row.user_id, row.email, row.name, row.organization_id, row.role)
    key.user = User.from_db(connection.alias, USER_FIELDS, user_values)
    if row.is_use_due:
        _record_use(key)
    return key


def _read_key(api_key: str) -> KeyRow:
    if not api_key.isprintable():
        # A stored key holds neither NUL nor surrogates, which PostgreSQL rejects as a parameter.
        return NO_KEY
    with connection.cursor() as cursor:
        cursor.execute(READ_KEY, {"api_key": api_key})
        return KeyRow._make(cursor.fetchone() or NO_KEY)


def _record_use(key: ApiKey) -> None:
    """Upsert the time of the last use. A read-only database still serves reads."""
    use: dict[str, Any] = {"key": key.pk, "organization": key.organization_id, "now": clock.now()}
    try:
        with connection.cursor() as cursor:
            cursor.execute(RECORD_USE, use)
    except DatabaseError as error:
        log.warning("key_use_not_recorded", sqlstate=sqlstate(error))


def state_of(key: ApiKey) -> str:
    """Return "valid", "revoked", "expired" or "user inactive"."""
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= clock.now():
        return "expired"
    return "valid" if key.user.is_active else "user inactive"


@transaction.atomic
def rotate_api_key(key: ApiKey, *, grace: timedelta) -> tuple[ApiKey, str]:
    """Create a key in place of an old one, which expires after `grace`.

    Raise `Conflict` for a key that is not valid any more, and for one with a valid successor: its own end is near.
    """
    # Locked: two rotations at the same moment would make two successors.
    locked = ApiKey.objects.filter(organization_id=key.organization_id).select_for_update()
    key.refresh_from_db(fields=["expires_at", "revoked_at", "successor"], from_queryset=locked)
    if state_of(key) != "valid":
        raise Conflict(f"The API key {key.api_key} is not valid any more; make a new one.")
    if key.successor is not None and state_of(key.successor) == "valid":
        raise Conflict(
            f"The API key {key.api_key} has the successor {key.successor.api_key} already, and is valid until "
            f"{key.expires_at:%Y-%m-%d %H:%M} UTC; rotate the successor."
        )
    now = clock.now()
    # A first rotation shortened the key's own life; its successor has the full one.
    full = (key.successor or key).expires_at
    expires_at = key.expires_at if full and full <= now else full
    new, secret_key = create_api_key(user=key.user, name=key.name, scopes=key.scopes, expires_at=expires_at)
    ends = now + grace
    key.expires_at, key.successor = min(ends, key.expires_at or ends), new
    key.save(update_fields=["expires_at", "successor"])
    return new, secret_key


def revoke_api_key(key: ApiKey) -> None:
    """Revoke a key at once and for good. Its row stays."""
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        key.save(update_fields=["revoked_at"])
