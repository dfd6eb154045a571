"""The end of a request's time."""

import time
from dataclasses import dataclass, field

from django.conf import settings

from modelhub.core.errors import Overdue


@dataclass(frozen=True, slots=True)
class Deadline:
    """`MODELHUB_REQUEST_TIMEOUT` seconds from `started` (monotonic)."""

    started: float = field(default_factory=time.monotonic)

    def check(self, *, advice: str) -> None:
        """Raise `Overdue` once the time is over; the caller must not have committed."""
        if time.monotonic() > self.started + settings.SERVE_TIMEOUT:
            limit = f"{settings.SERVE_TIMEOUT} seconds (MODELHUB_REQUEST_TIMEOUT)"
            raise Overdue(f"The scores were not judged within {limit}; nothing was stored. {advice}")
