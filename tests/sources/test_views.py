import json
import uuid
from typing import Any

import pytest

from modelhub.sources.models import Source
from tests.client import Caller
from tests.factories import SourceFactory

pytestmark = pytest.mark.django_db

SOURCES = "/model-hub/sources/"


def test_a_source_is_registered_then_updated(alice: Caller) -> None:
    sent = {"source_type": "span", "source_id": "span_ab12", "name": "one", "metadata": {"aB": {"c_d": 1}}}
    first = alice.post(SOURCES, sent)
    again = alice.post(SOURCES, {"sourceType": "observation_span", "sourceId": "span_ab12", "name": "two"})

    assert first.status == 201
    assert {key: first.body[key] for key in sent} == sent
    assert again.status == 200
    assert again.body["id"] == first.body["id"]
    assert (again.body["source_type"], again.body["name"]) == ("observation_span", "two")
    assert again.body["metadata"] == sent["metadata"]
    assert again.body["updated_at"] > first.body["updated_at"]
    assert again.body["created_at"] == first.body["created_at"]


def test_a_name_may_be_the_first_lines_of_a_trace(alice: Caller) -> None:
    sent = {"source_type": "trace", "source_id": "t", "name": "Hello,\n\tworld ❤\ufe0f"}
    assert alice.post(SOURCES, sent).body["name"] == sent["name"]


def test_an_empty_name_clears_the_stored_one_and_null_keeps_it(alice: Caller) -> None:
    sent = {"source_type": "trace", "source_id": "t", "name": "one", "metadata": {"a": 1}}
    alice.post(SOURCES, sent)
    assert alice.post(SOURCES, sent | {"name": None, "metadata": None}).body["name"] == "one"
    cleared = alice.post(SOURCES, sent | {"name": "", "metadata": {}}).body
    assert (cleared["name"], cleared["metadata"]) == ("", {})


def test_every_spelling_of_a_uuid_is_one_source(alice: Caller) -> None:
    plain = uuid.uuid4()
    answers = [
        alice.post(SOURCES, {"source_type": "trace", "source_id": text})
        for text in (plain.hex, str(plain), str(plain).upper())
    ]
    assert [answer.status for answer in answers] == [201, 200, 200]
    assert {answer.body["source_id"] for answer in answers} == {plain.hex}


def test_organizations_do_not_share_sources(alice: Caller, charlie: Caller) -> None:
    sent = {"source_type": "trace", "source_id": "t"}
    assert [caller.post(SOURCES, sent).status for caller in (alice, charlie)] == [201, 201]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"source_id": ""}, "source_id must be a string of 1 to 255 visible characters"),
        ({"source_id": None}, "source_id must be given"),
        ({"source_id": "a\nb"}, "source_id must be a string of 1 to 255 visible characters"),
        ({"source_type": "Trace"}, "source_type must be one of trace, span"),
        ({"name": 4}, "name must be a string of at most 255 visible characters, got 4"),
        ({"name": "x" * 256}, "name must be a string of at most 255 visible characters"),
        ({"name": "\x00"}, "name must be a string of at most 255 visible characters"),
        ({"name": "a\u202eb"}, r'name must be a string of at most 255 visible characters, got "a\u202eb"'),
        ({"name": "\u3164"}, r'name must be a string of at most 255 visible characters, got "\u3164"'),
        ({"source_id": "\u3164"}, r'source_id must be a string of 1 to 255 visible characters, got "\u3164"'),
        ({"metadata": []}, "metadata must be an object, got []"),
        ({"metadata": {"a": "\ud800"}}, "metadata holds half of a surrogate pair"),
        ({"metadata": {"a": "x" * 70000}}, "metadata must have at most 65536 bytes"),
    ],
)
def test_an_unfit_field_is_a_400_with_a_sentence(alice: Caller, change: dict[str, Any], sentence: str) -> None:
    body = {"source_type": "trace", "source_id": "t"} | change
    raw = json.dumps(body).encode()
    answer = alice.post(SOURCES, raw=raw)

    assert answer.status == 400
    assert answer.body["detail"].startswith(sentence)
    assert not Source.objects.exists()


def test_each_source_of_a_batch_is_stored_or_rejected_by_itself(alice: Caller) -> None:
    alice.post(SOURCES, {"source_type": "trace", "source_id": "b", "name": "kept"})
    answer = alice.post(
        SOURCES + "bulk/",
        {
            "sources": [
                {"source_type": "trace", "source_id": "c"},
                {"source_type": "trace"},
                {"sourceType": "trace", "sourceId": "b"},
                7,
                {"source_type": "trace", "source_id": "c", "name": "again"},
                {"source_type": "span", "source_id": "c"},
            ]
        },
    )

    assert answer.status == 201
    assert [(one["source_type"], one["source_id"], one["name"]) for one in answer.body["sources"]] == [
        ("trace", "c", ""),
        ("trace", "b", "kept"),
        ("span", "c", ""),
    ]
    assert answer.body["errors"] == [
        "sources[1]: source_id must be given",
        "sources[3]: A source must be an object, got 7",
        "sources[4]: Source is already named by sources[0]",
    ]


@pytest.mark.parametrize(
    ("sources", "status"), [([], 400), (None, 400), ("x", 400), ([{"source_type": "trace"}] * 1001, 413)]
)
def test_a_batch_without_a_list_or_above_the_limit_is_rejected(alice: Caller, sources: object, status: int) -> None:
    assert alice.post(SOURCES + "bulk/", {"sources": sources}).status == status


def test_the_list_is_newest_first_and_of_one_organization(alice: Caller, charlie: Caller, trace: Source) -> None:
    SourceFactory.create(organization=charlie.user.organization)
    newer = SourceFactory.create(organization=alice.user.organization)

    answer = alice.get(SOURCES)
    assert [source["id"] for source in answer.body["results"]] == [str(newer.pk), str(trace.pk)]
    assert (answer.body["count"], answer.body["next"], answer.body["previous"]) == (2, None, None)


def test_the_list_comes_in_pages(alice: Caller) -> None:
    SourceFactory.create_batch(25, organization=alice.user.organization)
    first = alice.get(SOURCES).body
    assert (len(first["results"]), first["total_pages"], first["current_page"]) == (20, 2, 1)
    assert "page=2" in first["next"]
    assert len(alice.get(SOURCES + "?page=2").body["results"]) == 5
    assert len(alice.get(SOURCES + "?page_size=3&limit=7").body["results"]) == 7
    assert alice.get(SOURCES + "?page=3").status == 404
    for wrong in ("page_size=0", "limit=x", "limit=-1"):
        assert alice.get(f"{SOURCES}?{wrong}").status == 400


def test_a_source_is_found_by_its_primary_key(alice: Caller, charlie: Caller, trace: Source) -> None:
    path = f"{SOURCES}{trace.pk}/"
    assert alice.get(path).body["source_id"] == trace.source_id
    assert charlie.get(path).status == 404
    assert alice.get(f"{SOURCES}{uuid.uuid4()}/").status == 404
    assert alice.get(f"{SOURCES}not-an-id/").status == 404
