"""Items that wait for a review, and the decision on one."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from modelhub.agreement.adjudicating import adjudicate
from modelhub.agreement.disagreement_serializers import AdjudicationInput
from modelhub.agreement.reading import read_labels_of_queue
from modelhub.core import exact_json
from modelhub.core.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from modelhub.core.exact_json import timestamp
from modelhub.core.models import LIVE
from modelhub.core.text import count, join_names, show, unix_lines, visible
from modelhub.labels.rules import LabelRule
from modelhub.labels.types import get_type
from modelhub.queues.access import Access, get_access
from modelhub.queues.item_serializers import ItemIdsInput
from modelhub.queues.items import give_back_items
from modelhub.queues.models import Item, Queue, Review
from modelhub.queues.queries import items_of
from modelhub.queues.review_serializers import ReviewInput
from modelhub.queues.reviewing import RETURNS, Decision, annotated_by, review_item, review_items, slots_to_return
from modelhub.scores.models import Score
from modelhub.web.content import describe_content
from modelhub.web.fields import Field
from modelhub.web.page import Page
from modelhub.web.review_answers import LABEL_REMOVED, AnswerTable, name_labels, read_answers
from modelhub.web.review_gold import read_gold, remove_gold, use_as_gold
from modelhub.web.review_items import (
    STATUSES,
    ReviewFilter,
    describe_items,
    find_neighbours,
    find_next,
    find_undecided,
    read_annotators,
    read_page,
)
from modelhub.web.stamps import stamp

# Items that a sentence names.
MOST_NAMED = 10
# Characters of the name of a source in a sentence.
LONGEST_NAME = 60
# Reviews of an item that its page shows, newest first.
MOST_REVIEWS = 50
STATUS_NAMES = {
    "waiting": "Waiting for review",
    "returned": "Returned to annotators",
    "approved": "Approved",
    "skipped": "Skipped",
}
# Actions with a note, at the beginning of a sentence.
WITH_NOTE = {"request_changes": "Return", "reject": "Reject", "comment": "A comment"}
ACTION_NAMES = {
    "approve": "Approved",
    "request_changes": "Returned",
    "reject": "Rejected",
    "comment": "Commented",
    "reopen": "Reopened",
}
DONE = {
    "approve": "Approved.",
    "request_changes": "Returned to {}.",
    "reject": "Rejected: the work is with {} again.",
    "comment": "The comment is stored.",
    "reopen": "The item waits for a review again.",
}
OF_VALUES = ("adjudicate", "decide", "withdraw")
OF_MANAGERS = ("gold", "remove_gold", "give_back")
# After these the reviewer goes on to the next item.
LEADS_ON = {"approve", "request_changes", "reject"}
CHANGED = "The item has changed since you opened it. Look at the answers again, then decide."
ADVICE = "Open each to decide on its values, or to approve it as it is."
# Sentences about an item in place of those of the API, by code.
SENTENCES = {
    "own_work": "{} is annotated by you, so another person must review it.",
    "not_in_review": "{} does not wait for a review any more.",
    "not_approved": "{} is not approved any more.",
    "item_not_found": "{} was removed meanwhile.",
}
WRONG_TARGET = "The person of each note must be a person with completed work on the item."
# Beginnings of the names of fields that end in the id of a label.
OF_LABEL = ("comment-", "value-")


class ReviewPage(Page):
    """Base of the pages of a queue's reviewers."""

    def open(self, pk: uuid.UUID) -> tuple[Access, ReviewFilter, dict[str, LabelRule]]:
        """Return the queue, the filters of the address and the labels by id."""
        access = get_access(self.actor, pk)
        access.check("review")
        return access, ReviewFilter.read(self.request.GET), read_labels_of_queue(access.queue)

    def go(self, name: str, filters: ReviewFilter, **ids: Any) -> HttpResponseRedirect:
        """Return a redirect that keeps the filters."""
        path = reverse(f"web:{name}", kwargs=ids)
        return HttpResponseRedirect(f"{path}?{filters.query}" if filters.query else path)


