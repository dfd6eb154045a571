"""Logging on standard error: JSON lines, or short ones on a terminal."""

import logging.config
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from modelhub.core.text import visible

FORMATS = ("auto", "json", "console")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LEAST_LEVELS = {
    # RequestMiddleware logs each request.
    "django.request": "CRITICAL",
    "django.server": "CRITICAL",
    # Requests that are refused, with a stack trace each, and with texts of clients.
    "django.security": "CRITICAL",
    "django.security.csrf": "WARNING",
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
]
# Not on a terminal: `X-Request-Id` and the JSON lines have them.
LONG = ("request_id", "organization", "key", "logger", "route")
SECRET_PATH = re.compile(r"(/invitation/)[^/\s]+")
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


def shorten(logger: object, name: str, line: EventDict) -> EventDict:
    """Write a request as `POST /path/ 201 12 ms`, with ids if the server failed."""
    failed = line["level"] in {"error", "critical"} or line.get("status", 0) >= 500
    for key in LONG if not failed else LONG[1:]:
        line.pop(key, None)
    if line["event"] == "request":
        parts = (line.pop("method", ""), line.pop("path", ""), line.pop("status", ""), f"{line.pop('ms', 0):.0f} ms")
        line["event"] = " ".join(str(part) for part in parts if part)
    if isinstance(line.get("exception"), list):
        line["exception"] = "\n".join(_describe(part) for part in line["exception"])
    return line


def _describe(part: dict[str, Any]) -> str:
    """Return frames and type of one exception, one per line."""
    frames = [f"  {frame['filename']}:{frame['lineno']} {frame['name']}" for frame in part["frames"]]
    words = f"{part['exc_type']}: {part['exc_value']}" if part.get("exc_value") else part["exc_type"]
    return "\n".join([*frames, visible(words)])


def hide_tokens(logger: object, name: str, line: EventDict) -> EventDict:
    """Hide the tokens of one-time links, in paths of requests and in words of Django."""
    return {key: SECRET_PATH.sub(r"\1…", value) if isinstance(value, str) else value for key, value in line.items()}


def escape(logger: object, name: str, line: EventDict) -> EventDict:
    """Escape control characters, which forge lines."""
    texts = {key: visible(value) for key, value in line.items() if isinstance(value, str) and key != "exception"}
    return {**line, **texts}


def configure(*, level: str, style: str, colors: bool) -> None:
    """Configure structlog and logging.

    `auto` is `console` on a terminal, else `json`. Values bound with `structlog.contextvars` (request id, key,
    organization) are on all JSON lines of a request. A line that cannot be written is lost without an exception:
    `logging.Handler.handleError`.
    """
    is_terminal = sys.stderr.isatty()
    is_console = style == "console" or (style == "auto" and is_terminal)
    clock = structlog.processors.TimeStamper(fmt="%H:%M:%S" if is_console else "iso", utc=not is_console)
    shared: list[Processor] = [*SHARED, clock]
    formatter = structlog.stdlib.ProcessorFormatter
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, formatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    console: list[Processor] = [
        shorten,
        escape,
        structlog.dev.ConsoleRenderer(colors=colors and is_terminal, pad_event_to=0, pad_level=False, sort_keys=False),
    ]
    render: list[Processor] = [
        formatter.remove_processors_meta,
        hide_tokens,
        structlog.processors.ExceptionRenderer(format_exception),
        *(console if is_console else [structlog.processors.JSONRenderer()]),
    ]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"lines": {"()": formatter, "foreign_pre_chain": shared, "processors": render}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {name: {"level": least} for name, least in LEAST_LEVELS.items()},
        }
    )
    logging.captureWarnings(capture=True)
