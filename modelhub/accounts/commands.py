"""Shared by the management commands about users and keys."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence

from django.core.management.base import CommandError

from modelhub.accounts.models import SCOPES, ApiKey, User, normalize_login

# Of a key that is made without one.
KEY_NAME = "Command line"
NO_ADMIN = "There is no active admin yet; a start of the server (modelhub serve) creates one in an empty database."


def get_user(email: str | None) -> User:
    """Return the active user with this email, by default the first admin.

    Raise `CommandError` without one.
    """
    if email:
        user = User.objects.filter(email=normalize_login(email)).first()
        if user is None:
            raise CommandError(f"There is no user {email}.")
        if not user.is_active:
            raise CommandError(f"The user {email} is inactive; an admin can switch it on at /admin/, under Users.")
        return user
    admin = User.objects.filter(is_active=True, role="admin").order_by("id").first()
    if admin is None:
        raise CommandError(NO_ADMIN)
    return admin


def add_scope_option(parser: ArgumentParser) -> None:
    """Add `--scope`, for one scope at a time or for several with commas."""
    parser.add_argument(
        *("--scope", "--scopes"),
        dest="scopes",
        action="extend",
        type=split_scopes,
        metavar="SCOPE",
        help="; ".join(f"{scope}: {meaning}" for scope, meaning in SCOPES.items())
        + ". Again, or with commas, for more scopes; without, the key has read, write and admin.",
    )


def split_scopes(text: str) -> list[str]:
    """Return the scopes of an option. Raise `ArgumentTypeError`."""
    scopes = text.split(",")
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise ArgumentTypeError(f"invalid choice: {unknown[0]!r} (choose from {', '.join(map(repr, SCOPES))})")
    return scopes


def find_warning(user: User, scopes: Sequence[str] | None) -> str | None:
    """Return the warning about a scope without an effect."""
    if user.role == "admin" or "admin" not in (scopes or ()):
        return None
    return f"Warning: the scope admin has no effect while {user.email} has the role {user.role}."


def get_key(api_key: str) -> ApiKey:
    """Return the key with this public part. Raise `CommandError`."""
    key = ApiKey.objects.select_related("user").filter(api_key=api_key).first()
    if key is None:
        raise CommandError(f"There is no API key {api_key}; modelhub list-api-keys shows those that there are.")
    return key


def format_pair(key: ApiKey, secret_key: str) -> str:
    """Return a new pair as text for a terminal."""
    end = f", valid until {key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else ""
    return (
        f"API key     {key.api_key}\nSecret key  {secret_key}\n"
        f"(acts as {key.user.email}, scopes {' '.join(key.scopes)}{end}; the secret is not shown again)"
    )
