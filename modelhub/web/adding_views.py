"""Items of a queue: list, add by ids, file and filter, assign."""

import uuid
from typing import Any

from django.http.response import HttpResponseBase

from modelhub.queues.access import get_access
from modelhub.web.page import Page


class Items(Page):
    """Items."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_access(self.actor, pk).check("manage")
        return self.render("items.html")


class AddItems(Page):
    """Add items."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_access(self.actor, pk).check("manage")
        return self.render("add_items.html")
