"""Exports of queues: bodies of requests and answers."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.fields import empty

from modelhub.core.errors import Invalid
from modelhub.core.inputs import FlagField, IdField, InputSerializer, NameField, TextField, WordField
from modelhub.core.serializers import OutputSerializer, StructSerializer
from modelhub.core.text import show
from modelhub.queues.export_fields import Column, ExportField
from modelhub.queues.exporting import Annotation, ExportedItem, ItemNote, ItemReview, ItemSkip
from modelhub.queues.models import ITEM_STATUSES

ALL = "all"
STATUS_WORDS = (*ITEM_STATUSES, ALL)
DEFAULT_STATUS = "completed"
# The values of a label that an item has a decision by.
AUTHORITATIVE = "authoritative"
PREFERENCES = ("scores", AUTHORITATIVE)


class ExportedAnnotationSerializer(StructSerializer[Annotation]):
    """A score of an exported item with its plain value, or a decision in its place."""

    class Meta:
        struct = Annotation


class ExportedNoteSerializer(StructSerializer[ItemNote]):
    """A person's note on an item."""

    class Meta:
        struct = ItemNote


class SkipOfItem(StructSerializer[ItemSkip]):
    """A person's skip of an item."""

    class Meta:
        struct = ItemSkip


class ExportedReviewSerializer(StructSerializer[ItemReview]):
    """The state of an item's review."""

    class Meta:
        struct = ItemReview


class ExportedItemSerializer(StructSerializer[ExportedItem]):
    """An exported item; `review` only if the queue requires one."""

    class Meta:
        struct = ExportedItem

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {
            "annotations": ExportedAnnotationSerializer(many=True),
            "item_notes": ExportedNoteSerializer(many=True),
            "skips": SkipOfItem(many=True),
            "review": ExportedReviewSerializer(required=False),
        }


class ExportFieldSerializer(OutputSerializer[ExportField]):
    """A field that a column may hold."""

    id = serializers.CharField()
    column = serializers.CharField(help_text="The column's name unless a mapping gives another one.")
    data_type = serializers.CharField()
    group = serializers.CharField()
    default = serializers.BooleanField(help_text="Whether an export without `column_mapping` has it.")

    # `label` is an attribute of every serializer.
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {"label": serializers.CharField()}


class MappedColumn(InputSerializer):
    """A column to fill: `field` (or `id`) of export-fields/, and its name."""

    field = TextField(required=False)
    id = TextField(required=False)
    # Longer than names of labels, which are parts of columns.
    column = NameField(required=False, allow_null=True, min_length=1, max_length=500)
    enabled = FlagField(required=False)

    def to_internal_value(self, data: Any) -> Column | None:
        """Return the column, `None` for a disabled one. Raise `Invalid`."""
        fields = super().to_internal_value(data)
        given = {fields[name] for name in ("field", "id") if name in fields}
        if not given:
            raise Invalid("field must be given", code="required", field="field")
        if len(given) > 1:
            raise Invalid("field and id are both given and differ", code="conflicting_fields", field="field")
        return Column(given.pop(), fields.get("column")) if fields.get("enabled", True) else None


class ToDatasetInput(InputSerializer):
    """The dataset to fill, the items, and the columns, by default the usual ones."""

    dataset_id = IdField(required=False, allow_null=True, rule="the id of a dataset")
    dataset_name = NameField(required=False, allow_null=True, min_length=1, max_length=255)
    status_filter = WordField(choices=STATUS_WORDS, required=False, allow_null=True, help_text="By default completed.")
    column_mapping = MappedColumn(many=True, required=False, allow_null=True)
    prefer = WordField(choices=PREFERENCES, required=False, allow_null=True, help_text="By default scores.")

    def run_validation(self, data: Any = empty) -> dict[str, Any]:
        """Return the arguments of `export_to_dataset`. Raise `Invalid`."""
        fields = super().run_validation(data)
        dataset_id, dataset_name = fields.get("dataset_id"), fields.get("dataset_name")
        if dataset_id is None and dataset_name is None:
            sentence = "dataset_name or dataset_id must be given"
            raise Invalid(sentence, code="required", fields={"dataset_name": [sentence], "dataset_id": [sentence]})
        status = fields.get("status_filter") or DEFAULT_STATUS
        return {
            "dataset_id": dataset_id,
            "dataset_name": dataset_name,
            "status": None if status == ALL else status,
            "mapping": fields.get("column_mapping"),
            "authoritative": fields.get("prefer") == AUTHORITATIVE,
        }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the fields; errors of the mapping name its entry."""
        mapping = data.pop("column_mapping", None)
        fields: dict[str, Any] = super().to_internal_value(data)
        if mapping is not None:
            if not isinstance(mapping, list):
                sentence = f"column_mapping must be a list of objects, got {show(mapping)}"
                raise Invalid(sentence, field="column_mapping")
            columns = [_read_column(at, entry) for at, entry in enumerate(mapping)]
            fields["column_mapping"] = [column for column in columns if column is not None]
        return fields


def _read_column(at: int, entry: object) -> Column | None:
    if not isinstance(entry, dict):
        raise Invalid(f"column_mapping[{at}] must be an object, got {show(entry)}", field="column_mapping")
    try:
        column: Column | None = MappedColumn().run_validation(entry)
    except Invalid as invalid:
        raise invalid.prefixed(f"column_mapping[{at}]: ") from None
    return column


ExportFieldsAnswer = inline_serializer(
    "ExportFieldsAnswer",
    {"fields": ExportFieldSerializer(many=True), "default_mapping": MappedColumn(many=True)},
)
ToDatasetAnswer = inline_serializer(
    "ToDatasetAnswer",
    {
        "dataset_id": serializers.UUIDField(),
        "dataset_name": serializers.CharField(),
        "rows_created": serializers.IntegerField(),
        "rows_updated": serializers.IntegerField(),
        "columns": serializers.ListField(child=serializers.CharField()),
    },
)
