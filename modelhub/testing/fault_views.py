"""`/__admin/faults` and `/__admin/requests` (docs/testing.md)."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.core.errors import Invalid
from modelhub.core.schema import endpoint, example, from_number, keyless_responses, parameter
from modelhub.core.text import show
from modelhub.testing import state
from modelhub.testing.base import ORGANIZATION, TAGS, ControlView
from modelhub.testing.fault_bodies import EXAMPLE_FAULT, FAULT, read_fault
from modelhub.testing.records import MAX_RECORDS

MAX_DIGITS = 9
FAULT_FIELDS: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "match": serializers.DictField(),
    "times": serializers.IntegerField(required=False),
    "probability": serializers.FloatField(required=False),
    "seed": serializers.JSONField(required=False),
    "then": serializers.DictField(),
    "applied": serializers.IntegerField(help_text="The requests that met the fault."),
}
FaultOutput = inline_serializer("Fault", FAULT_FIELDS)
FaultsOutput = inline_serializer("Faults", {"faults": inline_serializer("Fault", FAULT_FIELDS, many=True)})


class RequestOutput(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    method = serializers.CharField()
    path = serializers.CharField(help_text="With its query.")
    headers = serializers.DictField(child=serializers.CharField())
    request_body = serializers.JSONField(allow_null=True)
    status = serializers.IntegerField(allow_null=True, help_text="Null for a lost answer.")
    response_body = serializers.JSONField(allow_null=True)
    ms = serializers.FloatField(allow_null=True, help_text="Null until the request is answered.")
    fault = serializers.CharField(allow_null=True, help_text='The id of a rule, or "prefer".')


class RequestsOutput(serializers.Serializer[Any]):
    requests = RequestOutput(many=True)


@extend_schema(tags=TAGS)
class FaultList(ControlView):
    @endpoint(
        operation_id="create_fault",
        summary="Make requests of an organization fail",
        request={"application/json": FAULT},
        responses={201: FaultOutput, **keyless_responses(400, 404, 413, 415)},
        **example("One request is above a rate limit", EXAMPLE_FAULT),
    )
    def post(self, request: Request) -> Response:
        """Add a rule behind the others: the first one that matches a request wins."""
        organization_id, rule = read_fault(request.data)
        state.controls_of(organization_id).faults.add(rule)
        return Response(rule.shown(), status=201)

    @endpoint(
        operation_id="list_faults",
        summary="The faults of an organization",
        parameters=[ORGANIZATION],
        responses={200: FaultsOutput, **keyless_responses(400, 404)},
    )
    def get(self, request: Request) -> Response:
        """Return the rules in order of creation, with the number of their requests."""
        return Response({"faults": state.controls_of(self.read_organization()).faults.shown()})

    @endpoint(
        operation_id="delete_faults",
        summary="Delete all faults of an organization",
        parameters=[ORGANIZATION],
        responses={204: None, **keyless_responses(400, 404)},
    )
    def delete(self, request: Request) -> Response:
        state.controls_of(self.read_organization()).faults.clear()
        return Response(status=204)


@extend_schema(tags=TAGS)
class OneFault(ControlView):
    @endpoint(operation_id="delete_fault", summary="Delete a fault", responses={204: None, **keyless_responses(404)})
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        state.remove_fault(pk)
        return Response(status=204)


@extend_schema(tags=TAGS)
class Requests(ControlView):
    @endpoint(
        operation_id="list_requests",
        summary="The requests of an organization, newest first",
        parameters=[ORGANIZATION, parameter("limit", f"At most {MAX_RECORDS}.", from_number(1))],
        responses={200: RequestsOutput, **keyless_responses(400, 404)},
    )
    def get(self, request: Request) -> Response:
        """Return the newest requests with their answers; secrets are blotted out."""
        sent = self.query.get("limit", str(MAX_RECORDS))
        limit = int(sent) if len(sent) <= MAX_DIGITS and sent.isascii() and sent.isdigit() else 0
        if not 1 <= limit <= MAX_RECORDS:
            raise Invalid(f"limit must be a whole number from 1 to {MAX_RECORDS}, got {show(sent)}", field="limit")
        records = state.controls_of(self.read_organization()).records
        return Response({"requests": records.shown(limit=limit)})

    @endpoint(
        operation_id="delete_requests",
        summary="Delete the recorded requests of an organization",
        parameters=[ORGANIZATION],
        responses={204: None, **keyless_responses(400, 404)},
    )
    def delete(self, request: Request) -> Response:
        state.controls_of(self.read_organization()).records.clear()
        return Response(status=204)
