"""Organizations, users and API keys."""

import unicodedata
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from modelhub.core.models import Row, TenantForeignKey, TenantRow, name_field, one_of

ROLES = ("admin", "member")
# What a key with the scope may do (contract 0.9).
SCOPES = {
    "read": "read everything of the organization",
    "write": "write scores, sources, labels and projects",
    "annotate": "read labels and sources, and read, write, correct and delete the user's own scores",
    "admin": "with write, for users with the role admin: correct and delete all scores, delete labels",
    "act-as": "with write: write scores of other annotators, by annotator_id",
}


def default_scopes() -> list[str]:
    """Return the scopes of a new key; they include `annotate`."""
    return ["read", "write", "admin"]


def normalize_login(name: str) -> str:
    """Return the one spelling of a login that is stored, found and counted.

    Django's form converts to NFKC, so that full-width letters are ASCII, and strips blanks.
    """
    return unicodedata.normalize("NFKC", name).strip().lower()


class Organization(Row):
    """Tenant: rows of one organization are never visible to another."""

    name = name_field()

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Manager behind `createsuperuser` and the first start."""

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an organization admin. Without a password, no login is possible."""
        if "organization" not in fields:
            first = Organization.objects.order_by("id").first()
            fields["organization"] = first or Organization.objects.create(name="Default organization")
        user = self.model(email=normalize_login(email), role="admin", is_staff=True, is_superuser=True, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user with this login in any spelling."""
        return self.get(email=normalize_login(username or ""))


class User(TenantRow, AbstractBaseUser, PermissionsMixin):
    """Annotator or admin of an organization; the email is the login."""

    email = models.EmailField()
    name = name_field(blank=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="users")
    role = models.CharField(max_length=16, choices=[(word, word) for word in ROLES], default="member")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    # Stays after an activation: sessions from before it have ended for good.
    deactivated_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["email"], name="user_email_is_unique"),
            one_of("role", ROLES, table="user"),
            models.CheckConstraint(condition=Exact(F("email"), Lower("email")), name="user_email_is_lower_case"),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Normalize the email, which the database requires in lower case."""
        super().clean()
        self.email = normalize_login(self.email)

    def get_session_auth_hash(self) -> str:
        """Return the digest of sessions: a new password and a deactivation end them."""
        return f"{super().get_session_auth_hash()}{self.deactivated_at or ''}"

    @property
    def display_name(self) -> str:
        return self.name or self.email


class ApiKey(TenantRow):
    """Pair of public key and secret, stored as a digest, that acts as `user`."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="api_keys")
    user = TenantForeignKey(User, on_delete=models.PROTECT, related_name="api_keys")
    name = name_field()
    api_key = models.CharField(max_length=255)
    secret_digest = models.CharField(max_length=255)
    scopes = ArrayField(
        models.CharField(max_length=16, choices=[(word, word) for word in SCOPES]), default=default_scopes
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # The key that rotation made in place of this one.
    successor = TenantForeignKey(
        "self", on_delete=models.PROTECT, related_name="+", null=True, blank=True, editable=False, db_index=False
    )

    class Meta:
        verbose_name = "API key"
        constraints = [
            models.UniqueConstraint(fields=["api_key"], name="apikey_api_key_is_unique"),
            models.CheckConstraint(condition=Q(scopes__contained_by=list(SCOPES)), name="apikey_scopes_are_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.api_key})"


class Invitation(TenantRow):
    """One-time link to set a password; the token is stored as a digest."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = TenantForeignKey(User, on_delete=models.PROTECT, related_name="invitations")
    created_by = TenantForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    token_digest = models.CharField(max_length=255)
    # In the past once the link is replaced, or its user deactivated.
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token_digest"], name="invitation_token_is_unique")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.expires_at}"


class ApiKeyUse(models.Model):
    """Last use of a key, accurate to a minute.

    In a table of its own: keys change rarely, uses every minute.
    """

    key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, primary_key=True, related_name="use")
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    last_used_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key_id} {self.last_used_at}"
