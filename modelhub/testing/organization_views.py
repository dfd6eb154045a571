"""`/__admin/organizations` and `/__admin/reset`."""

import uuid
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.core.exact_json import timestamp
from modelhub.core.schema import endpoint, example, keyless_responses
from modelhub.testing.base import TAGS, ControlView
from modelhub.testing.organization_bodies import OrganizationInput, OrganizationOutput, OrganizationsOutput
from modelhub.testing.organizations import (
    MadeOrganization,
    Person,
    create_organization,
    delete_organization,
    list_organizations,
    reset,
)

SEEDS = {
    "labels": [{"name": "Tone", "type": "categorical", "settings": {"options": ["formal", "casual"]}}],
    "people": [{"email": "ann+{organization}@example.com", "name": "Ann"}],
    "sources": [{"source_type": "trace", "source_id": "trace-1"}],
    "scores": [
        {
            "source_type": "trace",
            "source_id": "trace-1",
            "label_name": "Tone",
            "value": "casual",
            "annotator": "ann+{organization}@example.com",
        }
    ],
}


@extend_schema(tags=TAGS)
class Organizations(ControlView):
    @endpoint(
        operation_id="list_test_organizations",
        summary="The organizations that were made here, oldest first",
        responses={200: OrganizationsOutput},
    )
    def get(self, request: Request) -> Response:
        """Return organizations of all tests, also those that a killed run has left."""
        return Response(
            {
                "organizations": [
                    {"id": one.pk, "name": one.name, "created_at": timestamp(one.created_at), "seed": seed}
                    for one, seed in list_organizations()
                ]
            }
        )

    @endpoint(
        operation_id="create_test_organization",
        summary="Create an organization for a test",
        request=OrganizationInput,
        responses={201: OrganizationOutput, **keyless_responses(400, 409, 413, 415)},
        **example("A score of Ann", SEEDS),
    )
    def post(self, request: Request) -> Response:
        fields = OrganizationInput().run_validation(request.data)
        made = create_organization(**fields)
        url = request.build_absolute_uri("/").rstrip("/")
        return Response({"url": url, **_show(made)}, status=201)


@extend_schema(tags=TAGS)
class OneOrganization(ControlView):
    @endpoint(
        operation_id="delete_test_organization",
        summary="Delete an organization with all its rows and controls",
        responses={204: OpenApiResponse(description="Deleted."), **keyless_responses(404, 409, 503)},
    )
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        delete_organization(pk)
        return Response(status=204)


@extend_schema(tags=TAGS)
class Reset(ControlView):
    @endpoint(
        operation_id="reset_test_server",
        summary="Delete everything, and restore the first organization as it was at the start",
        request=None,
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, "An empty object."),
            **keyless_responses(503),
        },
    )
    def post(self, request: Request) -> Response:
        reset()
        return Response({})


def _show(made: MadeOrganization) -> dict[str, Any]:
    """Return the answer to a creation, without the URL."""
    return {
        "id": made.organization.pk,
        "name": made.organization.name,
        **_show_key(made.admin),
        "user": _show_person(made.admin),
        "labels": {label.type: label.pk for label in made.first.labels},
        "label_names": {label.name: label.pk for label in made.first.labels},
        "sources": {source.source_type: source.source_id for source in made.first.sources},
        "seeded": {
            "labels": [label.pk for label in made.labels],
            "people": [_show_person(person) | _show_key(person) for person in made.people],
            "sources": [source.source_id for source in made.sources],
            "scores": made.score_ids,
        },
    }


def _show_person(person: Person) -> dict[str, Any]:
    return {"id": person.user.pk, "email": person.user.email}


def _show_key(person: Person) -> dict[str, Any]:
    return {"api_key": person.api_key, "secret_key": person.secret_key}
