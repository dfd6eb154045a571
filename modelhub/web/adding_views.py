"""Add items to a queue: by pasted ids, by a file, and by a filter with a count."""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from modelhub.accounts.models import User
from modelhub.core import exact_json
from modelhub.core.errors import Invalid, Refused
from modelhub.core.models import LIVE
from modelhub.core.problems import refusal_response
from modelhub.core.text import count
from modelhub.core.uploads import FilesInMemory
from modelhub.labels.services import labels_of
from modelhub.queues.access import get_access
from modelhub.queues.adding import (
    MAX_LISTED,
    ItemEntry,
    ItemError,
    SourceSelection,
    add_listed_items,
    add_selected_items,
    count_selected_items,
)
from modelhub.queues.item_serializers import SelectionInput
from modelhub.sources.models import SOURCE_TYPES, Source
from modelhub.sources.refs import Identity, SourceEntry
from modelhub.sources.services import find_sources, register_sources
from modelhub.web.form_errors import name_fields
from modelhub.web.page import Page
from modelhub.web.queue_form import whole_number
from modelhub.web.source_files import MOST_LINES, Line, read_file, read_ids

SHOWN_ERRORS = 100
MOST_LABELS = 500
# Characters of pasted ids that the answer to a rejected form repeats.
MOST_REPEATED = 256 * 1024
TEXTS = ("source_type", "registered_after", "registered_before", "label_id")
FILTERS = (*TEXTS, "scored", "metadata", "limit")
# The fields as the page names them.
TITLES = {
    "ids": "The ids",
    "file": "The file",
    "filter": "The filter",
    "source_type": "Type",
    "registered_after": "Registered from",
    "registered_before": "Registered before",
    "scored": "Scores",
    "label_id": "Label",
    "limit": "“At most”",
    "metadata": "Metadata",
}
UNKNOWN = "no source has this id; tick “Register unknown ids” to register it"


class Added(NamedTuple):
    """Numbers of new items and of those that the queue had, and sentences of errors."""

    added: int = 0
    duplicates: int = 0
    kept: int = 0
    errors: Sequence[str] = ()

    @property
    def sentence(self) -> str:
        parts = [f"{count(self.added, 'item')} added" if self.added else "No item added"]
        if self.duplicates:
            parts.append(f"{self.duplicates} {'was' if self.duplicates == 1 else 'were'} in the queue already")
        if self.kept:
            sources = count(self.kept, "registered source")
            parts.append(f"{sources} kept name and content, which only admins change")
        return ", ".join(parts) + "."

    def plus(self, other: "Added") -> "Added":
        numbers = (self.added + other.added, self.duplicates + other.duplicates, self.kept + other.kept)
        return Added(*numbers, [*self.errors, *other.errors])


