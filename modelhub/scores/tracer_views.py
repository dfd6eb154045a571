"""`/tracer/bulk-annotation/`: annotations and notes of many spans (contract 8)."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import api_key_of, caller
from modelhub.core.envelope import read_object, spellings
from modelhub.core.errors import Invalid
from modelhub.core.schema import endpoint, example, problem_responses
from modelhub.core.text import count, show
from modelhub.core.views import ApiView
from modelhub.scores import bodies
from modelhub.scores.serializers import COUNTS, BulkAnnotationAnswer
from modelhub.scores.span_annotations import MAX_RECORDS, annotate_spans


@extend_schema(tags=["tracer"])
class BulkAnnotation(ApiView):
    for_annotators = ("write",)

    @endpoint(
        operation_id="bulk_annotation",
        summary="Store annotations and notes of many spans",
        request={"application/json": bodies.BULK_ANNOTATION},
        responses={
            200: OpenApiResponse(BulkAnnotationAnswer, "Everything valid was stored; `errors` names the rest."),
            **problem_responses(400, 413, 415),
        },
        **example("A span", bodies.EXAMPLE_BULK_ANNOTATION),
    )
    def post(self, request: Request) -> Response:
        """Store each valid annotation and note; each invalid one is in `errors`."""
        records = read_object(request.data, ("records",)).get("records")
        if not isinstance(records, list) or not 1 <= len(records) <= MAX_RECORDS:
            got = count(len(records), "record") if isinstance(records, list) else show(records)
            raise Invalid(f"records must be a list of 1 to {MAX_RECORDS} records, got {got}", field="records")
        may_create = "write" in api_key_of(request).scopes
        outcome = annotate_spans(caller(request), records, create_sources=may_create)
        wrong = {error.record_index for error in outcome.errors}
        numbers = (
            outcome.created,
            outcome.updated,
            outcome.notes,
            len(records) - len(wrong),
            len(outcome.errors),
            len(outcome.warnings),
        )
        counts = dict(zip(COUNTS, numbers, strict=True))
        created, notes = count(outcome.created, "annotation"), count(outcome.notes, "note")
        errors = count(len(outcome.errors), "error")
        result = {
            "message": f"{created} created, {outcome.updated} updated, {notes} created, {errors}",
            **{spelling: counts[name] for spelling, name in spellings(COUNTS).items()},
            "warnings": [warning.body for warning in outcome.warnings] or None,
            "errors": [error.body for error in outcome.errors] or None,
        }
        return Response({"status": True, "result": result})
