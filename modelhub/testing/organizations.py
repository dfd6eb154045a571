"""Organizations for tests: create, delete, restore the first one."""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import connection

from modelhub.accounts.keys import create_api_key
from modelhub.accounts.models import ApiKey, Organization, User, normalize_login
from modelhub.accounts.people import check_person
from modelhub.accounts.throttling import remove_counts
from modelhub.core.errors import Conflict, Invalid, Refused
from modelhub.core.ids import new_id_text, spell_uuid
from modelhub.core.tenants import tenant_tables
from modelhub.core.text import fold, show
from modelhub.core.transactions import in_autocommit, in_transaction, repeat_aborted
from modelhub.first_rows import FIRST_SCOPES, FirstRows, create_first_rows
from modelhub.labels.models import Label
from modelhub.labels.services import create_label
from modelhub.scores.recording import Batch, record_scores
from modelhub.sources.models import Source
from modelhub.sources.refs import SOURCE_WORDS, SourceEntry, SourceRef, check_source_ref
from modelhub.sources.services import register_sources
from modelhub.testing import gates, state
from modelhub.testing.clock import REAL, change_clock
from modelhub.testing.sources import acting_for

# In the email of a person: the id of the organization.
PLACEHOLDER = "{organization}"
ADMIN = {"email": f"admin+{PLACEHOLDER}@example.com", "name": "Admin", "role": "admin"}
FIRST_ORGANIZATION = "SELECT id FROM modelhub_testing.kept_modelhub_organization"
NOTE_ORGANIZATION = "INSERT INTO modelhub_testing.made_organizations VALUES (%s)"
DELETE_ORGANIZATION = "SELECT * FROM modelhub_testing.delete_organization(%s, %s, %s)"
RESTORE_ORGANIZATION = "SELECT modelhub_testing.restore_organization(%s)"
MEMBER_SCOPES = tuple(scope for scope in FIRST_SCOPES if scope != "admin")


@dataclass(frozen=True, slots=True)
class Person:
    """A user with the pair of its only key."""

    user: User
    api_key: str
    secret_key: str


@dataclass(frozen=True, slots=True)
class MadeOrganization:
    """A new organization; the seeds are in the order of the request."""

    organization: Organization
    admin: Person
    first: FirstRows
    labels: Sequence[Label]
    people: Sequence[Person]
    sources: Sequence[Source]
    score_ids: Sequence[str]


def create_organization(*, seed: str | None = None, now: datetime | None = None, **fields: Any) -> MadeOrganization:
    """Create an organization with an admin, a key, first rows and seeds, or nothing.

    `seed` and `now` apply from the first row on. Raise `Conflict` for a seed in use, `Invalid` with the sentence of the
    first wrong field, and with those of all wrong scores.
    """
    controls = state.new_controls(seed=seed, clock=change_clock(REAL, now=now) if now else REAL)
    # A deletion or a reset of this moment waits for the whole organization.
    with gates.passing(controls.organization_id):
        state.register(controls, seed=seed)
        try:
            # After the end of a worker, its organizations are in the database only.
            if seed is not None and Organization.objects.filter(pk=controls.organization_id).exists():
                raise state.seed_in_use(seed, controls.organization_id)
            with acting_for(controls):
                return _create_rows(controls.organization_id, **fields)
        except Exception:
            state.discard(controls.organization_id)
            raise


@in_transaction
def _create_rows(
    organization_id: uuid.UUID,
    *,
    name: str = "Test organization",
    labels: Sequence[Mapping[str, Any]] = (),
    people: Sequence[Mapping[str, Any]] = (),
    sources: Sequence[Mapping[str, Any]] = (),
    scores: Sequence[Mapping[str, Any]] = (),
) -> MadeOrganization:
    organization = Organization.objects.create(pk=organization_id, name=name)
    with connection.cursor() as cursor:
        cursor.execute(NOTE_ORGANIZATION, [organization_id])
    admin, *others = _create_people(organization_id, [ADMIN, *people])
    first = create_first_rows(organization_id)
    new_labels = []
    for index, fields in enumerate(labels):
        with _at("labels", index):
            new_labels.append(create_label(organization_id=organization_id, **fields))
    new_sources = _create_sources(organization_id, sources)
    all_labels = [*first.labels, *new_labels]
    seeds = []
    for index, fields in enumerate(scores):
        with _at("scores", index):
            seed = _read_score(
                index, fields, admin=admin.user, people=others, labels=all_labels, first_sources=first.sources
            )
            seeds.append(seed)
    return MadeOrganization(organization, admin, first, new_labels, others, new_sources, _record_scores(seeds))


