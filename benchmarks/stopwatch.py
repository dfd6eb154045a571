"""Where time goes inside of one process: functions are wrapped, and time counts for the innermost one."""

import functools
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from typing import Any

import psycopg
import psycopg_pool

# By section, the functions whose own time it is: what a section calls and is listed here, too, counts there.
# A name that is gone is told, and its time then counts for whatever calls it.
SECTIONS = {
    "authenticate": ("modelhub.accounts.authentication:ApiKeyAuthentication.authenticate",),
    "parse": ("modelhub.core.parsers:JSONParser.parse",),
    "validate": (
        "modelhub.scores.views:read_bulk",
        "modelhub.scores.recording:_read",
        "modelhub.scores.recording:_judge",
    ),
    "store (Python's part)": ("modelhub.scores.recording:record_scores",),
    "render": ("modelhub.scores.views:bulk_output", "modelhub.core.renderers:JSONRenderer.render"),
}
REST = "Django, DRF, middleware, log"


class Stopwatch:
    """Own time of each section since the last `take`, while it is `on`."""

    def __init__(self) -> None:
        self.on = False
        self.spent: dict[str, float] = defaultdict(float)
        self.stack: list[list[float]] = []
        self.missing: list[str] = []

    def wrap(self, function: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        """The same function, timed under the name that its arguments give."""

        @functools.wraps(function)
        def timed(*args: Any, **options: Any) -> Any:
            if not self.on:
                return function(*args, **options)
            inner = [0.0]
            self.stack.append(inner)
            started = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                whole = time.perf_counter() - started
                self.stack.pop()
                self.spent[name(*args, **options)] += whole - inner[0]
                if self.stack:
                    self.stack[-1][0] += whole

        return timed

    def take(self) -> dict[str, float]:
        """What was spent since the last time, by section."""
        spent, self.spent = dict(self.spent), defaultdict(float)
        return spent

    def install(self) -> None:
        """Wrap everything that is listed, and every statement."""
        for section, targets in SECTIONS.items():
            for target in targets:
                self._install(target, lambda *_, section=section, **__: section)
        for owner, method, name in (
            (psycopg.Cursor, "execute", lambda _, query, *__, **___: f"SQL {statement_name(query)}"),
            (psycopg.Connection, "commit", lambda *_: "SQL commit"),
            (psycopg_pool.ConnectionPool, "getconn", lambda *_, **__: "connection from the pool and back"),
            (psycopg_pool.ConnectionPool, "putconn", lambda *_, **__: "connection from the pool and back"),
        ):
            setattr(owner, method, self.wrap(getattr(owner, method), name))

    def _install(self, target: str, name: Callable[..., str]) -> None:
        module_name, _, path = target.partition(":")
        *outer, last = path.split(".")
        try:
            owner = functools.reduce(getattr, outer, import_module(module_name))
            function = getattr(owner, last)
        except (ImportError, AttributeError):
            self.missing.append(target)
            return
        timed = self.wrap(function, name)
        setattr(owner, last, timed)
        # Whoever imported the function by its name has it, too.
        for module in list(sys.modules.values()):
            if getattr(module, "__name__", "").startswith("modelhub") and vars(module).get(last) is function:
                setattr(module, last, timed)


def statement_name(query: Any) -> str:
    """What a statement does to which table, or by which function, short enough for a table."""
    text = " ".join((query.decode() if isinstance(query, bytes) else str(query)).split())
    if not text:
        return "(is the connection alive?)"
    verb = text.partition(" ")[0].lower()
    table = re.search(r"modelhub_(\w+)\(", text) or re.search(
        r'(?:FROM|INTO|UPDATE|JOIN) "?modelhub_(\w+)', text, re.IGNORECASE
    )
    lock = " for update" if "UPDATE" in text and verb == "select" else ""
    return f"{verb} {table[1]}{lock}" if table else text[:30].lower().partition(' "')[0]
