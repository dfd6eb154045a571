"""Load one new database for minutes: latencies, rows that PostgreSQL reads per score, memory of the workers."""

import statistics
import time
from collections.abc import Iterator

from benchmarks.measure import Bench, Cell
from benchmarks.servers import Subject
from tests.postgres import Postgres

STEPS, CLIENTS, SIZES = 10, 4, (1, 10, 100, 1000)
# Plans that were kept from an empty table show here first: the rows that are read per score grow with the table.
COUNTERS = """
SELECT sum(n_tup_ins + n_tup_upd) FILTER (WHERE relname = 'modelhub_score'),
       sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables
"""


def soak(bench: Bench, postgres: Postgres, subject: Subject, minutes: float) -> Iterator[str]:
    """Insert, update and repeat batches of all sizes in turns, and yield a line per tenth of the time."""
    columns = f"{f'p50 ms N={SIZES[0]}':>12}{f'N={SIZES[2]}':>8}{'rows read per score':>21}"
    yield f"{'minutes':>8}{'written':>12}{columns}  RSS of the workers"
    began = time.monotonic()
    for step in range(1, STEPS + 1):
        bench.figures.clear()
        [(written, read)] = postgres.execute(COUNTERS, subject.database)
        while not bench.figures or time.monotonic() - began < minutes * 60 * step / STEPS:
            for size in SIZES:
                bench.write(subject, size, CLIENTS)
        [(written_now, read_now)] = postgres.execute(COUNTERS, subject.database)
        cells = [Cell(subject.name, "insert", size, CLIENTS) for size in SIZES[:3:2]]
        one, hundred = (statistics.median(figure.p50 for figure in bench.figures[cell]) for cell in cells)
        rows = (read_now - read) / max(1, written_now - written)
        passed = (time.monotonic() - began) / 60
        yield f"{passed:8.1f}{written_now:12,}{one:12.2f}{hundred:8.2f}{rows:21.1f}  {subject.memory()}"
