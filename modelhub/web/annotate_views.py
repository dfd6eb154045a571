"""The page to judge one item."""

import uuid
from typing import Any

from django.http.response import HttpResponseBase

from modelhub.queues.access import get_access
from modelhub.queues.picking import reserve_next
from modelhub.web.page import Page


class StartAnnotating(Page):
    """Start annotating."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        found = reserve_next(actor=self.actor, queue_id=pk, exclude=[])
        return self.back_to("annotate", pk=pk, item_id=found.item.id) if found.item else self.render("annotate.html")


class Annotate(Page):
    """Annotate."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_access(self.actor, pk).check("annotate")
        return self.render("annotate.html")
