"""Annotators of an organization."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q

from modelhub.accounts.models import ApiKey, User, normalize_login
from modelhub.core.errors import Forbidden, Invalid, NotFound
from modelhub.core.exact_json import check_storable
from modelhub.core.ids import parse_uuid
from modelhub.core.models import check_visible
from modelhub.core.text import show

ADD_USERS = "; an admin adds users at /model-hub/users/"
# Of a session at a page, by role. A member sees its own scores and the queues that it is in, as with a key to annotate.
SESSION_SCOPES = {"admin": ("read", "write", "admin"), "member": ("annotate",)}


@dataclass(frozen=True, slots=True)
class Actor:
    """User that a request acts as, with the scopes and the user of its key (contract 0.9).

    `key_user` differs from `user` with `act-as`: an admin's rights need the role of both. It is None for the session
    of a page, which has no key.
    """

    user: User
    scopes: Sequence[str] = ()
    key_user: User | None = None

    @property
    def missing_right(self) -> str:
        """Return a clause with the right of an admin that is missing, "" for an admin."""
        for user in (self.key_user or self.user, self.user):
            if user.role != "admin":
                return f"{user.email} has the role {user.role}"
        missing = next((scope for scope in ("write", "admin") if scope not in self.scopes), None)
        return f"this API key lacks the scope {missing}" if missing else ""

    @property
    def sees_all(self) -> bool:
        """Return whether the scores of other annotators exist for this user."""
        return "read" in self.scopes or "annotate" not in self.scopes

    @property
    def visible(self) -> Q:
        """Return the condition of the scores that exist for this user."""
        own = {} if self.sees_all else {"annotator_id": self.user.pk}
        return Q(organization_id=self.user.organization_id, **own)

    def may_change(self, annotator_id: uuid.UUID) -> bool:
        """Allow a score's annotator and organization admins."""
        return annotator_id == self.user.pk or not self.missing_right

    def is_above(self, user: User) -> bool:
        """Return whether the actor has all rights of the user, perhaps of a superuser."""
        return not user.is_superuser or all(one.is_superuser for one in (self.key_user or self.user, self.user))

    def check_above(self, user: User, action: str) -> None:
        """Raise `Forbidden` for an action on a superuser by others than superusers."""
        if not self.is_above(user):
            raise Forbidden(f"{user.email} is a superuser; only superusers {action}")

    def check_scope(self, scope: str) -> None:
        """Raise `Forbidden` for a key without the scope."""
        if scope not in self.scopes:
            raise Forbidden(
                f"This API key lacks the scope {scope}; it has {', '.join(self.scopes) or 'none'}.", code="scope"
            )

    def check_grant(self, scopes: Sequence[str]) -> None:
        """Raise `Forbidden` for scopes of a new key that the key of a request lacks.

        `annotate` is always allowed; the session of an admin gives all scopes.
        """
        if self.key_user is not None:
            for scope in scopes:
                if scope != "annotate":
                    self.check_scope(scope)

    def check_admin(self, sentence: str) -> None:
        """Raise `Forbidden` with the sentence, unless key and user are an admin's."""
        holder = "you have"
        if self.key_user is not None:
            self.check_scope("admin")
            holder = "the user of this API key has"
        for user in (self.key_user or self.user, self.user):
            if user.role != "admin":
                raise Forbidden(f"{sentence}; {holder} the role {user.role}.")


def key_actor(key: ApiKey) -> Actor:
    """Return the user of a key, acting as itself."""
    return Actor(key.user, key.scopes, key.user)


def session_actor(user: User) -> Actor:
    """Return the user of a session, with the scopes of its role."""
    return Actor(user, SESSION_SCOPES[user.role])


def check_manager(actor: Actor) -> None:
    """Raise `Forbidden` for an actor that must not invite and change users."""
    actor.check_admin("Users are invited and changed by admins of the organization only")


def user_not_found(user_id: object) -> NotFound:
    """Return the error of a missing or foreign user."""
    return NotFound(f"User not found: {user_id}", code="user_not_found")


def find_login(email: object) -> str | None:
    """Return the stored spelling of an email, None if no user can have it."""
    login = normalize_login(email) if isinstance(email, str) else ""
    return login if login.isprintable() and login else None


def get_annotator(*, organization_id: uuid.UUID, user_id: object = None, email: object = None) -> User:
    """Return the active user of the organization with this id, or email, or both.

    Raise `Invalid`.
    """
    field, sent = ("annotator_id", user_id) if user_id is not None else ("annotator_email", email)
    pk = parse_uuid(user_id)
    login = find_login(email)
    unusable = (user_id is not None and pk is None) or (email is not None and login is None)
    users = User.objects.filter(organization_id=organization_id, is_active=True)
    if pk:
        users = users.filter(pk=pk)
    if login:
        users = users.filter(email=login)
    user = None if unusable else users.first()
    if user is None and user_id is not None and email is not None:
        sentence = "annotator_id and annotator_email must name one annotator of this organization"
        raise Invalid(f"{sentence}, got {show(user_id)} and {show(email)}", code="annotator_not_found", field=field)
    if user is None:
        kind, way = ("id", "") if field == "annotator_id" else ("email", ADD_USERS)
        sentence = f"{field} must be the {kind} of an annotator of this organization, got {show(sent)}{way}"
        raise Invalid(sentence, code="annotator_not_found", field=field)
    return user


def check_person(email: str, name: object) -> str:
    """Check a new annotator. Return the name, "" without one. Raise `Invalid`."""
    longest = User._meta.get_field("name").max_length or 0
    try:
        validate_email(email)
        User._meta.get_field("email").run_validators(email)
        # Django allows control characters in quotes, and blanks and overrides in domains.
        check_visible(email)
    except ValidationError:
        raise Invalid(f"The email of an annotator must be an email address, got {show(email)}") from None
    if not isinstance(name, str | None) or len(name or "") > longest:
        raise Invalid(f"The name of an annotator must be a string of at most {longest} characters, got {show(name)}")
    check_storable([email, name], max_bytes=10_000, max_depth=2, name="the annotator")
    return name or ""


@contextmanager
def refused_as(field: str) -> Iterator[None]:
    """Raise an error of Django's validators as `Invalid`, with the field."""
    try:
        yield
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), fields={field: error.messages}) from None


def clean_name(owner: User | ApiKey, name: str) -> str:
    """Return a name without outer blanks. Raise `Invalid` by the rules of its field."""
    with refused_as("name"):
        cleaned: str = owner._meta.get_field("name").clean(name.strip(), owner)
    return cleaned


def draft_annotator(*, organization_id: uuid.UUID, email: str, name: object, pk: uuid.UUID | None) -> User:
    """Return an inactive member, for `create_annotators`, with this id if it is free.

    Raise `Invalid` for an unfit email or name, and for the email of a user of another organization.
    """
    name = check_person(email, name)
    taken = dict(User.objects.filter(Q(email=email) | Q(pk=pk)).values_list("email", "pk"))
    if email in taken:
        raise Invalid(f"The email {email} belongs to a user of another organization")
    annotator = User(organization_id=organization_id, email=email, name=name, is_active=False)
    annotator.set_unusable_password()
    if pk and not taken:
        annotator.pk = pk
    return annotator


def create_annotators(annotators: Sequence[User]) -> None:
    """Write drafts, except for those that exist already."""
    User.objects.bulk_create(annotators, ignore_conflicts=True)
