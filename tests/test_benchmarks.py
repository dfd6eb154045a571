"""The subjects of the benchmarks store the same scores; the table is right."""

import json
import re
import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import pytest

from benchmarks import pages, soak
from benchmarks.agreement import agreement
from benchmarks.bodies import BYTES_PER_SCORE, write_request
from benchmarks.clients import check, exchange
from benchmarks.measure import Bench, Cell, Figure, compare
from benchmarks.queues import queues
from benchmarks.scale import scale
from benchmarks.servers import Stage, Subject, source_tree
from benchmarks.starts import KINDS, starts
from benchmarks.suite import suite
from benchmarks.table import Ratio, machine, table
from tests.browser import CHROMIUM
from tests.postgres import Postgres
from tests.servers import data_folder

SIZE = 10
BY_STATUS = "SELECT status, count(*) FROM modelhub_item GROUP BY status ORDER BY status"
STORED = "SELECT label_id::text, value, score_source, notes FROM modelhub_score ORDER BY label_id"


@pytest.fixture(scope="module")
def stage(postgres: Postgres) -> Iterator[Stage]:
    with data_folder() as folder, ExitStack() as stack:
        yield Stage(stack, folder, postgres, labels=SIZE)


@pytest.fixture(scope="module")
def modelhub(stage: Stage) -> Subject:
    return stage.start("modelhub")


def entries_of(request: bytes) -> list[dict[str, object]]:
    body = json.loads(request.partition(b"\r\n\r\n")[2])
    return sorted(body["scores"], key=lambda entry: str(entry["label_id"]))


def exchange_one(subject: Subject, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", subject.port), timeout=30) as connection:
        return exchange(connection, request)


@pytest.mark.parametrize("name", ["raw", "baseline", "modelhub"])
def test_a_subject_stores_and_returns_each_score_once(name: str, stage: Stage, request: pytest.FixtureRequest) -> None:
    subject = request.getfixturevalue("modelhub") if name == "modelhub" else stage.start(name)
    source = str(uuid.uuid4())
    subject.register([source])
    for kind in ("insert", "update"):
        sent = write_request(source, subject.labels, SIZE, kind)
        answer = exchange_one(subject, sent)

        check(answer, SIZE)
        returned = json.loads(answer.partition(b"\r\n\r\n")[2])["scores"]
        expected = [(entry["label_id"], entry["value"], "human", "Benchmark") for entry in entries_of(sent)]
        assert sorted((one["label_id"], one["value"]) for one in returned) == [entry[:2] for entry in expected]
        assert stage.postgres.execute(STORED, subject.database) == expected


def test_the_floor_stores_nothing_and_answers_as_many_bytes_as_modelhub(stage: Stage, modelhub: Subject) -> None:
    floor, source = stage.start("floor"), str(uuid.uuid4())
    sent = write_request(source, floor.labels, SIZE, "insert")
    constant = exchange_one(floor, sent)
    modelhub.register([source])
    real = exchange_one(modelhub, write_request(source, modelhub.labels, SIZE, "insert"))

    check(constant, SIZE)
    assert stage.postgres.execute(STORED, floor.database) == []
    assert len(constant) == pytest.approx(len(real), rel=0.1), BYTES_PER_SCORE


def test_each_kind_sends_other_values_but_for_the_repeated_one() -> None:
    labels = [(str(uuid.uuid4()), kind) for kind in ("star", "categorical", "text", "numeric", "thumbs_up_down")]
    source = str(uuid.uuid4())
    insert, update, same = (write_request(source, labels, 5, kind) for kind in ("insert", "update", "same"))

    assert update == same
    assert all(
        one["value"] != other["value"] for one, other in zip(entries_of(insert), entries_of(update), strict=True)
    )


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 201 Created\r\n\r\n{"scores": [1], "errors": []}',
        b'HTTP/1.1 201 Created\r\n\r\n{"scores": [1, 2], "errors": ["scores[2]: ..."]}',
        b'HTTP/1.1 500 Internal Server Error\r\n\r\n{"scores": [1, 2], "errors": []}',
    ],
)
def test_a_wrong_answer_ends_the_run(answer: bytes) -> None:
    with pytest.raises(AssertionError):
        check(answer, 2)


