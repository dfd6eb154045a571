from typing import Any

from hypothesis import given

from modelhub.core.text import show
from tests.labels.types.strategies import json_values


@given(json_values)
def test_a_quoted_value_is_short_and_printable(value: object) -> None:
    assert show(value).isprintable()
    assert len(show(value)) <= 81 * 10  # each of 80 characters may be an escape of ten
    show(value).encode()


def test_a_value_too_deep_or_too_long_to_be_quoted_is_named() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert show(deep) == "a value that is nested too deeply"
    assert show(10**5000) == "a number that is too long"
