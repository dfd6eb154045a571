"""Queues: list, create, edit, and change the status."""

import uuid
from typing import Any

from django.http.response import HttpResponseBase

from modelhub.queues.access import get_access
from modelhub.web.page import Page


class Queues(Page):
    """Queues."""

    def show(self, **ids: Any) -> HttpResponseBase:
        return self.render("queues.html")


class NewQueue(Page):
    """New queue."""

    for_admins = "Queues are created by admins of the organization"

    def show(self, **ids: Any) -> HttpResponseBase:
        return self.render("edit_queue.html")


class OneQueue(Page):
    """Queue."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_access(self.actor, pk).check("review")
        return self.render("queue.html")


class EditQueue(Page):
    """Edit queue."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_access(self.actor, pk).check("manage")
        return self.render("edit_queue.html")
