"""Tables and constraints. What the database can hold true, it holds; the verbs say the rest."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils import timezone

from modelhub.exact_json import Decoder, Encoder
from modelhub.ids import new_id
from modelhub.values import LABEL_TYPES, SCORE_SOURCES

LIVE = Q(deleted_at=None)
# What the indexes behind lists hold. They serve whoever names an organization, as every list does, and nobody else: on
# a small table the planner would take one of them for reading single scores, too, and keep that plan while it grows.
LISTED = LIVE & Q(organization__isnull=False)

# The words that are stored; what other words clients use for them stands in modelhub.sources.
SOURCE_TYPES = ("trace", "span", "generation", "session", "dataset_row", "call_execution", "prototype_run")
ROLES = ("admin", "member")
# What a key may be used for. `admin` lets an admin's key act as one; `act-as` names other annotators.
SCOPES = ("read", "write", "admin", "act-as")
ACTIONS = ("overwritten", "deleted")


def one_of(field: str, words: tuple[str, ...], *, table: str) -> models.CheckConstraint:
    """A vocabulary, held by the database."""
    return models.CheckConstraint(condition=Q(**{f"{field}__in": words}), name=f"{table}_{field}_is_known")


def is_object(field: str, *, table: str) -> models.CheckConstraint:
    """A jsonb column that holds an object and nothing else (the one stored shape of contract 0.5)."""
    kind = Func(F(field), function="jsonb_typeof", output_field=models.TextField())
    return models.CheckConstraint(condition=Exact(kind, "object"), name=f"{table}_{field}_is_object")


def default_scopes() -> list[str]:
    """What a key may do unless told otherwise: everything that its user may, as nobody but its user."""
    return ["read", "write", "admin"]


def newest_first(*fields: str, name: str, condition: Q | None = None) -> models.Index:
    """The index behind a list: its pages and cursors read one stretch of it backwards, however deep.

    It ascends, because time does: new rows go to its end, where pages fill up before they are split. Descending, they
    would go to its beginning, and every page would stay half empty.
    """
    return models.Index(fields=[*fields, "created_at", "id"], name=name, condition=condition)


def exact_json_field(**options: Any) -> "models.JSONField[Any, Any]":
    """jsonb whose numbers come back as the numbers that went in."""
    exact: dict[str, Any] = {"encoder": Encoder, "decoder": Decoder}
    return models.JSONField(**exact, **options)


class Row(models.Model):
    """What every table has."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class Organization(Row):
    """A tenant: nothing of one organization is ever visible to another."""

    name = models.CharField(max_length=255)

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Makes users for Django's own commands (`createsuperuser`); bootstrap uses it, too."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user with that login; without a password, one who cannot log in to the admin."""
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An admin of the first organization who may enter Django's admin."""
        if "organization" not in fields:
            first = Organization.objects.order_by("id").first()
            fields["organization"] = first or Organization.objects.create(name="Default organization")
        return self.create_user(email, password, **{"role": "admin", **fields}, is_staff=True, is_superuser=True)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Logins are compared without case: they are stored in lower case."""
        return self.get(email=(username or "").lower())


class User(Row, AbstractBaseUser, PermissionsMixin):
    """A person who annotates or administers; the email is the login."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=255, blank=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="users")
    role = models.CharField(max_length=16, choices=[(word, word) for word in ROLES], default="member")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            one_of("role", ROLES, table="user"),
            models.CheckConstraint(condition=Exact(F("email"), Lower("email")), name="user_email_is_lower_case"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        """What answers call the annotator: the name, or the email of who has none."""
        return self.name or self.email


class ApiKey(Row):
    """A pair of public key and secret; whoever shows both acts as `user`. The secret is kept as a digest only."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="api_keys")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=255)
    api_key = models.CharField(max_length=255, unique=True)
    secret_digest = models.CharField(max_length=255)
    scopes = ArrayField(
        models.CharField(max_length=16, choices=[(word, word) for word in SCOPES]), default=default_scopes
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Not columns: how long ago it was used, if ever, and the versions of this row and its user's, all when it was read
    # (modelhub.keys).
    used_seconds_ago: float | None
    version: str

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(scopes__contained_by=list(SCOPES)), name="apikey_scopes_are_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.api_key})"


class Project(Row):
    """A group that labels may belong to."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="projects")
    name = models.CharField(max_length=255)
    project_type = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("organization", Lower("name"), name="project_name_is_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Source(Row):
    """What is judged: a trace, span, generation, session or one of the other kinds of SOURCE_TYPES.

    `source_id` is the id as it was registered, `source_key` what it is found by: UUIDs compare as UUIDs
    whatever their case and hyphens (contract 0.6).
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="sources", db_index=False)
    source_type = models.CharField(max_length=32, choices=[(word, word) for word in SOURCE_TYPES])
    source_id = models.CharField(max_length=255)
    source_key = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    metadata = exact_json_field(default=dict, blank=True)
    # Not a column: whether the statement that registered it made it (modelhub.sources).
    is_new: bool
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "source_type", "source_key"], name="source_is_unique"),
            # What scores refer to: a score and its source are of one organization.
            models.UniqueConstraint(fields=["organization", "id"], name="source_of_organization"),
            one_of("source_type", SOURCE_TYPES, table="source"),
            is_object("metadata", table="source"),
        ]
        indexes = [newest_first("organization", name="source_newest_first")]

    def __str__(self) -> str:
        return f"{self.source_type} {self.source_id}"


class Label(Row):
    """A question that scores answer: its type and settings say which values are legal (modelhub.values)."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="labels", db_index=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="labels", null=True, blank=True)
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=32, choices=[(word, word) for word in LABEL_TYPES])
    description = models.TextField(blank=True)
    settings = exact_json_field(default=dict, blank=True)
    allow_notes = models.BooleanField(default=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "organization",
                Lower("name"),
                "type",
                "project",
                name="label_name_is_unique",
                condition=LIVE,
                nulls_distinct=False,
            ),
            one_of("type", LABEL_TYPES, table="label"),
            is_object("settings", table="label"),
        ]
        indexes = [newest_first("organization", name="label_newest_first")]

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"


