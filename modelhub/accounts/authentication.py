"""Who is asking: a pair of API key and secret key in the headers (contract 1)."""

from typing import Any

import structlog
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from modelhub.accounts.keys import REFUSAL, check_scope, find_api_key, touch
from modelhub.accounts.models import ApiKey, User
from modelhub.accounts.people import Actor, find_annotator
from modelhub.accounts.throttling import Attempt, check_key
from modelhub.core.errors import Unauthenticated
from modelhub.core.handlers import CHALLENGE


class ApiKeyAuthentication(BaseAuthentication):
    """`X-Api-Key` and `X-Secret-Key`, or `Authorization: Bearer <api key>:<secret key>`.

    `request.user` is the key's user, the annotator of what the request writes; `request.auth` is the key.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        """Raises `Unauthenticated` without a valid pair: every view that asks who it is needs one.

        Raises `RateLimited` where too many pairs were wrong before, or this one is used too often.
        """
        key = shown_key(request)
        check_key(str(key.pk))
        admit(key)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        """What `WWW-Authenticate` says."""
        return CHALLENGE


class NeedsScope(BasePermission):
    """The key's scopes: `read` for what only reads, `write` for everything else."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raises `Forbidden` with the scope that is lacking."""
        check_scope(key_of(request), "read" if request.method in SAFE_METHODS else "write")
        return True


def key_of(request: Request) -> ApiKey:
    """The key that the request showed; only for views that ask who it is."""
    assert isinstance(request.auth, ApiKey)  # noqa: S101 - authentication ran, or had refused
    return request.auth


def caller(request: Request) -> User:
    """The user that the request's key acts as."""
    return key_of(request).user


def annotator_of(request: Request, annotator_id: object) -> User:
    """Whose scores a request writes: the caller's, or those of the one whom a key with `act-as` names.

    Raises `Forbidden` without that scope, `Invalid` for one who is not of this organization.
    """
    if annotator_id is None or annotator_id == str(caller(request).pk):
        return caller(request)
    check_scope(key_of(request), "act-as")
    return find_annotator(organization_id=caller(request).organization_id, user_id=annotator_id)


def actor_of(request: Request, annotator_id: object = None) -> Actor:
    """Who changes or deletes scores: an admin only if the key has that scope, too."""
    user = annotator_of(request, annotator_id)
    return Actor(user, is_admin=user.role == "admin" and "admin" in key_of(request).scopes)


def admit(key: ApiKey) -> None:
    """What follows once it is known: lines of the log name it, and its use is noted."""
    structlog.contextvars.bind_contextvars(key=str(key.pk), organization=str(key.organization_id))
    touch(key)


def shown_key(request: Request) -> ApiKey:
    """The key of the pair that the request shows; a pair that is wrong counts against who shows it.

    Raises `Unauthenticated`, and `RateLimited` where too many were wrong.
    """
    pair = _read_pair(request)
    with Attempt(request.META, *pair):
        return find_api_key(*pair)


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
