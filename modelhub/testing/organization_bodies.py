"""The bodies of `/__admin/organizations`."""

from typing import Any

from rest_framework import serializers

from modelhub.accounts.models import ROLES
from modelhub.core.inputs import NameField, ObjectField, TextField, WordField
from modelhub.labels.types import LABEL_TYPES
from modelhub.scores.models import SCORE_SOURCES
from modelhub.sources.refs import MAX_ID_LENGTH, SOURCE_WORDS
from modelhub.sources.serializers import ContentField
from modelhub.testing.base import ControlInput, ListOf
from modelhub.testing.serializers import SeedField, TimeField


class LabelSeed(ControlInput):
    """A label; omitted settings take the defaults of its type."""

    name = TextField(min_length=1, max_length=255)
    type = WordField(choices=LABEL_TYPES)
    settings = ObjectField(required=False)
    description = TextField(required=False, allow_blank=True, trim_whitespace=False)


class PersonSeed(ControlInput):
    """A user with a key; `{organization}` in its email becomes that id."""

    email = TextField(min_length=1, max_length=254)
    name = NameField(required=False, allow_blank=True, max_length=255)
    role = WordField(choices=ROLES, required=False)


class SourceSeed(ControlInput):
    """A source; without `source_id` its id is a new UUID."""

    source_type = WordField(choices=list(SOURCE_WORDS))
    source_id = NameField(required=False, min_length=1, max_length=MAX_ID_LENGTH, trim_whitespace=False)
    name = NameField(lines=True, required=False, allow_blank=True, max_length=255, trim_whitespace=False)
    metadata = ObjectField(required=False)
    content = ContentField(required=False, allow_null=True)


class ScoreSeed(ControlInput):
    """A score; of the first source of its type, and by the admin, if omitted."""

    source_type = WordField(choices=list(SOURCE_WORDS))
    source_id = serializers.CharField(required=False)
    label_id = serializers.UUIDField(required=False)
    label_name = serializers.CharField(required=False)
    value = serializers.JSONField(help_text="The object of the label's type, or its plain scalar.")
    notes = serializers.CharField(required=False)
    score_source = serializers.ChoiceField(SCORE_SOURCES, required=False)
    annotator = serializers.CharField(required=False, help_text="The email of one of `people`, as in the request.")

    def to_internal_value(self, data: Any) -> Any:
        """Return the fields as they are: a recording checks them, as it does in the API."""
        return data


class OrganizationInput(ControlInput):
    """An organization, and seeds beside its first rows."""

    name = NameField(required=False, min_length=1, max_length=255)
    seed = SeedField(required=False, help_text="Ids follow from it, from the first row on.")
    now = TimeField(required=False, help_text="The time of a frozen clock, from the first row on.")
    labels = ListOf(child=LabelSeed(), required=False)
    people = ListOf(child=PersonSeed(), required=False)
    sources = ListOf(child=SourceSeed(), required=False)
    scores = ListOf(child=ScoreSeed(), required=False)


class PersonOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    email = serializers.CharField()


class PersonWithKeyOutput(PersonOutput):
    api_key = serializers.CharField()
    secret_key = serializers.CharField()


class SeededOutput(serializers.Serializer[Any]):
    """The seeds, in the order of the request."""

    labels = serializers.ListField(child=serializers.UUIDField())
    people = PersonWithKeyOutput(many=True)
    sources = serializers.ListField(child=serializers.CharField())
    scores = serializers.ListField(child=serializers.UUIDField())


class ListedOrganizationOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField(help_text="By the clock of the organization.")
    seed = serializers.CharField(allow_null=True)


class OrganizationsOutput(serializers.Serializer[Any]):
    organizations = ListedOrganizationOutput(many=True)


class OrganizationOutput(serializers.Serializer[Any]):
    """A new organization: its admin, the admin's key, and ids by type and by name."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    url = serializers.CharField()
    api_key = serializers.CharField()
    secret_key = serializers.CharField()
    user = PersonOutput()
    labels = serializers.DictField(child=serializers.UUIDField())
    label_names = serializers.DictField(child=serializers.UUIDField())
    sources = serializers.DictField(child=serializers.CharField())
    seeded = SeededOutput()
