"""Who is asking: a pair of API key and secret key in the headers (contract 1)."""

import structlog
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from modelhub.errors import Unauthenticated
from modelhub.keys import REFUSAL, find_api_key, touch
from modelhub.models import ApiKey, User

CHALLENGE = "ApiKey"


class ApiKeyAuthentication(BaseAuthentication):
    """`X-Api-Key` and `X-Secret-Key`, or `Authorization: Bearer <api key>:<secret key>`.

    `request.user` is the key's user, the annotator of what the request writes; `request.auth` is the key.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        """Raises `Unauthenticated` without a valid pair: every view that asks who it is needs one."""
        key = find_api_key(*_read_pair(request))
        structlog.contextvars.bind_contextvars(key=str(key.pk), organization=str(key.organization_id))
        touch(key)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        """What `WWW-Authenticate` says."""
        return CHALLENGE


def caller(request: Request) -> User:
    """The annotator that the request's key acts as; only for views that ask who it is."""
    assert isinstance(request.user, User)  # noqa: S101 - authentication ran, or had refused
    return request.user


def _read_pair(request: Request) -> tuple[str, str]:
    headers = request.headers
    pair = headers.get("X-Api-Key", ""), headers.get("X-Secret-Key", "")
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if pair == ("", "") and scheme.lower() == "bearer":
        api_key, _, secret_key = token.strip().partition(":")
        pair = api_key, secret_key
    if not all(pair):
        raise Unauthenticated(f"{REFUSAL} Send the headers X-Api-Key and X-Secret-Key.")
    return pair


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes it: both headers, or the bearer token that API explorers offer."""

    target_class = ApiKeyAuthentication
    name = ["ApiKey", "SecretKey", "Bearer"]

    def get_security_definition(self, auto_schema: object) -> list[dict[str, str]]:
        """One definition for each name."""
        return [
            {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            {"type": "apiKey", "in": "header", "name": "X-Secret-Key"},
            {"type": "http", "scheme": "bearer", "description": "`<api key>:<secret key>`"},
        ]

    def get_security_requirement(self, auto_schema: object) -> list[dict[str, list[str]]]:
        """Both headers together, or the token alone."""
        return [{"ApiKey": [], "SecretKey": []}, {"Bearer": []}]
