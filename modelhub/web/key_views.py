"""API keys: create, rotate, revoke."""

import uuid
from typing import Any

from django.http.response import HttpResponseBase

from modelhub.accounts.models import ApiKey
from modelhub.core.errors import NotFound
from modelhub.web.page import Page


class Keys(Page):
    """API keys."""

    def show(self, **ids: Any) -> HttpResponseBase:
        return self.render("keys.html")


class OneKey(Page):
    """API key."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        keys = ApiKey.objects.filter(organization_id=self.actor.user.organization_id, pk=pk)
        if self.actor.missing_right:
            keys = keys.filter(user=self.actor.user.pk)
        if not keys.exists():
            raise NotFound(f"API key not found: {pk}")
        return self.render("key.html")
