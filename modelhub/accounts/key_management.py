"""API keys at pages: admins manage all of the organization, others their own."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from modelhub.accounts.keys import are_scopes, create_api_key, revoke_api_key, rotate_api_key, scopes_rule
from modelhub.accounts.models import SCOPES, ApiKey, ApiKeyUse, User
from modelhub.accounts.people import Actor, clean_name, user_not_found
from modelhub.core.errors import Conflict, Forbidden, Invalid, NotFound
from modelhub.core.text import show

# Of the keys that users without the rights of an admin create for themselves.
MEMBER_SCOPES = ("annotate",)
GRACE = timedelta(days=1)


def keys_of(actor: Actor) -> QuerySet[ApiKey]:
    """Return the keys that an actor manages, newest first, with `last_used_at`."""
    organization_id = actor.user.organization_id
    keys = ApiKey.objects.filter(organization_id=organization_id)
    if actor.missing_right:
        keys = keys.filter(user=actor.user)
    uses = ApiKeyUse.objects.filter(organization_id=organization_id, key=OuterRef("pk"))
    keys = keys.annotate(last_used_at=Subquery(uses.values("last_used_at")))
    return keys.select_related("user", "successor").order_by("-created_at", "-id")


def get_key(actor: Actor, key_id: uuid.UUID) -> ApiKey:
    """Return a key that an actor manages. Raise `NotFound`."""
    key = keys_of(actor).filter(pk=key_id).first()
    if key is None:
        raise NotFound(f"API key not found: {key_id}")
    return key


def create_key(
    actor: Actor,
    *,
    name: str,
    scopes: Sequence[str],
    user_id: uuid.UUID | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Create a key of a user, by default the actor. Return it with its secret.

    An admin chooses the user and the scopes. Raise `Invalid`, `Conflict` for an inactive user, `Forbidden` for a
    superuser, `NotFound` for a user that the actor creates no keys for.
    """
    allowed = MEMBER_SCOPES if actor.missing_right else tuple(SCOPES)
    if not are_scopes(scopes, allowed):
        raise Invalid(f"scopes must be {scopes_rule(allowed)}, got {show(scopes)}", field="scopes")
    actor.check_grant(scopes)
    user = _get_owner(actor, actor.user.pk if user_id is None else user_id)
    if not user.is_active:
        raise Conflict(f"{user.email} is inactive; activate it first")
    actor.check_above(user, "create keys for it")
    return create_api_key(user=user, name=clean_name(ApiKey(), name), scopes=scopes, expires_at=expires_at)


def rotate_key(actor: Actor, key_id: uuid.UUID, *, grace: timedelta = GRACE) -> tuple[ApiKey, str]:
    """Create a key in place of one that an actor manages. Return it with its secret.

    The old one ends after `grace`. Raise `NotFound`, `Conflict` for a key that has ended or has a successor,
    `Forbidden` for one with more scopes than the actor gives, or of a superuser.
    """
    key = get_key(actor, key_id)
    if actor.missing_right and not are_scopes(key.scopes, MEMBER_SCOPES):
        raise Forbidden(f"The API key {key.api_key} has scopes that admins give; ask an admin to rotate it")
    actor.check_grant(key.scopes)
    actor.check_above(key.user, "rotate its keys")
    return rotate_api_key(key, grace=grace)


def revoke_key(actor: Actor, key_id: uuid.UUID) -> ApiKey:
    """Revoke a key that an actor manages, at once and for good. Raise `NotFound`."""
    key = get_key(actor, key_id)
    revoke_api_key(key)
    return key


def _get_owner(actor: Actor, user_id: uuid.UUID) -> User:
    users = User.objects.filter(organization_id=actor.user.organization_id, pk=user_id)
    user = users.first() if user_id == actor.user.pk or not actor.missing_right else None
    if user is None:
        raise user_not_found(user_id)
    return user