class ReviewList(ReviewPage):
    """Review."""

    def show(self, pk: uuid.UUID) -> HttpResponseBase:
        access, filters, labels = self.open(pk)
        page = read_page(filters.find_items(access.queue, labels), self.request.GET.get("page", "1"))
        return self.render(
            "review_list.html",
            queue=access.queue,
            may_manage=access.may("manage"),
            filters=filters,
            page=page,
            rows=describe_items(access, list(page), labels),
            statuses={word: STATUS_NAMES[word] for word in STATUSES},
            annotators=read_annotators(access.queue),
            labels=labels.values(),
            chosen=set(self.request.POST.getlist("items")),
        )

    def act(self, pk: uuid.UUID) -> HttpResponseBase:
        """Approve the selected items without an undecided disagreement.

        Those left alone are messages.
        """
        access, filters, labels = self.open(pk)
        sent = self.request.POST.getlist("items")
        if not sent:
            raise Invalid("Select at least one item.", field="items")
        item_ids = ItemIdsInput().run_validation({"item_ids": sent})["item_ids"]
        items = items_of(access.queue).filter(pk__in=item_ids).select_related("source").order_by("order", "id")
        names = {item.pk: name_of(item) for item in items}
        waiting = [item.pk for item in items if item.review_status == "pending_review"]
        undecided = find_undecided(access.queue, labels, waiting)
        fitting = [pk for pk in item_ids if pk not in undecided]
        errors = review_items(actor=self.actor, queue_id=pk, item_ids=fitting, decision=Decision("approve"))
        if approved := len(fitting) - len(errors):
            messages.success(self.request, f"Approved {count(approved, 'item')}.")
        if undecided:
            left = [name for pk, name in names.items() if pk in undecided]
            shown = join_names(left, most=MOST_NAMED)
            sentence = f"{count(len(left), 'item')} not approved, because annotators disagree: {shown}."
            messages.warning(self.request, f"{sentence} {ADVICE}")
        for item_id, error in errors.items():
            messages.error(self.request, explain(error, names.get(item_id, "An item")))
        return self.go("review-list", filters, pk=pk)


