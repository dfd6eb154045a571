"""Requests to the test controls of a server."""

from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from pytest_modelhub.errors import ModelhubError
from pytest_modelhub.http import send

PATH = "/__admin/"
SECONDS = 30
# After a call without an answer: the other tests of a run need not wait for a hung server.
LATER_SECONDS = 2


@dataclass
class Controls:
    """The test controls of a server."""

    url: str
    timeout: float = SECONDS

    def call(self, method: str, path: str = "", *, body: object = None, **query: object) -> Any:
        """Send a request to the controls and return the JSON of the answer, None without.

        Raise `ModelhubError` with the sentence of a problem, or if the server does not answer.
        """
        __tracebackhide__ = True
        parameters = urlencode({name: value for name, value in query.items() if value is not None})
        path = f"{PATH}{path}?{parameters}" if parameters else PATH + path
        try:
            response = send(method, self.url + path, body=body, timeout=self.timeout)
        except (OSError, HTTPException) as error:
            self.timeout = LATER_SECONDS
            raise ModelhubError(f"The modelhub server at {self.url} does not answer: {error}.") from None
        self.timeout = SECONDS
        if response.status >= 400:
            raise ModelhubError(f"{method} {path}: {response.status} {response.sentence}", status=response.status)
        try:
            return response.json() if response.text else None
        except ValueError:
            raise ModelhubError(
                f"{method} {path}: {response.text[:100]!r} is not JSON", status=response.status
            ) from None

    def check(self) -> None:
        """Raise `ModelhubError` unless the server is modelhub with test controls."""
        try:
            answer = self.call("GET")
        except ModelhubError as error:
            if error.status is None:
                raise
            answer = None
        if not (isinstance(answer, dict) and "organizations" in answer):
            raise ModelhubError(
                f"The server at {self.url} is another program than modelhub, or modelhub without test controls. "
                "Start modelhub with MODELHUB_TEST_CONTROLS=true, and set its URL."
            )


def check_url(url: str) -> str:
    """Return the URL without its last slash. Raise `ModelhubError` if it is none."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise ModelhubError(f"MODELHUB_URL must be an address like http://127.0.0.1:8000, got {url!r}.")
    return url.rstrip("/")
