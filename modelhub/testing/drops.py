"""Answers that are lost."""

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from waitress.channel import ClientDisconnected


class DroppedResponse(StreamingHttpResponse):
    """Close the connection without a byte; `lost` is the answer, if there was one.

    waitress writes the head with the first chunk. Here none comes, and `close`, which it calls even for HEAD, ends the
    request as if the client had gone.
    """

    def __init__(self, lost: HttpResponseBase | None = None) -> None:
        super().__init__(())
        self._lost = lost

    def close(self) -> None:
        """Release the resources of both responses. Raise `ClientDisconnected`."""
        if self._lost is not None:
            self._lost.close()
        super().close()
        raise ClientDisconnected
