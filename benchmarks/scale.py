"""Does it cost more when more is stored? `make bench ARGS=--scale`: a small table against a large one, in turns."""

import argparse
import statistics
from collections import defaultdict
from collections.abc import Sequence

from benchmarks.cells import Bench, Cell, Figure
from benchmarks.fill import fill
from benchmarks.reading import paths_of, read
from benchmarks.servers import folder
from benchmarks.stage import staged
from benchmarks.table import spread

MOST = 1.2
KINDS = ("insert", "update")


def main(arguments: list[str]) -> None:
    """Two servers with a database each; the large one is made once and kept."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=--scale", description=__doc__)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=10_000_000, help="takes some 5 GB and some minutes to make")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--sizes", default="1,100", help="scores a request (1,100)")
    options = parser.parse_args(arguments)
    sizes = [int(size) for size in options.sizes.split(",")]
    data = folder("bench-scale")
    with staged(data / "small", 1) as small, staged(data / "large", 1, tell=False) as large:
        fill(large.world, options.large)
        benches = [Bench(stage, options.seconds, kinds=KINDS) for stage in (small, large)]
        paths: dict[int, dict[str, list[str]]] = {}
        reads: dict[str, list[list[float]]] = defaultdict(lambda: [[], []])
        for turn in range(options.rounds + 1):
            fill(small.world, options.small)  # anew, where measuring has made it larger
            for at, bench in sorted(enumerate(benches), reverse=bool(turn % 2)):
                # First requests after a filling plan anew and meet an empty cache.
                bench.run("modelhub", 1, 1, keep=False)
                for size in sizes:
                    for subject in ("raw", "modelhub"):
                        bench.run(subject, size, 1, keep=turn > 0)
                if at == 0 or at not in paths:
                    paths[at] = paths_of(bench.stage.world)
                for kind, some in paths[at].items():
                    _, median = read(bench.stage, some, 1, options.seconds / 3)
                    if turn:
                        reads[kind][at].append(median * 1000)
    print(f"\n{'median ms a request':44}{f'{options.small:,}':>22}{f'{options.large:,}':>22}{'ratio':>8}")
    for cell in benches[0].figures:
        one, other = ([figure.p50 * 1000 for figure in bench.figures[cell]] for bench in benches)
        print_line(name_of(cell), one, other)
        one, other = ([cpu_of(figure) * 1000 for figure in bench.figures[cell]] for bench in benches)
        print_line("    its CPU time, server and PostgreSQL", one, other, judge=False)
    for kind, (one, other) in reads.items():
        print_line(kind, one, other)


def cpu_of(figure: Figure) -> float:
    """Seconds a request: steadier than the clock where the machine does other things, too."""
    return figure.server_cpu + figure.postgres_cpu


def name_of(cell: Cell) -> str:
    """What a line of writes is called."""
    return f"{cell.subject}, {cell.kind}, N={cell.size}"


def print_line(name: str, small: Sequence[float], large: Sequence[float], *, judge: bool = True) -> None:
    """Both, and the median of the ratios of neighbours."""
    ratio = statistics.median(its / (mine or 1e-9) for mine, its in zip(small, large, strict=True))
    verdict = "" if name.startswith("raw") or not judge else f"  < {MOST}: {'met' if ratio < MOST else 'NOT met'}"
    print(f"{name:44}{spread(small, '.2f'):>22}{spread(large, '.2f'):>22}{ratio:8.2f}{verdict}")
