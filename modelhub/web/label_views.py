"""Labels: list, create with a preview, edit."""

import uuid
from typing import Any

from django.http.response import HttpResponseBase

from modelhub.labels.services import get_label
from modelhub.web.page import Page


class Labels(Page):
    """Labels."""

    def show(self, **ids: Any) -> HttpResponseBase:
        return self.render("labels.html")


class NewLabel(Page):
    """New label."""

    for_admins = "Labels are created by admins of the organization"

    def show(self, **ids: Any) -> HttpResponseBase:
        return self.render("edit_label.html")


class EditLabel(Page):
    """Label."""

    for_admins = "Labels are changed by admins of the organization"

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_label(organization_id=self.actor.user.organization_id, label_id=pk)
        return self.render("edit_label.html")
