"""Malformed bodies on every route that takes a body: 4xx, and nothing stored.

Routes and examples come from docs/openapi.yaml, so new routes are included. FAULT_EXAMPLES is the number of bodies of
random bytes.
"""

import gzip
import itertools
import json
import re
import zlib
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.faults.ledger import make_labels
from tests.repeats import LONG, SEED, examples
from tests.servers import ROOT, Server

EVERY = 1 if LONG else 7  # each seventh spoilt body is enough for the suite
JSON = "application/json"
SOURCE = "7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69"
NOWHERE = "018f3f2a-7c4e-7d7a-8a3b-5f6e7d8c9b0a"
WORDS = json.dumps({"source_type": "trace", "source_id": "für"}, ensure_ascii=False)

PATHS = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())["paths"]
# (method, path, an example of its body)
ROUTES: list[tuple[str, str, Any]] = [
    (method.upper(), re.sub(r"\{\w+\}", NOWHERE, path), next(iter(content["examples"].values()))["value"])
    for path, methods in PATHS.items()
    for method, operation in methods.items()
    for content in operation.get("requestBody", {}).get("content", {}).values()
]

GARBAGE: dict[str, bytes] = {
    "NUL": b"\x00",
    "a NUL in a string": b'{"name": "a\x00b"}',
    "a byte order mark alone": b"\xef\xbb\xbf",
    "UTF-16": WORDS.encode("utf-16"),
    "UTF-16 without a mark": WORDS.encode("utf-16-le"),
    "UTF-32": WORDS.encode("utf-32"),
    "UTF-7": WORDS.encode("utf-7").replace(b"{", b"+AHs-"),
    "Latin-1": WORDS.encode("latin-1"),
    "an overlong slash": b'{"name": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "beyond Unicode": b'{"name": "\xf4\x90\x80\x80"}',
    "100,000 lists": b"[" * 100_000,
    "100,000 lists that end": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a string that does not end": b'{"name": "' + b"x" * 100_000,
    "an object that does not end": b'{"name": 1',
    "two objects": b"{}{}",
    "words behind": b"{} and more",
    "a number": b"1e400",
    "a number of a million digits": b"9" * 1_000_000,
    "NaN": b"NaN",
    "a list": b"[{}]",
    "null": b"null",
    "Python": b"{'name': None}",
    "a comment": b'{"name": 1 /* one */}',
    "a comma too many": b'{"name": 1,}',
    "a bad escape": b'{"name": "\\x41"}',
    "half an escape": b'{"name": "\\u12"}',
    "a form": b"source_type=trace&source_id=x",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "gzip": gzip.compress(WORDS.encode()),
}
KINDS = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "text/json",
    "application/xml",
    "application/octet-stream",
    "application/jsonx",
    "json",
    "x" * 2000,
    "*/*",
)
BOMB = gzip.compress(b" " * 50_000_000 + b"{}")
CODINGS = {
    "gzip": BOMB,
    "x-gzip": BOMB,
    "deflate": zlib.compress(b" " * 1_000_000),
    "br": b"\x0b\x02\x80{}\x03",
    "zstd": b"\x28\xb5\x2f\xfd",
    "gzip, identity": b"{}",
    "GZIP": b"{}",
}

# Replacements for each part of an example, as JSON text.
NASTY = (
    *("null", "true", "[]", "{}", '""', "-0", "1e400", "-1e999999999999", "1E-400", "NaN", "-Infinity", "0.1"),
    *("9" * 5000, "1" + "0" * 200_000, '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udfff\\ud800"', '"\\u202e\\u0007"'),
    *(
        '"' + "x" * 300 + '"',
        '"' + "x" * 100_000 + '"',
        '"\\ufeff"',
        "[" * 500 + "]" * 500,
        '{"a":' * 500 + "1" + "}" * 500,
    ),
    *(
        '{"\\u0000": 1}',
        '{"\\ud800": 1}',
        '{"a": 1, "a": 2}',
        '"\' OR 1=1; --"',
        '"%00../..{{7*7}}${x}"',
        '"\\u0131\\u0130"',
    ),
    *('"00000000-0000-0000-0000-000000000000"', f'"{NOWHERE.upper()}"', '"٣"', "[[[1]]]", '[null, true, {"a": []}]'),
)


