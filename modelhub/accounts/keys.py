"""API keys: made, and checked. The secret leaves this module once, when it is made."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeGuard

import structlog
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from modelhub.accounts.models import SCOPES, ApiKey, User, default_scopes
from modelhub.core.errors import Conflict, Forbidden, Invalid, Unauthenticated
from modelhub.core.savepoints import sqlstate

log = structlog.get_logger(__name__)

REFUSAL = "The API key or secret key is missing, wrong, expired or revoked."
TOUCH_EVERY = timedelta(minutes=1)

# One round of SHA-256 is enough for a secret of 256 random bits: there is nothing to guess. An algorithm that follows
# takes its place as the current one, and stands beside it until the last key of the older one is rotated.
ALGORITHMS: dict[str, Callable[[bytes], str]] = {"sha256": lambda secret: hashlib.sha256(secret).hexdigest()}
CURRENT_ALGORITHM = "sha256"


def digest(secret: str, algorithm: str = "") -> str:
    """What is stored in a secret's place: the algorithm's name and the digest in hex."""
    algorithm = algorithm or CURRENT_ALGORITHM
    return f"{algorithm}${ALGORITHMS[algorithm](secret.encode('utf-8', 'surrogatepass'))}"


def secret_fits(secret: str, stored: str) -> bool:
    """Whether this secret was stored as that digest, compared in constant time; one of an unknown algorithm never."""
    algorithm = stored.partition("$")[0]
    known = algorithm in ALGORITHMS
    return hmac.compare_digest(stored, digest(secret, algorithm if known else "")) and known


# What a request does not need of its key and of the key's user is read only when somebody asks for it.
UNREAD = {"created_at", "password", "last_login", "is_superuser", "is_staff", "last_used_at"}
KEY_COLUMNS = [field.attname for field in ApiKey._meta.concrete_fields if field.attname not in UNREAD]
USER_COLUMNS = [field.attname for field in User._meta.concrete_fields if field.attname not in UNREAD]
READ_KEY = f"""
SELECT {", ".join(f"key.{column}" for column in KEY_COLUMNS)},
       {", ".join(f"owner.{column}" for column in USER_COLUMNS)},
       extract(epoch FROM now() - key.last_used_at)::float8
FROM modelhub_apikey AS key JOIN modelhub_user AS owner ON owner.id = key.user_id WHERE key.api_key = %s
"""  # noqa: S608

# What an unknown key is compared with, so that it takes as long to refuse as a wrong secret.
NOBODYS_DIGEST = digest(secrets.token_urlsafe(32))


def create_api_key(
    *,
    user: User,
    name: str,
    api_key: str = "",
    secret_key: str = "",
    expires_at: datetime | None = None,
    scopes: Sequence[str] | None = None,
) -> tuple[ApiKey, str]:
    """Make a key that acts as `user`; answers the row and the secret, which cannot be had again.

    Raises `Conflict` when `api_key` is given and taken, `Invalid` for a scope that there is not.
    """
    if unknown := set(scopes or ()) - set(SCOPES):
        raise Invalid(f"Scopes are {', '.join(SCOPES)}, got {', '.join(sorted(unknown))}")
    secret_key = secret_key or secrets.token_urlsafe(32)
    if not 1 <= len(name) <= 255:
        raise Invalid(f"The name of a key must have 1 to 255 characters, got {len(name)}")
    key = ApiKey(
        organization_id=user.organization_id,
        user=user,
        name=name,
        api_key=api_key or secrets.token_hex(16),
        secret_digest=digest(secret_key),
        scopes=list(default_scopes() if scopes is None else scopes),
        expires_at=expires_at,
    )
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(f"The API key {key.api_key} exists already.", code="duplicate") from error
    return key, secret_key


def find_api_key(api_key: str, secret_key: str) -> ApiKey:
    """The key of this pair, with its user; one statement.

    Raises `Unauthenticated` with the same sentence whatever is wrong, after the same work.
    """
    # Neither NUL nor surrogates, which no stored key has.
    key = _read_key(api_key) if api_key.isprintable() else None
    if not opens(key, secret_key):
        raise Unauthenticated(REFUSAL)
    return key


def opens(key: ApiKey | None, secret_key: str) -> TypeGuard[ApiKey]:
    """Whether there is such a key, the secret is its own and it is valid; the same work whichever of these is wrong."""
    fits = secret_fits(secret_key, key.secret_digest if key else NOBODYS_DIGEST)
    return key is not None and fits and is_valid(key)


def _read_key(api_key: str) -> ApiKey | None:
    """The row and its user's, by a statement that is written once: every request needs it."""
    with connection.cursor() as cursor:
        cursor.execute(READ_KEY, [api_key])
        row = cursor.fetchone()
    if row is None:
        return None
    key = ApiKey.from_db(connection.alias, KEY_COLUMNS, row[: len(KEY_COLUMNS)])
    key.user = User.from_db(connection.alias, USER_COLUMNS, row[len(KEY_COLUMNS) : -1])
    key.used_seconds_ago = row[-1]
    return key


def is_valid(key: ApiKey) -> bool:
    """Neither revoked nor expired, and its user still active and of the key's organization."""
    now = timezone.now()
    return (
        key.revoked_at is None
        and (key.expires_at is None or key.expires_at > now)
        and key.user.is_active
        and key.user.organization_id == key.organization_id
    )


def rotate_api_key(key: ApiKey, *, grace: timedelta) -> tuple[ApiKey, str]:
    """A new pair with the same user, name and scopes; the old one stays valid for `grace`, and no longer."""
    ends = timezone.now() + grace
    with transaction.atomic():
        new, secret_key = create_api_key(user=key.user, name=key.name, scopes=key.scopes, expires_at=key.expires_at)
        key.expires_at = min(ends, key.expires_at or ends)
        key.save(update_fields=["expires_at"])
    return new, secret_key


def revoke_api_key(key: ApiKey) -> None:
    """End it at once and for good; it stays in the list."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])


def check_scope(key: ApiKey, scope: str) -> None:
    """Raises `Forbidden` for a key that may not be used for this."""
    if scope not in key.scopes:
        raise Forbidden(
            f"This API key lacks the scope {scope}; it has {', '.join(key.scopes) or 'none'}.", code="scope"
        )


def was_just_used(key: ApiKey) -> bool:
    """Return whether the last use was recorded within the last minute."""
    return key.used_seconds_ago is not None and key.used_seconds_ago < TOUCH_EVERY.total_seconds()


def touch(key: ApiKey) -> None:
    """Note that the key was used, at most once a minute; a database that cannot be written still serves who reads."""
    if not was_just_used(key):
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - TOUCH_EVERY)
        try:
            ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
        except DatabaseError as error:
            log.warning("use_of_key_not_noted", sqlstate=sqlstate(error))
