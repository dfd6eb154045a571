"""The keys that this process has read, each with its user.

A key from memory opens nothing by itself: what is stored for it is stored by a statement that finds both rows as they
were (modelhub.score_store), and who answers anything else asks the database before (modelhub.api.remembered).
"""

import time

from modelhub.keys import opens, was_just_used
from modelhub.models import ApiKey

# Some 30 MB. Beyond that all are forgotten, and read again as they are needed.
MOST = 10_000


class KnownKeys:
    """What was read, by API key. Threads may overwrite each other's news: what is out of date is found out."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.known: dict[str, tuple[ApiKey, float]] = {}

    def find(self, api_key: str, secret_key: str) -> ApiKey | None:
        """The key of this pair as it was, if it was right and is not over by the clock.

        None, too, when it is time to note that it is used (`keys.touch`). A pair that is wrong takes the same work
        whether or not its key is known.
        """
        key, read_at = self.known.get(api_key, (None, 0.0))
        if opens(key, secret_key) and was_just_used(key, read_seconds_ago=time.monotonic() - read_at):
            return key
        return None

    def keep(self, key: ApiKey) -> None:
        """Remember a key that was just read, unless its row is about to be written: its use is to be noted."""
        if not was_just_used(key):
            return
        if len(self.known) >= self.most:
            self.known.clear()
        self.known[key.api_key] = key, time.monotonic()

    def forget(self, api_key: str) -> None:
        """It is not what it was."""
        self.known.pop(api_key, None)


KNOWN_KEYS = KnownKeys()
