"""People: the annotators of an organization."""

import uuid

from modelhub.errors import Invalid
from modelhub.ids import parse_uuid
from modelhub.models import User
from modelhub.values import show


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
