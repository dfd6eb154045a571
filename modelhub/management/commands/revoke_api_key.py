"""`modelhub revoke-api-key KEY`: revoke an API key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from modelhub.accounts.commands import get_key
from modelhub.accounts.keys import revoke_api_key


class Command(BaseCommand):
    help = "End an API key at once and for good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("api_key", help="the public part of the pair")

    def handle(self, *args: Any, **options: Any) -> None:
        key = get_key(options["api_key"])
        revoke_api_key(key)
        self.stdout.write(f"The API key {key.api_key} is revoked.")
