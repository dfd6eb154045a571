"""The content of sources: stored exactly, and in answers that ask for it only."""

import json
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from modelhub.core import bounded, exact_json
from modelhub.labels.models import Label
from modelhub.sources.models import Source
from modelhub.sources.refs import SourceEntry, check_source_ref
from modelhub.sources.services import get_source, register_sources
from tests.client import Answer, Caller, entry
from tests.factories import SourceFactory

pytestmark = pytest.mark.django_db

SOURCES = "/model-hub/sources/"
INCLUDE = "?include=content"
CHAT = {"messages": [{"role": "user", "content": "Hi <b>"}, {"role": "assistant", "content": "Hello \U0001f44b\u2028"}]}
# The column in statements of Django, and in our own SQL.
COLUMN = ('"modelhub_source"."content"', "source.content", "source.*")


def put(caller: Caller, source_id: str = "t", query: str = INCLUDE, **fields: Any) -> Answer:
    return caller.post(SOURCES + query, {"source_type": "trace", "source_id": source_id, **fields})


@pytest.mark.parametrize("content", [CHAT, [], {}, "", "text", 0, 4.50, False, True, [None, {"a": None}], "null"])
def test_any_json_is_stored_and_comes_back(alice: Caller, content: Any) -> None:
    answer = put(alice, content=content)
    assert (answer.status, answer.body["content"]) == (201, content)
    assert alice.get(f"{SOURCES}{answer.body['id']}/{INCLUDE}").body["content"] == content
    assert get_source(organization_id=alice.user.organization_id, pk=answer.body["id"], with_content=True).content == (
        content
    )


def test_numbers_keep_every_digit(alice: Caller) -> None:
    content = b'{"a": %s, "b": 0.10000000000000000000000000010, "c": 1E+2}' % (b"7" * 5000)
    body = b'{"source_type": "trace", "source_id": "t", "content": %s}' % content
    answer = alice.post(SOURCES + INCLUDE, raw=body)
    assert exact_json.dumps(answer.body["content"]) == (
        '{"a":%s,"b":0.10000000000000000000000000010,"c":100}' % ("7" * 5000)
    )


def test_keys_keep_their_order(alice: Caller) -> None:
    content = {"question": "q", "answer": "a", "lang": "en", "nested": {"b": 1, "a": 2}}
    for _ in "12":  # registered, then updated
        body = put(alice, content=content).body
        assert json.dumps(body["content"]) == json.dumps(content)
        stored = get_source(organization_id=alice.user.organization_id, pk=body["id"], with_content=True)
        assert json.dumps(stored.content) == json.dumps(content)


def test_an_omitted_or_null_content_keeps_the_stored_one(alice: Caller) -> None:
    put(alice, content=CHAT, name="one")
    assert put(alice, name="two").body["content"] == CHAT
    again = put(alice, content=None, metadata={"a": 1})
    assert (again.status, again.body["content"], again.body["name"]) == (200, CHAT, "two")
    replaced = put(alice, content="").body
    assert (replaced["content"], replaced["metadata"], replaced["name"]) == ("", {"a": 1}, "two")


def test_a_source_without_content_has_null(alice: Caller) -> None:
    assert put(alice).body["content"] is None
    assert alice.get(SOURCES + INCLUDE).body["results"][0]["content"] is None
    assert Source.objects.filter(content__isnull=True).exists()


@pytest.mark.parametrize("path", [SOURCES, SOURCES + "{id}/", SOURCES + "?search=one"])
def test_reads_have_the_content_on_request_only(alice: Caller, path: str) -> None:
    path = path.format(id=put(alice, content=CHAT, name="one").body["id"])
    joined = "&" if "?" in path else "?"

    with CaptureQueriesContext(connection) as queries:
        plain = alice.get(path).body
    # Before the next request, which empties the log.
    assert any('"metadata"' in query["sql"] for query in queries)
    assert not [query["sql"] for query in queries if any(name in query["sql"] for name in COLUMN)]
    asked = alice.get(f"{path}{joined}include=content").body
    [plain, asked] = [body.get("results", [body])[0] for body in (plain, asked)]
    assert "content" not in plain
    assert asked == plain | {"content": CHAT}


