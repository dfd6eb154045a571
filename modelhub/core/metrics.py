"""Metrics for Prometheus, listed in docs/operations.md.

prometheus-client keeps them in files that all workers share, if `PROMETHEUS_MULTIPROC_DIR` was set before its import.
Labels have few values, the names of routes and the codes of docs/errors.md: never data of a tenant.
"""

import collections
import os
from collections.abc import Iterable, Mapping
from functools import partial

import prometheus_client
from prometheus_client import CollectorRegistry, disable_created_metrics, generate_latest, multiprocess

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

registry = CollectorRegistry()
# The times of creation would be most of the text.
disable_created_metrics()
Counter = partial(prometheus_client.Counter, registry=registry)
Histogram = partial(prometheus_client.Histogram, registry=registry)
Gauge = partial(prometheus_client.Gauge, registry=registry)

REQUESTS = Counter("modelhub_requests", "Requests by method, route and status.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "modelhub_request_seconds", "Seconds from a request to the start of its answer.", ["route"], buckets=SECONDS
)
PROBLEMS = Counter("modelhub_problems", "Error answers by code.", ["code"])
SCORES_STORED = Counter("modelhub_scores_stored", "Scores that were stored, or found stored already.")
SCORES_REFUSED = Counter("modelhub_scores_refused", "Scores that were refused, by code.", ["code"])
BATCH_SCORES = Histogram(
    "modelhub_batch_scores", "Scores in one bulk request that was not refused as a whole.", buckets=SIZES
)
FALLBACKS = Counter(
    "modelhub_savepoint_fallbacks", "Batches that the database refused, so that their rows were written one by one."
)
RETRIES = Counter("modelhub_transaction_retries", "Transactions that the database aborted and that ran again.")
OUTCOMES_UNKNOWN = Counter("modelhub_outcomes_unknown", "Connections that were lost while committing.")
REPLAYS = Counter("modelhub_idempotent_replays", "Requests that got the answer of an earlier one.")
POOL = {
    key: Gauge(f"modelhub_pool_{name}", words, multiprocess_mode="livesum")
    for key, name, words in (
        ("pool_max", "limit", "Database connections that all workers together may have."),
        ("pool_size", "size", "Database connections, open or being opened."),
        ("pool_available", "available", "Idle database connections."),
        ("requests_waiting", "waiting", "Requests that wait for a database connection."),
    )
}
BUILD = Gauge("modelhub_build_info", "The version that answers.", ["version"], multiprocess_mode="max")


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request; `route` is the name of a URL pattern or empty."""
    REQUESTS.labels(method if method in METHODS else "other", route, str(status)).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)


def count_scores(*, stored: int = 0, refused: Iterable[str] = ()) -> None:
    """Count the scores of a request: stored ones, and rejected ones by code."""
    SCORES_STORED.inc(stored)
    for code, number in collections.Counter(refused).items():
        SCORES_REFUSED.labels(code).inc(number)


def show_pool(stats: Mapping[str, int]) -> None:
    """Show the connection pool of this process, from the statistics of psycopg_pool."""
    for key, gauge in POOL.items():
        gauge.set(stats.get(key, 0))


def exposition(*, version: str) -> bytes:
    """Return the metrics of all workers in the text format of Prometheus."""
    BUILD.labels(version).set(1)
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(registry)
    shared = CollectorRegistry()
    multiprocess.MultiProcessCollector(shared)
    return generate_latest(shared)


def forget_process(pid: int) -> None:
    """Drop the gauges of a process that ended; its counters stay."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(pid)
