"""`/model-hub/annotation-queues/`: queues, their labels and members (contract 7)."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import actor_of
from modelhub.accounts.people import Actor
from modelhub.core import exact_json
from modelhub.core.envelope import rename
from modelhub.core.errors import Invalid
from modelhub.core.pagination import Pages
from modelhub.core.schema import PAGING, DeletedOutput, endpoint, example, page_of, parameter, problem_responses
from modelhub.core.serializers import render_list
from modelhub.core.text import show
from modelhub.core.views import ApiView
from modelhub.examples import CATEGORICAL_ID, PROJECT_ID, STAR_ID
from modelhub.idempotency.decorators import IDEMPOTENCY_KEY, idempotent
from modelhub.queues.access import get_access
from modelhub.queues.defaults import get_or_create_default, queues_of_sources
from modelhub.queues.filters import QueueFilter
from modelhub.queues.labels import add_label, remove_label
from modelhub.queues.management import (
    create_queue,
    delete_queue,
    destroy_queue,
    queues_of,
    restore_queue,
    set_status,
    update_queue,
)
from modelhub.queues.members import put_member, remove_member
from modelhub.queues.models import Queue, QueueMember
from modelhub.queues.overview import describe_queues, members_in_order
from modelhub.queues.serializers import (
    DefaultQueueAnswer,
    HardDeleteInput,
    LabelChangeAnswer,
    LabelIdInput,
    LabelOfQueueSerializer,
    MemberInput,
    NewQueueInput,
    QueueInput,
    QueueLabelInput,
    QueueMemberSerializer,
    QueueSerializer,
    RemovedOutput,
    ScopeInput,
    SourceQueueSerializer,
    StatusInput,
)
from modelhub.sources.refs import SOURCE_WORDS, SourceRef, check_source_ref

MAX_SOURCES = 100
NEW_QUEUE = {
    "name": "Refund answers",
    "instructions": "Judge the last answer only.",
    "annotations_required": 2,
    "label_ids": [STAR_ID, CATEGORICAL_ID],
}
UPDATE: dict[str, Any] = {
    **example("More judgements", {"annotations_required": 3}),
    "request": QueueInput(partial=True),
    "responses": {200: QueueSerializer, **problem_responses(400, 404, 409, 413, 415)},
}


def render_queue(queue: Queue, actor: Actor) -> Any:
    """Return a queue as its viewer sees it."""
    describe_queues([queue], actor)
    return QueueSerializer(queue).data


@extend_schema(tags=["queues"])
class Queues(ApiView, GenericAPIView[Queue]):
    for_annotators = ("read",)
    queryset = Queue.objects.none()  # read by drf-spectacular, which has no caller
    serializer_class = QueueSerializer  # read by OPTIONS
    pagination_class = Pages
    filterset_class = QueueFilter

    def get_queryset(self) -> QuerySet[Queue]:
        return queues_of(actor_of(self.request))

    @endpoint(
        filters=QueueFilter,
        operation_id="list_queues",
        summary="List queues, newest first",
        description="With `search`, queues of exactly that name come first.",
        parameters=PAGING,
        responses={200: page_of(QueueSerializer, "QueuePage"), **problem_responses(400, 404)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(render_list(QueueSerializer, describe_queues(page, actor_of(request))))

    @endpoint(
        **example("Two labels, two people an item", NEW_QUEUE),
        operation_id="create_queue",
        summary="Create a queue; its creator becomes a member with all roles",
        parameters=[IDEMPOTENCY_KEY],
        request=NewQueueInput,
        responses={201: QueueSerializer, **problem_responses(400, 409, 413, 415, 422)},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        fields = NewQueueInput().run_validation(request.data)
        actor = actor_of(request)
        return Response(render_queue(create_queue(actor=actor, fields=fields), actor), status=201)


@extend_schema(tags=["queues"])
class OneQueue(ApiView):
    for_annotators = ("read",)

    @endpoint(
        operation_id="get_queue",
        summary="Get a queue",
        responses={200: QueueSerializer, **problem_responses(404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        actor = actor_of(request)
        return Response(render_queue(get_access(actor, pk).queue, actor))

    @endpoint(operation_id="update_queue", summary="Update a queue; omitted fields keep their values", **UPDATE)
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        return self._update(request, pk)

    @endpoint(operation_id="replace_queue", summary="The same as PATCH", **UPDATE)
    def put(self, request: Request, pk: uuid.UUID) -> Response:
        return self._update(request, pk)

    def _update(self, request: Request, pk: uuid.UUID) -> Response:
        changes = QueueInput(partial=True).run_validation(request.data)
        actor = actor_of(request)
        return Response(render_queue(update_queue(actor=actor, queue_id=pk, changes=changes), actor))

    @endpoint(
        operation_id="delete_queue",
        summary="Delete a queue; its items and scores stay",
        responses={200: DeletedOutput, **problem_responses(404)},
    )
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        delete_queue(actor=actor_of(request), queue_id=pk)
        # The Python client parses this body, and repeats a DELETE without one.
        return Response({"deleted": True})


@extend_schema(tags=["queues"])
class RestoreQueue(ApiView):
    @endpoint(
        operation_id="restore_queue",
        summary="Restore a deleted queue",
        request=None,
        responses={200: QueueSerializer, **problem_responses(400, 404, 409)},
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        actor = actor_of(request)
        return Response(render_queue(restore_queue(actor=actor, queue_id=pk), actor))


@extend_schema(tags=["queues"])
class HardDeleteQueue(ApiView):
    @endpoint(
        **example("Confirmed", {"force": True, "confirm_name": "Refund answers"}),
        operation_id="hard_delete_queue",
        summary="Delete a queue and its items for good; scores stay",
        description="The scores of its items are then scores outside of queues. Where the annotator has one of the same"
        " source and label, the queue's score is deleted.",
        request=HardDeleteInput,
        responses={200: DeletedOutput, **problem_responses(400, 404, 413, 415)},
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        fields = HardDeleteInput().run_validation(request.data)
        destroy_queue(actor=actor_of(request), queue_id=pk, name=fields["confirm_name"])
        return Response({"deleted": True})


@extend_schema(tags=["queues"])
class QueueStatus(ApiView):
    @endpoint(
        **example("Start", {"status": "active"}),
        operation_id="set_queue_status",
        summary="Change the status of a queue",
        description="From draft to active; from active and paused to each other and to completed; from completed to"
        " active or paused. The same status changes nothing.",
        request=StatusInput,
        responses={200: QueueSerializer, **problem_responses(400, 404, 413, 415)},
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        fields = StatusInput().run_validation(request.data)
        actor = actor_of(request)
        return Response(render_queue(set_status(actor=actor, queue_id=pk, **fields), actor))


@extend_schema(tags=["queues"])
class AddLabel(ApiView):
    @endpoint(
        **example("A required label", {"label_id": STAR_ID, "required": True}),
        operation_id="add_queue_label",
        summary="Add a label to a queue, or change whether it is required",
        description="Completed items that lack a required label are reopened.",
        request=QueueLabelInput,
        responses={200: LabelChangeAnswer, **problem_responses(400, 404, 413, 415)},
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        fields = {"required": None} | QueueLabelInput().run_validation(request.data)
        change = add_label(actor=actor_of(request), queue_id=pk, **fields)
        return Response(
            {
                "label": LabelOfQueueSerializer(change.attached).data,
                "created": change.created,
                "reopened_items": change.reopened_items,
                "queue_status": change.queue_status,
            }
        )


@extend_schema(tags=["queues"])
class RemoveLabel(ApiView):
    @endpoint(
        **example("A label", {"label_id": STAR_ID}),
        operation_id="remove_queue_label",
        summary="Remove a label from a queue; its scores stay stored",
        request=LabelIdInput,
        responses={200: RemovedOutput, **problem_responses(400, 404, 413, 415)},
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        fields = LabelIdInput().run_validation(request.data)
        remove_label(actor=actor_of(request), queue_id=pk, **fields)
        return Response({"removed": True})


@extend_schema(tags=["queues"])
class Members(ApiView, GenericAPIView[QueueMember]):
    for_annotators = ("read",)
    queryset = QueueMember.objects.none()  # read by drf-spectacular, which has no caller
    serializer_class = QueueMemberSerializer  # read by OPTIONS
    pagination_class = Pages

    @endpoint(
        operation_id="list_queue_members",
        summary="List the members of a queue, the first one first",
        parameters=PAGING,
        responses={200: page_of(QueueMemberSerializer, "QueueMemberPage"), **problem_responses(400, 404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        queue = get_access(actor_of(request), pk).queue
        page = self.paginate_queryset(members_in_order().filter(organization_id=queue.organization_id, queue=queue))
        return self.get_paginated_response(render_list(QueueMemberSerializer, page))

    @endpoint(
        **example("A reviewer", {"email": "ada@example.com", "roles": ["reviewer", "annotator"]}),
        operation_id="put_queue_member",
        summary="Add a member to a queue, or replace the roles of one",
        request=MemberInput,
        responses={
            201: OpenApiResponse(QueueMemberSerializer, "The member is new."),
            200: OpenApiResponse(QueueMemberSerializer, "The member existed."),
            **problem_responses(400, 404, 409, 413, 415),
        },
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        fields = MemberInput().run_validation(request.data)
        member, created = put_member(actor=actor_of(request), queue_id=pk, **fields)
        return Response(QueueMemberSerializer(member).data, status=201 if created else 200)


@extend_schema(tags=["queues"])
class OneMember(ApiView):
    @endpoint(
        operation_id="remove_queue_member",
        summary="Remove a member with the assignments and seats of open items",
        responses={200: DeletedOutput, **problem_responses(404, 409)},
    )
    def delete(self, request: Request, pk: uuid.UUID, user_id: uuid.UUID) -> Response:
        remove_member(actor=actor_of(request), queue_id=pk, user_id=user_id)
        return Response({"deleted": True})


@extend_schema(tags=["queues"])
class DefaultQueue(ApiView):
    @endpoint(
        **example("Of a project", {"project_id": PROJECT_ID}),
        operation_id="get_or_create_default_queue",
        summary="Get the default queue of a project, dataset or agent definition, or create it",
        description="The caller becomes a member with all roles. A deleted default queue is restored.",
        request=ScopeInput,
        responses={200: DefaultQueueAnswer, **problem_responses(400, 404, 409, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        fields = ScopeInput().run_validation(request.data)
        actor = actor_of(request)
        queue, action = get_or_create_default(actor=actor, **fields)
        shown = render_queue(queue, actor)
        return Response({"queue": shown, "labels": shown["labels"], "created": action == "created", "action": action})


@extend_schema(tags=["queues"])
class QueuesOfSource(ApiView):
    for_annotators = ("read",)

    @endpoint(
        operation_id="list_queues_of_source",
        summary="List the own queues of a source, with own scores and notes",
        description="Queues that the person created or is a member of and that have the source as an item, and the"
        " active default queues of its `project_id`, `dataset_id` or `agent_definition_id` in the metadata.",
        parameters=[
            parameter("source_type", "The type of the source, with `source_id`.", enum=list(SOURCE_WORDS)),
            parameter("source_id", "The id that it was registered with."),
            parameter("sources", f"Instead: a JSON list of at most {MAX_SOURCES} objects with both."),
            parameter("annotator_id", "Act as this person; needs the scope `act-as`."),
            parameter("annotator_email", "The same by email."),
        ],
        responses={200: SourceQueueSerializer(many=True), **problem_responses(400)},
    )
    def get(self, request: Request) -> Response:
        """Return a bare list, empty for unknown sources (contract 7)."""
        refs = read_sources(self.query)
        actor = actor_of(request, self.query.get("annotator_id"), self.query.get("annotator_email"))
        return Response(render_list(SourceQueueSerializer, queues_of_sources(actor, refs)))


def read_sources(query: Mapping[str, str]) -> list[SourceRef]:
    """Return the one source of a query, or those of its JSON list. Raise `Invalid`."""
    if "sources" not in query:
        return [check_source_ref(query.get("source_type"), query.get("source_id"))]
    if "source_type" in query or "source_id" in query:
        sentence = "sources must not be given with source_type and source_id"
        raise Invalid(sentence, code="conflicting_fields", field="sources")
    try:
        sent = exact_json.loads(query["sources"])
    except (ValueError, RecursionError):
        sent = None
    some = isinstance(sent, list) and 1 <= len(sent) <= MAX_SOURCES
    if not some or not all(isinstance(one, dict) for one in sent):
        rule = f"a JSON list of 1 to {MAX_SOURCES} objects with source_type and source_id"
        raise Invalid(f"sources must be {rule}, got {show(query['sources'])}", field="sources")
    objects = [rename(one, ("source_type", "source_id")) for one in sent]
    return [check_source_ref(one.get("source_type"), one.get("source_id")) for one in objects]
