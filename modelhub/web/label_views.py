"""Labels: list, create with a preview, edit."""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property

from modelhub.core.errors import Invalid, Refused
from modelhub.core.exact_json import same
from modelhub.core.ids import parse_uuid
from modelhub.core.models import LIVE, name_equals
from modelhub.core.text import shorten, show, unix_lines, visible
from modelhub.labels.filters import LabelFilter
from modelhub.labels.judging import IllegalScores, ScoresAffected, find_illegal_scores
from modelhub.labels.models import Label
from modelhub.labels.projects import search_projects
from modelhub.labels.serializers import LabelInput
from modelhub.labels.services import (
    create_label,
    delete_label,
    get_label,
    labels_of,
    restore_label,
    update_label,
)
from modelhub.labels.types import LABEL_TYPES, get_type
from modelhub.queues.access import visible_queues
from modelhub.queues.models import Queue
from modelhub.scores.models import Score
from modelhub.scores.queries import live_scores
from modelhub.web.fields import Field, preview_field
from modelhub.web.form_errors import errors_by_field, name_fields
from modelhub.web.label_forms import FIELDS, TITLES, read_settings, settings_texts
from modelhub.web.label_words import TYPE_NAMES, legal_values
from modelhub.web.lists import given_filters, no_rows, read_page
from modelhub.web.page import Page
from modelhub.web.stamps import FormOutdated, find_changed, stamps_to_send

FILTERS = ("search", "type", "archived")
FORCE = "Save, and keep the scores as they are"
SHOWN_PROJECTS = 200
SHOWN_QUEUES = 50
# A preview judges the oldest scores only; to save the settings judges all.
PREVIEWED_SCORES = 10_000
COUNTED_SCORES = 1000
# The index of a label's scores has no organization: each score that is counted is read.
COUNT_SCORES = """
SELECT label.id, (
    SELECT count(*) FROM (
        SELECT FROM modelhub_score score
        WHERE score.label_id = label.id AND score.organization_id = label.organization_id
            AND score.deleted_at IS NULL AND score.created_at > '-infinity'
        LIMIT %s
    ) AS some_scores
) FROM modelhub_label label WHERE label.organization_id = %s AND label.id = ANY(%s)
"""


class ListedLabel(NamedTuple):
    """A label in the list, with its legal values and its number of scores in words."""

    label: Label
    type: str
    values: str
    scores: str


class Labels(Page):
    """Labels of the organization, newest first."""

    def show(self, **ids: Any) -> HttpResponseBase:
        given = given_filters(self.request, *FILTERS)
        labels = labels_of(self.organization_id).select_related("project")
        try:
            page = read_page(self.request, LabelFilter(given, queryset=labels).get_rows())
        except Refused as refused:
            self.refused, page = refused, no_rows()
        rows = self._describe([*page])
        return self.render("labels.html", page=page, rows=rows, given=given, types=TYPE_NAMES)

    def _describe(self, labels: Sequence[Label]) -> list[ListedLabel]:
        counts = {} if self.actor.missing_right else count_scores(self.organization_id, labels)
        rows = []
        for label in labels:
            number = counts.get(label.pk, 0)
            scores = f"over {COUNTED_SCORES:,}" if number > COUNTED_SCORES else str(number)
            rows.append(ListedLabel(label, TYPE_NAMES[label.type], legal_values(label), scores))
        return rows


class Example(NamedTuple):
    """A score that new settings would make illegal."""

    score: Score
    value: str


class Preview(NamedTuple):
    """The field of a label for annotators, or the sentence about its settings."""

    field: Field | None = None
    sentence: str = ""
    illegal: IllegalScores | None = None
    examples: Sequence[Example] = ()


