"""Passwords, and the one-time links with which users set new ones and lost ones."""

import secrets
import uuid
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db.models import Q, QuerySet

from modelhub.accounts.keys import digest
from modelhub.accounts.models import Invitation, User
from modelhub.accounts.people import Actor, check_manager, clean_name, refused_as, user_not_found
from modelhub.core import clock
from modelhub.core.errors import Conflict, NotFound
from modelhub.core.exact_json import check_storable
from modelhub.core.transactions import in_transaction, repeat_aborted

MAX_PASSWORD_BYTES = 4096
# Of used and ended links, to see who was let in by whom.
KEPT_FOR = timedelta(days=90)


def open_invitations(organization_id: uuid.UUID) -> QuerySet[Invitation]:
    """Return the open invitations of an organization, at most one per user."""
    return Invitation.objects.filter(organization_id=organization_id, used_at=None, expires_at__gt=clock.now())


@repeat_aborted
@in_transaction
def create_invitation(actor: Actor, user_id: uuid.UUID) -> tuple[Invitation, str]:
    """Create a link in place of the earlier ones. Return it with its token.

    A user with a password keeps it until the link is used. Raise `Forbidden` for members and for the link of a
    superuser, `NotFound`, `Conflict` for an inactive user.
    """
    check_manager(actor)
    user = _lock_user(actor.user.organization_id, user_id)
    if user is None:
        raise user_not_found(user_id)
    if not user.is_active:
        raise Conflict(f"{user.email} is inactive; activate it first")
    actor.check_above(user, "make a link for it")
    end_invitations(user)
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        organization_id=user.organization_id,
        user=user,
        created_by=actor.user,
        token_digest=digest(token),
        expires_at=clock.now() + timedelta(days=settings.INVITATION_DAYS),
    )
    return invitation, token


def end_invitations(user: User) -> None:
    """End the open links of a user, whose row the caller has locked or written."""
    open_invitations(user.organization_id).filter(user=user).update(expires_at=clock.now())


def end_lost_access(user: User) -> None:
    """End sessions of an inactive user, and links that a user may not use or make.

    After the role or the state has changed: a link that stays open would be a way back in.
    """
    if not user.is_active:
        end_invitations(user)
        user.deactivated_at = clock.now()
        user.save(update_fields=["deactivated_at"])
    if not user.is_active or user.role != "admin":
        open_invitations(user.organization_id).filter(created_by=user).update(expires_at=clock.now())


def purge_invitations() -> int:
    """Delete links that were used or ended 90 days ago. Return their number."""
    oldest = clock.now() - KEPT_FOR
    return Invitation.objects.filter(Q(expires_at__lt=oldest) | Q(used_at__lt=oldest)).delete()[0]


def find_invitation(token: str) -> Invitation | None:
    """Return the open invitation with this token and its user, in one statement."""
    found = Invitation.objects.select_related("user", "organization").filter(token_digest=digest(token)).first()
    is_open = found is not None and found.used_at is None and found.expires_at > clock.now() and found.user.is_active
    return found if is_open else None


@repeat_aborted
@in_transaction
def accept_invitation(token: str, password: str, name: str | None = None) -> User:
    """Set the password, and the name if there is one, of the user of a link, once.

    The sessions of the user end, because they hold a digest of the password. Raise `NotFound` for a link that is not
    open, `Invalid` for an unfit password or name.
    """
    invitation = find_invitation(token)
    # Every change of an invitation locks its user first: behind the lock, one that was used or ended since is not open.
    user = _lock_user(invitation.organization_id, invitation.user_id) if invitation else None
    if invitation is None or user is None or not _use(invitation):
        raise NotFound(
            "This link is not valid any more: it was used, replaced or is too old. Ask an admin for a new one."
        )
    if name is not None:
        user.name = clean_name(user, name)
    check_password(user, password)
    user.set_password(password)
    user.save(update_fields=["password", "name"])
    return user


@repeat_aborted
@in_transaction
def change_password(user: User, password: str) -> User:
    """Set a password in place of the one that `user` was authenticated by.

    The sessions and links of the user end. Raise `Invalid` for an unfit password, `Conflict` for a user that was
    deactivated or got another password since.
    """
    locked = _lock_user(user.organization_id, user.pk)
    if locked is None or not locked.is_active or locked.password != user.password:
        raise Conflict("The account was changed meanwhile; log in again")
    check_password(locked, password)
    locked.set_password(password)
    locked.save(update_fields=["password"])
    end_invitations(locked)
    return locked


def check_password(user: User, password: str) -> None:
    """Raise `Invalid` for a password that this user must not have."""
    check_storable([password], max_bytes=MAX_PASSWORD_BYTES, max_depth=2, name="password")
    with refused_as("password"):
        validate_password(password, user)


def _use(invitation: Invitation) -> bool:
    """Note the use of an invitation. Return whether it was open."""
    rows = open_invitations(invitation.organization_id).filter(pk=invitation.pk)
    return rows.update(used_at=clock.now()) == 1


def _lock_user(organization_id: uuid.UUID, user_id: uuid.UUID) -> User | None:
    users = User.objects.filter(organization_id=organization_id, pk=user_id)
    return users.select_for_update(no_key=True).first()
