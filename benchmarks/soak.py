"""A hundred thousand requests against one server: `make bench ARGS=--soak`. What becomes of its workers' memory."""

import argparse
import time

from benchmarks.clients import Clients, Job
from benchmarks.processes import megabytes
from benchmarks.servers import Server, folder
from benchmarks.stage import staged
from benchmarks.world import empty_tables

LIMIT_MB = 150
# The sizes of the requests, in turn: a worker keeps what its largest one needed.
SIZES = (1, 10, 100, 1000)


def main(arguments: list[str]) -> None:
    """Send, and look at the workers ten times meanwhile."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=--soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=4)
    options = parser.parse_args(arguments)
    with staged(folder("bench"), options.clients) as stage:
        empty_tables(stage.world)
        server, clients = stage.server, stage.clients
        sent, step = 0, max(1, options.requests // 10)
        most = show(server, sent, 0.0)
        while sent < options.requests:
            started, before = time.perf_counter(), sent
            while sent < before + step:
                for size, share in zip(SIZES, (0.70, 0.25, 0.045, 0.005), strict=True):
                    sent += send(clients, options.clients, size, int(min(step, 5000) * share / options.clients / 2) + 1)
            most = max(most, show(server, sent, time.perf_counter() - started))
    verdict = "met" if most < LIMIT_MB else "NOT met"
    print(f"most resident memory of a worker: {most:.0f} MB (under {LIMIT_MB} MB: {verdict})")


def send(clients: Clients, many: int, size: int, requests: int) -> int:
    """Insert, and update all of it; how many requests that was."""
    clients.tell(many, "prepare", Job("modelhub", size, requests))
    for kind in ("insert", "update"):
        clients.tell(many, "load", kind)
        clients.tell(many, "run", time.perf_counter(), float("inf"))
    return 2 * requests * many


def show(server: Server, sent: int, seconds: float) -> float:
    """A line of the table; the most resident memory of a worker."""
    found = megabytes(server.workers())
    each = "   ".join(f"{resident:6.1f} MB resident, {own:6.1f} its own" for resident, own in found)
    print(f"{sent:9,} requests   {each}   {seconds:5.0f} s", flush=True)
    return max(resident for resident, _ in found)