def test_every_cell_gets_a_figure_per_round(modelhub: Subject) -> None:
    bench = Bench(seconds=0.05)
    compare(bench, [modelhub], [1, SIZE], [1, 2], rounds=2)

    cells = {Cell("modelhub", kind, size, many) for kind in modelhub.kinds for size in (1, SIZE) for many in (1, 2)}
    assert modelhub.kinds == ["insert", "update", "same"]
    assert set(bench.figures) == cells
    assert {len(found) for found in bench.figures.values()} == {2}


def test_the_table_shows_medians_and_ratios_of_the_same_round() -> None:
    figures = {
        Cell("raw", "insert", 100, 1): [Figure(2000, 2, 8, 9, 1), Figure(1000, 4, 8, 9, 1), Figure(4000, 1, 8, 9, 1)],
        Cell("modelhub", "insert", 100, 1): [
            Figure(1000, 4, 7, 9, 2),
            Figure(1000, 6, 8, 9, 1),
            Figure(1000, 5, 6, 12, 4),
        ],
        Cell("modelhub", "same", 100, 1): [Figure(1234.5, 3, 5, 7, 2)] * 3,
    }
    ratios = [Ratio("per second / raw", ["modelhub"], "raw", attrgetter("rate")),
              Ratio("p50 / raw", ["modelhub"], "raw", attrgetter("p50"))]  # fmt: skip
    heading, *lines = (line.split() for line in table(figures, ratios))

    assert heading[:4] == ["N", "clients", "kind", "subject"]
    assert lines == [
        ["100", "1", "insert", "raw", "2,000", "(1,000..4,000)", "2.00", "(1.00..4.00)", "8.0", "(8.0..8.0)",
         "9.0", "(9.0..9.0)", "1.00", "(1.00..1.00)"],
        ["100", "1", "insert", "modelhub", "1,000", "(1,000..1,000)", "5.00", "(4.00..6.00)", "7.0", "(6.0..8.0)",
         "9.0", "(9.0..12.0)", "2.00", "(1.00..4.00)", "0.50", "(0.25..1.00)", "2.00", "(1.50..5.00)"],
        ["100", "1", "same", "modelhub", "1,234", "(1,234..1,234)", "3.00", "(3.00..3.00)", "5.0", "(5.0..5.0)",
         "7.0", "(7.0..7.0)", "2.00", "(2.00..2.00)"],
    ]  # fmt: skip


def test_tables_grow_to_the_count_and_every_list_is_read(stage: Stage, modelhub: Subject) -> None:
    bench = Bench(seconds=0.05)
    scale(bench, stage.postgres, [(modelhub, 200)], [1], rounds=1)

    assert stage.postgres.execute("SELECT count(*) >= 200 FROM modelhub_score", modelhub.database) == [(True,)]
    assert {"insert", "first cursor page", "deep cursor page", "for-source"} <= {cell.kind for cell in bench.figures}
    assert "fsync" in machine(stage.postgres)


def test_the_work_in_a_queue_and_its_reads_are_measured_and_undone(stage: Stage, modelhub: Subject) -> None:
    bench = Bench(seconds=0.05)
    queues(bench, stage.postgres, [(modelhub, 100)], [1, 2], rounds=1)

    kinds = {"next-item", "submit", "complete", "submit + complete", "queue", "progress", "analytics", "first page"}
    assert {Cell("modelhub", kind, 0, many) for kind in kinds for many in (1, 2)} <= set(bench.figures)
    assert stage.postgres.execute(BY_STATUS, modelhub.database) == [("completed", 40), ("pending", 60)]
    assert stage.postgres.execute("SELECT count(*) FROM modelhub_slot", modelhub.database) == [(40,)]


