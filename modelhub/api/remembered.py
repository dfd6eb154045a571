"""Views that may know a key from memory, because the statement that stores for them looks whether it still holds.

Whatever they answer without that statement (what is wrong with the request), they answer only to a key that the
database has just confirmed. So a key that is revoked, or changed in any way, is that for the next request.
"""

from collections.abc import Callable

from django.db import DatabaseError, InterfaceError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.api.auth import admit, shown_key
from modelhub.api.idempotent import HEADER
from modelhub.api.wire import UNREADABLE
from modelhub.errors import OutcomeUnknown, RateLimited, Refused
from modelhub.keys import check_scope, find_api_key
from modelhub.known_keys import KNOWN_KEYS
from modelhub.models import ApiKey
from modelhub.score_store import KeyChanged

# Nobody learns anything from these, and to ask again might take as long as it took to fail.
OUTAGES = (DatabaseError, InterfaceError, OutcomeUnknown)


class StoresScores(APIView):
    """A view whose `post` stores scores, and hands `known_key` on to the statement that does."""

    # The key, if it comes from memory and the database was not asked yet.
    known_key: ApiKey | None = None
    post: Callable[[Request], Response]

    def find_key(self, api_key: str, secret_key: str) -> ApiKey:
        """The key of this pair, from memory if it is there and may write; raises `Unauthenticated`.

        Not with an Idempotency-Key: what is answered then may have been stored before.
        """
        if self.request.method == "POST" and HEADER not in self.request.headers:
            key = KNOWN_KEYS.find(api_key, secret_key)
            if key and "write" in key.scopes:
                self.known_key = key
                return key
        return read_key(api_key, secret_key)

    def handle_exception(self, exc: Exception) -> Response:
        """Ask whose key it is before any error is answered, and begin again if anything is not what it was."""
        try:
            if self.known_key and not isinstance(exc, OUTAGES):
                changed = self._ask(self.known_key)
                if isinstance(exc, KeyChanged) or (changed and _may_depend_on_who_asks(exc)):
                    return self.post(self.request)
        except Exception as instead:  # noqa: BLE001 - it takes the place of the first one
            exc = instead
        return super().handle_exception(exc)

    def _ask(self, known_key: ApiKey) -> bool:
        """Whether key or user may have changed. Raises `Unauthenticated`, or `Forbidden` for one that may not write."""
        self.known_key = None
        key = shown_key(self.request, read_anew)
        admit(key)
        self.request.user, self.request.auth = key.user, key
        check_scope(key, "write")
        return key.version != known_key.version


def _may_depend_on_who_asks(exc: Exception) -> bool:
    """Anything but the limit that a key has reached, what DRF refuses, and a body that cannot be read again."""
    return isinstance(exc, Refused) and not isinstance(exc, RateLimited) and exc.code not in UNREADABLE


def read_key(api_key: str, secret_key: str) -> ApiKey:
    """From the database, for the next time, too; raises `Unauthenticated`."""
    key = find_api_key(api_key, secret_key)
    KNOWN_KEYS.keep(key)
    return key


def read_anew(api_key: str, secret_key: str) -> ApiKey:
    """The same for one that may not be what it was."""
    KNOWN_KEYS.forget(api_key)
    return read_key(api_key, secret_key)
