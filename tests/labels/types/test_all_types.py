"""Properties of every label type, on generated values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.core.errors import Invalid
from modelhub.labels.types import LABEL_TYPES, get_type
from tests.labels.types.strategies import json_values

SETTINGS = {"categorical": {"options": ["positive", "negative", {"label": "Mixed", "value": "mixed"}]}}
KINDS = {name: get_type(name)(get_type(name).check_settings(SETTINGS.get(name))) for name in LABEL_TYPES}


@given(name=st.sampled_from(LABEL_TYPES), value=json_values)
def test_any_value_is_stored_in_one_shape_or_rejected_in_one_line(name: str, value: object) -> None:
    outcome = stored_or_sentence(name, value)
    if isinstance(outcome, str):
        assert outcome.isprintable()
        assert len(outcome) < 400
        outcome.encode()
    else:
        # By their texts: NaN, which only check_storable rejects, is not equal to itself.
        assert repr(KINDS[name].check(outcome)) == repr(outcome)


def stored_or_sentence(name: str, value: object) -> dict[str, Any] | str:
    try:
        return KINDS[name].check(value)
    except Invalid as rejected:
        return str(rejected)


def test_a_value_that_is_nested_too_deeply_to_be_quoted_is_rejected() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Invalid, match="rating must be a whole number from 1 to 5, got a value that is nested"):
        KINDS["star"].check(deep)


def test_an_unknown_type_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        get_type("stars")
