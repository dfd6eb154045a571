"""What the OpenAPI schema says of each route: bodies, parameters, answers and examples."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from modelhub.api.outputs import LabelOutput, ProjectOutput, RevisionOutput, ScoreOutput, SourceOutput
from modelhub.api.schema_parts import (
    CURSOR,
    DRY_RUN,
    IDEMPOTENCY_KEY,
    PAGING,
    BulkDeleteInput,
    BulkDeleteOutput,
    BulkScoresInput,
    BulkScoresOutput,
    BulkSourcesInput,
    BulkSourcesOutput,
    DeletedOutput,
    Health,
    LabelChange,
    LabelCreated,
    LabelInput,
    LabelList,
    ProjectInput,
    ProjectList,
    Readiness,
    ScoreChange,
    ScoreInput,
    SourceInput,
    flag,
    from_number,
    page_of,
    parameter,
    problems,
)
from modelhub.source_refs import SOURCE_WORDS

EXAMPLE_BULK = {
    "source_type": "trace",
    "source_id": "7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69",
    "scores": [
        {"label_id": "018f3f2a-7c4e-7d7a-8a3b-5f6e7d8c9b0a", "value": {"rating": 4}},
        {"label_id": "018f3f2a-7c4e-7d7a-8a3b-5f6e7d8c9b0b", "value": {"selected": ["positive"]}},
    ],
    "notes": "Batch annotation",
}

EXAMPLE_ENTRY = {"label_id": "018f3f2a-7c4e-7d7a-8a3b-5f6e7d8c9b0a", "value": {"rating": 4}, "score_source": "human"}
EXAMPLE_SOURCE = {"source_type": "trace", "source_id": "7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69", "name": "First chat"}
EXAMPLE_LABEL = {"name": "Sentiment", "type": "categorical", "settings": {"options": ["positive", "negative"]}}


def example(name: str, value: Any) -> dict[str, Any]:
    """A body to try out."""
    return {"examples": [OpenApiExample(name, value, request_only=True)]}


BULK_SCORES: dict[str, Any] = {
    "operation_id": "create_scores",
    "summary": "Store many scores on one source",
    "tags": ["scores"],
    "parameters": [
        DRY_RUN,
        flag("atomic", "All or nothing: with any error nothing is stored."),
        flag("error_details", "Adds `error_details`, the errors for programs."),
        IDEMPOTENCY_KEY,
    ],
    "request": BulkScoresInput,
    "responses": {
        201: OpenApiResponse(BulkScoresOutput, "At least one score was stored."),
        200: OpenApiResponse(BulkScoresOutput, "No score was stored; `errors` says why, unless it was a dry run."),
        **problems(400, 404, 413, 415, 422),
    },
    **example("Two labels", EXAMPLE_BULK),
}

CREATE_SCORE: dict[str, Any] = {
    **example("One label", {name: EXAMPLE_SOURCE[name] for name in ("source_type", "source_id")} | EXAMPLE_ENTRY),
    "operation_id": "create_score",
    "summary": "Store one score",
    "tags": ["scores"],
    "parameters": [DRY_RUN, IDEMPOTENCY_KEY],
    "request": ScoreInput,
    "responses": {
        201: OpenApiResponse(ScoreOutput, "Stored, new or in place of what this annotator said before."),
        200: OpenApiResponse(ScoreOutput, "A dry run: this would be stored."),
        **problems(400, 404, 413, 415, 422),
    },
}

LIST_SOURCES: dict[str, Any] = {
    "filters": True,
    "operation_id": "list_sources",
    "summary": "List sources, newest first",
    "tags": ["sources"],
    "parameters": PAGING,
    "responses": {200: page_of(SourceOutput, "SourcePage"), **problems(400, 404)},
}

CREATE_SOURCE: dict[str, Any] = {
    **example("A trace", EXAMPLE_SOURCE),
    "operation_id": "register_source",
    "summary": "Register a source, or update its name and metadata",
    "tags": ["sources"],
    "request": SourceInput,
    "responses": {
        201: OpenApiResponse(SourceOutput, "Registered."),
        200: OpenApiResponse(SourceOutput, "It existed; what was given is updated."),
        **problems(400, 413, 415),
    },
}

BULK_SOURCES: dict[str, Any] = {
    **example("Two kinds", {"sources": [EXAMPLE_SOURCE, EXAMPLE_SOURCE | {"source_type": "session"}]}),
    "operation_id": "register_sources",
    "summary": "Register many sources",
    "tags": ["sources"],
    "request": BulkSourcesInput,
    "responses": {
        201: OpenApiResponse(BulkSourcesOutput, "At least one source is new."),
        200: OpenApiResponse(BulkSourcesOutput, "No source is new."),
        **problems(400, 413, 415),
    },
}

GET_SOURCE: dict[str, Any] = {
    "operation_id": "get_source",
    "summary": "One source",
    "tags": ["sources"],
    "responses": {200: SourceOutput, **problems(404)},
}

LIST_LABELS: dict[str, Any] = {
    "filters": True,
    "operation_id": "list_labels",
    "summary": "List labels, newest first; all of them unless a page is asked for",
    "tags": ["labels"],
    "parameters": PAGING,
    "responses": {200: page_of(LabelOutput, "LabelPage"), **problems(400, 404)},
}

CREATE_LABEL: dict[str, Any] = {
    **example("One of two", EXAMPLE_LABEL),
    "operation_id": "create_label",
    "summary": "Make a label",
    "tags": ["labels"],
    "request": LabelInput,
    "responses": {200: LabelCreated, **problems(400, 413, 415)},
}

GET_LABEL: dict[str, Any] = {
    "operation_id": "get_label",
    "summary": "One label",
    "tags": ["labels"],
    "responses": {200: LabelOutput, **problems(404)},
}

HEALTH: dict[str, Any] = {
    "operation_id": "healthz",
    "summary": "Whether the process answers",
    "tags": ["health"],
    "responses": {200: Health},
}

READINESS: dict[str, Any] = {
    "operation_id": "readyz",
    "summary": "Whether the database answers and every migration is applied",
    "tags": ["health"],
    "responses": {200: Readiness, 503: Readiness},
}

LIST_SCORES: dict[str, Any] = {
    "filters": True,
    "operation_id": "list_scores",
    "summary": "List scores",
    "tags": ["scores"],
    "parameters": [*PAGING, *CURSOR],
    "responses": {200: page_of(ScoreOutput, "ScorePage"), **problems(400, 404)},
}

SCORES_FOR_SOURCE: dict[str, Any] = {
    "operation_id": "get_scores",
    "summary": "All scores of one source",
    "tags": ["scores"],
    "parameters": [
        parameter("source_type", "What kind of source.", required=True, enum=list(SOURCE_WORDS)),
        parameter("source_id", "The id that it was registered with.", required=True),
        parameter("label_id", "Only of this label.", UUID),
        parameter("annotator_id", "Only of this annotator.", UUID),
    ],
    "responses": {200: ScoreOutput(many=True), **problems(400)},
}

EXPORT_SCORES: dict[str, Any] = {
    "filters": True,
    "operation_id": "export_scores",
    "summary": "All scores under the filters, as a file",
    "tags": ["scores"],
    "parameters": [parameter("export_format", "The kind of file.", enum=["jsonl", "csv"], default="jsonl")],
    "responses": {
        (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, "One score a line."),
        (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "One score a row."),
        **problems(400),
    },
}

GET_SCORE: dict[str, Any] = {
    "operation_id": "get_score",
    "summary": "One score",
    "tags": ["scores"],
    "responses": {200: ScoreOutput, **problems(404)},
}

PUT_SCORE: dict[str, Any] = {
    **example("Another rating", {"value": {"rating": 2}, "notes": "On second thought"}),
    "operation_id": "replace_score",
    "summary": "Correct a score; the value must be given",
    "tags": ["scores"],
    "request": ScoreChange,
    "responses": {200: ScoreOutput, **problems(400, 404, 413, 415)},
}

PATCH_SCORE: dict[str, Any] = PUT_SCORE | {
    "operation_id": "update_score",
    "summary": "Correct a score",
    "request": ScoreChange(partial=True),
}

DELETE_SCORE: dict[str, Any] = {
    "operation_id": "delete_score",
    "summary": "Delete a score; its history stays",
    "tags": ["scores"],
    "responses": {200: DeletedOutput, **problems(404)},
}

SCORE_HISTORY: dict[str, Any] = {
    "operation_id": "score_history",
    "summary": "What a score said before, newest first",
    "tags": ["scores"],
    "parameters": PAGING,
    "responses": {200: page_of(RevisionOutput, "RevisionPage"), **problems(400, 404)},
}

BULK_DELETE: dict[str, Any] = {
    **example("All of one source", {"filter": {"source_type": "trace", "source_id": EXAMPLE_SOURCE["source_id"]}}),
    "operation_id": "delete_scores",
    "summary": "Delete many scores, by their ids or by a filter",
    "tags": ["scores"],
    "request": BulkDeleteInput,
    "responses": {200: BulkDeleteOutput, **problems(400, 413, 415)},
}

PUT_LABEL: dict[str, Any] = {
    **example("More options", {"settings": {"options": ["positive", "neutral", "negative"]}}),
    "operation_id": "replace_label",
    "summary": "Change what is given of a label",
    "tags": ["labels"],
    "parameters": [flag("force", "Change the settings also where stored scores would not be legal under them.")],
    "request": LabelChange,
    "responses": {200: LabelOutput, **problems(400, 404, 409, 413, 415)},
}

PATCH_LABEL: dict[str, Any] = PUT_LABEL | {"operation_id": "update_label", "request": LabelChange(partial=True)}

DELETE_LABEL: dict[str, Any] = {
    "operation_id": "delete_label",
    "summary": "Delete a label; its scores stay",
    "tags": ["labels"],
    "responses": {200: DeletedOutput, **problems(404)},
}

RESTORE_LABEL: dict[str, Any] = {
    "operation_id": "restore_label",
    "summary": "Bring a deleted label back",
    "tags": ["labels"],
    "request": None,
    "responses": {200: LabelOutput, **problems(400, 404)},
}

TRACER_LABELS: dict[str, Any] = {
    "operation_id": "get_annotation_labels",
    "summary": "All labels, or those of one project",
    "tags": ["tracer"],
    "parameters": [parameter("project_id", "Exactly this project.", UUID)],
    "responses": {200: LabelList, **problems(404)},
}

CREATE_PROJECT: dict[str, Any] = {
    **example("A project", {"name": "Support bot", "project_type": "observe"}),
    "operation_id": "create_project",
    "summary": "Make a project",
    "tags": ["tracer"],
    "request": ProjectInput,
    "responses": {201: ProjectOutput, **problems(400, 413, 415)},
}

LIST_PROJECTS: dict[str, Any] = {
    "operation_id": "list_projects",
    "summary": "List projects, newest first",
    "tags": ["tracer"],
    "parameters": [
        parameter("page_number", "Number of the page, from 0.", from_number(0)),
        parameter("page_size", "Rows a page, at most 1,000.", from_number(1)),
        parameter("name", "Part of the name; where one project has exactly this name, it alone is found."),
        parameter("project_type", "Only of this type."),
    ],
    "responses": {200: ProjectList, **problems(400)},
}
