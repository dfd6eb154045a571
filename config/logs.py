"""Logging: JSON lines on standard error, from structlog and logging."""

import logging.config
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from structlog.typing import ExcInfo, Processor

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LEAST_LEVELS = {
    # RequestMiddleware logs each request.
    "django.request": "CRITICAL",
    "django.server": "CRITICAL",
    # Quotes the Host header.
    "django.security.DisallowedHost": "CRITICAL",
    # At DEBUG, logs whole forms with the digests of passwords.
    "django.template": "WARNING",
    "gunicorn.error": "WARNING",
    # A warning with each request that waits for a thread.
    "waitress.queue": "ERROR",
    "psycopg.pool": "ERROR",
}
SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
# Without local variables, which hold values, keys and secrets.
describe_exception = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def format_exception(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """Return types and frames of an exception. Outside of requests, add messages.

    Within requests, messages of PostgreSQL and Python quote rows and values of clients.
    """
    parts = describe_exception(exc_info)
    if "request_id" not in structlog.contextvars.get_contextvars():
        return parts
    return [{name: part[name] for name in ("exc_type", "is_cause", "frames")} for part in parts]


def configure(*, level: str) -> None:
    """Configure structlog and logging. Raise `ImproperlyConfigured`.

    Values bound with `structlog.contextvars` (request id, key, organization) are on all lines of a request. A line that
    cannot be written is lost without an exception: `logging.Handler.handleError`.
    """
    if level not in LEVELS:
        raise ImproperlyConfigured(f'MODELHUB_LOG_LEVEL must be one of {", ".join(LEVELS)}, got "{level}".')
    formatter = structlog.stdlib.ProcessorFormatter
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *SHARED, formatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    to_json = [
        formatter.remove_processors_meta,
        structlog.processors.ExceptionRenderer(format_exception),
        structlog.processors.JSONRenderer(),
    ]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": formatter, "foreign_pre_chain": SHARED, "processors": to_json}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {name: {"level": least} for name, least in LEAST_LEVELS.items()},
        }
    )
    logging.captureWarnings(capture=True)
