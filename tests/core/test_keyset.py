"""Positions in a list and the batches that follow from them."""

import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from modelhub.core.errors import Invalid
from modelhub.core.keyset import ORDERINGS, Position, after, in_batches, in_order, position_of
from modelhub.sources.models import Source
from tests.factories import SourceFactory

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
POSITION = Position(NOON, uuid.UUID(int=1))
UNSIGNED = POSITION.encode(scope="list").partition(":")[0]


def test_a_position_survives_its_encoding() -> None:
    text = POSITION.encode(scope="list")
    assert Position.decode(text, scope="list") == POSITION
    assert text.isascii()
    assert quote(text, safe=":") == text


def test_a_cursor_of_another_list_is_rejected() -> None:
    with pytest.raises(Invalid, match="cursor must be used with the ordering and filters of") as invalid:
        Position.decode(POSITION.encode(scope="list"), scope="another")
    assert list(invalid.value.fields) == ["cursor"]


@pytest.mark.parametrize("text", ["x", "\x00", "é", "a b", "====", ":", "a:b", UNSIGNED, UNSIGNED + ":x"])
def test_any_other_string_is_rejected(text: str) -> None:
    with pytest.raises(Invalid, match="cursor must be one that an answer gave") as invalid:
        Position.decode(text, scope="list")
    assert list(invalid.value.fields) == ["cursor"]


def test_every_changed_character_is_noticed() -> None:
    text = POSITION.encode(scope="list")
    for at, character in enumerate(text):
        for other in ("A" if character != "A" else "B", ""):
            with pytest.raises(Invalid):
                Position.decode(text[:at] + other + text[at + 1 :], scope="list")


def test_a_struct_with_texts_has_the_position_of_its_row() -> None:
    row = SimpleNamespace(id=POSITION.pk, created_at=NOON)
    struct = SimpleNamespace(id=str(POSITION.pk), created_at="2026-01-31T12:00:00.000000Z")

    assert position_of(row, "-created_at") == position_of(struct, "created_at") == POSITION


@pytest.fixture
def sources(db: None) -> list[Source]:
    """Seven sources, of which groups of three have the same time."""
    return [SourceFactory.create(created_at=NOON + timedelta(hours=number // 3)) for number in range(7)]


@pytest.mark.parametrize("ordering", [ordering for ordering in ORDERINGS if "created" in ordering])
def test_each_row_is_behind_its_predecessor_only(sources: list[Source], ordering: str) -> None:
    rows = Source.objects.all()
    whole = list(in_order(rows, ordering))

    assert len(whole) == len(sources)
    for number, row in enumerate(whole):
        assert list(after(rows, ordering, position_of(row, ordering))) == whole[number + 1 :]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_batches_are_the_whole_list(sources: list[Source], size: int) -> None:
    batches = list(in_batches(Source.objects.all(), size=size))

    assert [row for batch in batches for row in batch] == list(in_order(Source.objects.all(), "created_at"))
    assert all(len(batch) == size for batch in batches[:-1])
