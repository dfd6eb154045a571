"""`modelhub rotate-api-key KEY`: create a successor; the key expires later."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from modelhub.accounts.commands import format_pair, get_key
from modelhub.accounts.keys import rotate_api_key
from modelhub.core.errors import Conflict


class Command(BaseCommand):
    help = "Make a new pair with the same user and scopes; the old pair stays valid for a grace period."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("api_key", help="the public part of the pair to replace")
        parser.add_argument("--grace-hours", type=float, default=24, help="hours that the old pair stays valid")

    def handle(self, *args: Any, **options: Any) -> None:
        key = get_key(options["api_key"])
        if not 0 <= options["grace_hours"] <= 24 * 365:
            raise CommandError(f"--grace-hours must be from 0 to 8760, got {options['grace_hours']}.")
        try:
            pair = rotate_api_key(key, grace=timedelta(hours=options["grace_hours"]))
        except Conflict as error:
            raise CommandError(str(error)) from error
        self.stdout.write(format_pair(*pair))
        self.stdout.write(f"The old pair {key.api_key} is valid until {key.expires_at:%Y-%m-%d %H:%M} UTC.")
