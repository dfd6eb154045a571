"""Results of a queue and of a label."""

import uuid
from typing import Any

from django.http.response import HttpResponseBase

from modelhub.labels.services import get_label
from modelhub.queues.access import get_access
from modelhub.web.page import Page


class QueueResults(Page):
    """Results."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_access(self.actor, pk).check("review")
        return self.render("queue_results.html")


class LabelResults(Page):
    """Results of a label."""

    for_admins = "Results of a label are shown to admins of the organization"

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_label(organization_id=self.actor.user.organization_id, label_id=pk)
        return self.render("label_results.html")
