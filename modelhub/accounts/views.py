"""`/model-hub/users/`: the users of an organization (contract 9)."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import actor_of, api_key_of, caller
from modelhub.accounts.filters import UserFilter
from modelhub.accounts.models import User
from modelhub.accounts.people import check_manager
from modelhub.accounts.serializers import (
    InvitationInput,
    InvitedUserSerializer,
    OwnUserSerializer,
    UserChangeInput,
    UserSerializer,
)
from modelhub.accounts.users import get_person, invite_person, update_person, users_of
from modelhub.core.pagination import Pages
from modelhub.core.schema import PAGING, endpoint, example, page_of, problem_responses
from modelhub.core.serializers import render_list
from modelhub.core.views import ApiView

INVITATION = {"email": "ada@example.com", "name": "Ada Lovelace", "create_key": True}
FOR_ADMINS = "For admins: needs the scopes `write` and `admin`, and the role."
CHANGE: dict[str, Any] = {
    "description": FOR_ADMINS,
    "responses": {200: UserSerializer, **problem_responses(400, 404, 409)},
}


@extend_schema(tags=["users"])
class Users(ApiView, GenericAPIView[User]):
    queryset = User.objects.none()  # read by drf-spectacular, which has no caller
    serializer_class = UserSerializer  # read by OPTIONS
    pagination_class = Pages
    filterset_class = UserFilter

    def get_queryset(self) -> QuerySet[User]:
        return users_of(caller(self.request).organization_id)

    @endpoint(
        filters=UserFilter,
        operation_id="list_users",
        summary="List users, newest first",
        parameters=PAGING,
        responses={200: page_of(UserSerializer, "UserPage"), **problem_responses(400, 404)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(render_list(UserSerializer, page))

    @endpoint(
        **example("An annotator with a key", INVITATION),
        operation_id="invite_user",
        summary="Invite a user",
        description=f"{FOR_ADMINS} The new key has no scopes that the key of the request lacks, except for `annotate`.",
        request=InvitationInput,
        responses={
            201: OpenApiResponse(InvitedUserSerializer, "Created."),
            **problem_responses(400, 409, 413, 415),
        },
    )
    def post(self, request: Request) -> Response:
        """Create a user. Without `Idempotency-Key`: a stored answer would hold the secret."""
        # Before the body is read, too: members get no sentence about it.
        check_manager(actor := actor_of(request))
        fields = InvitationInput().run_validation(request.data)
        user, pair = invite_person(actor, **fields)
        body = UserSerializer(user).data
        if pair:
            key, secret_key = pair
            body |= {"api_key": key.api_key, "secret_key": secret_key, "scopes": key.scopes}
        return Response(body, status=201)


@extend_schema(tags=["users"])
class OwnUser(ApiView):
    for_annotators = ("read",)

    @endpoint(
        operation_id="get_own_user",
        summary="Get the user of the API key",
        responses={200: OwnUserSerializer, **problem_responses()},
    )
    def get(self, request: Request) -> Response:
        own = caller(request)
        user = get_person(organization_id=own.organization_id, user_id=own.pk)
        more = {
            "organization": user.organization_id,
            "organization_name": user.organization.name,
            "scopes": api_key_of(request).scopes,
        }
        return Response({**UserSerializer(user).data, **more})


@extend_schema(tags=["users"])
class OneUser(ApiView):
    @endpoint(
        operation_id="get_user",
        summary="Get a user",
        responses={200: UserSerializer, **problem_responses(404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(UserSerializer(get_person(organization_id=caller(request).organization_id, user_id=pk)).data)

    @endpoint(
        **example("An admin", {"role": "admin"}),
        operation_id="update_user",
        summary="Change name, role or state of a user",
        description=FOR_ADMINS,
        request=UserChangeInput,
        responses={200: UserSerializer, **problem_responses(400, 404, 409, 413, 415)},
    )
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        check_manager(actor := actor_of(request))
        changes = UserChangeInput().run_validation(request.data)
        return Response(UserSerializer(update_person(actor, user_id=pk, changes=changes)).data)


@extend_schema(tags=["users"])
class DeactivateUser(ApiView):
    @endpoint(
        operation_id="deactivate_user",
        summary="Deactivate a user; its keys stop at once, its scores stay",
        request=None,
        **CHANGE,
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(UserSerializer(update_person(actor_of(request), user_id=pk, changes={"active": False})).data)


@extend_schema(tags=["users"])
class ActivateUser(ApiView):
    @endpoint(operation_id="activate_user", summary="Activate a user; its keys are valid again", request=None, **CHANGE)
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(UserSerializer(update_person(actor_of(request), user_id=pk, changes={"active": True})).data)
