"""First rows: organization, admin, API key, a label and a source of each type."""

from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import connection, transaction

from modelhub.accounts.keys import create_api_key, secret_fits
from modelhub.accounts.models import ApiKey, Organization, User, default_scopes, normalize_login
from modelhub.core.ids import new_id_text
from modelhub.core.text import show
from modelhub.labels.models import Label
from modelhub.labels.services import create_label
from modelhub.sources.models import Source
from modelhub.sources.refs import SourceEntry, check_source_ref
from modelhub.sources.services import store_sources

log = structlog.get_logger(__name__)

EXAMPLE_LABELS = (
    {"name": "Quality", "type": "star", "settings": {"no_of_stars": 5}},
    {
        "name": "Sentiment",
        "type": "categorical",
        "settings": {"options": ["positive", "neutral", "negative"], "multi_choice": False},
    },
    {"name": "Comment", "type": "text", "settings": {"max_length": 5000}},
    {"name": "Relevance", "type": "numeric", "settings": {"min": 0, "max": 10, "step_size": 0.5}},
    {"name": "Helpful", "type": "thumbs_up_down"},
)
EXAMPLE_SOURCES = ("trace", "span", "generation", "session")


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The key of a start, its secret if new, and the examples of the first start."""

    key: ApiKey
    secret_key: str | None
    labels: list[Label] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)


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
    User.objects.create_superuser(
        settings.BOOTSTRAP_EMAIL, settings.BOOTSTRAP_PASSWORD or None, organization=organization, name="Admin"
    )
    key, secret_key = _ensure_key(organization)
    labels = [create_label(organization_id=organization.pk, **label) for label in EXAMPLE_LABELS]
    entries = [SourceEntry(check_source_ref(word, new_id_text()), name=f"Example {word}") for word in EXAMPLE_SOURCES]
    sources = store_sources(organization.pk, entries)
    with connection.cursor() as cursor:
        # Without statistics PostgreSQL expects few rows from any index, until autovacuum comes by.
        cursor.execute("ANALYZE modelhub_source")
    return Bootstrapped(key, secret_key, labels, [sources[entry.ref.identity] for entry in entries])


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
        scopes=[*default_scopes(), "act-as"],
    )
