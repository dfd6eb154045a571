"""Judge items: the next one, one by one with its form, and the reservation of one."""

import json
import math
import uuid
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from modelhub.core import clock
from modelhub.core.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from modelhub.core.ids import parse_uuid
from modelhub.core.text import unix_lines
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.queues.access import get_access
from modelhub.queues.annotating import InvalidAnnotations, check_status, submit
from modelhub.queues.claims import check_assigned, check_not_in_review, reserve_item
from modelhub.queues.ending import skip_item, undo_item
from modelhub.queues.models import Slot
from modelhub.queues.own_slots import count_ended
from modelhub.queues.own_work import (
    EndedItem,
    LockedWork,
    OwnItem,
    find_undoable,
    get_own_item,
    lock_own_work,
    may_undo,
    read_ended,
    read_progress,
    submit_and_complete,
)
from modelhub.queues.picking import NextItem, reserve_next
from modelhub.queues.work_serializers import SkipInput
from modelhub.scores.entries import check_notes
from modelhub.web.annotate_words import (
    GONE,
    REASONS,
    describe_dropped_notes,
    describe_overwritten,
    describe_removed,
    find_dropped_notes,
    find_removed_labels,
    fingerprint,
    read_typed,
    reason_of,
)
from modelhub.web.content import describe_content
from modelhub.web.fields import (
    Field,
    add_errors,
    add_missing,
    entries_of,
    has_errors,
    open_fields,
    read_fields,
)
from modelhub.web.page import Page

# Items of the person that the page lists.
ENDED_ITEMS = 5
# Reviews with a word to annotators: a return, or a comment.
REMARKS = ("request_changes", "reject", "comment")
# Seconds between looks for an item while all are reserved by others.
SOONEST, LATEST = 5, 60
CORRECT = "Not submitted: some answers need a change, which is written beside them."
NOTHING = "Not submitted: give at least one answer."
INCOMPLETE = "Your answers are stored. The item is done once the required labels have an answer, too."
# Sentences that hold until the answers are changed.
FAULTY = {CORRECT, NOTHING, INCOMPLETE}
OUTDATED = (
    "Not stored: you changed this item meanwhile, perhaps in another tab. Stored is {}. Send it again to replace it."
)
OWN_WORK = "You have completed this item: undo it first."


class QueuePage(Page):
    """A page of work in a queue; without the queue or the item it says so in plain words."""

    def show_refused(self, refused: Refused) -> HttpResponse:
        """Return a page with the typed answers if the queue or the item is gone."""
        if refused.code not in GONE:
            return super().show_refused(refused)
        self.refused = refused
        typed = read_typed(self.organization_id, self.request.POST)
        return self.render(
            "annotate_gone.html",
            reason=REASONS[refused.code],
            typed="\n".join(f"{answer.name}: {answer.text}" for answer in typed),
        )


