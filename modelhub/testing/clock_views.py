"""`/__admin/clock` and `/__admin/ids`: times and ids of one organization."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.core.exact_json import timestamp
from modelhub.core.schema import endpoint, keyless_responses
from modelhub.testing.base import ORGANIZATION, TAGS, ControlView
from modelhub.testing.clock import REAL, change_clock
from modelhub.testing.serializers import ClockInput, ClockOutput, SeedInput, SeedOutput
from modelhub.testing.state import Controls, controls_of, seed_ids, unseed_ids


@extend_schema(tags=TAGS)
class ClockOfOrganization(ControlView):
    @endpoint(
        operation_id="get_test_clock",
        summary="Read the clock of an organization",
        parameters=[ORGANIZATION],
        responses={200: ClockOutput, **keyless_responses(400, 404)},
    )
    def get(self, request: Request) -> Response:
        return Response(_show_clock(controls_of(self.read_organization())))

    @endpoint(
        operation_id="set_test_clock",
        summary="Set, shift, freeze or release the clock of an organization",
        description="One of `now`, `offset` and `advance` (seconds), or `frozen` alone.",
        request=ClockInput,
        responses={200: ClockOutput, **keyless_responses(400, 404, 415)},
    )
    def put(self, request: Request) -> Response:
        change = ClockInput().run_validation(request.data)
        controls = controls_of(change.pop("organization"))
        with controls.lock:
            controls.clock = change_clock(controls.clock, **change)
            return Response(_show_clock(controls))

    @endpoint(
        operation_id="delete_test_clock",
        summary="Return to the real time",
        parameters=[ORGANIZATION],
        responses={
            204: OpenApiResponse(description="The clock shows the real time."),
            **keyless_responses(400, 404),
        },
    )
    def delete(self, request: Request) -> Response:
        controls = controls_of(self.read_organization())
        with controls.lock:
            controls.clock = REAL
        return Response(status=204)


@extend_schema(tags=TAGS)
class IdsOfOrganization(ControlView):
    @endpoint(
        operation_id="set_test_ids",
        summary="Make the ids of an organization follow from a seed",
        request=SeedInput,
        responses={200: SeedOutput, **keyless_responses(400, 404, 409, 415)},
    )
    def put(self, request: Request) -> Response:
        fields = SeedInput().run_validation(request.data)
        controls = controls_of(fields["organization"])
        seed_ids(controls, fields["seed"])
        return Response({"organization": controls.organization_id, "seed": fields["seed"]})

    @endpoint(
        operation_id="delete_test_ids",
        summary="Return to random ids",
        parameters=[ORGANIZATION],
        responses={204: OpenApiResponse(description="New ids are random."), **keyless_responses(400, 404)},
    )
    def delete(self, request: Request) -> Response:
        unseed_ids(controls_of(self.read_organization()))
        return Response(status=204)


def _show_clock(controls: Controls) -> dict[str, object]:
    clock = controls.clock
    return {
        "organization": controls.organization_id,
        "now": timestamp(clock.now()),
        "frozen": clock.frozen_at is not None,
    }
