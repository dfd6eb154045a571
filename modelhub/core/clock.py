"""The present time: every stored, compared or shown time is read here."""

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

# Test controls replace it while they are switched on (docs/architecture.md).
source: Callable[[], datetime] = timezone.now


def now() -> datetime:
    """Return the present time in UTC."""
    return source()
