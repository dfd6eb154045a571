"""Any stored scores, exported and imported into an empty organization, export the same again."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelhub.accounts.models import User
from modelhub.core.errors import Invalid
from modelhub.core.exact_json import check_storable
from modelhub.core.text import count
from modelhub.labels.models import Label
from modelhub.labels.types import LABEL_TYPES, get_type
from modelhub.scores.models import SCORE_SOURCES, Score, ScoreRevision
from modelhub.sources.models import SOURCE_TYPES, Source
from tests.client import Caller
from tests.factories import ScoreFactory, SourceFactory, UserFactory
from tests.labels.types.strategies import json_values
from tests.repeats import examples
from tests.scores.files import export, run_import

pytestmark = [pytest.mark.django_db, pytest.mark.faults]

# Characters that CSV, spreadsheets or readers of lines treat in their own way.
SPECIAL = "'\"=+-@,;\t\r\n\uff1d\uff0b\uff0d\uff20\u2028\u2029\u0085\ufeff\x0b\x1e"
texts = st.text(st.sampled_from(SPECIAL + "a1 "), max_size=8) | st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8
)
contents = {
    "star": st.integers(1, 9),
    "categorical": st.lists(texts.filter(bool), min_size=1, max_size=3, unique=True),
    "text": texts.filter(bool),
    "numeric": st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=2),
    "thumbs_up_down": st.sampled_from(["up", "down"]),
}


def is_storable(value: object) -> bool:
    try:
        check_storable(value, max_bytes=django_settings.MAX_VALUE_BYTES, max_depth=django_settings.MAX_VALUE_DEPTH)
    except Invalid:
        return False
    return True


@st.composite
def scores(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a stored score, legal under the settings of its label or not."""
    type_ = draw(st.sampled_from(LABEL_TYPES))
    more = draw(st.dictionaries(texts, json_values, max_size=2).filter(is_storable))
    moments = st.datetimes(datetime(2001, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))
    return {
        "type": type_,
        "value": more | {get_type(type_).key: draw(contents[type_])},
        "source": draw(st.tuples(st.sampled_from(SOURCE_TYPES), st.sampled_from(["=1", "'=1", "-abc", "t", "@"]))),
        "annotator": draw(st.integers(0, 2)),
        "author": draw(st.none() | st.integers(0, 2)),
        "notes": draw(texts),
        "score_source": draw(st.sampled_from(SCORE_SOURCES)),
        "created_at": draw(moments),
        "updated_at": draw(moments),
    }


@pytest.fixture
def people(alice: Caller) -> list[dict[str, Any]]:
    """Return three people, to be created."""
    names = ("", "'=1+1\r\n", "+4\u2028")
    emails = ("+a@example.com", "b'=@example.com", "c@example.com")
    return [{"pk": uuid.uuid4(), "name": name, "email": email} for name, email in zip(names, emails, strict=True)]


def store(caller: Caller, labels: dict[str, Label], people: list[dict[str, Any]], drawn: list[dict[str, Any]]) -> None:
    """Fill the organization with scores, past the rules for new ones."""
    organization = caller.user.organization
    users = [UserFactory.create(organization=organization, **person) for person in people]
    sources: dict[tuple[str, str], Source] = {}
    for one in drawn:
        if one["source"] not in sources:
            type_, name = one["source"]
            sources[type_, name] = SourceFactory.create(organization=organization, source_type=type_, source_id=name)
        ScoreFactory.create(
            source=sources[one["source"]],
            label=labels[one["type"]],
            annotator=users[one["annotator"]],
            updated_by=None if one["author"] in (None, one["annotator"]) else users[one["author"]],
            **{name: one[name] for name in ("value", "notes", "score_source", "created_at", "updated_at")},
        )


def empty(caller: Caller) -> None:
    """Delete all but the labels and the caller."""
    for model in (ScoreRevision, Score, Source):
        model.objects.all().delete()
    User.objects.exclude(pk=caller.user.pk).delete()


@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    drawn=st.lists(scores(), max_size=6, unique_by=lambda one: (one["source"], one["type"], one["annotator"])),
    kind=st.sampled_from(["jsonl", "csv", "csv&bom=true"]),
)
def test_scores_come_back_the_same(
    alice: Caller,
    people: list[dict[str, Any]],
    labels: dict[str, Label],
    tmp_path: Path,
    drawn: list[dict[str, Any]],
    kind: str,
) -> None:
    empty(alice)
    store(alice, labels, people, drawn)
    queries = ("?export_format=jsonl", "?export_format=csv&bom=true")
    before = [export(alice, query)[0] for query in queries]
    file = tmp_path / "scores"
    file.write_bytes(export(alice, f"?export_format={kind}")[0].encode())
    unchanged = f"0 scores created, 0 changed, {len(drawn)} unchanged, 0 lines with errors"
    assert run_import(file) == (unchanged, 0)

    empty(alice)
    created = f"{count(len(drawn), 'score')} created, 0 changed, 0 unchanged, 0 lines with errors"
    assert run_import(file, "--create-annotators", "--force")[0].startswith(created)
    assert [export(alice, query)[0] for query in queries] == before
    assert run_import(file) == (unchanged, 0)
    assert [export(alice, query)[0] for query in queries] == before
