"""Metrics for Prometheus, listed in docs/operations.md.

prometheus-client keeps them in files that all workers share, if `PROMETHEUS_MULTIPROC_DIR` was set before its import.
Labels have few values, the names of routes and the codes of docs/errors.md: never data of a tenant.
"""

import collections
import os
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
)
from prometheus_client.metrics_core import InfoMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

registry = CollectorRegistry()
# The times of creation would be most of the text.
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
        "size": "Database connections, open or being opened.",
        "available": "Idle database connections.",
        "waiting": "Requests that wait for a database connection.",
    }.items()
}


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request; `route` is the name of a URL pattern or empty."""
    _of_request(method if method in METHODS else "other", route, status).inc()
    _of_route(route).observe(seconds)


def count_problem(code: str) -> None:
    _of_problem(code).inc()


def count_scores(*, stored: int = 0, refused: Iterable[str] = ()) -> None:
    """Count the scores of a request: stored ones, and rejected ones by code."""
    if stored:
        _stored.inc(stored)
    for code, number in collections.Counter(refused).items():
        _of_refusal(code).inc(number)


def count_batch(size: int) -> None:
    _batch.observe(size)


def count_fallback() -> None:
    """Count a batch that is written again row by row."""
    _fallbacks.inc()


def count_retry() -> None:
    _retries.inc()


def count_unknown_outcome() -> None:
    """Count a COMMIT with unknown outcome."""
    _unknown.inc()


def count_replay() -> None:
    """Count a request answered by the stored answer of its first time."""
    _replays.inc()


def show_pool(stats: Mapping[str, int]) -> None:
    """Show the connection pool of this process, from the statistics of psycopg_pool."""
    for name, key in (("limit", "pool_max"), ("size", "pool_size"), ("available", "pool_available")):
        _pool[name].set(stats.get(key, 0))
    _pool["waiting"].set(stats.get("requests_waiting", 0))


def forget_process(pid: int) -> None:
    """Drop the gauges of a process that ended; its counters stay."""
    if _shared():
        multiprocess.mark_process_dead(pid)


def exposition(*, version: str) -> bytes:
    """Return the metrics of all workers in the text format of Prometheus."""
    everything = CollectorRegistry()
    if _shared():
        multiprocess.MultiProcessCollector(everything)
    else:
        everything.register(registry)
    everything.register(_Build(version))
    return generate_latest(everything)


class _Build(Collector):
    def __init__(self, version: str) -> None:
        self.version = version

    def collect(self) -> Iterable[Metric]:
        return [InfoMetricFamily("modelhub_build", "The version that answers.", value={"version": self.version})]


def _shared() -> bool:
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ


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
