"""Bodies and answers of disagreements and decisions."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from modelhub.agreement.adjudicating import NewAdjudication
from modelhub.agreement.opinions import Opinion
from modelhub.agreement.rows import AdjudicationRow
from modelhub.core.errors import Invalid, Refused, TooLarge
from modelhub.core.inputs import IdField, InputSerializer, StrictField, TextField
from modelhub.core.schema import SENTENCES
from modelhub.core.serializers import StructSerializer
from modelhub.core.text import show
from modelhub.labels.types import LABEL_TYPES
from modelhub.queues.serializers import PersonInput

MAX_DECISIONS = 1000


class ValueField(StrictField, serializers.JSONField):
    """A value, which its label judges; null is given, too."""

    def read(self, data: Any) -> Any:
        return data

    def to_internal_value(self, data: Any) -> Any:
        return data

    def missing(self) -> Invalid:
        sentence = "value must be given, or null to withdraw the decision"
        return Invalid(sentence, code="missing_value", field="value")


class AdjudicationInput(InputSerializer):
    """The value of an item by a label."""

    item_id = IdField(rule="the id of an item of the queue")
    label_id = IdField(rule="the id of a label of the queue")
    value = ValueField(allow_null=True, help_text="As in scores; null withdraws the decision in force.")
    notes = TextField(required=False, allow_null=True, max_length=settings.MAX_NOTES_LENGTH)

    def to_internal_value(self, data: Any) -> NewAdjudication:
        fields = super().to_internal_value(data)
        return NewAdjudication(fields["item_id"], fields["label_id"], fields["value"], fields.get("notes") or "")


class AdjudicateInput(PersonInput):
    """One decision, or many in `decisions`; by default of the key's user."""

    decisions = AdjudicationInput(many=True, required=False, allow_null=True, help_text=f"At most {MAX_DECISIONS}.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        of_one = AdjudicationInput().get_fields()
        for field in of_one.values():
            field.required = False
        return super().get_fields() | of_one

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the person, `adjudications` by position, and `errors` of the others.

        `is_single` without `decisions`: then an error is the answer.
        """
        person, reader, decisions = PersonInput(), AdjudicationInput(), data.get("decisions")
        fields: dict[str, Any] = person.run_validation({name: data[name] for name in person.fields if name in data})
        given = {name: sent for name, sent in data.items() if name in reader.fields}
        if decisions is not None and given:
            name = next(iter(given))
            raise Invalid(f"{name} must not be given with decisions", code="conflicting_fields", field=name)
        adjudications, errors = _read_many(reader, [given] if decisions is None else decisions)
        return fields | {"adjudications": adjudications, "errors": errors, "is_single": decisions is None}


def _read_many(reader: AdjudicationInput, sent: object) -> tuple[dict[int, NewAdjudication], dict[int, Refused]]:
    if not isinstance(sent, list) or not sent:
        raise Invalid(f"decisions must be a list of at least one object, got {show(sent)}", field="decisions")
    if len(sent) > MAX_DECISIONS:
        sentence = f"At most {MAX_DECISIONS} decisions a request, got {len(sent)}"
        raise TooLarge(sentence, code="too_many_decisions", field="decisions")
    adjudications: dict[int, NewAdjudication] = {}
    errors: dict[int, Refused] = {}
    for index, entry in enumerate(sent):
        try:
            adjudications[index] = _read_one(reader, entry)
        except Refused as refused:
            errors[index] = refused
    return adjudications, errors


def _read_one(reader: AdjudicationInput, entry: object) -> NewAdjudication:
    if not isinstance(entry, dict):
        sentence = f"An entry must be an object with item_id, label_id and value, got {show(entry)}"
        raise Invalid(sentence, code="not_an_object")
    new: NewAdjudication = reader.run_validation(entry)
    return new


class AdjudicationSerializer(StructSerializer[AdjudicationRow]):
    """A reviewer's decision on the value of an item by a label."""

    class Meta:
        struct = AdjudicationRow


AdjudicateAnswer = inline_serializer(
    "AdjudicateAnswer", {"adjudicated": AdjudicationSerializer(many=True), "errors": SENTENCES}
)


class OpinionSerializer(StructSerializer[Opinion]):
    """A score of an item by a label."""

    class Meta:
        struct = Opinion


class DisagreementSerializer(serializers.Serializer[Any]):
    """An item and a label that usable ratings differ by; values are plain."""

    item_id = serializers.UUIDField()
    source_type = serializers.CharField()
    source_id = serializers.CharField()
    source_name = serializers.CharField()
    label_id = serializers.UUIDField()
    label_name = serializers.CharField()
    label_type = serializers.ChoiceField(LABEL_TYPES)
    values = OpinionSerializer(many=True)
    majority = serializers.JSONField(allow_null=True, help_text="The value more frequent than any other.")
    median = serializers.FloatField(allow_null=True, help_text="Of stars and numbers.")
    posterior = inline_serializer(
        "Posterior",
        {"value": serializers.JSONField(), "probability": serializers.FloatField()},
        many=True,
        allow_null=True,
        help_text="By the model of Dawid and Skene, most probable first.",
    )
    posterior_reason = serializers.CharField(allow_null=True)
    authoritative = AdjudicationSerializer(allow_null=True)
