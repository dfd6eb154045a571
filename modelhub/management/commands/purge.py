"""`modelhub purge`: delete rows that no request reads any more, daily."""

from typing import Any

from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand

from modelhub.accounts.invitations import purge_invitations
from modelhub.core import clock
from modelhub.idempotency.services import purge


class Command(BaseCommand):
    help = (
        "Delete answers to requests with an Idempotency-Key that are older than 24 hours, ended sessions of the pages "
        "and the admin, and one-time links that ended 90 days ago."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        sessions, _ = Session.objects.filter(expire_date__lt=clock.now()).delete()
        self.stdout.write(f"{purge()} idempotency keys, {sessions} sessions, {purge_invitations()} links purged.")
