"""`make bench ARGS=…`: compare modelhub with raw SQL, a baseline and other revisions (docs/performance.md)."""

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.agreement import agreement
from benchmarks.measure import Bench, compare
from benchmarks.pages import pages
from benchmarks.queues import queues
from benchmarks.scale import scale
from benchmarks.servers import OTHERS, Stage, Subject, source_tree
from benchmarks.soak import soak
from benchmarks.starts import starts
from benchmarks.suite import suite
from benchmarks.table import Ratio, machine, table
from tests.postgres import CONNECTIONS, Postgres, running_postgres
from tests.servers import ROOT

# As the embedded database: fsync is on, and statistics are refreshed every ten seconds.
DURABLE = f"{CONNECTIONS} -c autovacuum_naptime=10s"
QUEUES = [1000, 100_000]
AGREEMENT = 100_000
MeasureQueues = Callable[[Bench, Postgres, list[tuple[Subject, int]], list[int], int], None]
SUBJECTS = ["raw", "baseline", "modelhub", "floor"]


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="rounds besides the first one, which warms up (5)")
    add("--seconds", type=float, default=1.0, help="length of one measurement (1)")
    add("--sizes", type=int, nargs="+", default=[1, 100, 1000], help="scores per request (1 100 1000)")
    add("--clients", type=int, nargs="+", default=[1, 4], help="numbers of clients (1 4)")
    add("--subjects", choices=SUBJECTS, nargs="+", default=SUBJECTS)
    add("--against", metavar="REVISION", help="measure another revision of this repository in the same run")
    add("--scale", type=int, nargs="+", metavar="COUNT", help="compare tables of so many scores (10000 1000000)")
    add("--queues", type=int, nargs="*", metavar="COUNT", help="compare queues of so many items (1000 100000)")
    add("--pages", type=int, nargs="*", metavar="COUNT", help="measure pages of queues of so many items (1000 100000)")
    add("--agreement", type=int, nargs="?", const=AGREEMENT, metavar="COUNT",
        help="measure figures of so many scores of a queue, and of ten times as many of a label (100000)")  # fmt: skip
    add("--starts", action="store_true", help="measure starts and stops of the server")
    add("--tests", type=int, metavar="COUNT", help="run so many tests with pytest-modelhub, each with an organization")
    add("--soak", type=float, metavar="MINUTES", help="load one new database for so long")
    return parser.parse_args()


def main() -> None:
    """Start the servers, measure and print."""
    options, began = read_arguments(), time.perf_counter()
    folder = ROOT / ".data" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.seconds)
    with ExitStack() as stack:
        place = stack.enter_context(TemporaryDirectory(dir=folder))
        postgres = stack.enter_context(running_postgres(Path(place, "postgres"), DURABLE))
        print(machine(postgres), flush=True)
        if options.starts:
            print(*starts(Path(place), options.rounds), sep="\n")
            return
        if options.tests:
            print(suite(Path(place), options.rounds, options.tests))
            return
        stage = Stage(stack, folder, postgres, labels=1000 if options.soak else max(*options.sizes, 10))
        if options.soak:
            for text in soak(bench, postgres, stage.start("modelhub"), options.soak):
                print(text, flush=True)
        elif options.queues is not None:
            print_queues(bench, stage, options, queues, options.queues)
        elif options.pages is not None:
            print_queues(bench, stage, options, pages, options.pages)
        elif options.agreement:
            agreement(bench, stage.postgres, stage.start("modelhub"), options.agreement, options.rounds)
            print(*table(bench.figures, []), sep="\n")
        elif options.scale:
            print_scale(bench, stage, options)
        else:
            print_comparison(bench, stage, options)
    print(f"{(time.perf_counter() - began) / 60:.1f} minutes")


def print_comparison(bench: Bench, stage: Stage, options: argparse.Namespace) -> None:
    subjects = [stage.start(name) for name in options.subjects]
    ratios = []
    if options.against:
        revision, tree = stage.stack.enter_context(source_tree(options.against))
        subjects.append(stage.start(revision, tree))
        ratios = [Ratio(f"{of} / {revision}", ["modelhub"], revision, attrgetter(of)) for of in ("p50", "cpu")]
    compare(bench, subjects, options.sizes, options.clients, options.rounds)
    own = [subject.name for subject in subjects if subject.name not in OTHERS]
    compared = [name for name in ("baseline", "raw") if name in options.subjects]
    ratios += [Ratio(f"per second / {other}", own, other, attrgetter("rate")) for other in compared]
    print(*table(bench.figures, ratios), sep="\n")
    for subject in subjects:
        print(f"memory of the workers of {subject.name} (RSS): {subject.memory()}")


def print_queues(
    bench: Bench, stage: Stage, options: argparse.Namespace, measure: MeasureQueues, counts: list[int]
) -> None:
    subjects = [(stage.start(f"{count:,}"), count) for count in counts or QUEUES]
    measure(bench, stage.postgres, subjects, options.clients, options.rounds)
    print_growth(bench, [subject for subject, _ in subjects])


def print_scale(bench: Bench, stage: Stage, options: argparse.Namespace) -> None:
    tables = [(stage.start(f"{count:,}"), count) for count in options.scale]
    scale(bench, stage.postgres, tables, [size for size in options.sizes if size <= 100], options.rounds)
    print_growth(bench, [subject for subject, _ in tables])


def print_growth(bench: Bench, subjects: list[Subject]) -> None:
    """Print all figures, and their ratios to those of the first size."""
    first, *others = (subject.name for subject in subjects)
    print(*table(bench.figures, [Ratio(f"p50 / {first}", others, first, attrgetter("p50"))]), sep="\n")


if __name__ == "__main__":
    main()
