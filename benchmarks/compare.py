"""The server against what it is compared with, in turns: `make bench`."""

import argparse
import time

from benchmarks.cells import KINDS, Bench, rounds
from benchmarks.goals import print_goals
from benchmarks.servers import folder, measure_starts
from benchmarks.stage import staged
from benchmarks.table import print_figures
from benchmarks.world import analyze, empty_tables

SIZES, CLIENTS = "1,10,100,1000", "1,4"


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """What may be measured less, or longer."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="times that every cell is measured (5)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one cell (1.5)")
    parser.add_argument("--subjects", default=",".join(KINDS), help="with commas (all)")
    parser.add_argument("--sizes", default=SIZES, help=f"scores a request ({SIZES})")
    parser.add_argument("--clients", default=CLIENTS, help=f"numbers of clients ({CLIENTS})")
    parser.add_argument("--all", action="store_true", help="textbook with 1,000 scores a request, too: seconds each")
    parser.add_argument("--quick", action="store_true", help="one round of 0.3 seconds: to see that it runs")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds = 1, 0.3
    return options


def main(arguments: list[str]) -> None:
    """Start, measure, print."""
    options = read_arguments(arguments)
    subjects, sizes = options.subjects.split(","), [int(size) for size in options.sizes.split(",")]
    counts = [int(count) for count in options.clients.split(",")]
    left_out = set() if options.all else {("textbook", size) for size in sizes if size > 100}
    data_dir = folder("bench")
    measure_starts(data_dir, 1)  # makes the database, the first time
    starts = measure_starts(data_dir, max(options.rounds, 1))
    with staged(data_dir, max(counts), others=True) as stage:
        empty_tables(stage.world)
        bench = Bench(stage, options.seconds)
        started = time.perf_counter()
        for turn, subject, size, many in rounds(subjects, sizes, counts, options.rounds, left_out):
            if turn == 1 and not bench.figures:
                analyze(stage.world)
            bench.run(subject, size, many, keep=turn > 0)
    print_figures(bench.figures)
    print_goals(bench, starts)
    took = (time.perf_counter() - started) / 60
    print(f"\n{options.rounds} rounds, {options.seconds} s a cell, {took:.1f} minutes; (least..greatest) of the rounds")
