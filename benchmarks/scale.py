"""Compare tables of different sizes: writes and every kind of list, in turns."""

import time
from urllib.parse import urlsplit

from benchmarks.bodies import API_KEY
from benchmarks.fill import fill
from benchmarks.measure import Bench
from benchmarks.servers import Subject
from tests.postgres import Postgres


def scale(bench: Bench, postgres: Postgres, tables: list[tuple[Subject, int]], sizes: list[int], rounds: int) -> None:
    """Measure one client on each table in each round; round 0 only warms up."""
    for turn in range(rounds + 1):
        for subject, count in tables:
            refill(postgres, subject, count)
            for size in sizes:
                bench.write(subject, size, 1, keep=turn > 0)
            for kind, path in reads(subject).items():
                bench.read(subject, kind, path, keep=turn > 0)


def refill(postgres: Postgres, subject: Subject, count: int) -> None:
    """Fill the tables anew unless they hold the count, or little more."""
    with postgres.connect(subject.database) as connection:
        (stored,) = connection.execute("SELECT count(*) FROM modelhub_score").fetchone() or (0,)
        if count <= stored <= 1.2 * count:
            return
        key = "SELECT organization_id::text FROM modelhub_apikey WHERE api_key = %s"
        [organization] = connection.execute(key, [API_KEY]).fetchone() or [""]
        began = time.perf_counter()
        connection.execute("TRUNCATE modelhub_source CASCADE")
        fill(connection.execute, organization, count)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
        print(f"{count:,} scores made in {time.perf_counter() - began:.0f} s", flush=True)


def reads(subject: Subject) -> dict[str, str]:
    """Return a path per kind of read, for rows from the middle of the filled year."""
    middle = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 182 * 86400))
    page = subject.call("GET", f"scores/?cursor=&created_before={middle}")
    score = page["results"][0]
    return {
        "first cursor page": "scores/?cursor=",
        "deep cursor page": f"scores/?{urlsplit(page['next']).query}",
        "numbered page": "scores/",
        "of a label": f"scores/?cursor=&label_id={score['label_id']}",
        "of an annotator": f"scores/?cursor=&annotator_id={score['annotator_id']}",
        "of a score source": "scores/?cursor=&score_source=api",
        "last updated": "scores/?cursor=&ordering=-updated_at",
        "for-source": f"scores/for-source/?source_type={score['source_type']}&source_id={score['source_id']}",
        "history": f"scores/{score['id']}/history/",
    }