@contextmanager
def _at(name: str, index: int) -> Iterator[None]:
    """Raise an error of a client inside as `Invalid`, with the place of the seed."""
    try:
        yield
    except Refused as refused:
        if refused.status >= 500:
            raise
        raise Invalid(f"{name}[{index}]: {refused}", code=refused.code, field=name) from refused


def _create_people(organization_id: uuid.UUID, people: Sequence[Mapping[str, Any]]) -> list[Person]:
    """Create the admin and then people, with a key each. Raise `Invalid`."""
    users: dict[str, User] = {}
    for index, fields in enumerate(people, start=-1):
        with _at("people", index):
            email = _expand(fields["email"], organization_id)
            name = check_person(email, fields.get("name"))
            if email in users:
                owner = [*users].index(email) - 1
                raise Invalid(
                    f"The email {email} is already that of {f'people[{owner}]' if owner >= 0 else 'the admin'}"
                )
            role = fields.get("role", "member")
            users[email] = User(organization_id=organization_id, email=email, name=name, role=role)
            users[email].set_unusable_password()
    # In one order: of two organizations with the same emails, the second one waits for the first.
    User.objects.bulk_create([users[email] for email in sorted(users)], ignore_conflicts=True)
    stored = set(User.objects.filter(organization_id=organization_id).values_list("email", flat=True))
    created = []
    for index, user in enumerate(users.values(), start=-1):
        if user.email not in stored:
            sentence = f"people[{index}]: The email {user.email} belongs to a user of another organization"
            raise Invalid(f"{sentence}; with {PLACEHOLDER} in it, each organization has its own", field="people")
        scopes = FIRST_SCOPES if user.role == "admin" else MEMBER_SCOPES
        key, secret_key = create_api_key(user=user, name="Test key", scopes=scopes)
        created.append(Person(user, key.api_key, secret_key))
    return created


def _expand(email: str, organization_id: uuid.UUID) -> str:
    return normalize_login(email.replace(PLACEHOLDER, organization_id.hex))


def _create_sources(organization_id: uuid.UUID, sources: Sequence[Mapping[str, Any]]) -> list[Source]:
    """Register sources; an omitted id is a new UUID. Raise `Invalid`, `TooLarge`."""
    entries = []
    for index, fields in enumerate(sources):
        with _at("sources", index):
            ref = check_source_ref(fields["source_type"], fields.get("source_id") or new_id_text())
            kept = {name: fields.get(name) for name in ("name", "metadata", "content")}
            entries.append(SourceEntry(ref, **kept))
    registered = []
    for index, source in enumerate(register_sources(organization_id=organization_id, entries=entries)):
        with _at("sources", index):
            if isinstance(source, Refused):
                raise source
            registered.append(source)
    return registered


@dataclass(frozen=True, slots=True)
class SeededScore:
    """A score of the request at `index`; `entry` is one of a bulk request."""

    index: int
    annotator: User
    ref: SourceRef
    entry: Mapping[str, Any]


def _read_score(
    index: int,
    fields: Mapping[str, Any],
    *,
    admin: User,
    people: Sequence[Person],
    labels: Sequence[Label],
    first_sources: Sequence[Source],
) -> SeededScore:
    """Return a score with its annotator, source and label. Raise `Refused`."""
    word, source_id = fields.get("source_type"), fields.get("source_id")
    if source_id is None:
        stored_type = SOURCE_WORDS.get(str(word))
        source_id = next((source.source_id for source in first_sources if source.source_type == stored_type), None)
    ref = check_source_ref(word, source_id)
    annotator = _find_annotator(fields.get("annotator"), admin, people)
    entry = {name: fields[name] for name in ("value", "notes", "score_source") if name in fields}
    return SeededScore(index, annotator, ref, entry | {"label_id": _get_label_id(fields, labels)})


def _find_annotator(email: object, admin: User, people: Sequence[Person]) -> User:
    if email is None:
        return admin
    text = _expand(email, admin.organization_id) if isinstance(email, str) else email
    for person in people:
        if person.user.email == text:
            return person.user
    raise Invalid(f"annotator must be the email of one of people, got {show(email)}")


