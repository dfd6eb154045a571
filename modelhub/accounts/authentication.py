"""Authentication by a pair of API key and secret key in the headers (contract 1)."""

from collections.abc import Mapping
from typing import Any, cast

import structlog
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from modelhub.accounts.keys import REFUSAL, authenticate
from modelhub.accounts.models import ApiKey, User
from modelhub.accounts.people import Actor, find_login, get_annotator, key_actor
from modelhub.core.errors import Unauthenticated
from modelhub.core.ids import spell_uuid


class ApiKeyAuthentication(BaseAuthentication):
    """Accept `X-Api-Key` with `X-Secret-Key`, or both as one bearer token.

    Set `request.user` to the key's user, the annotator of written scores, and `request.auth` to the key.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        """Return user and key, and bind the key to the log. Raise `Unauthenticated`."""
        key = authenticate(*_read_pair(request.headers))
        structlog.contextvars.bind_contextvars(key=str(key.pk), organization=str(key.organization_id))
        return key.user, key


def api_key_of(request: Request) -> ApiKey:
    return cast(ApiKey, request.auth)


def caller(request: Request) -> User:
    return cast(User, request.user)


def annotator_of(request: Request, annotator_id: object = None, annotator_email: object = None) -> User:
    """Return the annotator that a request acts as, by default the caller.

    Raise `Forbidden` for another annotator without the scope `act-as`, `Invalid` for one of another organization.
    """
    user = caller(request)
    own_id = annotator_id is None or spell_uuid(annotator_id) == str(user.pk)
    if own_id and (annotator_email is None or find_login(annotator_email) == user.email):
        return user
    # A blank one names no person, whatever the scopes.
    for scope in ("act-as", "write") if "" not in (annotator_id, annotator_email) else ():
        key_actor(api_key_of(request)).check_scope(scope)
    return get_annotator(organization_id=user.organization_id, user_id=annotator_id, email=annotator_email)


def actor_of(request: Request, annotator_id: object = None, annotator_email: object = None) -> Actor:
    """Return the user of a request with the scopes of its key, by default as itself."""
    return Actor(annotator_of(request, annotator_id, annotator_email), api_key_of(request).scopes, caller(request))


def actor_of_body(request: Request, fields: Mapping[str, Any]) -> Actor:
    """Return the person that a body names as annotator, by default the key's user."""
    annotator_id = fields.get("annotator_id")
    return actor_of(request, str(annotator_id) if annotator_id else None, fields.get("annotator_email"))


def _read_pair(headers: Mapping[str, str]) -> tuple[str, str]:
    pair = sent_pair(headers)
    if not all(pair):
        raise Unauthenticated(f"{REFUSAL} Send the headers X-Api-Key and X-Secret-Key.")
    return pair


def sent_pair(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return API key and secret key of a request, empty where they are missing."""
    pair = headers.get("X-Api-Key", ""), headers.get("X-Secret-Key", "")
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if pair == ("", "") and scheme.lower() == "bearer":
        api_key, _, secret_key = token.strip().partition(":")
        return api_key, secret_key
    return pair


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """OpenAPI security schemes of `ApiKeyAuthentication`."""

    target_class = ApiKeyAuthentication
    name = ["ApiKey", "SecretKey", "Bearer"]

    def get_security_definition(self, auto_schema: object) -> list[dict[str, str]]:
        """Return one definition per name."""
        return [
            {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "The API key."},
            {"type": "apiKey", "in": "header", "name": "X-Secret-Key", "description": "Its secret key."},
            {"type": "http", "scheme": "bearer", "description": "Instead of both headers: `<api key>:<secret key>`"},
        ]

    def get_security_requirement(self, auto_schema: object) -> list[dict[str, list[str]]]:
        """Require both headers, or the bearer token alone."""
        return [{"ApiKey": [], "SecretKey": []}, {"Bearer": []}]
