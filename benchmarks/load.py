"""A million scores through the bulk endpoint: `make bench ARGS=--load`. How long, and who spent the CPU time."""

import argparse
import functools
import time
from collections import defaultdict

from benchmarks.clients import Job
from benchmarks.processes import cpu_seconds
from benchmarks.servers import folder
from benchmarks.stage import staged
from benchmarks.world import empty_tables

# Requests that a client makes before it sends them: they are in memory.
CHUNK_SCORES = 50_000


def main(arguments: list[str]) -> None:
    """Load, chunk after chunk; making the requests and registering sources is not counted."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=--load", description=__doc__)
    parser.add_argument("--scores", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--size", type=int, default=1000, help="scores a request (1000)")
    options = parser.parse_args(arguments)
    with staged(folder("bench"), options.clients) as stage:
        empty_tables(stage.world)
        tell = functools.partial(stage.clients.tell, options.clients)
        spent: dict[str, float] = defaultdict(float)
        left, seconds = options.scores, 0.0
        while left > 0:
            requests = min(CHUNK_SCORES // options.size or 1, -(-left // (options.size * options.clients)))
            tell("prepare", Job("modelhub", options.size, requests))
            tell("load", "insert")
            before = {name: cpu_seconds(pid) for name, pid in stage.pids.items()}
            sent = tell("run", time.perf_counter(), float("inf"))
            for name, pid in stage.pids.items():
                spent[name] += cpu_seconds(pid) - before[name]
            spent["clients"] += sum(one.cpu for one in sent)
            seconds += max(one.ended for one in sent) - min(one.began for one in sent)
            left -= requests * options.size * options.clients
    stored = options.scores - left
    print(f"{stored:,} scores, {options.size:,} a request, {options.clients} clients: {seconds:.1f} s", end="")
    print(f" ({stored / seconds:,.0f} a second)")
    whole = sum(spent.values())
    for who, cpu in spent.items():
        print(f"  CPU of {who:11} {cpu:8.1f} s  {cpu / whole:4.0%}")
