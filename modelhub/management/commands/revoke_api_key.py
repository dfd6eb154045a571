"""`manage.py revoke_api_key KEY`: end a pair at once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from modelhub.accounts.commands import key_or_error
from modelhub.accounts.keys import revoke_api_key


class Command(BaseCommand):
    """Revokes an API key."""

    help = "End an API key at once and for good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The key."""
        parser.add_argument("api_key", help="the public part of the pair")

    def handle(self, *args: Any, **options: Any) -> None:
        """Revoke, and say so."""
        key = key_or_error(options["api_key"])
        revoke_api_key(key)
        self.stdout.write(f"The API key {key.api_key} is revoked.")
