"""Check a value or settings of a label type; return the stored form or the error."""

from typing import Any

import pytest

from modelhub.core.errors import Invalid
from modelhub.labels.types import get_type

EMPTY: dict[str, Any] = {}


def stored_value(type_name: str, value: object, settings: object = EMPTY) -> dict[str, Any]:
    """Return the stored object of a value under complete settings."""
    label_type = get_type(type_name)
    return label_type(label_type.check_settings(settings)).check(value)


def value_rejection(type_name: str, value: object, settings: object = EMPTY) -> str:
    with pytest.raises(Invalid) as rejected:
        stored_value(type_name, value, settings)
    assert rejected.value.code == "invalid_value"
    return str(rejected.value)


def settings_rejection(type_name: str, settings: object) -> str:
    with pytest.raises(Invalid) as rejected:
        get_type(type_name).check_settings(settings)
    assert rejected.value.code == "invalid"
    return str(rejected.value)


def assert_same_types(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Compare stored objects with the types of their members: 4 is not 4.0."""
    assert one == other
    assert [type(member) for member in one.values()] == [type(member) for member in other.values()]
