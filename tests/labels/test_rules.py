from typing import Any

import pytest

from modelhub.core.errors import Invalid, NotFound
from modelhub.labels.models import Label
from modelhub.labels.rules import LabelRule
from modelhub.labels.types import LABEL_TYPES, get_type


def rule_of(label_type: str, *, deleted: bool = False) -> LabelRule:
    settings = {"options": ["a", "b"]} if label_type == "categorical" else {}
    kind = get_type(label_type)
    return LabelRule("id-1", "Quality", label_type, deleted, kind(kind.check_settings(settings)))


def rejection(rule: LabelRule, value: object) -> Invalid:
    with pytest.raises(Invalid) as invalid:
        rule.check(value)
    return invalid.value


def test_a_rule_of_a_label_has_its_settings() -> None:
    label = Label(name="Quality", type="star", settings={"no_of_stars": 9})
    assert LabelRule.of(label).check(9) == {"rating": 9}


def test_a_rejection_names_the_label() -> None:
    error = rejection(rule_of("star"), 6)
    assert str(error) == "Label id-1 (Quality, star): rating must be a whole number from 1 to 5, got 6"
    assert error.code == "invalid_value"


def test_a_deleted_label_takes_no_new_score_but_corrections() -> None:
    rule = rule_of("star", deleted=True)
    assert rule.check(4) == {"rating": 4}
    with pytest.raises(NotFound, match="the label was deleted and takes no new scores"):
        rule.check_new(4)


@pytest.mark.parametrize(
    ("label_type", "value"),
    [
        ("text", "a\x00b"),
        ("star", {"rating": 4, "why": "a\x00b"}),
        ("star", "\ud800"),
        ("categorical", ["a\x00"]),
        ("numeric", {"value": 5, "a\x00": 1}),
        ("thumbs_up_down", {"value": "up", "why": float("inf")}),
    ],
)
def test_a_value_that_cannot_be_stored_is_reported_as_such(label_type: str, value: Any) -> None:
    assert rejection(rule_of(label_type), value).code == "unstorable_value"


@pytest.mark.parametrize("label_type", LABEL_TYPES)
def test_a_value_above_the_limit_of_bytes_is_rejected(label_type: str) -> None:
    plain = {"star": 4, "categorical": "a", "text": "x", "numeric": 1, "thumbs_up_down": "up"}[label_type]
    value = {get_type(label_type).key: plain, "extra": "x" * 70_000}
    assert rejection(rule_of(label_type), value).code == "value_too_large"
