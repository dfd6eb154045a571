"""Lines of an import: the label, annotator and content that each one names."""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

from modelhub.accounts.models import User, normalize_login
from modelhub.accounts.people import draft_annotator
from modelhub.core import clock
from modelhub.core.errors import Invalid, NotFound, Refused
from modelhub.core.exact_json import same
from modelhub.core.ids import parse_uuid
from modelhub.core.text import Hint, fold, show
from modelhub.labels.locks import share_labels
from modelhub.labels.models import LabelVersion
from modelhub.labels.rules import LabelRule
from modelhub.labels.services import labels_of
from modelhub.labels.types import get_type
from modelhub.scores.entries import CONTENT_RULES
from modelhub.scores.import_files import Record
from modelhub.scores.models import Score
from modelhub.sources.refs import Identity, SourceRef, check_source_ref

# Clocks of two machines may differ; later times are errors.
CLOCK_DIFFERENCE = timedelta(minutes=1)


@dataclass(slots=True)
class Line:
    """A readable line: the score that it names, and its content or `refusal`.

    `sent` is the value before its label judged it, `content` the other fields that are given.
    """

    number: int
    digest: bytes
    score_id: uuid.UUID | None
    ref: SourceRef
    label: LabelRule
    annotator: User
    stands_in: bool
    created_at: datetime | None
    updated_at: datetime | None
    sent: Any
    content: dict[str, Any]
    value: dict[str, Any] = field(default_factory=dict)
    updated_by: User | None = None
    refusal: Refused | None = None

    @property
    def slot(self) -> tuple[Identity, str, uuid.UUID]:
        """Return the parts of a score that no two lines may share."""
        return self.ref.identity, self.label.id, self.annotator.pk

    @property
    def keys(self) -> list[object]:
        return [self.slot, self.score_id] if self.score_id else [self.slot]

    def equals(self, score: Score) -> bool:
        """Return whether the content is stored; fields that are not given are equal."""
        if not (same(score.value, self.sent) or (not self.refusal and same(score.value, self.value))):
            return False
        return all(same(getattr(score, name), sent) for name, sent in self.content.items())


