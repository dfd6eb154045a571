"""Reads over HTTP: `make bench ARGS=--reading`. Lists, one source, one score's history; then the export."""

import argparse
import random
import threading
import time
from collections import defaultdict
from http.client import HTTPConnection

from benchmarks.fill import fill
from benchmarks.processes import megabytes
from benchmarks.servers import HEADERS, Server, folder
from benchmarks.stage import Stage, staged
from benchmarks.table import spread
from benchmarks.world import World, connected

HEADSTART = 0.05
PATHS_A_KIND = 500
EXPORT = "/model-hub/scores/export/"
SOME = """
SELECT score.id::text, source.source_id, score.label_id::text
FROM modelhub_score AS score JOIN modelhub_source AS source ON source.id = score.source_id
WHERE score.id >= %s::uuid AND score.organization_id = %s ORDER BY score.id LIMIT 1
"""


def main(arguments: list[str]) -> None:
    """Requests a second, several times over; rows a second and the workers' memory meanwhile."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=--reading", description=__doc__)
    parser.add_argument("--scores", type=int, default=100_000, help="in the table (100000)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    options = parser.parse_args(arguments)
    with staged(folder("bench-reading"), 4) as stage:
        fill(stage.world, options.scores)
        paths = paths_of(stage.world)
        rates: dict[tuple[str, int], list[float]] = defaultdict(list)
        for turn in range(options.rounds + 1):
            for kind, some in paths.items():
                for many in (1, 4):
                    rate, _ = read(stage, some, many, options.seconds)
                    if turn:
                        rates[kind, many].append(rate)
        print(f"\n{'what':24}{'clients':>8}{'requests/s':>28}")
        for (kind, many), found in rates.items():
            print(f"{kind:24}{many:8}{spread(found, ',.0f'):>28}")
        export(stage.server)


def paths_of(world: World) -> dict[str, list[str]]:
    """Requests of every kind, each for rows from all over the table."""
    with connected(world.database) as connection:
        ends = connection.execute("SELECT min(id::text), max(id::text) FROM modelhub_score").fetchone()
        assert ends
        first, last = (int(pk.replace("-", ""), 16) for pk in ends)
        sought = (f"{random.randint(first, last):032x}" for _ in range(PATHS_A_KIND))
        found = [connection.execute(SOME, [pk, world.organization]).fetchone() for pk in sought]
    rows = [row for row in found if row]
    return {
        "list, first page": ["/model-hub/scores/?cursor="],
        "list of a label": [f"/model-hub/scores/?label_id={label}&cursor=" for _, _, label in rows],
        "for-source": [f"/model-hub/scores/for-source/?source_type=trace&source_id={key}" for _, key, _ in rows],
        "history of a score": [f"/model-hub/scores/{pk}/history/" for pk, _, _ in rows],
    }


def read(stage: Stage, paths: list[str], clients: int, seconds: float) -> tuple[float, float]:
    """Requests a second of so many clients, and the median seconds of one."""
    sent = stage.clients.tell(clients, "read", paths, time.perf_counter() + HEADSTART, seconds)
    taken = sorted(one for each in sent for one in each.seconds)
    return sum(len(one.seconds) / (one.ended - one.began) for one in sent), taken[len(taken) // 2]


def export(server: Server) -> None:
    """All scores as JSON lines, and what the workers need meanwhile."""
    before = max(resident for resident, _ in megabytes(server.workers()))
    most, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            most.append(max(resident for resident, _ in megabytes(server.workers())))

    watcher = threading.Thread(target=watch)
    watcher.start()
    connection = HTTPConnection("127.0.0.1", server.port, timeout=600)
    started, rows, size = time.perf_counter(), 0, 0
    connection.request("GET", EXPORT, headers=HEADERS)
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    while part := answer.read1(1 << 20):
        rows, size = rows + part.count(b"\n"), size + len(part)
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    print(f"\nexport: {rows:,} scores, {size / 2**20:,.0f} MB in {seconds:.1f} s, {rows / seconds:,.0f} a second;")
    print(f"most resident memory of a worker: {before:.0f} MB before, {max(most):.0f} MB meanwhile")