class LabelForm(Page):
    """Base of pages with the form of a label, new or stored."""

    @cached_property
    def label(self) -> Label | None:
        """Return the label that the address names, deleted or not. Raise `NotFound`."""
        pk = self.kwargs.get("pk")
        return get_label(organization_id=self.organization_id, label_id=pk, deleted_too=True) if pk else None

    @cached_property
    def label_type(self) -> str:
        """Return the type of the label or of the form. Raise `Invalid`."""
        sent = self.label.type if self.label else self.request.POST.get("type", "star")
        if sent not in LABEL_TYPES:
            raise Invalid(f"type must be one of {', '.join(LABEL_TYPES)}, got {show(sent)}", field="type")
        return sent

    def read_fields(self) -> dict[str, Any]:
        """Return the fields of the form, checked by the rules of the API. Raise `Invalid`."""
        data = self.request.POST
        body = {
            "name": data.get("name", "").strip(),
            "type": self.label_type,
            "description": unix_lines(data.get("description", "")),
            "project_id": data.get("project") or None,
            "allow_notes": "allow_notes" in data,
            "settings": read_settings(self.label_type, data, self.label.settings if self.label else {}),
        }
        fields: dict[str, Any] = LabelInput().run_validation(body)
        return fields

    def preview(self) -> Preview:
        """Return the field that the form describes, and the scores that it rejects."""
        label = self.label
        try:
            if label and self.request.method != "POST":
                settings = get_type(label.type).read_settings(label.settings)
            else:
                stored = label.settings if label else {}
                given = read_settings(self.label_type, self.texts(), stored)
                settings = get_type(self.label_type).check_settings(given, stored, keep=bool(label))
            field = self._field(settings)
            if label is None or same(settings, label.settings):
                return Preview(field)
            illegal = find_illegal_scores(label, settings, most=PREVIEWED_SCORES)
        except Refused as refused:
            return Preview(sentence=self.in_words(str(refused)))
        return Preview(field, illegal=illegal, examples=self.examples(illegal))

    def _field(self, settings: dict[str, Any]) -> Field:
        texts = self.texts()
        return preview_field(
            get_type(self.label_type)(settings),
            name=texts["name"].strip() or "Name of the label",
            description=texts["description"],
            allows_notes=bool(texts["allow_notes"]),
        )

    def examples(self, illegal: IllegalScores) -> list[Example]:
        scores = live_scores(self.actor).filter(pk__in=illegal.examples) if illegal.examples else Score.objects.none()
        found = scores.select_related("source", "annotator", "label").order_by("created_at", "id")
        return [
            Example(score, get_type(score.label.type).readable(score.value, score.label.settings)) for score in found
        ]

    def texts(self) -> dict[str, str]:
        """Return the texts of the form: as sent, else as stored, else the defaults."""
        if self.request.method == "POST":
            return dict.fromkeys(("name", "description", "allow_notes"), "") | self.request.POST.dict()
        if self.label is None:
            return {"name": "", "description": "", "allow_notes": "", "type": "star", **settings_texts(None, {})}
        return {"type": self.label.type, **texts_of(self.label)}

    def show(self, **ids: Any) -> HttpResponseBase:
        refused, queues = self.refused, self._queues()
        illegal = refused.illegal if isinstance(refused, ScoresAffected) else None
        return self.render(
            "edit_label.html",
            label=self.label,
            texts=self.texts(),
            made_from=stamps_to_send(self.request.POST, refused, texts_of(self.label)) if self.label else "",
            types=TYPE_NAMES,
            preview=self.preview(),
            projects=search_projects(organization_id=self.organization_id, name="")[:SHOWN_PROJECTS],
            illegal=illegal,
            refused=self.in_words(str(refused)) if refused else None,
            errors=self.errors(),
            twin=self.find_twin() if refused and refused.code == "duplicate" else None,
            examples=self.examples(illegal) if illegal else [],
            force=FORCE,
            may_force=refused is not None and refused.code in {"scores_affected", "too_slow"},
            queues=queues,
            active_queues=[queue for queue in queues if queue.status == "active"],
        )

    def in_words(self, sentence: str) -> str:
        """Return a sentence of the API in the words of the form."""
        for word, name in TYPE_NAMES.items():
            sentence = sentence.replace(f" of type {word} with", f" of type {name} with")
        sentence = sentence.replace("With ?force=true", f"With “{FORCE}”")
        return name_fields(sentence, TITLES)

    def errors(self) -> dict[str, list[str]]:
        """Return the sentences beside the fields."""
        if isinstance(self.refused, ScoresAffected):
            return {}
        errors = errors_by_field(self.refused, TITLES, self.in_words)
        if (sentences := errors.pop("settings", [])) and (names := FIELDS[self.label_type]):
            errors[names[0]] = sentences
        return errors

    def find_twin(self) -> Label | None:
        """Return the label that has the name."""
        label, texts = self.label, self.texts()
        name = label.name if label and label.archived else texts["name"]
        labels = Label.objects.filter(LIVE, name_equals(name.strip()), organization_id=self.organization_id)
        project = label.project_id if label and label.archived else parse_uuid(texts.get("project", ""))
        return labels.filter(type=self.label_type, project=project).first()

    def _queues(self) -> list[Queue]:
        if self.label is None:
            return []
        queues = Queue.objects.filter(visible_queues(self.actor), LIVE, queue_labels__label=self.label)
        # Active ones come first.
        return list(queues.order_by("status", "name", "id")[:SHOWN_QUEUES])