def test_registrations_have_the_content_on_request_only(alice: Caller) -> None:
    with CaptureQueriesContext(connection) as without:
        assert "content" not in put(alice, query="", content=CHAT).body
        assert "content" not in put(alice, query="", content=CHAT, name="again").body
    returned = [query["sql"].rpartition("RETURNING")[2] for query in without if "RETURNING" in query["sql"]]
    assert returned
    assert not [columns for columns in returned if "content" in columns or "*" in columns]
    assert put(alice).body["content"] == CHAT


@pytest.mark.parametrize("query", ["include=contents", "include=", "include=content,name"])
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "{id}/"), ("POST", ""), ("POST", "bulk/")])
def test_an_unknown_word_in_include_is_a_400(alice: Caller, trace: Source, query: str, method: str, path: str) -> None:
    sent = {"source_type": "trace", "source_id": "t"}
    body = {"POST": {**sent, "sources": [sent]}}.get(method)
    answer = alice.request(method, f"{SOURCES}{path.format(id=trace.pk)}?{query}", body)
    assert answer.status == 400
    assert answer.body["detail"].startswith("include must be words among content, separated by commas, got ")
    assert Source.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('"a\\u0000"', "content holds a NUL character, which cannot be stored"),
        ('{"a\\u0000": 1}', "a key of content holds a NUL character, which cannot be stored"),
        ('["\\ud800"]', "content holds half of a surrogate pair, which cannot be stored"),
        ('{"a": NaN}', "content holds NaN, which is not a number of JSON"),
        ("1e400", "content holds a number too large or too small to be kept"),
        ("[" * 33 + "]" * 33, "content must not be nested deeper than 32 levels"),
        ('"' + "x" * 262143 + '"', "content must have at most 262144 bytes as JSON, got 262145"),
    ],
    ids=lambda value: value[:20],
)
def test_content_that_cannot_be_stored_fails_alone(alice: Caller, content: str, sentence: str) -> None:
    one = b'{"source_type": "trace", "source_id": "t", "content": %s}' % content.encode()
    other = b'{"source_type": "trace", "source_id": "u", "content": ["x"]}'
    single = alice.post(SOURCES, raw=one)
    bulk = alice.post(f"{SOURCES}bulk/{INCLUDE}", raw=b'{"sources": [%s, %s]}' % (one, other))
    assert (single.status, single.body["detail"], [*single.body["errors"]]) == (400, sentence, ["content"])
    assert (bulk.status, bulk.body["errors"]) == (201, [f"sources[0]: {sentence}"])
    assert [source["content"] for source in bulk.body["sources"]] == [["x"]]


def test_content_of_the_limit_is_stored(alice: Caller, settings: Any) -> None:
    largest = "x" * (256 * 1024 - 2)
    assert put(alice, content=largest).body["content"] == largest
    settings.MAX_CONTENT_BYTES = 64
    assert put(alice, content="x" * 63).status == 400


def test_a_bulk_registration_updates_each_content_by_itself(alice: Caller) -> None:
    put(alice, "a", content=1)
    put(alice, "b", content=2)
    sent = [
        {"source_type": "trace", "source_id": "a", "name": "kept content"},
        {"source_type": "trace", "source_id": "b", "content": [2]},
        {"source_type": "trace", "source_id": "c", "content": 3},
        {"source_type": "trace", "source_id": "d"},
    ]
    answer = alice.post(f"{SOURCES}bulk/{INCLUDE}", {"sources": sent})
    assert [(source["source_id"], source["content"]) for source in answer.body["sources"]] == [
        *(("a", 1), ("b", [2])),
        *(("c", 3), ("d", None)),
    ]


