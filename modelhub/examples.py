"""Examples of the OpenAPI document: one story with fixed ids."""

from typing import Any

# One trace, judged with two labels, so that one example continues another.
TRACE_ID = "7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69"
SESSION_ID = "c2a9d0b4-53f7-4e0e-8a51-6d7e8f9a0b1c"
STAR_ID, CATEGORICAL_ID = "019ac4f0-7c4e-7d7a-8a3b-5f6e7d8c9b0a", "019ac4f0-7c4e-7d7b-9f21-0c1d2e3f4a5b"
SCORE_ID, SOURCE_ID = "019ac4f2-1b6d-7e88-b7aa-43c0d5e6f701", "019ac4f1-5e2a-7c90-8d13-2b3c4d5e6f70"
USER_ID, PROJECT_ID = "019ac4ef-9a10-7b3c-a4d5-e6f708192a3b", "019ac4ef-c4d2-7f60-9e1f-5a6b7c8d9e0f"
DATASET_ID = "019ac4f6-3a1c-7f20-a6b7-c8d9e0f10213"
ORGANIZATION_ID, FAULT_ID = "019ac4ef-8f01-7a2b-93c4-d5e6f708192a", "019ac4f4-2c5d-7d33-9e44-8b7c6d5e4f30"
QUEUE_ID, ITEM_ID = "019ac4f5-6a7b-7c8d-9e0f-1a2b3c4d5e6f", "019ac4f5-7b8c-7d9e-8f10-2b3c4d5e6f70"
# The page replaces these by ids of the caller's organization.
IDS = {
    "star": STAR_ID,
    "categorical": CATEGORICAL_ID,
    "trace": TRACE_ID,
    "session": SESSION_ID,
    "source": SOURCE_ID,
    "score": SCORE_ID,
}
ERROR = f'scores[1]: Label {CATEGORICAL_ID} (Sentiment, categorical): selected must hold only options …, got "great"'
# Examples of answers by "component.field" or by field, and of components that are words themselves.
EXAMPLES: dict[str, Any] = {
    "source_type": "trace",
    "source_id": TRACE_ID,
    "label_id": STAR_ID,
    "label_name": "Quality",
    "label_type": "star",
    "value": {"rating": 4},
    "score_source": "human",
    "notes": "Batch annotation",
    "annotator": USER_ID,
    "annotator_id": USER_ID,
    "user_id": USER_ID,
    "item_id": ITEM_ID,
    "annotator_name": "Ada Lovelace",
    "annotator_email": "ada@example.com",
    "updated_by": USER_ID,
    "updated_by_name": "Ada Lovelace",
    "updated_by_email": "ada@example.com",
    "organization": ORGANIZATION_ID,
    "project": PROJECT_ID,
    "queue_item": None,
    "queue_id": None,
    "created_at": "2026-01-31T12:00:00.123456Z",
    "updated_at": "2026-01-31T12:00:00.123456Z",
    "error_details": [],
    "Score.id": SCORE_ID,
    "Revision.value": {"rating": 2},
    "action": "overwritten",
    "replaced_by": USER_ID,
    "replaced_by_name": "Ada Lovelace",
    "replaced_by_email": "ada@example.com",
    "replaced_at": "2026-01-31T12:00:00.123456Z",
    "Label.id": STAR_ID,
    "Label.name": "Quality",
    "Label.type": "star",
    "Label.settings": {"no_of_stars": 5},
    "Label.description": "How good is the answer?",
    "Source.id": SOURCE_ID,
    "Source.name": "Refund question",
    "Source.metadata": {"model": "small-1"},
    "Queue.id": QUEUE_ID,
    "Queue.name": "Refund answers",
    "Queue.description": "",
    "Queue.instructions": "Judge the last answer only.",
    "Queue.dataset": None,
    "Queue.agent_definition": None,
    "Queue.created_by": USER_ID,
    "Queue.created_by_name": "Ada Lovelace",
    "QueueLabel.name": "Quality",
    "QueueLabel.type": "star",
    "QueueLabel.settings": {"no_of_stars": 5},
    "LabelOfQueue.id": STAR_ID,
    "LabelOfQueue.name": "Quality",
    "LabelOfQueue.type": "star",
    "LabelOfQueue.settings": {"no_of_stars": 5},
    "QueueMember.name": "Ada Lovelace",
    "QueueMember.email": "ada@example.com",
    "Project.id": PROJECT_ID,
    "Project.name": "Support bot",
    "Project.project_type": "observe",
    "email": "ada@example.com",
    "User.id": USER_ID,
    "User.name": "Ada Lovelace",
    "User.role": "member",
    "User.active": True,
    "InvitedUser.id": USER_ID,
    "InvitedUser.name": "Ada Lovelace",
    "InvitedUser.role": "member",
    "InvitedUser.active": True,
    "InvitedUser.scopes": ["annotate"],
    "api_key": "5f2d9c1e8b7a46309d0c1f2e3a4b5c6d",
    "secret_key": "the secret, shown this once",
    "OwnUser.id": USER_ID,
    "OwnUser.name": "Ada Lovelace",
    "OwnUser.role": "member",
    "OwnUser.active": True,
    "OwnUser.scopes": ["annotate"],
    "OwnUser.organization_name": "Default organization",
    "ExportedItem.item_id": ITEM_ID,
    "ExportedItem.source_name": "Refund question",
    "ExportedItem.status": "completed",
    "ExportedItem.order": 1,
    "ExportedItem.gold": True,
    "ExportedItem.expected": {STAR_ID: 5},
    "ExportedAnnotation.value": 4,
    "ExportedAnnotation.notes": "Polite, but slow",
    "ExportedNote.notes": "The trace ends too early",
    "ExportedReview.review_status": "approved",
    "ExportedReview.reviewed_by": USER_ID,
    "ExportedReview.reviewed_by_name": "Ada Lovelace",
    "ExportedReview.reviewed_by_email": "ada@example.com",
    "ExportedReview.reviewed_at": "2026-01-31T12:00:00.123456Z",
    "ExportedReview.review_notes": "",
    "ExportField.id": f"label:{STAR_ID}:slot:1:value",
    "ExportField.column": "Quality annotation 1 value",
    "ExportField.label": "Quality annotation 1 value",
    "ExportField.data_type": "float",
    "ExportField.group": "annotations",
    "ExportField.default": True,
    "MappedColumn.field": "source_id",
    "MappedColumn.id": "source_id",
    "MappedColumn.column": "trace",
    "MappedColumn.enabled": True,
    "ToDatasetAnswer.dataset_id": DATASET_ID,
    "ToDatasetAnswer.dataset_name": "Support answers",
    "ToDatasetAnswer.rows_created": 500,
    "ToDatasetAnswer.columns": ["trace", "annotations"],
    "Dataset.id": DATASET_ID,
    "Dataset.name": "Support answers",
    "Dataset.columns": ["source_id", "Quality annotation 1 value"],
    "Dataset.row_count": 500,
    "DatasetRow.position": 1,
    "DatasetRow.cells": {"source_id": TRACE_ID, "Quality annotation 1 value": 4},
    "DatasetRow.metadata": {"source_type": "trace", "source_id": TRACE_ID},
    "QueueProgress.total": 500,
    "QueueProgress.pending": 310,
    "QueueProgress.in_progress": 12,
    "QueueProgress.in_review": 8,
    "QueueProgress.completed": 150,
    "QueueProgress.skipped": 20,
    "QueueProgress.progress_pct": 30.0,
    "AnnotatorProgress.name": "Ada Lovelace",
    "AnnotatorPerformance.name": "Ada Lovelace",
    "AnnotatorPerformance.last_active": "2026-01-31T12:00:00.123456Z",
    "LabelDistribution.name": "Quality",
    "LabelDistribution.values": {"4": 90, "5": 60},
    "QueueAnalytics.status_breakdown": {"pending": 330, "in_progress": 0, "completed": 150, "skipped": 20},
    "BulkScoresAnswer.errors": [ERROR],
    "ScoreSeed.annotator": "ann+{organization}@example.com",
    "Problem.type": "about:blank",
    "Problem.title": "Bad Request",
    "Problem.status": 400,
    "Problem.detail": "scores must be a list of at least one score, got []",
    "Problem.message": "scores must be a list of at least one score, got []",
    "Problem.code": "invalid",
    "Problem.errors": {"scores": ["scores must be a list of at least one score, got []"]},
    "Problem.request_id": "019ac4f3-0d3e-7a11-8c22-1a2b3c4d5e6f",
    "LabelType": "star",
    "ScoreSource": "human",
    "QueueStatus": "active",
    "NewQueueStatus": "draft",
    "QueueRole": "manager",
    "AssignmentStrategy": "manual",
}
PATH_IDS = {
    "/model-hub/scores/": SCORE_ID,
    "/model-hub/sources/": SOURCE_ID,
    "/model-hub/annotations-labels/": STAR_ID,
    "/model-hub/annotation-queues/": QUEUE_ID,
    "/model-hub/users/": USER_ID,
    "/model-hub/datasets/": DATASET_ID,
    "/__admin/faults/": FAULT_ID,
    "/__admin/": ORGANIZATION_ID,
}


def add_examples(result: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Add `EXAMPLES` to answers and to the required parameters.

    Swagger UI sends the examples of parameters: one of an optional filter would filter every list.
    """
    for name, component in result["components"]["schemas"].items():
        if name in EXAMPLES:
            component["example"] = EXAMPLES[name]
        for field, schema in component.get("properties", {}).items():
            key = f"{name}.{field}" if f"{name}.{field}" in EXAMPLES else field
            if key in EXAMPLES and "$ref" not in schema:
                schema["example"] = EXAMPLES[key]
    for path, methods in result["paths"].items():
        ids = [example_id for prefix, example_id in PATH_IDS.items() if path.startswith(prefix)]
        for operation in methods.values():
            for one in operation.get("parameters", []):
                if one.get("required"):
                    one["example"] = EXAMPLES[one["name"]] if one["name"] in EXAMPLES else ids[0]
    return result
