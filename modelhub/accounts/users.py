"""Users of an organization: invite, change, activate and deactivate them."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from modelhub.accounts.invitations import end_lost_access
from modelhub.accounts.keys import create_api_key
from modelhub.accounts.models import ApiKey, User, default_scopes, normalize_login
from modelhub.accounts.people import Actor, check_manager, check_person, user_not_found
from modelhub.core.errors import Conflict, Invalid
from modelhub.core.models import LISTED
from modelhub.core.text import show
from modelhub.core.transactions import in_transaction, repeat_aborted


def users_of(organization_id: uuid.UUID) -> QuerySet[User]:
    """Return the organization's users, inactive ones included, newest first."""
    return User.objects.filter(LISTED, organization_id=organization_id).order_by("-created_at", "-id")


def get_person(*, organization_id: uuid.UUID, user_id: uuid.UUID) -> User:
    """Return a user of the organization, active or not. Raise `NotFound`."""
    user = User.objects.filter(organization_id=organization_id, pk=user_id).first()
    if user is None:
        raise user_not_found(user_id)
    return user


@repeat_aborted
@in_transaction
def invite_person(
    inviter: Actor,
    *,
    email: str,
    name: str | None = None,
    role: str = "member",
    create_key: bool = False,
    scopes: Sequence[str] | None = None,
) -> tuple[User, tuple[ApiKey, str] | None]:
    """Create a user without a password and, with `create_key`, a key with its secret.

    A user of this route gets no access to the admin site, which shows all organizations. Raise `Invalid`, `Conflict`
    for a taken email, `Forbidden` for members and for scopes that the inviter lacks; `annotate` is always allowed.
    """
    check_manager(inviter)
    if scopes is not None and not create_key:
        raise Invalid("scopes must not be given without create_key", field="scopes")
    if scopes is None:
        scopes = ["annotate"] if role == "member" else default_scopes()
    if create_key:
        inviter.check_grant(scopes)
    user = User(organization_id=inviter.user.organization_id, email=normalize_login(email), role=role)
    try:
        user.name = check_person(user.email, name)
    except Invalid as refused:
        raise refused.prefixed("", field="email") from refused
    user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        if "user_email_is_unique" not in str(error):
            raise
        raise _email_is_taken(user) from error
    return user, create_api_key(user=user, name="Invitation", scopes=scopes) if create_key else None


@repeat_aborted
@in_transaction
def update_person(actor: Actor, *, user_id: uuid.UUID, changes: Mapping[str, Any]) -> User:
    """Change name, role or state of a user.

    The links of a user that is deactivated end, and a demoted admin loses the access to the admin site. Raise
    `NotFound`, `Invalid` for another email, `Conflict` for the actor's own role and state and for those of the last
    active admin, `Forbidden` for members, and for a superuser as the user.
    """
    check_manager(actor)
    users = User.objects.filter(organization_id=actor.user.organization_id)
    # All admins are locked, in one order: of two who demote each other at once, the second one is the last.
    admins = users.filter(role="admin", is_active=True).order_by("pk").select_for_update(no_key=True)
    others = [pk for pk in admins.values_list("pk", flat=True) if pk != user_id]
    user = users.filter(pk=user_id).select_for_update(no_key=True).first()
    if user is None:
        raise user_not_found(user_id)
    actor.check_above(user, "change it")
    if normalize_login(changes.get("email", user.email)) != user.email:
        sentence = f"email cannot be changed: it is {user.email}, got {show(changes['email'])}"
        raise Invalid(sentence, field="email")
    role, active = changes.get("role", user.role), changes.get("active", user.is_active)
    if (role, active) != (user.role, user.is_active):
        if user_id == actor.user.pk:
            raise Conflict("Users cannot change their own role or state", code="own_user")
        if user.role == "admin" and user.is_active and not others:
            raise Conflict(f"{user.email} is the last active admin of the organization", code="last_admin")
    if user.role == "admin" and role == "member":
        user.is_staff = user.is_superuser = False
    has_lost_rights = (user.is_active and not active) or (user.role, role) == ("admin", "member")
    user.role, user.is_active = role, active
    user.name = changes.get("name", user.name) or ""
    user.save(update_fields=["name", "role", "is_active", "is_staff", "is_superuser"])
    if has_lost_rights:
        end_lost_access(user)
    return user


def _email_is_taken(user: User) -> Conflict:
    """Return the error of a taken email, with the id of a user of this organization."""
    taken = User.objects.filter(organization_id=user.organization_id, email=user.email).first()
    known = f": {taken.pk}" if taken else ""
    return Conflict(f"A user with the email {user.email} exists already{known}", code="duplicate", field="email")
