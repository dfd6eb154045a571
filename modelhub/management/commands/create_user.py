"""`modelhub create-user EMAIL`: create an annotator or an admin."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from modelhub.accounts.commands import KEY_NAME, add_scope_option, find_warning, format_pair, get_user
from modelhub.accounts.keys import create_api_key
from modelhub.accounts.models import ROLES, User, normalize_login
from modelhub.core.text import show


class Command(BaseCommand):
    help = (
        "Create a user of the first admin's organization. The password, for /admin/, is asked for; "
        "a user that only owns API keys needs none. With --key its first key is printed, the secret this once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the login")
        parser.add_argument("--name", default="", help="name that answers show beside scores")
        parser.add_argument(
            "--role", choices=ROLES, default="member", help="admins log in to /admin/; member by default"
        )
        parser.add_argument("--key", action="store_true", help="make an API key of the user, too")
        add_scope_option(parser)
        password = parser.add_mutually_exclusive_group()
        password.add_argument("--no-password", action="store_true", help="create a user that cannot log in")
        password.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["scopes"] and not options["key"]:
            raise CommandError("--scope needs --key.")
        email, is_admin = normalize_login(options["email"]), options["role"] == "admin"
        user = User(email=email, name=options["name"], role=options["role"], is_staff=is_admin, is_superuser=is_admin)
        user.organization_id = get_user(None).organization_id
        try:
            user.full_clean(exclude=["password"])
            if password := read_password(options):
                validate_password(password, user)
        except ValidationError as error:
            raise CommandError(f"{show(email)} cannot be created. {' '.join(error.messages)}") from None
        user.set_password(password or None)
        try:
            with transaction.atomic():
                user.save()
                pair = create_api_key(user=user, name=KEY_NAME, scopes=options["scopes"]) if options["key"] else None
        except IntegrityError:
            # Created by another command while this one asked for the password.
            raise CommandError(f"{show(email)} exists already.") from None
        words = "a password" if password else "no password"
        self.stdout.write(f"Created {email} with the role {user.role} and {words}.")
        if pair:
            self.stdout.write(format_pair(*pair))
        if warning := find_warning(user, options["scopes"]):
            self.stderr.write(warning)


def read_password(options: dict[str, Any]) -> str:
    """Return the password, "" for none. Raise `CommandError`."""
    if options["no_password"]:
        return ""
    if options["password_stdin"]:
        if password := sys.stdin.readline().rstrip("\r\n"):
            return password
        raise CommandError("Standard input has no password; --no-password creates a user without one.")
    if not sys.stdin.isatty():
        raise CommandError("Standard input is not a terminal; add --no-password or --password-stdin.")
    password = getpass.getpass("Password (empty for none): ")
    if password and getpass.getpass("Password (again): ") != password:
        raise CommandError("The two passwords differ; run the command again.")
    return password
