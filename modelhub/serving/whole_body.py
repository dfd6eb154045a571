"""Bodies that are there to their end, or are an error."""

from typing import Any

from gunicorn.http.errors import NoMoreData, ParseException


class WholeBody:
    """Stands in front of gunicorn's own reader of a body.

    That one answers a body that stopped early as if it were whole, and raises errors of a kind of its own for broken
    chunks. Here both are an `OSError`, which every reader of a WSGI body expects, and the connection ends with it.
    """

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    def read(self, size: int) -> bytes:
        """The next bytes, none at the end; raises `NoMoreData`."""
        expected = min(size, getattr(self.reader, "length", 0))
        try:
            data: bytes = self.reader.read(size)
        except ParseException as error:
            raise NoMoreData from error
        if len(data) < expected:
            raise NoMoreData(data)
        return data
