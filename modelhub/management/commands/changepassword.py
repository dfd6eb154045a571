"""`modelhub change-password EMAIL`: set the password of a user."""

from django.contrib.auth.management.commands import changepassword


class Command(changepassword.Command):
    # Django prints a notice of many lines; missing tables are one sentence of command_line.py.
    requires_migrations_checks = False
