"""Shared by the management commands about users and keys."""

from django.core.management.base import CommandError

from modelhub.accounts.models import ApiKey, User, normalize_login

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
