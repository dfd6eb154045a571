"""JSON in, JSON out: media types and compressed bodies."""

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from modelhub.core.drf_json import JSONContentNegotiation
from tests.client import Caller

LABELS = "/model-hub/annotations-labels/"


def is_accepted(content_type: str, **headers: str) -> bool:
    request = Request(APIRequestFactory().generic("POST", "/", "{}", content_type=content_type, headers=headers))
    return JSONContentNegotiation().select_parser(request, ["the parser"]) is not None


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", "application/problem+json", "application/vnd.x+json", ""],
)
def test_json_is_accepted_by_any_of_its_names(content_type: str) -> None:
    assert is_accepted(content_type)


@pytest.mark.parametrize("content_type", ["text/plain", "text/json", "application/jsonx", "multipart/form-data", "*/*"])
def test_other_media_types_are_rejected(content_type: str) -> None:
    assert not is_accepted(content_type)


@pytest.mark.parametrize("coding", ["gzip", "identity, gzip", "GZIP", "br", "x"])
def test_compressed_bodies_are_rejected(coding: str) -> None:
    assert is_accepted("application/json", **{"Content-Encoding": "Identity"})
    assert not is_accepted("application/json", **{"Content-Encoding": coding})


@pytest.mark.django_db
def test_a_get_with_a_body_is_answered(alice: Caller) -> None:
    assert alice.request("GET", LABELS, {}).status == 200


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["text/html", "application/xml, text/*;q=0.1", "nonsense"])
def test_any_accept_header_gets_json(alice: Caller, accept: str) -> None:
    answer = alice.request("GET", LABELS, headers={"Accept": accept})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
