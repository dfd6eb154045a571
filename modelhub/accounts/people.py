"""Annotators of an organization."""

import uuid
from dataclasses import dataclass

from django.db.models import Q

from modelhub.accounts.models import User
from modelhub.core.errors import Invalid
from modelhub.core.ids import parse_uuid
from modelhub.core.text import show


@dataclass(frozen=True, slots=True)
class Actor:
    """User behind a request, with the rights of its key (contract 0.9).

    `is_admin` needs the role and the scope. Without `sees_all` only the user's own scores exist.
    """

    user: User
    is_admin: bool = False
    sees_all: bool = True

    @property
    def visible(self) -> Q:
        """Return the condition of the scores that exist for this user."""
        own = {} if self.sees_all else {"annotator_id": self.user.pk}
        return Q(organization_id=self.user.organization_id, **own)

    def may_change(self, annotator_id: uuid.UUID) -> bool:
        """Allow a score's annotator and organization admins."""
        return self.is_admin or annotator_id == self.user.pk


def get_annotator(*, organization_id: uuid.UUID, user_id: object) -> User:
    """Return the active user of the organization with this id. Raise `Invalid`."""
    pk = parse_uuid(user_id)
    user = User.objects.filter(organization_id=organization_id, is_active=True, pk=pk).first() if pk else None
    if user is None:
        sentence = f"annotator_id must be the id of an annotator of this organization, got {show(user_id)}"
        raise Invalid.of_field("annotator_id", sentence, code="annotator_not_found")
    return user
