"""Users: the bodies of requests, and the objects of answers."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.fields import empty

from modelhub.accounts.keys import are_scopes, scopes_rule
from modelhub.accounts.models import ROLES, SCOPES, User
from modelhub.core.envelope import read_object
from modelhub.core.inputs import FlagField, InputSerializer, NameField, StrictField, TextField, WordField
from modelhub.core.serializers import OutputSerializer


class ScopesField(StrictField, serializers.ListField):
    def rule(self) -> str:
        return scopes_rule()

    def read(self, data: Any) -> list[str] | None:
        return data if are_scopes(data) else None


class StrictInput(InputSerializer):
    """Base of bodies without unknown keys: an ignored one could be a right."""

    # Of the object as clients read it.
    ignored: ClassVar[tuple[str, ...]] = ()

    def run_validation(self, data: Any = empty) -> Any:
        """Return the fields of a body. Raise `Invalid` for the first wrong one."""
        read_object(data, (*self.fields, *self.ignored), strict=True)
        return super().run_validation(data)


class InvitationInput(StrictInput):
    """A new user; an admin may give it a password at `/admin/`, or by the command line."""

    email = TextField(min_length=1, max_length=254)
    name = NameField(required=False, allow_null=True, allow_blank=True, max_length=255)
    role = WordField(choices=ROLES, required=False, help_text="`member` by default.")
    create_key = FlagField(required=False, help_text="Answer with an API key that acts as the user.")
    scopes = ScopesField(
        child=serializers.ChoiceField(list(SCOPES)),
        required=False,
        help_text="Of the key: `annotate` by default, for an admin `read`, `write` and `admin`.",
    )


class UserChangeInput(StrictInput):
    """The changed fields of a user."""

    ignored = ("id", "created_at")

    email = TextField(required=False, help_text="The stored one: it cannot be changed.")
    name = NameField(required=False, allow_null=True, allow_blank=True, max_length=255)
    role = WordField(choices=ROLES, required=False)
    active = FlagField(required=False, help_text="The keys of an inactive user are not valid.")


class UserSerializer(OutputSerializer[User]):
    """A user of the organization."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.EmailField()
    role = serializers.ChoiceField(ROLES)
    active = serializers.BooleanField(source="is_active")
    created_at = serializers.DateTimeField()


class InvitedUserSerializer(UserSerializer):
    """A new user, and the pair of its key if one was asked for."""

    api_key = serializers.CharField(required=False)
    secret_key = serializers.CharField(required=False, help_text="Shown this once.")
    scopes = serializers.ListField(child=serializers.ChoiceField(list(SCOPES)), required=False)


class OwnUserSerializer(UserSerializer):
    """The user of the API key."""

    organization = serializers.UUIDField(source="organization_id")
    organization_name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(list(SCOPES)), help_text="Those of the API key.")
