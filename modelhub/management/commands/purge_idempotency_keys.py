"""`manage.py purge_idempotency_keys`: forget answers that are kept no longer; run it once a day."""

from typing import Any

from django.core.management.base import BaseCommand

from modelhub.idempotency.services import purge


class Command(BaseCommand):
    """Purges idempotency keys."""

    help = "Forget the answers to requests with an Idempotency-Key that are older than 24 hours."

    def handle(self, *args: Any, **options: Any) -> None:
        """Purge, and say how many."""
        self.stdout.write(f"{purge()} idempotency keys purged.")
