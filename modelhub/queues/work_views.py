"""Work on the items of a queue (contract 7.3 to 7.5)."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import actor_of, actor_of_body, api_key_of, caller
from modelhub.accounts.models import User
from modelhub.accounts.people import Actor, get_annotator, key_actor
from modelhub.core.exact_json import timestamp
from modelhub.core.schema import endpoint, example, flag, parameter, problem_responses
from modelhub.core.serializers import render_list
from modelhub.core.views import ApiView
from modelhub.examples import CATEGORICAL_ID, ITEM_ID, STAR_ID
from modelhub.queues.annotating import import_annotations, submit_annotations
from modelhub.queues.claims import release_item, reserve_item
from modelhub.queues.detail import ItemDetail, get_annotations, get_detail
from modelhub.queues.ending import complete_item, skip_item, undo_item
from modelhub.queues.picking import NextItem, look_next, reserve_next
from modelhub.queues.rows import ItemRow
from modelhub.queues.serializers import LabelOfQueueSerializer, PersonInput
from modelhub.queues.work_serializers import (
    CompletedAnswer,
    DetailAnswer,
    EndInput,
    ImportedAnswer,
    ImportInput,
    NextItemAnswer,
    ReleasedAnswer,
    ReleaseInput,
    ReservedAnswer,
    SkipInput,
    SkippedAnswer,
    SubmitInput,
    SubmittedAnswer,
    UndoneAnswer,
)
from modelhub.scores.entries import check_notes
from modelhub.scores.serializers import ScoreSerializer

PERSON = [
    parameter("annotator_id", "The person to act as, for keys with the scope `act-as`."),
    parameter("annotator_email", "The same by email."),
]
EXCLUDE = parameter("exclude", "Ids of items that the next one must not be, separated by commas.")
RESERVE_NEXT = flag("reserve", "Reserve the next item. Otherwise it is looked at only.")
ERRORS = problem_responses(400, 404, 409, 413, 415)
OWN_WORK = example("The user of the key", {})
SUBMIT = {"annotations": [{"label_id": STAR_ID, "value": 4}], "notes": "The answer names no source."}
IMPORT = {"annotations": [{"label_id": CATEGORICAL_ID, "value": ["positive"], "score_source": "imported"}]}


class WorkView(ApiView):
    for_annotators: tuple[str, ...] = ("read", "write")

    def actor_of_query(self, request: Request) -> Actor:
        return actor_of(request, self.query.get("annotator_id"), self.query.get("annotator_email"))

    def read_exclude(self, sent: Collection[uuid.UUID] | None = None) -> set[uuid.UUID]:
        """Return the ids of the query and of the body. Raise `Invalid`."""
        named = EndInput().run_validation({"exclude": self.query.get("exclude", "")})["exclude"]
        return {*named, *(sent or ())}

    def find_next(self, actor: Actor, queue_id: uuid.UUID, exclude: Collection[uuid.UUID]) -> ItemRow | None:
        """Return the item after a completed or skipped one."""
        find = reserve_next if self.read_flag("reserve") else look_next
        return find(actor=actor, queue_id=queue_id, exclude=exclude).item


@extend_schema(tags=["queues"])
class NextItemView(WorkView):
    @endpoint(
        operation_id="next_item",
        summary="Reserve the next item to work on",
        description="Without one, `reason` says why. `reserve=false` needs the scope `read` only.",
        parameters=[EXCLUDE, parameter("reserve", "Reserve the item.", bool, default=True), *PERSON],
        responses={200: NextItemAnswer, **problem_responses(400, 404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """Return the first item that the person may take, and reserve it."""
        exclude = self.read_exclude()
        if "reserve" in self.query and not self.read_flag("reserve"):
            return Response(render_next(look_next(actor=self.actor_of_query(request), queue_id=pk, exclude=exclude)))
        check_may_reserve(request)
        return Response(render_next(reserve_next(actor=self.actor_of_query(request), queue_id=pk, exclude=exclude)))


def check_may_reserve(request: Request) -> None:
    """Raise `Forbidden` for a key that may only read: a reservation by GET writes."""
    if "annotate" not in api_key_of(request).scopes:
        key_actor(api_key_of(request)).check_scope("write")


def render_next(found: NextItem) -> dict[str, Any]:
    shown = {"reserved_until": found.reserved_until, "reason": found.reason, "until": found.until}
    return {"item": found.item, **{name: _shown(value) for name, value in shown.items() if value is not None}}


def _shown(value: datetime | str) -> str:
    return timestamp(value) if isinstance(value, datetime) else value


@extend_schema(tags=["queues"])
class ReserveItem(WorkView):
    @endpoint(
        **OWN_WORK,
        operation_id="reserve_item",
        summary="Reserve an item, or renew the reservation",
        request=PersonInput,
        responses={200: ReservedAnswer, **ERRORS},
    )
    def post(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        actor = actor_of_body(request, PersonInput().run_validation(request.data))
        slot = reserve_item(actor=actor, queue_id=pk, item_id=item_id)
        if slot is None:
            return Response({"reserved": False, "reserved_until": None, "seat": None})
        until = slot.reserved_until and timestamp(slot.reserved_until)
        return Response({"reserved": True, "reserved_until": until, "seat": slot.seat})


@extend_schema(tags=["queues"])
class ReleaseItem(WorkView):
    @endpoint(
        **OWN_WORK,
        operation_id="release_item",
        summary="End a reservation; submitted scores stay",
        request=ReleaseInput,
        responses={200: ReleasedAnswer, **ERRORS},
    )
    def post(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        fields = ReleaseInput().run_validation(request.data)
        actor = actor_of_body(request, fields)
        release_item(actor=actor, queue_id=pk, item_id=item_id, user_id=fields.get("user_id"))
        return Response({"released": True})


@extend_schema(tags=["queues"])
class SubmitAnnotations(WorkView):
    @endpoint(
        **example("One label and a note", SUBMIT),
        operation_id="submit_annotations",
        summary="Store scores of an item and a note on it, all or none",
        request=SubmitInput,
        responses={200: SubmittedAnswer, **ERRORS},
    )
    def post(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        fields = SubmitInput().run_validation(request.data)
        submission = submit_annotations(
            actor=actor_of_body(request, fields),
            queue_id=pk,
            item_id=item_id,
            entries=fields["annotations"],
            notes=check_notes(fields.get("notes")),
        )
        return Response({"submitted": submission.submitted, "skipped": submission.skipped})


@extend_schema(tags=["queues"])
class ImportAnnotations(ApiView):
    @endpoint(
        **example("One label", IMPORT),
        operation_id="import_annotations",
        summary="Store scores of any annotator on an item, all or none",
        request=ImportInput,
        responses={200: ImportedAnswer, **ERRORS},
    )
    def post(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        fields = ImportInput().run_validation(request.data)
        actor = actor_of(request)
        given = {name: fields.get(name) for name in ("annotator_id", "annotator_email")}
        named = {name: str(value) for name, value in given.items() if value is not None}
        submission = import_annotations(
            actor=actor,
            annotator=person_of(request, named) or actor.user,
            queue_id=pk,
            item_id=item_id,
            entries=fields["annotations"],
        )
        return Response({"imported": submission.submitted, "skipped": submission.skipped})


@extend_schema(tags=["queues"])
class Annotations(ApiView):
    for_annotators = ("read",)

    @endpoint(
        operation_id="get_annotations",
        summary="Scores of an item, newest first",
        description="In a blind queue, annotators get the scores of others after completing the item.",
        parameters=[
            parameter("annotator_id", "Scores of this person only."),
            parameter("annotator_email", "The same by email."),
        ],
        responses={200: ScoreSerializer(many=True), **problem_responses(400, 404)},
    )
    def get(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        rows = get_annotations(actor=actor_of(request), queue_id=pk, item_id=item_id, of=person_of(request, self.query))
        return Response(render_list(ScoreSerializer, rows))


def person_of(request: Request, named: Mapping[str, str]) -> User | None:
    """Return the person of a filter or an import, if it names one. Raise `Invalid`."""
    user_id, email = named.get("annotator_id"), named.get("annotator_email")
    if user_id is None and email is None:
        return None
    return get_annotator(organization_id=caller(request).organization_id, user_id=user_id, email=email)


@extend_schema(tags=["queues"])
class AnnotateDetail(WorkView):
    @endpoint(
        operation_id="annotate_detail",
        summary="An item with its labels and scores, for a page to work on it",
        description="A key with `act-as` acts as the person that is named. For others the scores are filtered.",
        parameters=[flag("reserve", "Reserve the item."), *PERSON],
        responses={200: DetailAnswer, **problem_responses(400, 404, 409)},
    )
    def get(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        if reserve := self.read_flag("reserve"):
            check_may_reserve(request)
        acts = "act-as" in api_key_of(request).scopes
        detail = get_detail(
            actor=self.actor_of_query(request) if acts else actor_of(request),
            queue_id=pk,
            item_id=item_id,
            of=None if acts else person_of(request, self.query),
            reserve=reserve,
        )
        return Response(render_detail(detail))


def render_detail(detail: ItemDetail) -> dict[str, Any]:
    queue = detail.access.queue
    names = ("name", "description", "instructions", "status", "annotations_required", "requires_review", "blind")
    return {
        "item": detail.item,
        "queue": {
            "id": str(queue.pk),
            **{name: getattr(queue, name) for name in names},
            "reservation_timeout_seconds": queue.reservation_seconds,
        },
        "labels": render_list(LabelOfQueueSerializer, detail.labels),
        "annotations": render_list(ScoreSerializer, detail.annotations),
        "progress": detail.progress,
        "next_item_id": detail.next_item_id,
        "prev_item_id": detail.prev_item_id,
        "review_comments": detail.review_comments,
        "existing_notes": detail.existing_notes,
        "item_notes": detail.notes,
        **({} if detail.skips is None else {"skips": detail.skips}),
    }


@extend_schema(tags=["queues"])
class CompleteItem(WorkView):
    @endpoint(
        **example("Not this one next", {"exclude": [ITEM_ID]}),
        operation_id="complete_item",
        summary="Complete the work on an item, and find the next one",
        parameters=[EXCLUDE, RESERVE_NEXT],
        request=EndInput,
        responses={200: CompletedAnswer, **ERRORS},
    )
    def post(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        """Complete an item; `missing_labels` keep the work open."""
        fields = EndInput().run_validation(request.data)
        exclude, actor = self.read_exclude(fields.get("exclude")), actor_of_body(request, fields)
        self.read_flag("reserve")  # an error of it comes before the completion
        completion = complete_item(actor=actor, queue_id=pk, item_id=item_id)
        missing = completion.missing_labels
        body = {
            "completed_item_id": None if missing else str(item_id),
            "next_item": completion.item if missing else self.find_next(actor, pk, {item_id, *exclude}),
            "item": completion.item,
            "missing_labels": missing,
        }
        return Response(body)


@extend_schema(tags=["queues"])
class SkipItem(WorkView):
    @endpoint(
        **example("With a reason", {"reason": "not in English"}),
        operation_id="skip_item",
        summary="Skip an item, and find the next one",
        parameters=[EXCLUDE, RESERVE_NEXT],
        request=SkipInput,
        responses={200: SkippedAnswer, **ERRORS},
    )
    def post(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        fields = SkipInput().run_validation(request.data)
        exclude, actor = self.read_exclude(fields.get("exclude")), actor_of_body(request, fields)
        self.read_flag("reserve")
        item = skip_item(actor=actor, queue_id=pk, item_id=item_id, reason=fields.get("reason") or "")
        next_item = self.find_next(actor, pk, {item_id, *exclude})
        return Response({"skipped_item_id": str(item_id), "next_item": next_item, "item": item})


@extend_schema(tags=["queues"])
class UndoLast(WorkView):
    @endpoint(
        **OWN_WORK,
        operation_id="undo_last_item",
        summary="Take back the person's last completion or skip in the queue",
        request=PersonInput,
        responses={200: UndoneAnswer, **ERRORS},
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        actor = actor_of_body(request, PersonInput().run_validation(request.data))
        item = undo_item(actor=actor, queue_id=pk, item_id=None)
        return Response({"undone_item_id": item.id, "item": item})


@extend_schema(tags=["queues"])
class UndoItem(WorkView):
    @endpoint(
        **OWN_WORK,
        operation_id="undo_item",
        summary="Take back the person's completion or skip of an item",
        request=PersonInput,
        responses={200: UndoneAnswer, **ERRORS},
    )
    def post(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        actor = actor_of_body(request, PersonInput().run_validation(request.data))
        item = undo_item(actor=actor, queue_id=pk, item_id=item_id)
        return Response({"undone_item_id": item.id, "item": item})
