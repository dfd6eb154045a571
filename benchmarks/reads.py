"""What reading costs with many scores in the table: `make million`.

    python -m benchmarks.reads [COUNT]

Makes COUNT scores (1,000,000 unless told otherwise) in a data folder of its own, then asks for every kind of list
in turn, several times over, through the whole of Django, and prints medians and their ratio to the first page.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("MODELHUB_DATA_DIR", ".data/million")
os.environ.setdefault("MODELHUB_LOG_LEVEL", "ERROR")
os.environ.setdefault("MODELHUB_STATEMENT_TIMEOUT_MS", "0")

import django

django.setup()

from django.core.management import call_command
from django.test import Client

from benchmarks.rows import Made, make_scores
from modelhub.accounts.models import User
from modelhub.core.keyset import in_order, position_of
from modelhub.labels.models import Label
from modelhub.scores.queries import live_scores

ROUNDS = 15
SCORES = "/model-hub/scores/"


def main() -> None:
    """Generate, measure, print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    made = make_scores(count)
    print(f"{live_scores(made.organization.pk).count():,} scores made in {time.perf_counter() - started:.0f} s\n")
    times = measure(made)
    first = statistics.median(times["first cursor page"])
    print(f"{'what':32} {'median ms':>10} {'fastest':>9} {'slowest':>9} {'of a first cursor page':>24}")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:32} {median:10.1f} {min(taken):9.1f} {max(taken):9.1f} {median / first:24.2f}")


def queries(made: Made) -> dict[str, str]:
    """Every kind of list, by a name for the table."""
    rows = live_scores(made.organization.pk)
    deep = in_order(rows, "-created_at")[199_999:200_000].first() or rows.order_by("created_at").first()
    assert deep is not None
    cursor = position_of(deep, "-created_at").encode()
    label = Label.objects.filter(organization=made.organization).latest("id")
    person = User.objects.filter(organization=made.organization).latest("id")
    return {
        "first cursor page": "?cursor=",
        "ten-thousandth cursor page": f"?cursor={cursor}",
        "first numbered page (counts)": "",
        "of a source": "?source_type=trace&source_id=source-4&cursor=",
        "of a label": f"?label_id={label.pk}&cursor=",
        "of a type of label": "?label_type=star&cursor=",
        "of an annotator": f"?annotator_id={person.pk}&cursor=",
        "of an annotator's email": f"?annotator_email={person.email}&cursor=",
        "of a score source": "?score_source=api&cursor=",
        "created after": "?created_after=2026-01-01T00:00:00Z&ordering=created_at&cursor=",
        "updated last": "?ordering=-updated_at&cursor=",
        "for-source": "for-source/?source_type=trace&source_id=source-4",
    }


def measure(made: Made) -> dict[str, list[float]]:
    """Milliseconds of each, taken in turns."""
    client = Client(headers={"X-Api-Key": made.api_key, "X-Secret-Key": made.secret_key})
    wanted = queries(made)
    times: dict[str, list[float]] = {name: [] for name in wanted}
    for turn in range(ROUNDS + 1):
        for name, query in wanted.items():
            taken = timed(lambda path=SCORES + query: client.get(path).status_code)  # type: ignore[misc]
            if turn:  # the first warms caches
                times[name].append(taken)
    return times


def timed(act: Callable[[], int]) -> float:
    """Milliseconds; whatever is not a 200 stops the run."""
    started = time.perf_counter()
    status = act()
    assert status == 200, status
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
