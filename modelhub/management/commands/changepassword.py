"""`manage.py changepassword`: set the password of a user."""

from django.contrib.auth.management.commands import changepassword


class Command(changepassword.Command):
    # Django prints a notice of many lines; missing tables are one sentence of manage.py.
    requires_migrations_checks = False
