"""People: invite, roles, deactivate."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse

from modelhub.accounts.filters import UserFilter
from modelhub.accounts.invitations import create_invitation, open_invitations
from modelhub.accounts.models import ROLES, Invitation, User
from modelhub.accounts.serializers import InvitationInput, UserChangeInput
from modelhub.accounts.users import get_person, invite_person, update_person, users_of
from modelhub.core.errors import Refused
from modelhub.queues.access import visible_queues
from modelhub.queues.models import Queue, QueueMember
from modelhub.web.lists import given_filters, no_rows, read_page
from modelhub.web.page import Page

FOR_ADMINS = "People are managed by admins of the organization"
FILTERS = ("search", "role", "active")
SHOWN_QUEUES = 50


class OneTimeLink(NamedTuple):
    """A link that is shown once, in the answer to the form that made it."""

    user: User
    url: str
    invitation: Invitation


class ListedPerson(NamedTuple):
    user: User
    queues: int
    state: str
    link_until: datetime | None


class PeoplePage(Page):
    """Base of the pages about people, which show a new link once."""

    for_admins = FOR_ADMINS
    link: OneTimeLink | None = None

    def make_link(self, user: User) -> None:
        """Create a link for the page that answers this form.

        A redirect would have to carry its token.
        """
        invitation, token = create_invitation(self.actor, user.pk)
        url = self.request.build_absolute_uri(reverse("web:invitation", kwargs={"token": token}))
        self.link = OneTimeLink(user, url, invitation)


class People(PeoplePage):
    """People and keys."""

    def show(self, **ids: Any) -> HttpResponseBase:
        given = given_filters(self.request, *FILTERS)
        try:
            rows = UserFilter(given, queryset=users_of(self.organization_id)).get_rows()
            page = read_page(self.request, rows.order_by("-is_active", "-created_at", "-id"))
        except Refused as refused:
            self.refused, page = refused, no_rows()
        return self.render(
            "people.html",
            page=page,
            people=self._describe([*page]),
            given=given,
            roles=ROLES,
            link=self.link,
            sent=QueryDict() if self.link else self.request.POST,
        )

    def act(self, **ids: Any) -> HttpResponseBase:
        data = self.request.POST
        body = {"email": data.get("email", "").strip(), "name": data.get("name", "").strip(), "role": data.get("role")}
        user, _ = invite_person(self.actor, **InvitationInput().run_validation(body))
        self.make_link(user)
        return self.show()

    def _describe(self, users: Collection[User]) -> list[ListedPerson]:
        """Return the people of a page with their queues and states, by two statements."""
        if not users:
            return []
        pks = [user.pk for user in users]
        members = QueueMember.objects.filter(
            organization_id=self.organization_id, user_id__in=pks, queue__deleted_at=None
        )
        queues = dict(members.order_by().values_list("user").annotate(Count("pk")))
        open_ = open_invitations(self.organization_id).filter(user_id__in=pks)
        links = dict(open_.values_list("user_id", "expires_at"))
        return [
            ListedPerson(user, queues.get(user.pk, 0), state_of(user, user.pk in links), links.get(user.pk))
            for user in users
        ]


class Person(PeoplePage):
    """Person."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        person = get_person(organization_id=self.organization_id, user_id=pk)
        invitation = open_invitations(self.organization_id).filter(user=person).first()
        queues = Queue.objects.filter(visible_queues(self.actor), deleted_at=None, members__user=person)
        sent = self.request.POST if self.refused else {}
        return self.render(
            "person.html",
            person=person,
            state=state_of(person, invitation is not None),
            invitation=invitation,
            name=sent.get("name", person.name),
            role=sent.get("role", person.role),
            shown={name: sent.get(f"shown_{name}", getattr(person, name)) for name in ("name", "role")},
            roles=ROLES,
            link=self.link,
            queues=queues.order_by("name", "id")[:SHOWN_QUEUES],
            is_own=person.pk == self.actor.user.pk,
            is_above=self.actor.is_above(person),
        )

    def act(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        data = self.request.POST
        match data.get("action", "save"):
            case "link":
                self.make_link(get_person(organization_id=self.organization_id, user_id=pk))
                return self.show(pk)
            case "activate" | "deactivate" as action:
                changes: dict[str, Any] = {"active": action == "activate"}
                done = f"{{}} is {action}d."
            case _:
                sent = {name: data[name].strip() for name in ("name", "role") if name in data}
                # An old page would take back changes since.
                edited = {name: text for name, text in sent.items() if text != data.get(f"shown_{name}")}
                changes, done = UserChangeInput(partial=True).run_validation(edited), "{} is saved."
        user = update_person(self.actor, user_id=pk, changes=changes)
        return self.back_to("person", done=done.format(user.display_name), pk=pk)


def state_of(user: User, is_invited: bool) -> str:
    """Return the state of a user in one word."""
    if not user.is_active:
        return "inactive"
    if user.has_usable_password():
        return "active"
    return "invited" if is_invited else "no password"
