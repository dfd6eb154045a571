"""People: the annotators of an organization."""

import uuid
from dataclasses import dataclass

from modelhub.accounts.models import User
from modelhub.core.errors import Invalid
from modelhub.core.ids import parse_uuid
from modelhub.core.text import show


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: the user, and whether the key lets an admin act as one (contract 0.9)."""

    user: User
    is_admin: bool

    def may_change(self, annotator_id: uuid.UUID) -> bool:
        """Its annotator and the organization's admins may."""
        return self.is_admin or annotator_id == self.user.pk


def find_annotator(*, organization_id: uuid.UUID, user_id: object) -> User:
    """The active user of the organization with that id; raises `Invalid` for anyone else."""
    pk = parse_uuid(user_id)
    user = User.objects.filter(organization_id=organization_id, is_active=True, pk=pk).first() if pk else None
    if user is None:
        sentence = f"annotator_id must be the id of an annotator of this organization, got {show(user_id)}"
        raise Invalid(sentence, code="annotator_not_found", fields={"annotator_id": [sentence]})
    return user


def find_user(email: str | None) -> User | None:
    """The active user with that login, ignoring case; the first admin without one. For the command line."""
    users = User.objects.filter(is_active=True).order_by("id")
    return (users.filter(email=email.lower()) if email else users.filter(role="admin")).first()
