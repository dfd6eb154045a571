"""`modelhub create-api-key EMAIL`: create an API key and print its secret once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from modelhub.accounts.commands import KEY_NAME, add_scope_option, find_warning, format_pair, get_user
from modelhub.accounts.keys import create_api_key
from modelhub.core import clock
from modelhub.core.text import is_visible, show

MAX_DAYS, MAX_NAME_LENGTH = 36_500, 255


class Command(BaseCommand):
    help = "Make a pair of API key and secret key that acts as a user; the secret is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", nargs="?", help="login of the user; the first admin when left out")
        parser.add_argument("--name", default=KEY_NAME, help="what the key is for")
        parser.add_argument("--expires-in-days", type=int, help="days until the key stops working; never when left out")
        add_scope_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user(options["email"])
        name, days = options["name"], options["expires_in_days"]
        if len(name) > MAX_NAME_LENGTH or not is_visible(name):
            raise CommandError(
                f"The name of a key must have 1 to {MAX_NAME_LENGTH} visible characters, got {show(name)}."
            )
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise CommandError(f"--expires-in-days must be from 1 to {MAX_DAYS}, got {days}.")
        expires_at = clock.now() + timedelta(days=days) if days else None
        pair = create_api_key(user=user, name=name, expires_at=expires_at, scopes=options["scopes"])
        self.stdout.write(format_pair(*pair))
        if warning := find_warning(user, options["scopes"]):
            self.stderr.write(warning)