class StartAnnotating(QueuePage):
    """Start annotating."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        found = reserve_next(actor=self.actor, queue_id=pk, exclude=[])
        if found.item:
            return self.back_to("annotate", pk=pk, item_id=found.item.id)
        access = get_access(self.actor, pk)
        ended = read_ended(access, limit=ENDED_ITEMS)
        return self.render(
            "annotate_none.html",
            queue=access.queue,
            next=found,
            retry=_seconds_to_retry(found),
            counts=count_ended(access),
            ended=ended,
            undone=find_undoable(access, ended),
        )


class Annotate(QueuePage):
    """Annotate."""

    # Of a rejected form: the errors of its answers, and the ids of required labels without one.
    invalid: InvalidAnnotations | None = None
    missing: list[str] = []

    def show(self, pk: uuid.UUID, item_id: uuid.UUID, **ids: Any) -> HttpResponseBase:
        own = get_own_item(actor=self.actor, queue_id=pk, item_id=item_id)
        slot, refused = _take(own)
        read_only = _read_only(own, refused)
        blocked = "" if read_only or refused is None else self.reason(refused, own)
        rejected = self.reason(self.refused, own) if self.refused else ""
        ended = read_ended(own.access, limit=ENDED_ITEMS)
        return self.render(
            "annotate.html",
            queue=own.access.queue,
            item=own.item,
            source=own.source,
            content=describe_content(own.source.content, own.source.metadata),
            slot=slot,
            seconds=_seconds_left(slot),
            blocked=blocked,
            # Said once, where both are the same.
            refused="" if rejected == blocked else rejected,
            is_faulty=str(self.refused) in FAULTY,
            made_from=fingerprint(own.scores, slot.notes if slot else ""),
            disabled=bool(read_only),
            read_only=read_only,
            may_undo=may_undo(own.access, own.item, own.claims.own),
            rows=[(field, _comments_on(own, field.id)) for field in self.fields(own)],
            comments=_open_comments(own),
            stored=_stored_strings(own, slot) if self.posted else "",
            notes=self.posted.get("notes", slot.notes if slot else ""),
            reason=self.request.POST.get("reason", ""),
            ended=ended,
            undone=None if own.claims.has_ended else find_undoable(own.access, ended),
            progress=read_progress(own.access),
            position=own.item.order,
            **_neighbours(own, ended),
        )

    def post(self, request: HttpRequest, **ids: Any) -> HttpResponseBase:
        """Act on the form. Show an item that is others' by now with what was typed."""
        try:
            return super().post(request, **ids)
        except Forbidden as refused:
            if refused.code != "item_assigned":
                raise
            self.refused = refused.with_traceback(None)
            return self.show(**ids)

    def act(self, pk: uuid.UUID, item_id: uuid.UUID, **ids: Any) -> HttpResponseBase:
        match self.request.POST.get("action"):
            case "submit":
                self.missing = self.store(pk, item_id, completes=True)
                if self.missing:
                    raise Invalid(INCOMPLETE)
                return self.go_on(pk, "Submitted. Undo takes it back.", item_id)
            case "save":
                self.store(pk, item_id, completes=False)
                return self.ended(self.back_to("annotate", pk=pk, item_id=item_id), "Changes saved.", item_id)
            case "skip":
                reason = SkipInput().run_validation({"reason": self.request.POST.get("reason", "")})["reason"]
                skip_item(actor=self.actor, queue_id=pk, item_id=item_id, reason=reason)
                return self.go_on(pk, "Skipped. Undo takes it back.")
            case "undo":
                # The item that the button names, which need not be the last one any more, nor the one of the page.
                named = parse_uuid(self.request.POST.get("undone")) or item_id
                undone = undo_item(actor=self.actor, queue_id=pk, item_id=named)
                return self.back_to("annotate", pk=pk, item_id=undone.id, done="Taken back. The item is open again.")
            case "reserve":
                reserve_item(actor=self.actor, queue_id=pk, item_id=item_id)
                return self.back_to("annotate", pk=pk, item_id=item_id, done="The item is reserved for you.")
        raise Invalid("The form names no action of this page; reload the page")

    @repeat_aborted
    @in_transaction
    def store(self, pk: uuid.UUID, item_id: uuid.UUID, *, completes: bool) -> list[str]:
        """Store the answers, and complete the item or change completed work.

        Return the ids of missing labels. Raise `Conflict` for an outdated form, and `Invalid`. The item is locked from
        the reading of its answers on: of two tabs that send at once, the second is checked against the first.
        """
        work = lock_own_work(actor=self.actor, queue_id=pk, item_id=item_id)
        fields = self.read(work)
        entries = entries_of(fields)
        try:
            if completes:
                return submit_and_complete(work, entries, self.notes)
            submit(work.access, work.item, work.claims, entries, self.notes)
        except InvalidAnnotations as invalid:
            self.invalid = invalid
            raise Invalid(CORRECT) from None
        except Invalid as invalid:
            if invalid.code != "nothing_to_complete":
                raise
            # Nothing is scored: all required labels are missing.
            self.missing = [field.id for field in fields if field.required]
            raise Invalid(NOTHING) from None
        return []

    def read(self, work: LockedWork) -> list[Field]:
        """Return the posted fields. Raise `Invalid` if one of them has an error."""
        form = self.request.POST
        removed = find_removed_labels(self.organization_id, form, {str(label.label_id) for label in work.labels})
        if removed:
            messages.warning(self.request, describe_removed(removed))
        fields = read_fields(work.labels, work.scores, form)
        if dropped := find_dropped_notes(fields, form):
            messages.warning(self.request, describe_dropped_notes(dropped))
        self.check_outdated(work, fields)
        if has_errors(fields):
            raise Invalid(CORRECT)
        return fields

    def check_outdated(self, work: LockedWork, fields: list[Field]) -> None:
        """Raise `Conflict` if the form would replace answers that it was not made from."""
        made_from = self.request.POST.get("made_from")
        if made_from in (None, fingerprint(work.scores, work.notes)):
            return
        notes = work.notes if self.notes is None else self.notes
        if overwritten := describe_overwritten(fields, notes, work.notes):
            raise Conflict(OUTDATED.format(overwritten))

    def reason(self, refused: Refused, own: OwnItem) -> str:
        """Return the sentence about an error in words of the page."""
        if refused.code == "item_completed" and own.claims.has_completed:
            return OWN_WORK
        return reason_of(self, refused, own.access.queue.pk, own.item.pk)

    def fields(self, own: OwnItem) -> list[Field]:
        """Return the fields, of a rejected form as they were posted and with errors."""
        if not self.posted:
            return open_fields(own.labels, own.scores)
        fields = read_fields(own.labels, own.scores, self.request.POST)
        if self.invalid:
            fields = add_errors(fields, self.invalid)
        return add_missing(fields, self.missing)

    @property
    def posted(self) -> Mapping[str, Any]:
        """Return the fields of a rejected form."""
        has_answers = self.refused and self.request.POST.get("action") in {"submit", "save"}
        return self.request.POST if has_answers else {}

    @cached_property
    def notes(self) -> str | None:
        """Return the posted note on the item. Raise `Invalid` above the limit."""
        sent = self.request.POST.get("notes")
        return check_notes(None if sent is None else unix_lines(sent))

    def go_on(self, pk: uuid.UUID, done: str, ended: uuid.UUID | None = None) -> HttpResponse:
        """Return a redirect to the next item, or to the reason that there is none."""
        found = reserve_next(actor=self.actor, queue_id=pk, exclude=[]).item
        if found:
            return self.ended(self.back_to("annotate", pk=pk, item_id=found.id), done, ended)
        return self.ended(self.back_to("start-annotating", pk=pk), done, ended)

    def ended(self, redirect: HttpResponseRedirect, done: str, item_id: uuid.UUID | None) -> HttpResponse:
        """Add a message, and the item whose draft the browser removes."""
        messages.success(self.request, done, extra_tags=f"ended-{item_id}" if item_id else "")
        return redirect

    @property
    def back(self) -> str:
        """Return the page after a login."""
        return self.request.path