def test_contents_above_the_bytes_of_an_answer_are_an_error(
    alice: Caller, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_CONTENT_BYTES = 1000
    monkeypatch.setattr(bounded, "MAX_ANSWER_BYTES", 3500)
    for number in range(9):
        put(alice, f"t-{number}", content="x" * 990)

    with CaptureQueriesContext(connection) as queries:
        answer = alice.get(SOURCES + INCLUDE)
    assert (answer.status, answer.body["code"]) == (400, "answer_too_large")
    assert "which 3 of its rows have" in answer.body["detail"]
    # Three contents per statement: the second one has one too many, and there is no third.
    assert len([query for query in queries if '"content"' in query["sql"]]) == 2
    assert len(alice.get(f"{SOURCES}{INCLUDE}&page_size=3").body["results"]) == 3
    assert len(alice.get(SOURCES).body["results"]) == 9


def test_a_registration_whose_answer_would_be_too_large_stores_nothing(
    alice: Caller, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_CONTENT_BYTES = 1000
    monkeypatch.setattr(bounded, "MAX_ANSWER_BYTES", 1500)
    for number in range(2):
        put(alice, f"t-{number}", content="x" * 990)
    named = [{"source_type": "trace", "source_id": f"t-{number}", "name": "new"} for number in range(3)]

    answer = alice.post(f"{SOURCES}bulk/{INCLUDE}", {"sources": named})
    assert (answer.status, answer.body["code"]) == (400, "answer_too_large")
    assert not Source.objects.filter(name="new").exists()
    assert alice.post(f"{SOURCES}bulk/", {"sources": named}).status == 201


def test_contents_of_other_organizations_are_not_shown(alice: Caller, charlie: Caller) -> None:
    ours = put(alice, content="ours").body["id"]
    theirs = put(charlie, content="theirs").body["id"]
    assert [source["content"] for source in alice.get(SOURCES + INCLUDE).body["results"]] == ["ours"]
    assert alice.get(f"{SOURCES}{theirs}/{INCLUDE}").status == 404
    assert charlie.get(f"{SOURCES}{ours}/{INCLUDE}").status == 404


def test_an_annotator_may_read_contents(alice: Caller) -> None:
    pk = put(alice, content=CHAT).body["id"]
    alice.key.scopes = ["annotate"]
    alice.key.save()
    assert alice.get(f"{SOURCES}{pk}/{INCLUDE}").body["content"] == CHAT


def test_scores_neither_read_nor_change_the_content(alice: Caller, labels: dict[str, Label], settings: Any) -> None:
    settings.AUTO_CREATE_SOURCES = True
    pk = put(alice, content=CHAT).body["id"]
    source, unknown = Source.objects.get(pk=pk), SourceFactory.build(source_id=str(uuid.uuid4()))
    with CaptureQueriesContext(connection) as queries:
        for one in (source, unknown):
            assert alice.bulk(one, [entry(labels["star"], 4)]).status == 201
        score = alice.get("/model-hub/scores/").body["results"][0]["id"]
        assert alice.patch(f"/model-hub/scores/{score}/", {"value": 5}).status == 200
        assert alice.delete(f"/model-hub/scores/{score}/").status == 200
    assert not [query["sql"] for query in queries if any(name in query["sql"] for name in COLUMN)]
    assert get_source(organization_id=source.organization_id, pk=source.pk, with_content=True).content == CHAT


def test_a_service_registers_contents(alice: Caller) -> None:
    ref = check_source_ref("trace", "of-a-file")
    [stored] = register_sources(
        organization_id=alice.user.organization_id, entries=[SourceEntry(ref, "name", {"a": 1}, ["content"])]
    )
    assert isinstance(stored, Source)
    found = get_source(organization_id=alice.user.organization_id, pk=stored.pk, with_content=True)
    assert (found.name, found.metadata, found.content) == ("name", {"a": 1}, ["content"])
    assert "content" in get_source(organization_id=found.organization_id, pk=found.pk).get_deferred_fields()


def test_a_saved_source_keeps_the_content_that_was_not_read(alice: Caller) -> None:
    pk = put(alice, content=CHAT).body["id"]
    source = Source.objects.get(pk=pk)
    source.name = "changed"
    source.save()
    assert Source.objects.values_list("name", "content").get() == ("changed", CHAT)


def test_the_admin_shows_the_content_on_the_page_of_the_source_only(
    staff: Client, alice: Caller, labels: dict[str, Label]
) -> None:
    pk = put(alice, content={"text": "<script>alert(1)</script>"}).body["id"]
    assert alice.bulk(Source.objects.get(), [entry(labels["star"], 4)]).status == 201
    score = alice.get("/model-hub/scores/").body["results"][0]["id"]
    with CaptureQueriesContext(connection) as queries:
        pages = [staff.get(f"/admin/modelhub/{path}") for path in ("source/", "score/", f"score/{score}/change/")]
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert not [query["sql"] for query in queries if any(name in query["sql"] for name in COLUMN)]

    text = staff.get(f"/admin/modelhub/source/{pk}/change/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert json.dumps("alert(1)") not in text
