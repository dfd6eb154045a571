"""`modelhub createsuperuser`: create an admin."""

from django.contrib.auth.management.commands import createsuperuser


class Command(createsuperuser.Command):
    # Django prints a notice of many lines; missing tables are one sentence of command_line.py.
    requires_migrations_checks = False
