"""Sources: search, content, scores with their history."""

import uuid
from typing import Any

from django.http.response import HttpResponseBase

from modelhub.sources.services import get_source
from modelhub.web.page import Page


class Sources(Page):
    """Sources."""

    def show(self, **ids: Any) -> HttpResponseBase:
        return self.render("sources.html")


class OneSource(Page):
    """Source."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_source(organization_id=self.actor.user.organization_id, pk=pk)
        return self.render("source.html")