class ReviewItem(ReviewPage):
    """Review."""

    def show(self, pk: uuid.UUID, item_id: uuid.UUID) -> HttpResponseBase:
        access, filters, labels = self.open(pk)
        item = self._get_item(access, item_id, content=True)
        # Before the answers: a change in between is named once too often, never too rarely.
        seen = stamp_item(item)
        table = read_answers(
            access.queue, item, reviewer_id=self.actor.user.pk, posterior="probabilities" in self.request.GET
        )
        opened = self.request.POST.get("label") or self.request.GET.get("decide", "")
        return self.render(
            "review.html",
            queue=access.queue,
            item=item,
            seen=seen,
            filters=filters,
            neighbours=find_neighbours(filters.find_items(access.queue, labels), item),
            content=describe_content(item.source.content, item.source.metadata),
            table=table,
            may_manage=access.may("manage"),
            gold=read_gold(item, table),
            lost=self._find_lost(labels),
            decidable=[label for label in table.labels if label.differs or label.decision or label.rule.id == opened],
            field=self._open_field(table, opened),
            is_own=bool(annotated_by(self.actor, [item])),
            targets=[one for one in table.annotators if one.slot and one.slot.state == "completed"],
            reviews=self._read_reviews(item, table),
            typed=self.request.POST,
            decision_notes=self.request.POST.get("decision-notes", ""),
            comments=self._typed_comments(table),
        )

    def act(self, pk: uuid.UUID, item_id: uuid.UUID) -> HttpResponseBase:
        action = self.request.POST.get("action", "")
        if action in DONE:
            return self._decide(pk, item_id, action)
        if action in OF_VALUES:
            return self._adjudicate(pk, item_id, action)
        if action in OF_MANAGERS:
            return self._manage(pk, item_id, action)
        known = ", ".join([*DONE, *OF_VALUES, *OF_MANAGERS])
        raise Invalid(f"action must be one of {known}, got {show(action)}")

    def _decide(self, pk: uuid.UUID, item_id: uuid.UUID, action: str) -> HttpResponseBase:
        """Review the item. Go on to the next one after a decision."""
        access, filters, labels = self.open(pk)
        item = self._get_item(access, item_id)
        is_waiting = action in LEADS_ON and item.review_status == "pending_review"
        if is_waiting and self.request.POST.get("seen") != stamp_item(item):
            raise Conflict(CHANGED)
        if self._find_lost(labels):
            raise Conflict(LABEL_REMOVED)
        sent = ReviewInput().run_validation(
            {"action": action, "notes": self._text("notes"), "label_comments": self._read_comments(labels)}
        )
        decision = Decision(action, sent["notes"], sent["label_comments"])
        if decision.lacks_reason:
            raise Invalid(f"{WITH_NOTE[action]} needs a note: to all annotators, or to a label.", field="notes")
        annotators = name_annotators(access.queue, item, decision)
        try:
            review_item(actor=self.actor, queue_id=pk, item_id=item_id, decision=decision)
        except (Forbidden, Invalid) as refused:
            raise type(refused)(explain(refused, "The item"), code=refused.code, field=refused.field) from refused
        messages.success(self.request, DONE[action].format(annotators))
        if action not in LEADS_ON:
            return self.go("review", filters, pk=pk, item_id=item_id)
        if following := find_next(access, filters, labels, item):
            return self.go("review", filters, pk=pk, item_id=following)
        messages.info(self.request, "No other item waits for your review.")
        return self.go("review-list", filters, pk=pk)

    def _adjudicate(self, pk: uuid.UUID, item_id: uuid.UUID, action: str) -> HttpResponseBase:
        """Decide on the value by one label, or withdraw the decision."""
        _, filters, labels = self.open(pk)
        label_id = self.request.POST.get("label", "")
        if label_id not in labels:
            raise Conflict(LABEL_REMOVED)
        readers = {"adjudicate": self._read_json, "decide": self._read_field}
        value = readers[action](labels[label_id]) if action in readers else None
        new = AdjudicationInput().run_validation(
            {"item_id": str(item_id), "label_id": label_id, "value": value, "notes": self._text("decision-notes")}
        )
        _, errors = adjudicate(actor=self.actor, queue_id=pk, adjudications={0: new})
        if errors:
            raise explain_decision(errors[0], labels[label_id])
        done = "is withdrawn" if action == "withdraw" else "is stored"
        messages.success(self.request, f"The decision on {visible(labels[label_id].name)} {done}.")
        return self.go("review", filters, pk=pk, item_id=item_id)

    def _manage(self, pk: uuid.UUID, item_id: uuid.UUID, action: str) -> HttpResponseBase:
        """Use answers as gold, remove that, or give a skipped item back."""
        access, filters, labels = self.open(pk)
        access.check("manage")
        item = self._get_item(access, item_id)
        match action:
            case "gold":
                use_as_gold(self.actor, item, self.request.POST, labels)
                messages.success(self.request, "The item is gold with these values.")
            case "remove_gold":
                remove_gold(self.actor, item)
                messages.success(self.request, "The item is not gold any more.")
            case _:
                give_back_items(actor=self.actor, queue_id=pk, item_ids=[item_id])
                messages.success(self.request, "Given back to the annotators.")
        return self.go("review", filters, pk=pk, item_id=item_id)

    def _read_json(self, label: LabelRule) -> Any:
        """Return the value of an option."""
        text = self.request.POST.get("value", "")
        try:
            value = exact_json.loads(text)
        except ValueError:
            value = None
        if value is None:
            sentence = f"{visible(label.name)}: value must be JSON other than null, got {show(text)}"
            raise Invalid(sentence, field="value")
        return value

    def _read_field(self, label: LabelRule) -> Any:
        """Return the value of the label's field."""
        strings = self.request.POST.getlist(f"value-{label.id}")
        value = get_type(label.type).from_form(strings)
        if value is None:
            raise Invalid(f"{visible(label.name)}: a decision needs a value.", field="value")
        return value

    def _open_field(self, table: AnswerTable, opened: str) -> Field | None:
        """Return the field of the label to decide on, filled in as it was posted."""
        label = next((label for label in table.labels if label.rule.id == opened and not label.is_own), None)
        if label is None:
            return None
        error = str(self.refused or "").removeprefix(f"{visible(label.rule.name)}: ")
        strings = self.request.POST.getlist(f"value-{opened}")
        return Field(label.rule, label.description, required=True, strings=strings, error=error)

    def _read_comments(self, labels: dict[str, LabelRule]) -> list[dict[str, Any]]:
        """Return the notes on labels in the shape of the API, without blank ones."""
        return [
            {
                "label_id": label_id,
                "comment": comment,
                "target_annotator_id": self.request.POST.get(f"target-{label_id}") or None,
            }
            for label_id in labels
            if (comment := self._text(f"comment-{label_id}"))
        ]

    def _find_lost(self, labels: Mapping[str, LabelRule]) -> list[str]:
        """Return typed texts about labels that the queue does not have any more."""
        posted = self.request.POST
        names = [name for name in posted if name.startswith(OF_LABEL) and name.partition("-")[2] not in labels]
        if posted.get("label", "") not in {"", *labels}:
            names.append("decision-notes")
        return [text for name in names for text in posted.getlist(name) if text.strip()]

    def _text(self, name: str) -> str:
        """Return a posted text with the line ends of the API, "" if it is blank."""
        text = unix_lines(self.request.POST.get(name, ""))
        return text if text.strip() else ""

    def _typed_comments(self, table: AnswerTable) -> list[dict[str, Any]]:
        """Return a form of a note per label, filled in with the posted one."""
        posted = self.request.POST
        return [
            {
                "label": label,
                "text": posted.get(f"comment-{label.rule.id}", ""),
                "target": posted.get(f"target-{label.rule.id}", ""),
            }
            for label in table.labels
        ]

    def _read_reviews(self, item: Item, table: AnswerTable) -> list[dict[str, Any]]:
        """Return the latest reviews with names in place of ids."""
        reviews = Review.objects.filter(organization_id=item.organization_id, item=item.pk).select_related("reviewer")
        labels = {label.rule.id: label.rule.name for label in table.labels}
        people = {annotator.id: annotator.name for annotator in table.annotators}
        return [
            {
                "review": review,
                "action": ACTION_NAMES[review.action],
                "comments": [
                    {
                        "label": labels.get(str(one.get("label_id")), "a removed label"),
                        "target": people.get(str(one.get("target_annotator_id")), ""),
                        "text": one.get("comment", ""),
                    }
                    for one in review.label_comments
                ],
            }
            for review in reviews.order_by("-created_at", "-id")[:MOST_REVIEWS]
        ]

    def _get_item(self, access: Access, item_id: uuid.UUID, *, content: bool = False) -> Item:
        items = items_of(access.queue).filter(pk=item_id).select_related("source", "reviewed_by")
        item = (items if content else items.defer("source__content")).first()
        if item is None:
            raise NotFound("This item is gone: it was removed from the queue.", code="item_not_found")
        return item


