"""Cells of ratings, as agreement reads them from scores (contract 7.8)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from modelhub.agreement import reading
from modelhub.agreement.levels import find_majority, get_median
from modelhub.agreement.reading import Cell, Comparables, read_cells, read_names
from modelhub.core import clock, exact_json
from modelhub.core.errors import Invalid
from modelhub.core.models import LIVE
from modelhub.labels.models import Label
from modelhub.labels.rules import LabelRule
from modelhub.labels.types import get_type
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import Caller
from tests.factories import ItemFactory, LabelFactory, ScoreFactory, UserFactory

pytestmark = pytest.mark.django_db


def cells_of(*labels: Label) -> list[Cell]:
    scores = Score.objects.filter(LIVE, organization_id=labels[0].organization_id)
    return list(read_cells(scores, {str(label.pk): LabelRule.of(label) for label in labels}, unit="source_id"))


def read(cell: Cell) -> list[Any]:
    comparables = Comparables(cell.label)
    return [comparables.of(rating.content) for rating in cell.ratings]


def is_comparable(cell: Cell) -> bool:
    try:
        return bool(read(cell))
    except ValueError:
        return False


def score(source: Source, label: Label, content: Any, **fields: Any) -> Score:
    others = {"text": "an extra key", "rating": 1, "selected": ["x"]}
    return ScoreFactory.create(source=source, label=label, value=others | {get_type(label.type).key: content}, **fields)


def test_of_two_ratings_of_an_annotator_the_last_changed_counts(alice: Caller, bob: Caller, trace: Source) -> None:
    label = LabelFactory.create(organization=trace.organization)
    start = clock.now()
    for minutes, user, stars, source in (
        (3, alice.user, 3, "human"),
        (2, alice.user, 2, "api"),
        (1, bob.user, 1, "human"),
        (4, alice.user, 4, "auto"),
    ):
        item = ItemFactory.create(queue__created_by=alice.user, source=trace)
        fields = {"score_source": source, "updated_at": start + timedelta(minutes=minutes)}
        score(trace, label, stars, annotator=user, queue_item=item.pk, queue_id=item.queue_id, **fields)
    [cell] = cells_of(label)
    assert [(one.annotator_id, one.is_judge) for one in cell.ratings] == [
        (str(bob.user.pk), False),
        (str(alice.user.pk), False),
        (str(alice.user.pk), True),
    ]
    assert read(cell) == [1, 3, 4]


def test_texts_are_equal_in_nfc_and_are_read_as_hashes(trace: Source) -> None:
    label = LabelFactory.create(organization=trace.organization, type="text")
    for text in ("caf\u00e9", "cafe\u0301", "cafe", 'caf\u00e9"\n'):
        score(trace, label, text)
    [cell] = cells_of(label)
    first, second, *others = read(cell)
    assert first == second
    assert len({first, *others}) == 3
    assert all(len(text) == 32 for text in read(cell))


@pytest.mark.parametrize(
    ("type_", "content"),
    [
        *(("text", content) for content in (4, None, ["a"], {"a": 1}, True)),
        *(("thumbs_up_down", content) for content in ("sideways", 1, None)),
        *(("star", content) for content in ("4", 4.5, None, True, 0)),
        *(("numeric", content) for content in ("4", None, True, [4])),
        *(("categorical", content) for content in ([], [1], [["positive"]], 4, None)),
    ],
)
def test_a_content_of_another_type_has_no_comparable_value(trace: Source, type_: str, content: Any) -> None:
    label = LabelFactory.create(organization=trace.organization, type=type_)
    score(trace, label, content)
    [cell] = cells_of(label)
    assert not is_comparable(cell)


def test_more_scores_than_the_limit_are_rejected(trace: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    label = LabelFactory.create(organization=trace.organization)
    for _ in range(3):
        score(trace, label, 4)
    monkeypatch.setattr(reading, "MOST_SCORES", 3)
    assert len(cells_of(label)) == 1
    monkeypatch.setattr(reading, "MOST_SCORES", 2)
    with pytest.raises(Invalid, match="at most 2, and there are more") as found:
        cells_of(label)
    assert found.value.code == "too_many_scores"


def test_names_are_emails_where_there_are_none(alice: Caller, charlie: Caller) -> None:
    nameless = UserFactory.create(organization=alice.user.organization, name="")
    ids = [str(user.pk) for user in (alice.user, charlie.user, nameless)]
    assert read_names(alice.user.organization_id, ids) == {ids[0]: "Alice", ids[2]: nameless.email}


def test_equal_values_are_one_object() -> None:
    """Thousands of ratings by few sets of many options need the memory of those sets."""
    options = [f"option {number}" for number in range(60)]
    label = LabelFactory.build(type="categorical", organization_id=None)
    label.settings = get_type("categorical").check_settings({"options": options, "multi_choice": True})
    comparables = Comparables(LabelRule.of(label))
    chosen = comparables.of(exact_json.dumps(options))
    assert chosen == frozenset(options)
    assert comparables.of(exact_json.dumps(options)) is chosen
    assert comparables.of(exact_json.dumps(options[::-1])) is chosen


def test_a_tie_has_no_majority() -> None:
    assert find_majority([1, 2, 1]) == 1
    assert find_majority([1]) == 1
    assert find_majority([1, 2]) is None
    assert find_majority([1, 2, 2, 1, 3]) is None


def test_medians_are_exact() -> None:
    assert get_median([3, 1, 2]) == 2
    assert get_median([1, 2]) == Decimal("1.5")
    assert get_median([Decimal("0.2"), Decimal("0.4")]) == Decimal("0.3")
