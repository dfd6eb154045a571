"""Rows are read up to a number of bytes, and no cursor stays open."""

from typing import Any

import pytest
from django.db import connection

from modelhub.accounts.models import Organization
from modelhub.accounts.people import Actor
from modelhub.core import bounded, downloads
from modelhub.core.bounded import FETCH_ROWS, bytes_of, read_all, read_batch
from modelhub.core.errors import Invalid
from modelhub.labels.models import Label
from modelhub.scores import export
from modelhub.scores.models import Score
from modelhub.scores.queries import get_rows
from modelhub.sources.models import Source
from tests.client import Caller, execute
from tests.factories import SourceFactory

pytestmark = pytest.mark.django_db

ROWS = 3 * FETCH_ROWS
SOURCES = "/model-hub/sources/"


@pytest.fixture(autouse=True)
def cursors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use cursors, which PgBouncer allows in the one transaction of a test."""
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", False)


@pytest.fixture
def sources(organization: Organization) -> list[Source]:
    """Create sources of about 1,000 bytes."""
    made = SourceFactory.build_batch(ROWS, organization=organization, metadata={"text": "x" * 800})
    return Source.objects.bulk_create(made)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect the rows that are counted."""
    rows: list[Any] = []

    def count(row: Any) -> int:
        rows.append(row)
        return bytes_of(row)

    monkeypatch.setattr(bounded, "bytes_of", count)
    return rows


def test_a_batch_ends_with_the_fetch_that_has_its_bytes(sources: list[Source], fetched: list[Any]) -> None:
    rows = Source.objects.order_by("pk")
    for size, max_bytes, count in ((7, 10**9, 7), (ROWS, 10_000, FETCH_ROWS), (ROWS, 10**9, ROWS), (1000, 10**9, ROWS)):
        fetched.clear()
        batch = read_batch(rows, size=size, max_bytes=max_bytes)
        assert [row.pk for row in batch] == sorted(source.pk for source in sources)[:count]
        assert len(fetched) == count
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors WHERE name <> ''")
            assert cursor.fetchone() == (0,)


def test_without_cursors_a_batch_is_a_few_rows(sources: list[Source], monkeypatch: pytest.MonkeyPatch) -> None:
    """PgBouncer takes no cursors of Django."""
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    assert len(read_batch(Source.objects.all(), size=1000, max_bytes=10**9)) == FETCH_ROWS


def test_a_page_above_the_limit_is_an_error_before_the_rest_is_read(
    alice: Caller, sources: list[Source], fetched: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "MAX_ANSWER_BYTES", 20_000)
    answer = alice.get(f"{SOURCES}?limit=1000")

    assert (answer.status, answer.body["code"]) == (400, "answer_too_large")
    assert answer.body["detail"] == (
        "The answer must have at most 20000 bytes, which 17 of its rows have; "
        "ask for fewer rows, by page_size or a filter"
    )
    assert len(fetched) == 18
    assert len(alice.get(f"{SOURCES}?limit=99").body["results"]) == 99
    with pytest.raises(Invalid):
        read_all(Source.objects.all())


def test_a_page_below_the_limit_is_whole(alice: Caller, sources: list[Source]) -> None:
    shown = alice.get(f"{SOURCES}?limit=1000").body
    assert (shown["count"], len(shown["results"])) == (ROWS, ROWS)


def test_an_export_reads_only_what_its_client_takes(
    alice: Caller, sources: list[Source], labels: dict[str, Label], fetched: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores of 60 KB: one FETCH has 3 MB, and the next one waits for the client."""
    label, user = labels["text"], alice.user
    made = [
        Score(organization=user.organization, source=source, label=label, annotator=user, value={"text": "x" * 60_000})
        for source in sources
    ]
    Score.objects.bulk_create(made)
    execute("UPDATE modelhub_score SET score_source = 'human'")

    pieces = export.write_jsonl(get_rows(Actor(user)))
    first = next(pieces)
    assert len(fetched) == FETCH_ROWS
    rest = [next(pieces) for _ in range(FETCH_ROWS - 2)]
    assert len(fetched) == FETCH_ROWS
    rest += pieces
    assert len(fetched) == ROWS
    assert b"".join([first, *rest]).count(b"\n") == ROWS


def test_pieces_have_bounded_bytes() -> None:
    lines = [b"x" * 999 + b"\n"] * 200 + [b"y" * 100_000 + b"\n"] + [b"z\n"]
    pieces = list(downloads.in_pieces(iter(lines)))

    assert b"".join(pieces) == b"".join(lines)
    assert [len(piece) for piece in pieces] == [65_000, 65_000, 65_000, 5_000, 100_001, 2]
    assert list(downloads.in_pieces(iter(()))) == []
