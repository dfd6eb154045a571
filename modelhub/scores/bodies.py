"""Bodies of requests as JSON Schema, for OpenAPI and the views' field names."""

from typing import Any

from modelhub.examples import CATEGORICAL_ID, ERROR, STAR_ID, TRACE_ID
from modelhub.scores.changes import CHANGES
from modelhub.scores.entries import PROPERTIES, UUID
from modelhub.scores.span_annotations import MAX_NOTE_LENGTH, MAX_PER_RECORD, MAX_RECORDS
from modelhub.sources.refs import MAX_ID_LENGTH, SOURCE_WORDS

SOURCE: dict[str, Any] = {
    "source_type": {"type": "string", "enum": list(SOURCE_WORDS)},
    "source_id": {"type": "string", "minLength": 1, "maxLength": MAX_ID_LENGTH},
}
ANNOTATOR: dict[str, dict[str, Any]] = {
    "annotator_id": UUID
    | {"description": "The annotator of the scores, for keys with the scope `act-as`; by default the key's own user."},
    "annotator_email": {"type": "string", "description": "The annotator by email; with annotator_id, the same user."},
}

ENTRY: dict[str, Any] = {
    "type": "object",
    "description": "One score. Every key may also be written in camelCase.",
    "properties": PROPERTIES,
    "required": ["label_id", "value"],
}
BULK_SCORES: dict[str, Any] = {
    "type": "object",
    "description": "Many scores on one source; `notes` go on every score that has none of its own.",
    "properties": {
        **SOURCE,
        "scores": {"type": "array", "items": ENTRY, "minItems": 1},
        "notes": PROPERTIES["notes"],
        **ANNOTATOR,
    },
    "required": ["source_type", "source_id", "scores"],
}
SCORE: dict[str, Any] = {
    "type": "object",
    "description": "One score on one source.",
    "properties": {**SOURCE, **ANNOTATOR, **PROPERTIES},
    "required": ["source_type", "source_id", "label_id", "value"],
}
SCORE_CHANGE: dict[str, Any] = {
    "type": "object",
    "description": "The corrected fields of a score.",
    "properties": {
        # Without defaults: a field that is not given stays as it is.
        **{name: {key: rule for key, rule in PROPERTIES[name].items() if key != "default"} for name in CHANGES},
        **ANNOTATOR,
    },
}
SCORE_REPLACEMENT: dict[str, Any] = SCORE_CHANGE | {"required": ["value"]}
BULK_ANNOTATION: dict[str, Any] = {
    "type": "object",
    "description": "Annotations and notes of the key's user on spans, at most 1,000 records.",
    "properties": {
        "records": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_RECORDS,
            "items": {
                "type": "object",
                "properties": {
                    "observation_span_id": SOURCE["source_id"],
                    "annotations": {
                        "type": "array",
                        "maxItems": MAX_PER_RECORD,
                        "items": {
                            "type": "object",
                            "description": "A label with one value, in the field of the label's type.",
                            "properties": {
                                "annotation_label_id": UUID,
                                "value": {"type": "string", "description": "Of a text label."},
                                "value_float": {"type": "number", "description": "Of a numeric or star label."},
                                "value_bool": {"type": "boolean", "description": "Of a thumbs_up_down label."},
                                "value_str_list": {
                                    "type": "array",
                                    "items": {"type": "string"},
                                    "description": "Of a categorical label.",
                                },
                            },
                            "required": ["annotation_label_id"],
                        },
                    },
                    "notes": {
                        "type": "array",
                        "maxItems": MAX_PER_RECORD,
                        "items": {
                            "type": "object",
                            "properties": {"text": {"type": "string", "maxLength": MAX_NOTE_LENGTH}},
                            "required": ["text"],
                        },
                    },
                },
                "required": ["observation_span_id"],
            },
        }
    },
    "required": ["records"],
}
BULK_DELETE: dict[str, Any] = {
    "type": "object",
    "description": "The scores to delete: either `ids`, or a `filter` with at least one filter of the list.",
    "properties": {
        "ids": {"type": "array", "items": UUID, "minItems": 1},
        "filter": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}

EXAMPLE_ENTRY = {"label_id": STAR_ID, "value": {"rating": 4}, "score_source": "human"}
EXAMPLE_SCORE = {"source_type": "trace", "source_id": TRACE_ID, **EXAMPLE_ENTRY}
EXAMPLE_BULK = {
    "source_type": "trace",
    "source_id": TRACE_ID,
    "scores": [
        EXAMPLE_ENTRY,
        {"label_id": CATEGORICAL_ID, "value": {"selected": ["positive"]}},
    ],
    "notes": "Batch annotation",
}
EXAMPLE_REJECTED: dict[str, Any] = {"scores": [], "errors": [ERROR.replace("[1]", "[0]")]}
EXAMPLE_BULK_ANNOTATION = {
    "records": [
        {
            "observation_span_id": "span_ab12",
            "annotations": [
                {"annotation_label_id": STAR_ID, "value_float": 4},
                {"annotation_label_id": CATEGORICAL_ID, "value_str_list": ["positive"]},
            ],
            "notes": [{"text": "Answers the question"}],
        }
    ]
}
EXAMPLE_CHANGE = {"value": {"rating": 2}, "notes": "On second thought"}
EXAMPLE_BULK_DELETE = {"filter": {"source_type": "trace", "source_id": TRACE_ID}}
