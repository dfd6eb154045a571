"""People of tests of the pages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A user with a password and an API key."""

    id: str
    email: str
    api_key: str
    secret_key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Api-Key": self.api_key, "X-Secret-Key": self.secret_key}