class LineReader:
    """Reader of the lines of one file for one organization.

    `stand_in` is the annotator of people that the organization does not have. With `creates` they are drafted instead,
    where a line has their email. `force` keeps values that the present settings of their label reject.
    """

    def __init__(
        self, organization_id: uuid.UUID, *, stand_in: User | None = None, creates: bool = False, force: bool = False
    ) -> None:
        self.organization_id, self.stand_in, self.creates, self.force = organization_id, stand_in, creates, force
        people = User.objects.filter(organization_id=organization_id)
        self.people: dict[object, User] = {key: person for person in people for key in (person.email, person.pk)}
        self.drafts: dict[uuid.UUID, User] = {}
        self.labels_version: object = None
        self.labels: dict[uuid.UUID, LabelRule] = {}
        self.labels_by_name: dict[str, list[LabelRule]] = {}

    def lock_labels(self) -> None:
        """Lock the labels until the transaction ends, and read them if they changed."""
        share_labels(self.organization_id)
        versions = LabelVersion.objects.filter(organization_id=self.organization_id)
        version = versions.values_list("version", flat=True).first() or "no labels"
        if version == self.labels_version:
            return
        self.labels_version, self.labels, by_name = version, {}, defaultdict(list)
        for label in map(LabelRule.of, labels_of(self.organization_id)):
            self.labels[uuid.UUID(label.id)] = label
            by_name[fold(label.name)].append(label)
        self.labels_by_name = dict(by_name)

    def read(self, record: Record) -> Line:
        """Return the score of a line. Raise `Refused` for a line that names none."""
        fields = record.fields
        if isinstance(fields, Invalid):
            raise fields
        label = self._find_label(fields)
        person = self._find_person(fields, "annotator")
        annotator = person or self.stand_in
        if annotator is None:
            raise _not_found(fields, "annotator")
        line = Line(
            number=record.number,
            digest=record.digest,
            score_id=_read_id(fields, "id"),
            ref=check_source_ref(fields.get("source_type"), fields.get("source_id")),
            label=label,
            annotator=annotator,
            stands_in=person is None,
            created_at=_read_time(fields, "created_at"),
            updated_at=_read_time(fields, "updated_at"),
            sent=_shaped(label, fields.get("value")),
            content={name: fields[name] for name in CONTENT_RULES if fields.get(name) is not None},
        )
        try:
            self._judge(line, fields)
        except Refused as refused:
            line.refusal = refused
        return line

    def _judge(self, line: Line, fields: Mapping[str, Any]) -> None:
        """Set the value and its author. Raise `Refused` for unfit content."""
        if "value" not in fields:
            raise Invalid("value must be given")
        line.value = line.label.check_new(fields["value"], force=self.force)
        for name, sent in line.content.items():
            CONTENT_RULES[name](sent)
        for name in ("created_at", "updated_at"):
            moment = getattr(line, name)
            if moment and moment > clock.now() + CLOCK_DIFFERENCE:
                raise Invalid(f"{name} must not be in the future, got {show(fields[name])}")
        if fields.get("updated_by") or fields.get("updated_by_email"):
            line.updated_by = self._find_person(fields, "updated_by") or self.stand_in
            if line.updated_by is None:
                raise _not_found(fields, "updated_by")

    def _find_label(self, fields: Mapping[str, Any]) -> LabelRule:
        """Return a label by its id, else by name and type. Raise `Refused`."""
        label_id, name = _read_id(fields, "label_id"), _read_text(fields, "label_name")
        if label_id in self.labels:
            return self.labels[label_id]
        if label_id is None and name is None:
            raise Invalid("label_id or label_name must be given")
        label_type = _read_text(fields, "label_type")
        named = [one for one in self.labels_by_name.get(fold(name or ""), []) if label_type in (None, one.type)]
        fitting = [one for one in named if not one.deleted] or named
        if len(fitting) > 1:
            ids = ", ".join(one.id for one in fitting)
            raise Invalid(f"label_name {show(name)} fits {len(fitting)} labels, name one by its label_id: {ids}")
        if not fitting:
            type_words = f" of type {show(label_type)}" if label_type else ""
            words = [str(label_id)] * bool(label_id) + [show(name) + type_words] * bool(name)
            raise NotFound(f"Label not found: {', nor '.join(words)}", hint=self._hint_at_label(name))
        return fitting[0]

    def _hint_at_label(self, name: str | None) -> object:
        if name is None:
            return ""
        if namesakes := self.labels_by_name.get(fold(name)):
            return f". A label of this name has the type {namesakes[0].type}"
        return Hint(name, [one.name for one in self.labels.values() if not one.deleted])

    def _find_person(self, fields: Mapping[str, Any], role: str) -> User | None:
        """Return the user in a role by id or email. Raise `Invalid` for two.

        An absent one is drafted if annotators are created.
        """
        pk, email = _id_of(fields, role), normalize_login(_read_text(fields, f"{role}_email") or "")
        by_id, by_email = self.people.get(pk), self.people.get(email)
        if by_id and by_email and by_id != by_email:
            raise Invalid(f"{role} and {role}_email must name one user, got {by_id.email} and {by_email.email}")
        found = by_id or by_email
        if found is None and email and self.creates:
            name = fields.get(f"{role}_name")
            found = draft_annotator(
                organization_id=self.organization_id, email=email, name=None if name == email else name, pk=pk
            )
            self.people |= {email: found, found.pk: found}
            self.drafts[found.pk] = found
        return found


def _shaped(label: LabelRule, value: object) -> object:
    """Return a value as it would be stored, if it has the shape of its label."""
    with suppress(Invalid):
        return get_type(label.type).check_shape(value)
    return value


def _not_found(fields: Mapping[str, Any], role: str) -> Invalid:
    named = next((fields[name] for name in (f"{role}_email", f"{role}_id", role) if fields.get(name)), None)
    if named is None:
        return Invalid(f"{role}_email or {role} must be given; --annotator names one for all such lines")
    return Invalid(
        f"Annotator not found: {show(named)}; --create-annotators creates those with an email, "
        "--annotator names one for all"
    )


def _id_of(fields: Mapping[str, Any], role: str) -> uuid.UUID | None:
    """Return the id of the user in a role, if it is one. Raise `Invalid` for two."""
    ids = {parse_uuid(fields.get(name)) for name in (role, f"{role}_id")} - {None}
    if len(ids) > 1:
        raise Invalid(f"{role} and {role}_id must be the same, got {' and '.join(sorted(map(str, ids)))}")
    return next(iter(ids), None)


def _read_id(fields: Mapping[str, Any], name: str) -> uuid.UUID | None:
    sent = fields.get(name)
    if sent is not None and parse_uuid(sent) is None:
        raise Invalid(f"{name} must be a UUID, got {show(sent)}")
    return parse_uuid(sent)


def _read_text(fields: Mapping[str, Any], name: str) -> str | None:
    text = fields.get(name)
    if text is not None and not isinstance(text, str):
        raise Invalid(f"{name} must be a string, got {show(text)}")
    return text


def _read_time(fields: Mapping[str, Any], name: str) -> datetime | None:
    text = fields.get(name)
    if text is None:
        return None
    with suppress(ValueError, OverflowError):
        moment = parse_datetime(text) if isinstance(text, str) else None
        if moment and moment.tzinfo:
            return moment.astimezone(UTC)
    raise Invalid(f"{name} must be a time with its zone, as in 2026-01-31T12:00:00Z, got {show(text)}")
