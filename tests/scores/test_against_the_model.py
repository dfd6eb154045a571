"""Generated bulk requests: the server and a model of the contract must agree.

FAULT_EXAMPLES says how many; each is a source of its own and a few requests to it, one after another.
"""

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelhub.labels.models import Label
from modelhub.labels.types import get_type
from modelhub.scores.models import ScoreRevision
from tests.client import Caller
from tests.factories import LabelFactory, SourceFactory
from tests.repeats import examples
from tests.scores.contract_model import Model, ModelLabel

UNKNOWN = str(uuid.UUID(int=7))
NAMES = ["star", "short", "one", "many", "tenths", "thumbs", "deleted", "foreign", "unknown"]

numbers = (
    st.integers(-2, 12)
    | st.decimals(-2, 12, places=1, allow_nan=False)
    | st.sampled_from([10**40, Decimal("4.0"), Decimal("0.30"), Decimal("1E+2")])
)
words = st.sampled_from(["", "a", "b", "c", "A", "up", "down", "x" * 9, "é", "n\x00l"])
scalars = st.none() | st.booleans() | numbers | words
keys = st.sampled_from(["rating", "selected", "text", "value", "extra", "labelId"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=2), max_leaves=4
)
right_values = {
    "star": st.integers(1, 5) | st.fixed_dictionaries({"rating": st.integers(1, 5)}, optional={"extra": values}),
    "short": st.sampled_from(["a", "bb"]) | st.fixed_dictionaries({"text": st.just("a")}),
    "one": st.sampled_from(["a", ["b"]]) | st.fixed_dictionaries({"selected": st.sampled_from([["a"], "b"])}),
    "many": st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, unique=True),
    "tenths": st.decimals(0, 1, places=1) | st.fixed_dictionaries({"value": st.integers(0, 1)}),
    "thumbs": st.sampled_from([True, False, "up"]) | st.fixed_dictionaries({"value": st.just("down")}),
}
label_names = st.sampled_from(NAMES)
spellings = st.sampled_from([str, str.upper, lambda text: text.replace("-", ""), lambda text: text[:-1], lambda _: 7])


@st.composite
def entries(draw: st.DrawFn) -> Any:
    """Draw an entry, mostly right; label ids are filled in later."""
    if draw(st.integers(0, 19)) == 0:
        return draw(scalars | st.just([]))
    name = draw(label_names)
    value = draw(right_values[name] if name in right_values and draw(st.integers(0, 2)) else values)
    entry: dict[str, Any] = {draw(st.sampled_from(["label_id"] * 4 + ["labelId"])): name, "value": value}
    spelling = draw(st.sampled_from([str] * 9) if draw(st.booleans()) else spellings)
    if draw(st.integers(0, 3)) == 0:
        entry[draw(st.sampled_from(["score_source", "scoreSource"]))] = draw(
            st.sampled_from(["api", "human", "robot", None])
        )
    if draw(st.integers(0, 3)) == 0:
        entry["notes"] = draw(st.sampled_from([None, "", "own", 5, "\x00"]))
    if draw(st.integers(0, 19)) == 0:
        entry[draw(st.sampled_from(["lable_id", "labelId", "label_id", "id"]))] = draw(st.just("star") | scalars)
    if draw(st.integers(0, 19)) == 0:
        entry.pop(draw(st.sampled_from(sorted(entry))))
    return entry, spelling


requests = st.tuples(
    st.lists(entries(), min_size=1, max_size=8),
    st.sampled_from([None, "", "batch"]),
    st.booleans() | st.just(False),
    st.booleans() | st.just(False),
)


@pytest.fixture
def world(alice: Caller, charlie: Caller) -> tuple[Caller, dict[str, str], dict[str, ModelLabel]]:
    """The labels of the server and of the model."""
    options = {"options": ["a", "b", "c"]}
    tenths = {"min": 0, "max": 1, "step_size": Decimal("0.1")}
    made: dict[str, tuple[str, dict[str, Any], ModelLabel]] = {
        "star": ("star", {}, ModelLabel("star")),
        "short": ("text", {"max_length": 8}, ModelLabel("text", longest=8)),
        "one": ("categorical", options, ModelLabel("categorical", ("a", "b", "c"))),
        "many": (
            "categorical",
            options | {"multi_choice": True},
            ModelLabel("categorical", ("a", "b", "c"), many=True),
        ),
        "tenths": ("numeric", tenths, ModelLabel("numeric", high=1, step=Decimal("0.1"))),
        "thumbs": ("thumbs_up_down", {}, ModelLabel("thumbs_up_down")),
        "deleted": ("star", {}, ModelLabel("star", deleted=True)),
    }
    ids, model = {"unknown": UNKNOWN}, {}
    for name, (kind, given_settings, label) in made.items():
        row: Label = LabelFactory.create(
            organization=alice.user.organization,
            type=kind,
            settings=get_type(kind).check_settings(given_settings),
            deleted_at=timezone.now() if label.deleted else None,
        )
        ids[name] = str(row.pk)
        model[str(row.pk)] = label
    ids["foreign"] = str(LabelFactory.create(organization=charlie.user.organization).pk)
    return alice, ids, model


def fill(entry: Any, ids: dict[str, str]) -> Any:
    if not isinstance(entry, tuple):
        return entry
    fields, spelling = entry
    filled = {}
    for key, value in fields.items():
        is_label = key in {"label_id", "labelId"} and isinstance(value, str) and value in ids
        filled[key] = spelling(ids[value]) if is_label else value
    return filled


@pytest.mark.faults
@pytest.mark.django_db
@settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches=st.lists(requests, min_size=1, max_size=4))
def test_the_server_and_the_model_agree(
    world: tuple[Caller, dict[str, str], dict[str, ModelLabel]], batches: list[Any]
) -> None:
    alice, ids, labels = world
    source = SourceFactory.create(organization=alice.user.organization)
    model = Model(labels)
    for drafts, notes, atomic, dry_run in batches:
        sent = [fill(draft, ids) for draft in drafts]
        query = f"?error_details=true&atomic={str(atomic).lower()}&dry_run={str(dry_run).lower()}"
        more = {} if notes is None else {"notes": notes}
        answer = alice.bulk(source, sent, query, **more)
        scores, errors = model.bulk(sent, notes, atomic=atomic, dry_run=dry_run)

        assert [(one["index"], one["code"]) for one in answer.body["error_details"]] == errors
        assert [
            (one["label_id"], one["value"], one["notes"], one["score_source"]) for one in answer.body["scores"]
        ] == scores
        assert answer.status == (201 if scores and not dry_run else 200)
    listed = alice.get(f"/model-hub/scores/for-source/?source_type=trace&source_id={source.source_id}").body
    assert {one["label_id"]: (one["value"], one["notes"], one["score_source"]) for one in listed} == {
        label_id: (one["value"], one["notes"], one["source"]) for label_id, one in model.stored.items()
    }
    assert ScoreRevision.objects.filter(score__source=source).count() == model.revisions