@dataclass
class Target:
    """The server, a session, and the rows that examples refer to."""

    live: Server
    session: requests.Session
    label: str
    score: str
    sent: int = 0

    def send(self, method: str, path: str, body: bytes, **headers: str) -> requests.Response:
        """Send a body after replacing the example's ids by those of existing rows."""
        path = path.replace(NOWHERE, self.score if "/scores/" in path else self.label)
        body = body.replace(NOWHERE.encode(), self.label.encode())
        self.sent += 1
        headers = {"Content-Type": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(method, self.live.base_url + path, data=body, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def target(live: Server) -> Iterator[Target]:
    """Yield the target, and check afterwards that the log has no error."""
    before = len(live.log)
    [label] = make_labels(live, 1)
    live.request("POST", "/model-hub/sources/", json={"source_type": "trace", "source_id": SOURCE})
    score = {"source_type": "trace", "source_id": SOURCE, "label_id": label, "value": "x"}
    made = live.request("POST", "/model-hub/scores/", json=score).json()
    with requests.Session() as session:
        session.headers.update(live.headers)
        target = Target(live, session, label, made["id"])
        yield target
    print(f"\nbad bodies: {target.sent} sent, 0 answered with 5xx (seed {SEED})")
    new = live.log[before:]
    assert not [line for line in new if "unforeseen" in line or "Traceback" in line or '"status": 5' in line]


def counts(live: Server) -> list[int]:
    paths = ("sources/", "scores/", "annotations-labels/?include_archived=true&limit=1")
    return [live.request("GET", "/model-hub/" + path).json()["count"] for path in paths]


def assert_problem(answer: requests.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.text[:500]
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["request_id"]) == (answer.status_code, answer.headers["X-Request-Id"])
    assert problem["detail"] == problem["message"]
    assert problem["detail"].isprintable()
    assert len(problem["detail"]) < 1000


def test_every_route_that_writes_is_attacked() -> None:
    assert len(ROUTES) >= 10
    assert {method for method, _, _ in ROUTES} == {"POST", "PUT", "PATCH"}


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in ROUTES])
class TestEveryRoute:
    def test_bodies_that_are_not_json_are_rejected(self, target: Target, method: str, path: str) -> None:
        before = counts(target.live)
        for name, body in GARBAGE.items():
            answer = target.send(method, path, body)
            assert_problem(answer, 400)
            assert answer.json()["code"] in {"malformed_json", "not_an_object"}, name
        assert counts(target.live) == before

    def test_other_types_and_compressed_bodies_are_rejected(self, target: Target, method: str, path: str) -> None:
        before = counts(target.live)
        [example] = [example for other, where, example in ROUTES if (other, where) == (method, path)]
        body = json.dumps(example).encode()
        for kind in KINDS:
            assert_problem(target.send(method, path, body, Content_Type=kind), 415)
        for coding, compressed in CODINGS.items():
            answer = target.send(method, path, compressed, Content_Encoding=coding)
            assert_problem(answer, 415)
        assert counts(target.live) == before


def test_a_charset_changes_nothing(target: Target) -> None:
    """JSON is UTF-8 (RFC 8259); a charset in the header is ignored."""
    for charset in ("utf-8", "latin-1", "utf-16", "nonsense", '"', "\xe9"):
        for body, status in ((WORDS.encode(), 404), (WORDS.encode("latin-1"), 400), (WORDS.encode("utf-16"), 400)):
            sent = body.replace(b"}", b', "scores": [1]}') if status == 404 else body
            answer = target.send("POST", "/model-hub/scores/bulk/", sent, Content_Type=f"{JSON}; charset={charset}")
            assert_problem(answer, status)


def spoilt(example: Any) -> Iterator[bytes]:
    """Yield the example with each of its parts replaced, renamed, doubled or removed."""
    mark = "\ue000"
    for path in places(example):
        draft = deepcopy(example)
        parent = draft
        for step in path[:-1]:
            parent = parent[step]
        parent[path[-1]] = mark
        text = json.dumps(draft)
        yield from (text.replace(json.dumps(mark), nasty).encode() for nasty in NASTY)
        if isinstance(path[-1], str):
            key, value = json.dumps(path[-1]), json.dumps(mark)
            yield from (text.replace(f"{key}: {value}", f"{nasty}: 1").encode() for nasty in NASTY if nasty[0] == '"')
            yield text.replace(value, f"1, {key}: 2").encode()
            yield text.replace(f"{key}: {value}", '"x": 1').encode()


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each part of an example."""
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, member in members:
        yield (*path, step)
        yield from places(member, (*path, step))


@pytest.mark.parametrize(("method", "path", "example"), ROUTES)
def test_an_example_with_one_part_spoilt(target: Target, method: str, path: str, example: Any) -> None:
    """Some are valid by chance; a rejected one is a problem or an error of one entry."""
    for body in itertools.islice(spoilt(example), 0, None, EVERY):
        answer = target.send(method, path, body)
        if answer.ok:
            # One of the bodies has an integer of 5,000 digits, and Python reads at most 4,300.
            errors = json.loads(answer.text, parse_int=str).get("errors", [])
            assert all(error.isprintable() for error in errors)
        else:
            assert_problem(answer, 400, 404, 409, 413)


@settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(ROUTES), st.binary(max_size=200), st.integers(0, 200), st.booleans())
@example(ROUTES[0], b"", 0, True)
def test_bodies_of_random_bytes(
    target: Target, route: tuple[str, str, Any], noise: bytes, at: int, inside: bool
) -> None:
    """Random bytes alone, and inside a valid body."""
    method, path, example = route
    text = json.dumps(example).encode()
    answer = target.send(method, path, text[:at] + noise + text[at:] if inside else noise)
    if not answer.ok:
        assert_problem(answer, 400, 404, 409, 413)
