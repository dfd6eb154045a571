"""People: invite, roles, deactivate."""

import uuid
from typing import Any

from django.http.response import HttpResponseBase

from modelhub.accounts.users import get_person
from modelhub.web.page import Page


class People(Page):
    """People and keys."""

    for_admins = "People are managed by admins of the organization"

    def show(self, **ids: Any) -> HttpResponseBase:
        return self.render("people.html")


class Person(Page):
    """Person."""

    for_admins = "People are managed by admins of the organization"

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_person(organization_id=self.actor.user.organization_id, user_id=pk)
        return self.render("person.html")
