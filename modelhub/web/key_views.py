"""API keys: create, rotate, revoke."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from django.db.models import F
from django.db.models.lookups import Exact
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from modelhub.accounts.key_management import (
    MEMBER_SCOPES,
    create_key,
    get_key,
    keys_of,
    revoke_key,
    rotate_key,
)
from modelhub.accounts.keys import state_of
from modelhub.accounts.models import SCOPES, ApiKey, User, default_scopes
from modelhub.accounts.users import users_of
from modelhub.core import clock
from modelhub.core.errors import Invalid
from modelhub.core.ids import parse_uuid
from modelhub.core.text import show
from modelhub.web.lists import read_page
from modelhub.web.page import Page

# The choices of a form, in days and in hours.
LIVES = {"": "Never", "7": "In a week", "30": "In 30 days", "90": "In 90 days", "365": "In a year"}
GRACES = {"0": "At once", "1": "In an hour", "24": "In a day", "168": "In a week"}
SHOWN_PEOPLE = 200


class Pair(NamedTuple):
    """A new key with its secret, shown once, in the answer to the form that made it."""

    key: ApiKey
    secret_key: str
    url: str


class ListedKey(NamedTuple):
    key: ApiKey
    state: str


class KeysPage(Page):
    """Base of the pages about keys, which show a new secret once."""

    pair: Pair | None = None

    def answer(self, key: ApiKey, secret_key: str, **ids: Any) -> HttpResponse:
        """Return the page with a new pair.

        In a redirect, a URL or a cookie would have to carry the secret.
        """
        url = self.request.build_absolute_uri(reverse("user-own"))
        self.pair = Pair(key, secret_key, url)
        answer = self.show(**ids)
        answer["Cache-Control"] = "no-store"
        return answer

    def show(self, **ids: Any) -> HttpResponse:
        raise NotImplementedError


class Keys(KeysPage):
    """API keys: admins see those of the organization, others their own."""

    def show(self, **ids: Any) -> HttpResponse:
        user_id = parse_uuid(self.request.GET.get("user", ""))
        keys = keys_of(self.actor)
        page = read_page(self.request, keys.filter(user=user_id) if user_id else keys)
        is_admin = not self.actor.missing_right
        sent = None if self.pair or self.request.method != "POST" else self.request.POST
        allowed = tuple(SCOPES) if is_admin else MEMBER_SCOPES
        chosen = sent.getlist("scopes") if sent else default_scopes() if is_admin else MEMBER_SCOPES
        return self.render(
            "keys.html",
            page=page,
            keys=[ListedKey(key, state_of(key)) for key in page],
            scopes=[(scope, SCOPES[scope], scope in chosen) for scope in allowed],
            people=self._find_owners(user_id or self.actor.user.pk) if is_admin else [],
            owner=sent.get("user", "") if sent else str(user_id or self.actor.user.pk),
            lives=LIVES,
            given=sent or {},
            pair=self.pair,
            is_filtered=user_id is not None,
        )

    def act(self, **ids: Any) -> HttpResponseBase:
        data = self.request.POST
        days = choose("expires", data.get("expires", ""), LIVES)
        owner = data.get("user", "")
        user_id = parse_uuid(owner)
        if owner and user_id is None:
            raise Invalid(f"user must be the id of a user, got {show(owner)}", field="user")
        pair = create_key(
            self.actor,
            name=data.get("name", ""),
            scopes=data.getlist("scopes"),
            user_id=user_id,
            expires_at=clock.now() + timedelta(days=int(days)) if days else None,
        )
        return self.answer(*pair)

    def _find_owners(self, first: uuid.UUID) -> list[User]:
        """Return the active people that the admin creates keys for, one of them first."""
        people = users_of(self.organization_id).filter(is_active=True)
        people = people.order_by(Exact(F("pk"), first).desc(), "email")
        return [user for user in people[:SHOWN_PEOPLE] if self.actor.is_above(user)]


class OneKey(KeysPage):
    """API key."""

    def show(self, pk: uuid.UUID | None = None, **ids: Any) -> HttpResponse:
        key = get_key(self.actor, pk or uuid.UUID(int=0))
        return self.render(
            "key.html",
            key=key,
            state=state_of(key),
            scopes=[(scope, SCOPES[scope]) for scope in key.scopes],
            graces=GRACES,
            may_rotate=state_of(key) == "valid" and self.actor.is_above(key.user),
            pair=self.pair,
        )

    def act(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        data = self.request.POST
        if data.get("action") == "rotate":
            hours = choose("grace", data.get("grace", "24"), GRACES)
            return self.answer(*rotate_key(self.actor, pk, grace=timedelta(hours=int(hours))), pk=pk)
        choose("action", data.get("action", ""), {"revoke": ""})
        key = revoke_key(self.actor, pk)
        return self.back_to("key", done=f"The API key {key.name} is revoked.", pk=pk)


def choose(field: str, sent: str, choices: Mapping[str, str]) -> str:
    """Return a choice of a form. Raise `Invalid` for any other text."""
    if sent not in choices:
        raise Invalid(f"{field} must be one of {', '.join(filter(None, choices))}, got {show(sent)}", field=field)
    return sent