class Reserve(Page):
    """Renew the reservation of an item, for a script."""

    def show(self, pk: uuid.UUID, item_id: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_access(self.actor, pk).check("annotate")
        return self.back_to("annotate", pk=pk, item_id=item_id)

    def post(self, request: Any, **ids: Any) -> HttpResponseBase:
        """Return the seconds left, null after the own completion, or a sentence."""
        try:
            slot = reserve_item(actor=self.actor, queue_id=ids["pk"], item_id=ids["item_id"])
        except Refused as refused:
            # No error status: browsers log each as an error of the page.
            sentence = reason_of(self, refused, ids["pk"], ids["item_id"])
            return JsonResponse({"seconds": None, "message": sentence})
        return JsonResponse({"seconds": _seconds_left(slot)})

    @property
    def back(self) -> str:
        return reverse("web:annotate", kwargs=self.kwargs)


def _take(own: OwnItem) -> tuple[Slot | None, Refused | None]:
    """Reserve the item unless it is held. Return the slot and the reason."""
    claims, access = own.claims, own.access
    is_held = claims.own is not None and claims.own in claims.live
    try:
        if claims.has_ended:
            check_not_in_review(own.item)
            check_status(access, own.item, has_completed=claims.has_completed)
        elif not is_held or access.queue.status != "active":
            return reserve_item(actor=access.actor, queue_id=access.queue.pk, item_id=own.item.pk), None
        else:
            check_assigned(access, own.item)
    except NotFound:
        raise
    except Refused as refused:
        return claims.own, refused
    return claims.own, None


def _read_only(own: OwnItem, refused: Refused | None) -> str:
    """Return a calm sentence about an item that can only be read, else ""."""
    if refused is None:
        return ""
    if refused.code == "item_in_review":
        found = "waits for a review" if own.item.review_status == "pending_review" else "is approved"
        return f"This item {found}: it can only be read."
    if own.claims.has_ended:
        return f"This queue is {own.access.queue.status}: the item can only be read."
    return ""


def _stored_strings(own: OwnItem, slot: Slot | None) -> str:
    """Return the strings of the form with the stored answers, as JSON, for a script."""
    strings: dict[str, list[str]] = {}
    for field in open_fields(own.labels, own.scores):
        strings |= {f"value-{field.id}": list(field.strings), f"notes-{field.id}": [field.notes]}
    return json.dumps(strings | {"notes": [slot.notes if slot else ""]})


def _seconds_left(slot: Slot | None) -> int | None:
    if slot is None or slot.reserved_until is None:
        return None
    return max(0, math.ceil((slot.reserved_until - clock.now()).total_seconds()))


def _seconds_to_retry(found: NextItem) -> int | None:
    if found.until is None:
        return None
    return min(max(math.ceil((found.until - clock.now()).total_seconds()), SOONEST), LATEST)


def _open_comments(own: OwnItem) -> list[dict[str, Any]]:
    """Return the remarks on an item that was returned, the last one first."""
    return [review for review in own.comments if review["action"] in REMARKS]


def _comments_on(own: OwnItem, label_id: str) -> list[dict[str, Any]]:
    return [
        {"reviewer_name": review["reviewer_name"], **comment}
        for review in _open_comments(own)
        for comment in review["label_comments"]
        if comment["label_id"] == label_id
    ]


def _neighbours(own: OwnItem, ended: list[EndedItem]) -> dict[str, EndedItem | None]:
    """Return the items that the person ended before and after this one."""
    slot = own.claims.own
    if slot is None or not own.claims.has_ended or slot.ended_at is None:
        return {"earlier": ended[0] if ended else None, "later": None}
    earlier = read_ended(own.access, limit=1, before=slot.ended_at)
    later = read_ended(own.access, limit=1, after=slot.ended_at)
    return {"earlier": earlier[0] if earlier else None, "later": later[0] if later else None}