def _get_label_id(fields: Mapping[str, Any], labels: Sequence[Label]) -> object:
    """Return the id of a label that is named by `label_id` or `label_name`."""
    if ("label_id" in fields) == ("label_name" in fields):
        raise Invalid("Either label_id or label_name must be given, and not both")
    if "label_id" in fields:
        return fields["label_id"]
    name = fields["label_name"]
    found = [label for label in labels if isinstance(name, str) and fold(label.name) == fold(name)]
    if len(found) != 1:
        raise Invalid(f"label_name must be the name of one label, got {show(name)}, which {len(found)} labels have")
    return str(found[0].pk)


def _record_scores(seeds: Sequence[SeededScore]) -> list[str]:
    """Record scores by source and annotator. Raise `Invalid` with all errors.

    A label that comes again begins another batch, which overwrites the score.
    """
    batches: dict[tuple[object, ...], list[SeededScore]] = {}
    turns: Counter[tuple[object, ...]] = Counter()
    for seed in seeds:
        batch = seed.ref.identity, seed.annotator.pk
        label_id = seed.entry["label_id"]
        label = *batch, spell_uuid(label_id) or show(label_id)
        batches.setdefault((*batch, turns[label]), []).append(seed)
        turns[label] += 1
    score_ids: dict[int, str] = {}
    errors: dict[int, str] = {}
    for some in batches.values():
        with _at("scores", some[0].index):
            recording = record_scores(Batch(some[0].annotator, some[0].ref, [seed.entry for seed in some]))
        wrong = {error.index: error.message for error in recording.errors}
        errors |= {some[index].index: sentence for index, sentence in wrong.items()}
        stored = [seed.index for index, seed in enumerate(some) if index not in wrong]
        score_ids |= {index: str(row.id) for index, row in zip(stored, recording.rows, strict=True)}
    if errors:
        sentences = [f"scores[{index}]: {errors[index]}" for index in sorted(errors)]
        raise Invalid("; ".join(sentences), fields={"scores": sentences})
    return [score_ids[seed.index] for seed in seeds]


@cache
def first_organization_id() -> uuid.UUID | None:
    """Return the organization of the start, which `reset` restores."""
    with connection.cursor() as cursor:
        cursor.execute(FIRST_ORGANIZATION)
        row = cursor.fetchone()
    return row[0] if row else None


def list_organizations() -> list[tuple[Organization, str | None]]:
    """Return the organizations that were made here with their seeds, oldest first."""
    every = state.list_made()
    rows = Organization.objects.in_bulk([controls.organization_id for controls in every])
    # Without a row: one that is being made.
    return [(rows[one.organization_id], one.seed) for one in every if one.organization_id in rows]


def delete_organization(organization_id: uuid.UUID) -> None:
    """Delete every row and control of an organization, once its requests are over.

    Raise `NotFound`, `Conflict` for the first organization, `Unavailable` while a request lasts.
    """
    state.controls_of(organization_id)
    if organization_id == first_organization_id():
        sentence = "The first organization cannot be deleted; POST /__admin/reset brings it back as it was"
        raise Conflict(sentence, code="first_organization")
    with gates.closed(organization_id):
        keys, users = _delete_rows(organization_id)
        state.discard(organization_id)
        remove_counts(keys)
    if users:
        _delete_sessions(users)


@repeat_aborted
@in_autocommit
def _delete_rows(organization_id: uuid.UUID) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
    """Delete rows. Return the keys, and the users that have logged in."""
    tables = tenant_tables()
    with connection.cursor() as cursor:
        cursor.execute(DELETE_ORGANIZATION, [organization_id, list(tables), list(tables.values())])
        [(keys, users)] = cursor.fetchall()
    return keys or [], users or []


def _delete_sessions(users: Sequence[uuid.UUID]) -> None:
    """Delete the sessions of users, whose ids are in the signed data only."""
    ids = {str(user) for user in users}
    for session in Session.objects.all():
        if session.get_decoded().get(SESSION_KEY) in ids:
            session.delete()


def reset() -> None:
    """Delete everything and restore the first organization.

    Raise `Unavailable` while a request lasts.
    """
    with gates.closed(None):
        # Not cleared: the cache may be a Redis of others, too.
        keys = list(ApiKey.objects.values_list("pk", flat=True))
        _restore_rows()
        state.discard_all()
        remove_counts(keys)


@repeat_aborted
@in_transaction
def _restore_rows() -> None:
    Session.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(RESTORE_ORGANIZATION, [list(tenant_tables())])
