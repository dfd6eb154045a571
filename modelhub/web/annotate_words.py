"""Words of the pages of annotators: reasons without ids, stored answers, and typed ones."""

import re
import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from django.http import QueryDict

from modelhub.core import clock, exact_json
from modelhub.core.errors import Refused
from modelhub.core.text import join_names, shorten, unix_lines
from modelhub.labels.models import Label
from modelhub.queues.access import get_access
from modelhub.queues.own_slots import Holder, read_holders
from modelhub.queues.own_work import OwnScore
from modelhub.web.fields import Field
from modelhub.web.page import Page
from modelhub.web.stamps import stamp

# Sentences of the domain name ids and emails, which clients need and people do not.
REASONS = {
    "queue_not_found": "This queue is gone: it was archived or deleted, or you are no member of it any more.",
    "item_not_found": "This item is gone: it was removed from the queue.",
    "queue_role": "You may not annotate in this queue: its manager chooses the annotators.",
    "item_completed": "All places of this item are taken.",
    "item_assigned": "This item is assigned to other people.",
    "item_in_review": "This item went to a reviewer meanwhile: your changes were not stored.",
    "already_reviewed": "A reviewer decided about this item meanwhile: the undo is not possible.",
    "nothing_to_undo": "There is nothing to undo: that item is open.",
}
# After these, nothing of the page can be shown.
GONE = {"queue_not_found", "item_not_found", "queue_role"}
# Answers of a form: values and notes of labels.
ANSWER = re.compile(r"(value|notes)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
# Names in one sentence.
MAX_NAMES = 5


class TypedAnswer(NamedTuple):
    """An answer of a form that cannot be shown any more."""

    name: str
    text: str


def reason_of(page: Page, refused: Refused, queue_id: uuid.UUID, item_id: uuid.UUID) -> str:
    """Return the sentence for a person, which names no ids."""
    if refused.code == "item_reserved":
        return describe_holders(read_holders(get_access(page.actor, queue_id), item_id))
    return REASONS.get(refused.code, str(refused))


def describe_holders(holders: Sequence[Holder]) -> str:
    """Return a sentence about the people that have the seats of an item."""
    waiting = [holder for holder in holders if holder.until is not None]
    if not waiting or waiting[0].until is None:
        return REASONS["item_completed"]
    until = waiting[0].until.astimezone(clock.now().tzinfo)
    day = "" if until.date() == clock.now().date() else f"{until:%Y-%m-%d} "
    names = join_names([holder.name for holder in waiting], most=MAX_NAMES)
    have = "has this item" if len(waiting) == 1 else "have this item, the first of them"
    return f"{names} {have} until {day}{until:%H:%M} UTC."


def fingerprint(scores: Iterable[OwnScore], notes: str) -> str:
    """Return a short hash of stored answers: forms that differ in it are outdated."""
    stored = sorted([score.label_id, exact_json.dumps(score.value), score.notes] for score in scores)
    return stamp([stored, notes])


def describe_overwritten(fields: Iterable[Field], notes: str, stored_notes: str) -> str:
    """Return the stored answers that a form would replace, in words, else ""."""
    found = [
        f"{field.name}: {shorten(field.kind.readable(field.stored.value, field.kind.settings))}"
        for field in fields
        if field.kind and field.stored and not (field.has_unchanged_value and field.notes == field.stored.notes)
    ]
    if stored_notes not in ("", notes):
        found.append(f"notes: {shorten(stored_notes)}")
    return "; ".join(found)


def find_removed_labels(organization_id: uuid.UUID, form: QueryDict, label_ids: Collection[str]) -> list[str]:
    """Return the names of answered labels that the queue does not have any more."""
    answered = [label_id for kind, label_id, _ in _read_answers(form) if kind == "value"]
    removed = [label_id for label_id in dict.fromkeys(answered) if label_id not in label_ids]
    names = _names_of(organization_id, removed) if removed else {}
    return [names[label_id] for label_id in removed if label_id in names]


def describe_removed(names: Sequence[str]) -> str:
    """Return the sentence about answers that were dropped with their labels."""
    if len(names) == 1:
        return f"The label {names[0]} was removed from the queue meanwhile; its answer was not stored."
    labels = join_names(names, most=MAX_NAMES)
    return f"The labels {labels} were removed from the queue meanwhile; their answers were not stored."


def find_dropped_notes(fields: Iterable[Field], form: QueryDict) -> list[str]:
    """Return the names of labels with a new note in a form that allow none any more."""
    sent = [(field, form.get(f"notes-{field.id}", "")) for field in fields if not field.allows_notes]
    return [field.name for field, notes in sent if unix_lines(notes) not in ("", field.notes)]


def describe_dropped_notes(names: Sequence[str]) -> str:
    """Return the sentence about notes that were dropped."""
    if len(names) == 1:
        return f"Notes for the label {names[0]} were switched off meanwhile: your note was not stored."
    labels = join_names(names, most=MAX_NAMES)
    return f"Notes for the labels {labels} were switched off meanwhile: your notes were not stored."


def read_typed(organization_id: uuid.UUID, form: QueryDict) -> list[TypedAnswer]:
    """Return the answers of a form as text, for a page without its fields."""
    answers = _read_answers(form)
    names = _names_of(organization_id, {label_id for _, label_id, _ in answers}) if answers else {}
    typed = [
        TypedAnswer(f"{'Notes for ' if kind == 'notes' else ''}{names.get(label_id, 'a label')}", text)
        for kind, label_id, text in answers
    ]
    more = {"Notes on the item": form.get("notes"), "Reason for skipping": form.get("reason")}
    return typed + [TypedAnswer(name, unix_lines(text)) for name, text in more.items() if text]


def _read_answers(form: QueryDict) -> list[tuple[str, str, str]]:
    """Return kind, label id and text of each answer that is not blank."""
    found = [(match, form.getlist(name)) for name in form if (match := ANSWER.fullmatch(name))]
    return [(match[1], match[2], unix_lines(", ".join(filter(None, texts)))) for match, texts in found if any(texts)]


def _names_of(organization_id: uuid.UUID, label_ids: Collection[str]) -> dict[str, str]:
    labels = Label.objects.filter(organization_id=organization_id, pk__in=label_ids)
    return {str(label_id): name for label_id, name in labels.values_list("pk", "name")}