def test_people_submit_on_pages_and_a_browser_draws_the_next_item(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PEOPLE", 3)
    monkeypatch.setattr(pages, "DRAWN", 2)
    monkeypatch.setattr(pages, "PACES", ((0.1, 4),))
    bench, subject = Bench(seconds=0.05), stage.start("pages")
    pages.pages(bench, stage.postgres, [(subject, 100)], [1, 2], rounds=1)

    kinds = ("submit", "next page", "submit and next")
    paced = {Cell("pages", f"{kind}, 0.1 s per item{part}", 0, 3) for kind in kinds for part in ("", ": server")}
    worked = {Cell("pages", f"{kind}{part}", 0, n) for kind in kinds for part in ("", ": server") for n in (1, 2, 3)}
    reads = ("my work", "queues", "queue", "items", "review list", "results", *(["key to drawn"] if CHROMIUM else []))
    assert worked | paced | {Cell("pages", kind, 0, 1) for kind in reads} <= set(bench.figures)
    for cell in (worked | paced) & {cell for cell in bench.figures if not cell.kind.endswith(": server")}:
        [whole], [of_server] = bench.figures[cell], bench.figures[replace(cell, kind=f"{cell.kind}: server")]
        assert 0 < of_server.p50 < whole.p50
    assert stage.postgres.execute(BY_STATUS, subject.database) == [
        ("completed", 30),
        ("in_progress", 10),
        ("pending", 60),
    ]


def test_agreement_is_measured_over_queues_and_a_label(stage: Stage) -> None:
    bench, subject = Bench(seconds=0.05), stage.start("rated")
    agreement(bench, stage.postgres, subject, 180, rounds=1)

    of_queue = ("agreement", "+ intervals", "three labels", "three + intervals", "101 sets", "sets + intervals")
    kinds = (*of_queue, "disagreements", "+ posteriors", "of any scores", "summary")
    assert set(bench.figures) == {Cell("rated", kind, 0, 1) for kind in kinds}
    scores = """SELECT label.name, count(*), count(DISTINCT value) > 4 FROM modelhub_score
        JOIN modelhub_label AS label ON label.id = label_id GROUP BY label.name ORDER BY label.name"""
    assert stage.postgres.execute(scores, subject.database) == [
        ("Rated any", 180, True),
        ("Rated numeric", 60, True),
        ("Rated several", 60, True),
        ("Rated single", 60, True),
        ("Rated star", 180, True),
        ("Rated summary", 1800, True),
    ]


def test_each_kind_of_start_has_a_line(folder: Path) -> None:
    heading, _, *lines = starts(folder, 1)
    assert heading.startswith("| start | seconds until ready |")
    assert [line.split(" | ")[0] for line in lines] == [f"| {kind}" for kind in KINDS]
    assert list(folder.iterdir()) == []


def test_a_suite_of_tests_is_run_and_timed(folder: Path) -> None:
    assert re.fullmatch(r"3 tests on 2 processes: [\d.]+ s \[[\d.]+ to [\d.]+\], 1 runs", suite(folder, 1, 3))


def test_a_soak_prints_a_line_per_step(stage: Stage, modelhub: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "SIZES", (1, 5, SIZE))
    monkeypatch.setattr(soak, "STEPS", 2)
    heading, *lines = soak.soak(Bench(seconds=0.05), stage.postgres, modelhub, minutes=0)

    assert "rows read per score" in heading
    assert len(lines) == 2
    assert all(line.endswith("MB") for line in lines)


def test_another_revision_is_checked_out_and_removed(stage: Stage) -> None:
    with source_tree("HEAD") as (revision, tree):
        assert (tree / "manage.py").exists()
        assert len(revision) >= 7
    assert not tree.exists()
    with pytest.raises(SystemExit, match=r"^git rev-parse: "), source_tree("no-such-revision"):
        pass


def test_a_server_that_does_not_start_is_one_sentence(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELHUB_WORKERS", "none")

    with pytest.raises(SystemExit, match=r"^broken did not start: .*MODELHUB_WORKERS"):
        stage.start("broken")
