"""Times that clients write: dates and date-times of RFC 3339."""

import re
from datetime import UTC, datetime, timedelta

# An offset's `+` that a URL does not escape arrives as a space.
RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d+))?"
    r"(?:[Zz]|([+ -](?:[01]\d|2[0-3]):[0-5]\d))?)?",
    re.ASCII,
)


def read_time(text: str) -> datetime:
    """Return the moment in UTC, rounded up to a microsecond.

    Stored times are whole microseconds, so the rows from the rounded moment on are those from the exact one on. Raise
    `ValueError` or `OverflowError`.
    """
    match = RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError
    date, clock, fraction, offset = match.groups(default="")
    moment = datetime.fromisoformat(f"{date}T{clock or '00:00:00'}{offset.replace(' ', '+') or 'Z'}")
    microseconds = int(fraction[:6].ljust(6, "0")) + bool(fraction[6:].strip("0"))
    return moment.astimezone(UTC) + timedelta(microseconds=microseconds)
