"""Bases of the routes of the test controls: no key, strict bodies."""

import uuid
from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.fields import empty

from modelhub.core.envelope import read_object
from modelhub.core.errors import Invalid, TooLarge
from modelhub.core.ids import parse_uuid
from modelhub.core.inputs import StrictField
from modelhub.core.schema import parameter
from modelhub.core.text import show
from modelhub.core.views import ApiView

TAGS = ["test controls"]
ORGANIZATION = parameter(
    "organization", "The id of an organization.", {"type": "string", "format": "uuid"}, required=True
)


# Without a docstring, which drf-spectacular would show for methods without one.
class ControlView(ApiView):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def read_organization(self) -> uuid.UUID:
        """Return the `organization` of the query. Raise `Invalid`."""
        sent = self.query.get("organization")
        if (organization_id := parse_uuid(sent)) is None:
            raise Invalid(f"organization must be a UUID, got {show(sent)}", field="organization")
        return organization_id


class ControlInput(serializers.Serializer[Any]):
    """Base of bodies and of objects in them: unknown keys are errors.

    An error inside of a body begins with its place, as in `labels[0]: name must be …`.
    """

    def run_validation(self, data: Any = empty) -> Any:
        """Return the fields. Raise `Invalid` for the first wrong one."""
        if self.parent is None:
            return self._read(data)
        name = self.field_name or "An entry"
        if data is empty and not self.required:
            raise serializers.SkipField
        if not isinstance(data, dict):
            raise Invalid(f"{name} must be an object, got {show(None if data is empty else data)}", field=name)
        try:
            return self._read(data)
        except Invalid as refused:
            raise refused.prefixed(f"{name}: ") if self.field_name else refused from refused

    def _read(self, data: object) -> Any:
        return self.to_internal_value(read_object(data, tuple(self.fields), strict=True))


class ListOf(StrictField, serializers.ListField):
    """A list of objects, at most `MODELHUB_MAX_SCORES`."""

    def rule(self) -> str:
        return "a list"

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return the entries. Raise `Invalid` for the first wrong one, `TooLarge`."""
        if not isinstance(data, list):
            raise self.invalid(data)
        name = str(self.field_name)
        if len(data) > settings.MAX_SCORES:
            raise TooLarge(f"{name} must have at most {settings.MAX_SCORES} entries, got {len(data)}", field=name)
        return [self._entry(f"{name}[{index}]: ", entry) for index, entry in enumerate(data)]

    def _entry(self, place: str, entry: object) -> Any:
        try:
            return self.child.run_validation(entry)
        except Invalid as refused:
            raise refused.prefixed(place, field=str(self.field_name)) from refused
