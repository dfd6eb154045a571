"""First rows: organization, admin, API key, a label and a source of each type."""

from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import connection, transaction

from modelhub.accounts.invitations import create_invitation
from modelhub.accounts.keys import create_api_key, secret_fits
from modelhub.accounts.models import ApiKey, Organization, User, normalize_login
from modelhub.accounts.people import session_actor
from modelhub.core.text import show
from modelhub.first_rows import FIRST_SCOPES, create_first_rows
from modelhub.labels.models import Label
from modelhub.sources.models import Source

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The key of a start, its secret if new, and the examples of the first start.

    `token` is that of the link with which an admin without a password chooses one.
    """

    key: ApiKey
    secret_key: str | None
    labels: list[Label] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    token: str = ""


@transaction.atomic
def bootstrap() -> Bootstrapped:
    """Create the first rows in an empty database, else the key of the settings.

    Raise `ImproperlyConfigured` when `MODELHUB_BOOTSTRAP_API_KEY` exists with another secret than the settings have:
    each request with that pair would be a 401 without a reason.
    """
    if organization := Organization.objects.order_by("id").first():
        return Bootstrapped(*_ensure_key(organization))
    check_organization()
    organization = Organization.objects.create(name=settings.BOOTSTRAP_ORGANIZATION)
    check_admin()
    admin = User.objects.create_superuser(
        settings.BOOTSTRAP_EMAIL, settings.BOOTSTRAP_PASSWORD or None, organization=organization, name="Admin"
    )
    token = "" if settings.BOOTSTRAP_PASSWORD else create_invitation(session_actor(admin), admin.pk)[1]
    key, secret_key = _ensure_key(organization)
    first = create_first_rows(organization.pk)
    with connection.cursor() as cursor:
        # Without statistics PostgreSQL expects few rows from any index, until autovacuum comes by.
        cursor.execute("ANALYZE modelhub_source")
    return Bootstrapped(key, secret_key, first.labels, first.sources, token)


def check_organization() -> None:
    """Raise `ImproperlyConfigured` for an invisible or too long name."""
    try:
        Organization(name=settings.BOOTSTRAP_ORGANIZATION).clean_fields()
    except ValidationError:
        name = show(settings.BOOTSTRAP_ORGANIZATION)
        sentence = f"MODELHUB_BOOTSTRAP_ORGANIZATION must be 1 to 255 visible characters, got {name}."
        raise ImproperlyConfigured(sentence) from None


def check_admin() -> None:
    """Check email and password of the first admin by Django's validators.

    Raise `ImproperlyConfigured` for an invalid email, and in production for a weak password; else log it.
    """
    admin = User(email=normalize_login(settings.BOOTSTRAP_EMAIL), name="Admin")
    try:
        admin.clean_fields(exclude=["password", "organization"])
    except ValidationError:
        sentence = f"MODELHUB_BOOTSTRAP_EMAIL must be an email address, got {show(settings.BOOTSTRAP_EMAIL)}."
        raise ImproperlyConfigured(sentence) from None
    if not settings.BOOTSTRAP_PASSWORD:
        return
    try:
        validate_password(settings.BOOTSTRAP_PASSWORD, admin)
    except ValidationError as error:
        reason = " ".join(error.messages)
        if settings.PRODUCTION:
            raise ImproperlyConfigured(f"MODELHUB_BOOTSTRAP_PASSWORD is weak. {reason}") from None
        log.warning("weak_password", setting="MODELHUB_BOOTSTRAP_PASSWORD", why=reason)


def _ensure_key(organization: Organization) -> tuple[ApiKey, str | None]:
    """Return the key of the settings or the first one, and the secret of a new one."""
    keys = ApiKey.objects.select_related("user")
    if not settings.BOOTSTRAP_API_KEY:
        key = keys.filter(organization=organization).order_by("id").first()
    else:
        key = keys.filter(api_key=settings.BOOTSTRAP_API_KEY).first()
        if key is not None and not secret_fits(settings.BOOTSTRAP_SECRET_KEY, key.secret_digest):
            raise ImproperlyConfigured(
                f"The API key {key.api_key} exists with another secret than MODELHUB_BOOTSTRAP_SECRET_KEY; "
                "set the secret that it was made with, or another MODELHUB_BOOTSTRAP_API_KEY."
            )
    if key is not None:
        return key, None
    admin = User.objects.filter(organization=organization, role="admin", is_active=True).order_by("id").first()
    if admin is None:
        raise ImproperlyConfigured(
            f"The organization {organization.name} has no active admin for the first API key to act as."
        )
    return create_api_key(
        user=admin,
        name="First key",
        api_key=settings.BOOTSTRAP_API_KEY,
        secret_key=settings.BOOTSTRAP_SECRET_KEY,
        scopes=FIRST_SCOPES,
    )