class LabelVersion(models.Model):
    """Another version whenever a label of the organization is made or changed: what was read before is out of date.

    Written by triggers alone (migration 0004), random so that no backup brings one back for something else.
    """

    # The database has the constraint, with a cascade of its own (migration 0004).
    organization = models.OneToOneField(
        Organization, on_delete=models.DO_NOTHING, primary_key=True, related_name="+", db_constraint=False
    )
    version = models.UUIDField()

    def __str__(self) -> str:
        return f"labels of {self.organization_id}"


class Score(Row):
    """One annotator's judgement of one source by one label. Whoever writes it holds the lock of its source.

    No foreign key has an index of its own: each index here serves a list, and costs every insert.
    """

    # One foreign key of both (migration 0005): checking them apart would cost more and hold less.
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, related_name="scores", db_index=False, db_constraint=False
    )
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="scores", db_index=False)
    annotator = models.ForeignKey(User, on_delete=models.PROTECT, related_name="scores", db_index=False)
    # Null for a score that was given outside of an annotation queue, which is a slot of its own.
    queue_item = models.UUIDField(null=True, blank=True)
    value = exact_json_field()
    score_source = models.CharField(max_length=16, choices=[(word, word) for word in SCORE_SOURCES], default="human")
    notes = models.TextField(blank=True)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "label", "annotator", "queue_item"],
                name="score_is_unique",
                condition=LIVE,
                nulls_distinct=False,
            ),
            one_of("score_source", SCORE_SOURCES, table="score"),
            is_object("value", table="score"),
        ]
        indexes = [
            newest_first("organization", name="score_newest_first", condition=LISTED),
            newest_first("label", name="score_by_label", condition=LISTED),
            newest_first("annotator", name="score_by_annotator", condition=LISTED),
            models.Index(fields=["organization", "updated_at", "id"], name="score_last_changed", condition=LISTED),
        ]

    def __str__(self) -> str:
        return f"score {self.pk}"


class IdempotencyRecord(Row):
    """The answer to a request that came with an `Idempotency-Key`, to be given again to its repeats."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_is_unique")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_oldest")]

    def __str__(self) -> str:
        return f"answer to {self.key}"


class ScoreRevision(Row):
    """What a score said before it was overwritten or deleted. Append-only: the database refuses any change.

    `created_at` is when that was, `replaced_by` who did it.
    """

    # No foreign key: it is copied from the score, which has one, by the statement that keeps the revision.
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    score = models.ForeignKey(Score, on_delete=models.PROTECT, related_name="revisions", db_index=False)
    value = exact_json_field()
    score_source = models.CharField(max_length=16)
    notes = models.TextField(blank=True)
    action = models.CharField(max_length=16, choices=[(word, word) for word in ACTIONS], default="overwritten")
    replaced_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [one_of("action", ACTIONS, table="revision")]
        indexes = [models.Index(fields=["score", "id"], name="revision_by_score")]

    def __str__(self) -> str:
        return f"revision {self.pk} of score {self.score_id}"
