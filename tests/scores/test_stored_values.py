"""PostgreSQL stores and returns unchanged every value that the rules accept."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from modelhub.core import exact_json
from modelhub.core.errors import Invalid
from modelhub.core.exact_json import check_storable, same
from modelhub.labels.models import Label
from modelhub.labels.types import LABEL_TYPES, get_type
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import Caller, entry
from tests.labels.types.strategies import json_values
from tests.repeats import examples

right = {
    "star": st.integers(1, 5) | st.sampled_from([1.0, 5.0]),
    "categorical": st.sampled_from(["positive", ["neutral"]]),
    "text": st.text(min_size=1, max_size=50),
    "numeric": st.integers(0, 10) | st.decimals(0, 10, places=0),
    "thumbs_up_down": st.sampled_from([True, False, "up", "down"]),
}


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[str, Any]:
    """Draw a label type and a value: right, right with extra keys, or any JSON."""
    type_ = draw(st.sampled_from(LABEL_TYPES))
    plain = draw(right[type_])
    among = st.dictionaries(st.text(max_size=5), json_values, max_size=3)
    return type_, draw(st.just(plain) | among.map(lambda extra: extra | {get_type(type_).key: plain}) | json_values)


def accepted(type_: str, rules: dict[str, Any], value: Any) -> dict[str, Any] | None:
    """Return the canonical object, or None for a rejected value."""
    try:
        stored = get_type(type_)(rules).check(value)
        check_storable(stored, max_bytes=django_settings.MAX_VALUE_BYTES, max_depth=django_settings.MAX_VALUE_DEPTH)
    except Invalid:
        return None
    return stored


@pytest.mark.faults
@pytest.mark.django_db
@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batch=st.lists(typed_values(), min_size=1, max_size=5, unique_by=lambda one: one[0]))
def test_accepted_values_come_back_the_same(
    alice: Caller, trace: Source, labels: dict[str, Label], batch: list[tuple[str, Any]]
) -> None:
    """Compare answer, database and list, then send the returned value again."""
    sent = [(type_, received) for type_, value in batch for received in as_received(value)]
    expected = {type_: accepted(type_, labels[type_].settings, value) for type_, value in sent}
    wanted = {type_: value for type_, value in expected.items() if value is not None}
    event(f"{len(wanted)} accepted")
    if not sent:
        return
    answer = alice.bulk(trace, [entry(labels[type_], value) for type_, value in sent])

    assert len(answer.body["errors"]) == len(sent) - len(wanted)
    for score in answer.body["scores"]:
        type_ = score["label_type"]
        row = Score.objects.get(pk=score["id"])
        listed = alice.get(f"/model-hub/scores/{score['id']}/").body
        for value in (score["value"], row.value, listed["value"]):
            assert same(value, wanted[type_])
            assert isinstance(value[get_type(type_).key], str | int | list) or type_ == "numeric"
        assert same(get_type(type_)(labels[type_].settings).check(listed["value"]), wanted[type_])
    assert {score["label_type"] for score in answer.body["scores"]} == set(wanted)
    if not wanted:
        return
    again = alice.bulk(trace, [entry(labels[one["label_type"]], one["value"]) for one in answer.body["scores"]])
    assert [one["updated_at"] for one in again.body["scores"]] == [one["updated_at"] for one in answer.body["scores"]]


def as_received(value: Any) -> Iterator[Any]:
    """Yield the value after a round trip through JSON, if JSON can express it."""
    with contextlib.suppress(ValueError):
        received = exact_json.loads(exact_json.dumps(value).encode())
        exact_json.dumps(received)
        yield received