@method_decorator(csrf_exempt, name="dispatch")
class AddItems(Page):
    """Add items.

    The middleware would read the form before the view, with the handler that rejects files. So the view is exempt, and
    checks the token itself once its handler is installed: Django's way for upload handlers.
    """

    outcome: Added | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **ids: Any) -> HttpResponseBase:
        """Return the page. Reject other people's forms before their body is read."""
        if request.method != "POST":
            return super().dispatch(request, *args, **ids)
        if not isinstance(request.user, User):
            return self.to_login()
        try:
            get_access(self.actor, ids["pk"]).check("manage")
        except Refused as refused:
            return refusal_response(request, refused)
        request.upload_handlers = [FilesInMemory(request)]
        return self.dispatch_checked(request, *args, **ids)

    @method_decorator(csrf_protect)
    def dispatch_checked(self, request: HttpRequest, *args: Any, **ids: Any) -> HttpResponseBase:
        return super().dispatch(request, *args, **ids)

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        access = get_access(self.actor, pk)
        access.check("manage")
        sent = self.request.POST if self.request.method == "POST" else self.request.GET
        pasted = sent.get("ids", "")
        labels = labels_of(self.organization_id).filter(LIVE).order_by("name")[:MOST_LABELS]
        counted = self.count(pk) if "count" in self.request.GET and self.request.method != "POST" else None
        errors = self.outcome.errors if self.outcome else []
        return self.render(
            "add_items.html",
            queue=access.queue,
            refused=name_fields(str(self.refused), TITLES) if self.refused else None,
            blamed=self.refused.fields if self.refused else {},
            sent=sent,
            ids="" if len(pasted) > MOST_REPEATED else pasted,
            left_out=len(pasted) > MOST_REPEATED,
            action=sent.get("action", "filter" if "count" in sent else ""),
            types=SOURCE_TYPES,
            labels=labels,
            counted=counted,
            outcome=self.outcome,
            errors=errors[:SHOWN_ERRORS],
            more_errors=len(errors[SHOWN_ERRORS:]),
            most_lines=MOST_LINES,
            most_megabytes=settings.MAX_BODY_BYTES // 2**20,
            filters=[(name, sent.get(name, "")) for name in FILTERS],
        )

    def count(self, pk: uuid.UUID) -> tuple[int, int] | None:
        """Return the numbers of new and of present items under the filter."""
        try:
            return count_selected_items(actor=self.actor, queue_id=pk, selection=read_filter(self.request.GET))
        except Refused as refused:
            self.refused = refused
            return None

    def act(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        """Add items. Lines with errors are shown again, the others are added."""
        match self.request.POST.get("action"):
            case "ids":
                added = self.add_ids(pk)
            case "file":
                added = self.add_file(pk)
            case _:
                selection = read_filter(self.request.POST)
                found = add_selected_items(actor=self.actor, queue_id=pk, selection=selection)
                added = Added(found.added, found.duplicates)
        if added.errors:
            self.outcome = added
            return self.show(pk=pk)
        return self.back_to("queue", done=added.sentence, pk=pk)

    def add_ids(self, pk: uuid.UUID) -> Added:
        post = self.request.POST
        lines = read_ids(post.get("ids", ""), post.get("source_type", ""))
        registers = "register" in post or settings.AUTO_CREATE_SOURCES
        return self.add_lines(pk, lines, registers=registers, changes=False)

    def add_file(self, pk: uuid.UUID) -> Added:
        """Register the sources of a file and add them. Only admins change known sources."""
        file = self.request.FILES.get("file")
        if not isinstance(file, UploadedFile):
            raise Invalid("file must be a file of JSON lines or CSV", field="file")
        lines = read_file(file.read(), self.request.POST.get("source_type", ""))
        return self.add_lines(pk, lines, registers=True, changes=not self.actor.missing_right)

    def add_lines(self, pk: uuid.UUID, lines: Sequence[Line], *, registers: bool, changes: bool) -> Added:
        """Add lines in batches, each of them by itself: a repeat adds no item twice."""
        size = min(MAX_LISTED, settings.MAX_SOURCES)
        total = Added()
        for at in range(0, len(lines), size):
            total = total.plus(self.add_batch(pk, lines[at : at + size], registers=registers, changes=changes))
        return total

    def add_batch(self, pk: uuid.UUID, lines: Sequence[Line], *, registers: bool, changes: bool) -> Added:
        organization_id = self.organization_id
        entries = [line.entry for line in lines if isinstance(line.entry, SourceEntry)]
        known = find_sources(organization_id, [entry.ref for entry in entries])
        unknown = {entry.ref.identity: entry for entry in entries if entry.ref.identity not in known}
        stored: dict[Identity, Source | Refused] = {}
        if registers:
            wanted = entries if changes else list(unknown.values())
            results = register_sources(organization_id=organization_id, entries=wanted)
            stored = dict(zip((entry.ref.identity for entry in wanted), results, strict=True))
        kept = sum(entry.ref.identity in known for entry in entries if has_content(entry)) if not changes else 0
        adding: list[ItemEntry] = []
        errors: list[str] = []
        for line in lines:
            entry = line.entry
            refused = entry if isinstance(entry, Refused) else stored.get(entry.ref.identity)
            if isinstance(entry, SourceEntry) and entry.ref.identity in unknown and not registers:
                refused = Invalid(UNKNOWN)
            if isinstance(refused, Refused):
                errors.append(f"Line {line.number}: {refused}")
            elif isinstance(entry, SourceEntry):
                adding.append(ItemEntry(entry.ref))
        found = add_listed_items(actor=self.actor, queue_id=pk, entries=adding)
        errors += [error.error for error in found.errors if isinstance(error, ItemError)]
        return Added(found.added, found.duplicates, kept, errors)


def has_content(entry: SourceEntry) -> bool:
    """Return whether an entry would change a registered source."""
    return any(getattr(entry, name, None) is not None for name in ("name", "metadata", "content"))


def read_filter(sent: QueryDict) -> SourceSelection:
    """Return the filter of a form, checked as a body of the API. Raise `Invalid`."""
    body: dict[str, Any] = {name: text for name in TEXTS if (text := sent.get(name, "").strip())}
    if scored := sent.get("scored"):
        body["scored"] = {"true": True, "false": False}.get(scored, scored)
    if limit := sent.get("limit", "").strip():
        body["limit"] = whole_number(limit)
    if metadata := sent.get("metadata", "").strip():
        try:
            body["metadata"] = exact_json.loads(metadata)
        except ValueError:
            body["metadata"] = metadata
    selection: SourceSelection = SelectionInput().run_validation(body)
    return selection
