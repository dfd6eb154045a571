"""`modelhub purge-idempotency-keys`: delete expired records, daily."""

from typing import Any

from django.core.management.base import BaseCommand

from modelhub.idempotency.services import purge


class Command(BaseCommand):
    help = "Delete the records of requests with an Idempotency-Key that are older than 24 hours."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{purge()} idempotency keys purged.")
