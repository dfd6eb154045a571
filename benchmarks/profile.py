"""Where the time of one request goes: `make bench ARGS=--profile`.

The requests of one client are answered three times over: by a real server, in this process as they are, and in this
process with a stopwatch in it. What the server takes longer than this process is HTTP.
"""

import argparse
import io
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from benchmarks.servers import API_KEY, SECRET_KEY, environment, folder, serving

DATA_DIR = folder("bench")
os.environ.update(environment(DATA_DIR, DJANGO_SETTINGS_MODULE="config.settings"))

import django
from django.conf import settings
from django.utils.module_loading import import_string

django.setup()

from benchmarks.bodies import Batch, body_of
from benchmarks.clients import VERSIONS
from benchmarks.machine import describe_machine
from benchmarks.sending import register
from benchmarks.stopwatch import REST, Stopwatch
from benchmarks.subjects import Http
from benchmarks.world import empty_tables, make_world

PATH = "/model-hub/scores/bulk/"
WARM = 10  # requests of each kind that are not counted
WAYS = ("over HTTP", "in this process", "watched")
# What became of one request: its kind, its way, its seconds, and where they went.
Request = tuple[str, str, float, dict[str, float]]


def main(arguments: list[str]) -> None:
    """Measure and print, one table a size."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=--profile", description=__doc__)
    parser.add_argument("--sizes", default="1,100", help="scores a request (1,100)")
    parser.add_argument("--requests", type=int, default=200, help="of each kind (200)")
    options = parser.parse_args(arguments)
    application = import_string(settings.WSGI_APPLICATION)
    watch = Stopwatch()
    watch.install()
    with serving(DATA_DIR) as server:
        world = make_world(DATA_DIR)
        labels = world.labels
        empty_tables(world)
        print(describe_machine(DATA_DIR, world))
        http, numbers = Http(server.port, PATH, labels), count()

        def act(way: str, body: bytes) -> None:
            watch.on = way == "watched"
            http.send(http.request_of(body)) if way == "over HTTP" else answer(application, body)
            watch.on = False

        for size in map(int, options.sizes.split(",")):
            some = (options.requests + WARM) * len(WAYS)
            batches = register(server.port, size, some, numbers)
            with quiet():
                requests = list(measure(batches, labels, act, watch))
            print_table(size, requests[WARM * len(WAYS) * len(VERSIONS) :])
    if watch.missing:
        print("\nNot there any more, and so part of what calls it:", ", ".join(watch.missing))


def measure(
    batches: list[Batch], labels: list[tuple[str, str]], act: Callable[[str, bytes], None], watch: Stopwatch
) -> Iterator[Request]:
    """Insert, update and send again each batch, one after the other in each of the ways."""
    for number, batch in enumerate(batches):
        way = WAYS[number % len(WAYS)]
        for kind, version in VERSIONS.items():
            body = body_of(batch, labels, version)
            started = time.perf_counter()
            act(way, body)
            taken = time.perf_counter() - started
            spent = watch.take()
            yield kind, way, taken, spent | {REST: taken - sum(spent.values())}


def answer(application: Any, body: bytes) -> bytes:
    """Call the application as a server does."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_X_API_KEY": API_KEY,
        "HTTP_X_SECRET_KEY": SECRET_KEY,
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
    }
    said: list[str] = []
    response = application(environ, lambda status, headers, exc_info=None: said.append(status))
    answered = b"".join(response)
    response.close()
    assert said[0].startswith("201"), answered
    return answered


@contextmanager
def quiet() -> Iterator[None]:
    """The log is written, as in production, but not between the tables."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def print_table(size: int, requests: list[Request]) -> None:
    """Milliseconds and the share of the whole, longest first."""
    kinds = list(VERSIONS)
    watched = [one for one in requests if one[1] == "watched"]
    rows = {
        section: [median_of(watched, kind, lambda one, name=section: one[3].get(name, 0.0)) for kind in kinds]  # type: ignore[misc]
        for section in {name for one in watched for name in one[3]}
    }
    whole, inside = (
        [median_of([one for one in requests if one[1] == way], kind, lambda one: one[2]) for kind in kinds]
        for way in ("over HTTP", "in this process")
    )
    rows["HTTP (server less this process)"] = [all_of - some for all_of, some in zip(whole, inside, strict=True)]
    sums = [max(1e-9, sum(column)) for column in zip(*rows.values(), strict=True)]
    print(f"\nN={size}, medians of {len(watched) // len(kinds)} requests, ms (share of all lines)\n")
    print(f"| {'where':36} |" + "|".join(f" {kind:14} " for kind in kinds) + "|")
    print("|---" * (1 + len(kinds)) + "|")
    for section, values in sorted(rows.items(), key=lambda row: -sum(row[1])):
        cells = (f" {value:7.2f} ({value / all_of:4.0%}) " for value, all_of in zip(values, sums, strict=True))
        print(f"| {section:36} |" + "|".join(cells) + "|")
    for name, values in (("sum", sums), ("in this process, no stopwatch", inside), ("over HTTP", whole)):
        print(f"| {name:36} |" + "|".join(f" {value:7.2f}        " for value in values) + "|")


def median_of(requests: list[Request], kind: str, read: Callable[[Request], float]) -> float:
    """Milliseconds; a request that does not get somewhere spends none there."""
    return statistics.median(read(one) for one in requests if one[0] == kind) * 1000