class NewLabel(LabelForm):
    """New label."""

    for_admins = "Labels are created by admins of the organization"

    def act(self, **ids: Any) -> HttpResponseBase:
        if self.request.POST.get("action") == "preview":
            return self.show()
        label = create_label(organization_id=self.organization_id, **self.read_fields())
        return self.back_to("labels", done=f"The label {label.name} is created.")


class EditLabel(LabelForm):
    """Label."""

    for_admins = "Labels are changed by admins of the organization"

    def act(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        name = self.label.name if self.label else ""
        match self.request.POST.get("action", "save"):
            case "preview":
                return self.show()
            case "delete":
                delete_label(organization_id=self.organization_id, label_id=pk)
                return self.back_to("labels", done=f"The label {name} is deleted. Its scores stay.")
            case "restore":
                restore_label(organization_id=self.organization_id, label_id=pk)
                return self.back_to("edit-label", done=f"The label {name} is restored.", pk=pk)
            case action:
                changes = self.read_fields()
                self.check_outdated()
                update_label(
                    organization_id=self.organization_id,
                    label_id=pk,
                    changes=changes,
                    keep_settings=True,
                    force=action == "force",
                )
                return self.back_to("labels", done=f"The label {changes['name']} is saved.")

    def check_outdated(self) -> None:
        """Raise `FormOutdated` for changes that the form did not show and would overwrite."""
        label, posted = get_label(organization_id=self.organization_id, label_id=self.kwargs["pk"]), self.request.POST
        stored = texts_of(label)
        overwritten = [
            f"{TITLES.get(name, name)}: {spell_text(label, name, stored[name])}"
            for name in find_changed(posted.get("made_from"), stored)
            if unix_lines(posted.get(name, "")).strip() != stored[name].strip()
        ]
        if overwritten:
            raise FormOutdated(
                "This label was changed meanwhile, and nothing is saved yet. Stored is "
                f"{'; '.join(overwritten)}. Save again to replace that by this form."
            )


class PreviewLabel(LabelForm):
    """The field of a label that is being edited, as a part of its page."""

    for_admins = "Labels are changed by admins of the organization"

    def show(self, **ids: Any) -> HttpResponseBase:
        return self.render("label_preview.html", preview=self.preview(), label=self.label)

    act = show


def texts_of(label: Label) -> dict[str, str]:
    """Return the texts of the form of a stored label that can be changed."""
    return {
        **settings_texts(label.type, label.settings),
        "name": label.name,
        "description": label.description,
        "project": str(label.project_id or ""),
        "allow_notes": "on" if label.allow_notes else "",
    }


def spell_text(label: Label, name: str, text: str) -> str:
    """Return a text of the form of a label for a sentence."""
    if name in {"allow_notes", "multi_choice"}:
        return "yes" if text else "no"
    if name == "project" and label.project:
        text = label.project.name
    return visible(shorten(", ".join(text.splitlines()))) or "none"


def count_scores(organization_id: uuid.UUID, labels: Sequence[Label]) -> dict[uuid.UUID, int]:
    """Return the numbers of live scores, at most one above `COUNTED_SCORES` each."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_SCORES, [COUNTED_SCORES + 1, organization_id, [label.pk for label in labels]])
        return dict(cursor.fetchall())


def in_words(score: Score) -> str:
    """Return the value of a score for people, by the stored settings of its label."""
    return get_type(score.label.type).readable(score.value, score.label.settings)
