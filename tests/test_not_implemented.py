"""Paths of the hosted service that this server does not implement."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client
from fi.utils.routes import Routes

from modelhub.not_implemented import FEATURES
from modelhub.urls import urlpatterns
from tests.client import Caller
from tests.servers import ROOT

pytestmark = pytest.mark.django_db

PATHS = [
    ("/" + re.sub(r"<str:\w+>", str(uuid.UUID(int=number)), route), feature)
    for feature, routes in FEATURES.items()
    for number, route in enumerate(routes)
]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_one_says_so_to_a_valid_key(alice: Caller, method: str) -> None:
    for path, feature in PATHS:
        answer = alice.request(method, path)
        assert (answer.status, answer.body["code"]) == (501, "not_implemented"), path
        assert answer.body["message"] == f"This server does not implement {feature}. The request had no effect."
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_without_a_key_nothing_is_said() -> None:
    for path, _ in PATHS:
        answer = Client().post(path, "{", content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated"), path


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"label_ids": []}'])
def test_the_body_does_not_matter(alice: Caller, raw: bytes) -> None:
    assert alice.request("POST", "/model-hub/annotation-queues/x/automation-rules/", raw=raw).status == 501


def test_ids_may_be_any_string(alice: Caller) -> None:
    for queue in ("1", "a queue", "ü", "%00", "x" * 300):
        assert alice.get(f"/model-hub/annotation-queues/{queue}/automation-rules/").status == 501, queue


@pytest.mark.parametrize(
    "path",
    [
        "/model-hub/annotation-queues/x/progres/",
        "/model-hub/annotation-queues/x/items/y/annotations/z/",
        "/model-hub/annotation-queues//",
        "/model-hub/annotation-queues",
        "/tracer/bulk/",
    ],
)
def test_a_path_that_the_hosted_service_lacks_is_a_404(alice: Caller, path: str) -> None:
    assert alice.get(path).status == 404


def test_every_path_of_the_official_client_for_annotation_is_known() -> None:
    """Each is served or listed as missing, so that none is a 404."""
    prefixes = ("model-hub/annotation", "model-hub/scores", "tracer/")
    wanted = {route.value.partition("?")[0] for route in Routes if route.value.startswith(prefixes)}
    known = {re.sub(r"<\w+:\w+>|\{\w+\}", "{}", str(pattern.pattern)) for pattern in urlpatterns}
    assert len(wanted) > 25
    assert {re.sub(r"\{\w+\}", "{}", path) for path in wanted} <= known


def test_the_contract_names_every_path() -> None:
    page = (ROOT / "docs" / "contract.md").read_text()
    section = page.partition("## 3 ")[2].partition("\n## ")[0]
    prefixes = tuple(re.sub(r"\{(\w+)\}", r"<str:\1>", path) for path in re.findall(r"`/([^`]+)`", section))
    routes: list[Any] = [route for several in FEATURES.values() for route in several]
    assert [route for route in routes if not route.startswith(prefixes)] == []
    assert [prefix for prefix in prefixes if not any(route.startswith(prefix) for route in routes)] == []
