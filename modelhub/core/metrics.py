"""What Prometheus reads at `/metrics` (docs/operations.md): plain functions that count, and the text of it all.

The library keeps the numbers: in this process alone, or, when config.metrics_folder had made a folder before it was
imported, in files that all workers of a server share. Labels are few and fixed: names of routes and codes of
docs/errors.md, never anything of a tenant. One count costs about a microsecond: children are looked up once.
"""

import collections
from collections.abc import Iterable, Mapping
from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.metrics_core import InfoMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

registry = CollectorRegistry()
# When each began to count is of no use, and would be most of the text.
disable_created_metrics()

_requests = Counter(
    "modelhub_requests", "Requests by method, route and status.", ["method", "route", "status"], registry=registry
)
_seconds = Histogram(
    "modelhub_request_seconds",
    "Seconds from a request to the start of its answer.",
    ["route"],
    buckets=SECONDS,
    registry=registry,
)
_problems = Counter("modelhub_problems", "Error answers by code.", ["code"], registry=registry)
_stored = Counter("modelhub_scores_stored", "Scores that were stored, or found stored already.", registry=registry)
_refused = Counter("modelhub_scores_refused", "Scores that were refused, by code.", ["code"], registry=registry)
_batch = Histogram(
    "modelhub_batch_scores",
    "Scores in one bulk request that was not refused as a whole.",
    buckets=SIZES,
    registry=registry,
)
_fallbacks = Counter(
    "modelhub_savepoint_fallbacks",
    "Batches that the database refused, so that their rows were written one by one.",
    registry=registry,
)
_retries = Counter(
    "modelhub_transaction_retries", "Transactions that the database aborted and that ran again.", registry=registry
)
_unknown = Counter("modelhub_outcomes_unknown", "Connections that were lost while committing.", registry=registry)
_replays = Counter("modelhub_idempotent_replays", "Requests that got the answer of an earlier one.", registry=registry)
_pool = {
    name: Gauge(f"modelhub_pool_{name}", words, registry=registry, multiprocess_mode="livesum")
    for name, words in {
        "limit": "Database connections that all workers together may have.",
        "size": "Database connections that there are, or that are being made.",
        "available": "Database connections that nobody uses.",
        "waiting": "Requests that wait for a database connection.",
    }.items()
}


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """One request that was answered; `route` is the name of a URL pattern, or empty."""
    _of_request(method if method in METHODS else "other", route, status).inc()
    _of_route(route).observe(seconds)


def count_problem(code: str) -> None:
    """One error answer."""
    _of_problem(code).inc()


def count_scores(*, stored: int = 0, refused: Iterable[str] = ()) -> None:
    """What came of the scores of a request: how many were stored, and the codes of the others."""
    if stored:
        _stored.inc(stored)
    for code, number in collections.Counter(refused).items():
        _of_refusal(code).inc(number)


def count_batch(size: int) -> None:
    """One bulk request of this many scores."""
    _batch.observe(size)


def count_fallback() -> None:
    """One batch that was written again row by row."""
    _fallbacks.inc()


def count_retry() -> None:
    """One transaction that runs again."""
    _retries.inc()


def count_unknown_outcome() -> None:
    """One COMMIT of which nobody knows how it ended."""
    _unknown.inc()


def count_replay() -> None:
    """One request that was answered without being done."""
    _replays.inc()


def show_pool(stats: Mapping[str, int]) -> None:
    """The state of this process's pool, as psycopg_pool tells it."""
    for name, key in (("limit", "pool_max"), ("size", "pool_size"), ("available", "pool_available")):
        _pool[name].set(stats.get(key, 0))
    _pool["waiting"].set(stats.get("requests_waiting", 0))


def forget_process(pid: int) -> None:
    """A process that ended has no pool any more; what it counted stays."""
    if _shared():
        multiprocess.mark_process_dead(pid)


def exposition(*, version: str) -> bytes:
    """Everything, of all processes that share the folder, in the text format of Prometheus."""
    everything = CollectorRegistry()
    if _shared():
        multiprocess.MultiProcessCollector(everything)
    else:
        everything.register(registry)
    everything.register(_Build(version))
    return generate_latest(everything)


class _Build(Collector):
    """Which version this is."""

    def __init__(self, version: str) -> None:
        self.version = version

    def collect(self) -> Iterable[Metric]:
        """One line whose value is always 1."""
        return [InfoMetricFamily("modelhub_build", "The version that answers.", value={"version": self.version})]


def _shared() -> bool:
    return bool(values.ValueClass._multiprocess)


@cache
def _of_request(method: str, route: str, status: int) -> Counter:
    return _requests.labels(method, route, str(status))


@cache
def _of_route(route: str) -> Histogram:
    return _seconds.labels(route)


@cache
def _of_problem(code: str) -> Counter:
    return _problems.labels(code)


@cache
def _of_refusal(code: str) -> Counter:
    return _refused.labels(code)
