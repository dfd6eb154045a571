"""`manage.py createsuperuser`: create an admin."""

from django.contrib.auth.management.commands import createsuperuser


class Command(createsuperuser.Command):
    # Django prints a notice of many lines; missing tables are one sentence of manage.py.
    requires_migrations_checks = False
