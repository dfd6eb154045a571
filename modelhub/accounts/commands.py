"""What commands that name a user or a key have in common."""

from django.core.management.base import CommandError

from modelhub.accounts.models import ApiKey, User
from modelhub.accounts.people import find_user


def user_or_error(email: str | None) -> User:
    """The user of that login, or the first admin; raises `CommandError` where there is none."""
    user = find_user(email)
    if user is None:
        raise CommandError(f"There is no active user {email}." if email else "There is no active admin yet.")
    return user


def key_or_error(api_key: str) -> ApiKey:
    """The key of that public part; raises `CommandError` where there is none."""
    key = ApiKey.objects.select_related("user").filter(api_key=api_key).first()
    if key is None:
        raise CommandError(f"There is no API key {api_key}; list_api_keys shows those that there are.")
    return key


def describe_pair(key: ApiKey, secret_key: str) -> str:
    """A new pair for a terminal, the one time that the secret is shown."""
    return (
        f"API key     {key.api_key}\nSecret key  {secret_key}\n"
        f"(acts as {key.user.email}, scopes {' '.join(key.scopes)}; the secret is not shown again)"
    )