def stamp_item(item: Item) -> str:
    """Return the stamp of an item and its scores.

    A correction of a score over the API changes no item.
    """
    scores = Score.objects.filter(
        LIVE, organization_id=item.organization_id, source=item.source_id, queue_item=item.pk
    ).order_by("pk")
    changes = [[str(pk), timestamp(at)] for pk, at in scores.values_list("pk", "updated_at")]
    return stamp([timestamp(item.updated_at), changes])


def name_of(item: Item) -> str:
    """Return the number and the source of an item for a sentence."""
    return f"Item {item.order} ({visible(item.source.name or item.source.source_id)[:LONGEST_NAME]})"


def name_annotators(queue: Queue, item: Item, decision: Decision) -> str:
    """Return the names of the people that a decision returns the work to."""
    if decision.action not in RETURNS:
        return ""
    slots = slots_to_return(queue, [item], decision.targets).select_related("user")
    names = [visible(slot.user.display_name) for slot in slots.order_by("created_at", "id")]
    return join_names(names, most=MOST_NAMED) if names else "its annotators"


def explain_decision(refused: Refused, label: LabelRule) -> Refused:
    """Return the error of a decision on a value, without ids."""
    name = visible(label.name)
    match refused.code:
        case "own_work":
            sentence = f"You have judged the item by {name}, so another person must decide."
            return Forbidden(sentence, code=refused.code)
        case "decision_not_found":
            return Conflict(f"{name}: the decision is withdrawn already.")
        case "label_not_found" | "label_deleted":
            return Conflict(LABEL_REMOVED)
        case _ if isinstance(refused, Invalid):
            return Invalid(name_labels(str(refused), [label]), field="value")
        case _:
            return refused


def explain(refused: Refused, name: str) -> str:
    """Return the sentence of an error about a named item, without ids."""
    if refused.code in SENTENCES:
        return SENTENCES[refused.code].format(name)
    if refused.field == "label_comments":
        is_about_person = "target_annotator_id" in refused.sentence
        return WRONG_TARGET if is_about_person else LABEL_REMOVED
    return str(refused)
