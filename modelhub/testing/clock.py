"""The clock of an organization, frozen or running beside the real time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from modelhub.core.errors import Invalid

# UUIDv7 begins in 1970, and sums with a time of the last years leave Python's range.
FIRST, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """Shows `frozen_at`, or the real time plus `offset`."""

    frozen_at: datetime | None = None
    offset: timedelta = timedelta()

    def now(self) -> datetime:
        """Return the time that the clock shows, in UTC."""
        return self.frozen_at or timezone.now() + self.offset

    def freeze(self) -> "Clock":
        return Clock(frozen_at=self.now())

    def run(self) -> "Clock":
        return Clock(offset=self.frozen_at - timezone.now()) if self.frozen_at else self

    def advance(self, difference: timedelta) -> "Clock":
        if self.frozen_at:
            return Clock(frozen_at=self.frozen_at + difference)
        return Clock(offset=self.offset + difference)

    @property
    def session_settings(self) -> tuple[str, str]:
        """Return the arguments of `modelhub_testing.set_clock`."""
        if self.frozen_at:
            return self.frozen_at.isoformat(), ""
        return "", f"{self.offset // MICROSECOND} microseconds" if self.offset else ""


REAL = Clock()


def change_clock(
    clock: Clock,
    *,
    now: datetime | None = None,
    offset: timedelta | None = None,
    advance: timedelta | None = None,
    frozen: bool | None = None,
) -> Clock:
    """Return the clock after a change: one of the times, or `frozen`, or both.

    A clock that is set to `now` is frozen by default, one with an `offset` runs, and `advance` keeps either. Raise
    `Invalid` for other combinations and unusable years.
    """
    times = {"now": now, "offset": offset, "advance": advance}
    given = [name for name, value in times.items() if value is not None]
    if len(given) > 1 or (not given and frozen is None):
        sentence = "The body must have one of now, offset and advance, or frozen alone"
        raise Invalid(f"{sentence}, got {' and '.join(given) or 'none of them'}")
    if now is not None:
        changed = Clock(frozen_at=now)
    elif offset is not None:
        changed = Clock(offset=offset)
    else:
        changed = clock.advance(advance or timedelta())
    if frozen is not None:
        changed = changed.freeze() if frozen else changed.run()
    if not FIRST <= (shown := changed.now()) < END:
        sentence = f"The clock must show a year from {FIRST.year} to {END.year - 1}, got {shown.isoformat()}"
        raise Invalid(sentence, field=given[0] if given else "frozen")
    return changed
