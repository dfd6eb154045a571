"""Django's settings, read from the environment (docs/settings.md)."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured

import modelhub
from modelhub.serving.ephemeral import is_ephemeral

from . import env, logs
from .database import database_settings, shell_variables
from .secret import secret_key

log = structlog.get_logger(__package__)
BASE_DIR = Path(__file__).resolve().parent.parent

# Process -------------------------------------------------------------------------

PRODUCTION = env.flag("MODELHUB_PRODUCTION", default=False)
# Routes that need no key, for the tests of other projects (docs/testing.md).
TEST_CONTROLS = env.flag("MODELHUB_TEST_CONTROLS", default=False)
if TEST_CONTROLS and PRODUCTION:
    raise ImproperlyConfigured(
        "MODELHUB_TEST_CONTROLS is true, and so is MODELHUB_PRODUCTION; the controls need no key and delete everything."
    )
# An installed package has no manage.py beside it, and may be replaced with all that it contains.
IS_CHECKOUT = (BASE_DIR / "manage.py").exists()
DEFAULT_DATA_DIR = BASE_DIR / ".data" if IS_CHECKOUT else env.user_data_dir()
DATA_DIR = env.path("MODELHUB_DATA_DIR", str(DEFAULT_DATA_DIR)).absolute()
# Made by `serve --ephemeral`.
EPHEMERAL = is_ephemeral(DATA_DIR)
if EPHEMERAL and PRODUCTION:
    raise ImproperlyConfigured("--ephemeral removes all data at the end, and MODELHUB_PRODUCTION is true; omit one.")

SERVE_HOST = env.text("HOST", "127.0.0.1")
SERVE_PORT = env.integer("PORT", 8000, maximum=65535)
SERVE_WORKERS = env.integer("MODELHUB_WORKERS", 1 if TEST_CONTROLS else 2, minimum=1, maximum=256)
if TEST_CONTROLS and SERVE_WORKERS > 1:
    raise ImproperlyConfigured("MODELHUB_TEST_CONTROLS is true, and its state needs MODELHUB_WORKERS=1.")
# Answers that a fault delays hold threads.
SERVE_THREADS = env.integer("MODELHUB_THREADS", 16 if TEST_CONTROLS else 4, minimum=1, maximum=256)
# Besides these, for exports. With two, conversions of rows kept the other threads waiting for the GIL (1 s at worst).
SERVE_EXPORT_THREADS = 1
# And for bodies above 1 MB, one after the other: 8 MB of JSON may become 200 MB of Python objects.
SERVE_LARGE_THREADS = 1
SERVE_KEEPALIVE = env.integer("MODELHUB_KEEPALIVE", 75, minimum=1, maximum=3600)
SERVE_CLIENT_TIMEOUT = env.integer("MODELHUB_CLIENT_TIMEOUT", 10, minimum=1, maximum=3600)
METRICS_TOKEN = env.text("MODELHUB_METRICS_TOKEN")
SERVE_DRAIN_SECONDS = env.integer("MODELHUB_DRAIN_SECONDS", 0, maximum=3600)
SERVE_TIMEOUT = env.integer("MODELHUB_REQUEST_TIMEOUT", 30, minimum=1, maximum=3600)

SECRET_KEY = secret_key(DATA_DIR, production=PRODUCTION)
ALLOWED_HOSTS = env.hosts("MODELHUB_ALLOWED_HOSTS", "" if PRODUCTION else "*")
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "MODELHUB_ALLOWED_HOSTS is not set; production needs the host names that clients use, with commas."
    )
# For probes from inside the machine or container.
ALLOWED_HOSTS.append("127.0.0.1")
CSRF_TRUSTED_ORIGINS = env.origins("MODELHUB_CSRF_TRUSTED_ORIGINS", wildcard="*.")
CORS_ORIGINS = env.origins("MODELHUB_CORS_ORIGINS", wildcard="*")

# Database ----------------------------------------------------------------------------------

DATABASES: dict[str, Any] = database_settings(
    DATA_DIR, ephemeral=EPHEMERAL, pool_size=SERVE_THREADS + SERVE_EXPORT_THREADS + SERVE_LARGE_THREADS
)

if TEST_CONTROLS and DATABASES["default"]["PGBOUNCER"]:
    raise ImproperlyConfigured(
        "MODELHUB_TEST_CONTROLS is true, and so is MODELHUB_PGBOUNCER; a clock of its own needs a session."
    )

# For the commands that a start prints.
SHELL_VARIABLES = shell_variables(DATA_DIR, ephemeral=EPHEMERAL, default=DEFAULT_DATA_DIR)

# Limits of a request (contract 0.2: 413, or the error of one score) ------------------------------

MAX_BODY_BYTES = env.integer("MODELHUB_MAX_BODY_BYTES", 8 * 1024 * 1024, minimum=1024)
MAX_SCORES = env.integer("MODELHUB_MAX_SCORES", 1000, minimum=1)
MAX_VALUE_BYTES = env.integer("MODELHUB_MAX_VALUE_BYTES", 64 * 1024, minimum=64)
MAX_VALUE_DEPTH = env.integer("MODELHUB_MAX_VALUE_DEPTH", 32, minimum=2, maximum=200)
MAX_CONTENT_BYTES = env.integer("MODELHUB_MAX_CONTENT_BYTES", 256 * 1024, minimum=64)
MAX_NOTES_LENGTH = env.integer("MODELHUB_MAX_NOTES_LENGTH", 5000, minimum=1)
MAX_SOURCES = env.integer("MODELHUB_MAX_SOURCES", 1000, minimum=1)
AUTO_CREATE_SOURCES = env.flag("MODELHUB_AUTO_CREATE_SOURCES", default=False)

# Rate limits (429) ---------------------------------------------------------------------------

RATE_PER_KEY = env.rate("MODELHUB_RATE_PER_KEY")
RATE_PER_ADDRESS = env.rate("MODELHUB_RATE_PER_ADDRESS")
RATE_FAILED_LOGINS = env.rate("MODELHUB_RATE_FAILED_LOGINS", "10/minute")
TRUSTED_PROXIES = env.integer("MODELHUB_TRUSTED_PROXIES", 0, maximum=16)

# TLS ends at a proxy. HSTS lasts 30 days.
HTTPS = env.flag("MODELHUB_HTTPS", default=False)
if HTTPS and not TRUSTED_PROXIES:
    raise ImproperlyConfigured(
        "MODELHUB_HTTPS is true and MODELHUB_TRUSTED_PROXIES is 0; set it to the number of proxies in front."
    )

CACHE_URL = env.redis_url("MODELHUB_CACHE_URL")
# Logins in a cache of their own: in memory, requests from many addresses would push their counts out.
CACHES: dict[str, Any] = {
    name: {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        # A cache that does not answer must not hold a request: it then goes uncounted.
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
    if CACHE_URL
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": name,
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
    for name in ("default", "logins")
}
AXES_CACHE = "logins"

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_ENABLED = RATE_FAILED_LOGINS is not None
_count, _period = (RATE_FAILED_LOGINS or "1/day").split("/")
AXES_FAILURE_LIMIT = int(_count)
AXES_COOLOFF_TIME = timedelta(**{f"{_period}s": 1})
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "modelhub.accounts.throttling.client_address"
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "modelhub.accounts.throttling.login_name"
AXES_LOCKOUT_CALLABLE = "modelhub.accounts.throttling.reject_login"
# Counts in the cache, which keeps digests only: its tables would keep names and addresses, and are not made.
AXES_HANDLER = "modelhub.accounts.throttling.LoginHandler"
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
MIGRATION_MODULES = {"axes": None}

# First start -------------------------------------------------------------------------------

BOOTSTRAP_API_KEY = env.text("MODELHUB_BOOTSTRAP_API_KEY")
BOOTSTRAP_SECRET_KEY = env.text("MODELHUB_BOOTSTRAP_SECRET_KEY")
if bool(BOOTSTRAP_API_KEY) != bool(BOOTSTRAP_SECRET_KEY):
    raise ImproperlyConfigured(
        "MODELHUB_BOOTSTRAP_API_KEY and MODELHUB_BOOTSTRAP_SECRET_KEY are a pair: set both or neither."
    )
for name, value in (("API", BOOTSTRAP_API_KEY), ("SECRET", BOOTSTRAP_SECRET_KEY)):
    if not re.fullmatch(r"[A-Za-z0-9._~+/=-]{0,255}", value):
        raise ImproperlyConfigured(
            f"MODELHUB_BOOTSTRAP_{name}_KEY must have at most 255 letters, digits and characters of ._~+/=-"
        )
BOOTSTRAP_ORGANIZATION = env.text("MODELHUB_BOOTSTRAP_ORGANIZATION", "Default organization")
BOOTSTRAP_PASSWORD = env.text("MODELHUB_BOOTSTRAP_PASSWORD")
BOOTSTRAP_EMAIL = env.text("MODELHUB_BOOTSTRAP_EMAIL", "admin@example.com")

# Django ----------------------------------------------------------------------------------------

INSTALLED_APPS = [
    # First, because its templates extend those of the admin.
    "modelhub",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "corsheaders",
    "axes",
]
MIDDLEWARE = [
    *(["modelhub.testing.middleware.TestControls"] if TEST_CONTROLS else []),
    "modelhub.core.middleware.RequestMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Checks the Host header before all paths, static files included.
    "django.middleware.common.CommonMiddleware",
    # Before CORS: a refused preflight keeps a browser from sending a key in the clear.
    *(["modelhub.core.https.HttpsMiddleware"] if HTTPS else []),
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ORIGINS else []),
    *(["modelhub.accounts.throttling.AddressThrottleMiddleware"] if RATE_PER_ADDRESS else []),
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
# In the wheel, the package is `modelhub.deployment`.
ROOT_URLCONF = f"{__package__}.urls"
WSGI_APPLICATION = f"{__package__}.wsgi.application"
# A redirect would turn a POST into a GET (contract 1).
APPEND_SLASH = False
AUTH_USER_MODEL = "modelhub.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{rule}Validator"}
    for rule in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]
# Of the links with which people set their passwords.
INVITATION_DAYS = env.integer("MODELHUB_INVITATION_DAYS", 7, minimum=1, maximum=365)
# A day, in place of Django's two weeks. Pages keep what was typed over a login.
SESSION_COOKIE_AGE = 24 * 3600
LOGIN_URL = "web:login"
# In place of /accounts/profile/, for a login whose `next` is another site or empty.
LOGIN_REDIRECT_URL = "admin:index"
CSRF_FAILURE_VIEW = "modelhub.core.problems.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
# A queue has up to 1,000 members with up to three roles each, a field per role.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
FILE_UPLOAD_HANDLERS = ["modelhub.core.uploads.NoFiles"]

TIME_ZONE = "UTC"
USE_I18N = False
FORMAT_MODULE_PATH = [f"{__package__}.formats"]

STATIC_URL = "static/"
# Serve files from their packages, without collectstatic.
WHITENOISE_USE_FINDERS = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"links": "modelhub.web.links"},
        },
    },
]

# The API takes no cookies, so CORS allows no credentials.
CORS_ALLOW_ALL_ORIGINS = CORS_ORIGINS == ["*"]
CORS_ALLOWED_ORIGINS = [] if CORS_ALLOW_ALL_ORIGINS else CORS_ORIGINS
CORS_URLS_REGEX = r"^/(model-hub|tracer|schema)/"
CORS_ALLOW_HEADERS = (
    *("accept", "authorization", "content-type"),
    *("x-api-key", "x-secret-key", "idempotency-key", "x-request-id"),
)
CORS_EXPOSE_HEADERS = ("X-Request-Id", "Retry-After", "Idempotency-Replayed", "Content-Disposition")

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:
    # Browsers take cookies of this prefix from this host alone, not from another one of its domain.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if HTTPS else 0
# HSTS of subdomains and preloading are the operator's decision; HttpsMiddleware redirects; failed logins may be counted
# per worker.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021", "axes.W001"]

LOGGING_CONFIG = None
logs.configure(
    level=env.choice("MODELHUB_LOG_LEVEL", "INFO", logs.LEVELS),
    style=env.choice("MODELHUB_LOG_FORMAT", "auto", logs.FORMATS),
    colors=not env.text("NO_COLOR"),
)
for _name, _similar in env.unknown_names().items():
    log.warning("unknown_setting", name=_name, did_you_mean=_similar)
if env.text("MODELHUB_DIRECT_DATABASE_URL") and not DATABASES["default"]["PGBOUNCER"]:
    log.warning("setting_without_effect", name="MODELHUB_DIRECT_DATABASE_URL")
if PRODUCTION and DATABASES["default"]["ENGINE"] == f"{__package__}.embedded_postgres":
    log.warning("embedded_database", why="DATABASE_URL is not set", folder=str(DATA_DIR))
if PRODUCTION and not HTTPS:
    why = "MODELHUB_HTTPS is not set: keys, passwords and scores can be read on the network"
    log.warning("plain_http", why=why)

# Django REST Framework -------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["modelhub.accounts.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["modelhub.accounts.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["modelhub.accounts.throttling.KeyThrottle"] if RATE_PER_KEY else [],
    "DEFAULT_THROTTLE_RATES": {"key": RATE_PER_KEY, "address": RATE_PER_ADDRESS},
    "DEFAULT_PARSER_CLASSES": ["modelhub.core.drf_json.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["modelhub.core.drf_json.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "modelhub.core.drf_json.JSONContentNegotiation",
    "DEFAULT_FILTER_BACKENDS": ["modelhub.core.filters.Filters"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "modelhub.core.problems.handle_exception",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "modelhub",
    "DESCRIPTION": (
        "Scores of traces, spans, generations and sessions against typed labels.\n\n"
        "**Get a key.** The first start of the server prints one. `modelhub create-api-key EMAIL` prints another; "
        "[the admin](/admin/) creates, rotates and revokes them.\n\n"
        "**Send requests from `/docs/`.** Select *Authorize*, enter `X-Api-Key` and `X-Secret-Key`, select *Execute*. "
        "The keys are forgotten when the page is closed or loaded again.\n\n"
        "**Generate a client.** This document is at [/schema/](/schema/) as YAML and at "
        "[/schema/?format=json](/schema/?format=json) as JSON."
    ),
    "VERSION": modelhub.__version__,
    # In the order of the URLs and of these tags: the bulk request first.
    "SORT_OPERATIONS": False,
    "TAGS": [
        {"name": "scores", "description": "Store, read, correct and delete scores."},
        {"name": "sources", "description": "Register the traces, spans, generations and sessions that are scored."},
        {"name": "labels", "description": "The typed questions that scores answer."},
        {"name": "queues", "description": "Work for people: queues with their labels, members and reports."},
        {"name": "items", "description": "The sources in a queue, and the people that they are assigned to."},
        {"name": "agreement", "description": "Agreement of raters, and decisions of reviewers."},
        {"name": "datasets", "description": "The tables that exports of annotation queues fill."},
        {"name": "users", "description": "The people of the organization, and their keys."},
        {"name": "tracer", "description": "Labels and projects, as the class `Annotation` of the client reads them."},
        *(
            [{"name": "test controls", "description": "Organizations, clocks, ids, faults and records for tests."}]
            if TEST_CONTROLS
            else []
        ),
        {"name": "health", "description": "For load balancers and monitoring, without a key."},
    ],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "modelhub.core.schema.require_bodies",
        "modelhub.core.schema.put_headers_first",
        "modelhub.examples.add_examples",
    ],
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
    "ENUM_NAME_OVERRIDES": {
        "LabelType": "modelhub.labels.types.LABEL_TYPES",
        "ScoreSource": "modelhub.scores.models.SCORE_SOURCES",
        "Action": "modelhub.scores.models.ACTIONS",
        "QueueStatus": "modelhub.queues.models.QUEUE_STATUSES",
        "NewQueueStatus": "modelhub.queues.models.NEW_QUEUE_STATUSES",
        "UserRole": "modelhub.accounts.models.ROLES",
        "ItemStatus": "modelhub.queues.models.ITEM_STATUSES",
        "ReviewStatus": "modelhub.queues.models.REVIEW_STATUSES",
        "ReviewAction": "modelhub.queues.models.REVIEW_ACTIONS",
        "QueueRole": "modelhub.queues.models.QUEUE_ROLES",
        "AssignmentStrategy": "modelhub.queues.models.STRATEGIES",
    },
}
