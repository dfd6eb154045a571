"""`modelhub list-api-keys`: print all API keys, oldest first."""

from typing import Any

from django.core.management.base import BaseCommand

from modelhub.accounts.keys import state_of
from modelhub.accounts.models import ApiKey
from modelhub.core.text import visible


class Command(BaseCommand):
    help = "List every API key: public part, user, scopes, last use and state."

    def handle(self, *args: Any, **options: Any) -> None:
        for key in ApiKey.objects.select_related("user", "use").order_by("created_at"):
            used = f"{key.use.last_used_at:%Y-%m-%d %H:%M}" if hasattr(key, "use") else "never"
            access = f"{key.api_key}  {key.user.email}  {','.join(key.scopes)}"
            self.stdout.write(f"{access}  last used {used}  {_state(key)}  {visible(key.name)}")


def _state(key: ApiKey) -> str:
    state = state_of(key)
    return f"expires {key.expires_at:%Y-%m-%d %H:%M}" if state == "valid" and key.expires_at else state
