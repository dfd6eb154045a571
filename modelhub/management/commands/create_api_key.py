"""`manage.py create_api_key EMAIL`: a new pair of keys for a user, the secret printed this once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from modelhub.accounts.commands import describe_pair, user_or_error
from modelhub.accounts.keys import create_api_key
from modelhub.accounts.models import SCOPES
from modelhub.core.errors import Refused

LONGEST = 36_500


class Command(BaseCommand):
    """Makes an API key."""

    help = "Make a pair of API key and secret key that acts as a user; the secret is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The user, and what is optional."""
        parser.add_argument("email", nargs="?", help="login of the user; the first admin when left out")
        parser.add_argument("--name", default="Command line", help="what the key is for")
        parser.add_argument("--expires-in-days", type=int, help="days until the key stops working; never when left out")
        parser.add_argument(
            "--scope", action="append", choices=SCOPES, help="what the key may do (again for more); default: not act-as"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the pair."""
        user = user_or_error(options["email"])
        days = options["expires_in_days"]
        if days is not None and not 1 <= days <= LONGEST:
            raise CommandError(f"--expires-in-days must be from 1 to {LONGEST}, got {days}.")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        try:
            pair = create_api_key(user=user, name=options["name"], expires_at=expires_at, scopes=options["scope"])
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(describe_pair(*pair))
