"""The header `Prefer: code=…` on requests of the API (RFC 7240)."""

from http.client import HTTPConnection

import pytest

from modelhub.testing.preferences import find_code
from tests.servers import Server
from tests.testing.tester import Tester, shape

SOURCES = "/model-hub/sources/"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("code=429", "429"),
        ("Code = 429", "429"),
        ('code="429"', "429"),
        ("code=429; note=x", "429"),
        ("respond-async, wait=100, code=503", "503"),
        ('foo="a, code=404", code=503;x="b, c"', "503"),
        ('foo="a \\" code=404, b", code=503', "503"),
        ("code=404, code=503", "404"),
        ('handling=lenient; code=404, respond-async; x="y;code=1"', None),
        ("", None),
        (",,; ,=", None),
        ("code", ""),
        ('code=""', ""),
        ("encode=429, code-x=1", None),
        ('code="4', "4"),
    ],
)
def test_the_code_of_a_header(header: str, code: str | None) -> None:
    assert find_code(header) == code


def test_a_preference_has_the_answer_of_a_fault_and_says_that_it_was_applied(tester: Tester) -> None:
    preferred = tester.bulk(headers={"Prefer": "respond-async, code=503"})
    assert preferred.headers.pop("Preference-Applied") == "code=503"
    tester.fault(status=503, times=1)
    assert shape(tester.bulk()) == shape(preferred)
    assert tester.requests()[1]["fault"] == "prefer"


def test_it_comes_before_faults_which_do_not_count_it(tester: Tester) -> None:
    tester.fault(status=500)
    assert tester.bulk(headers={"Prefer": "code=404"}).status_code == 404
    assert tester.applied() == [0]


def test_other_preferences_change_nothing(tester: Tester) -> None:
    answer = tester.bulk(headers={"Prefer": "return=minimal, wait=10"})
    assert answer.status_code == 201
    assert "Preference-Applied" not in answer.headers


def test_two_headers_are_read_as_one(tester: Tester) -> None:
    connection = HTTPConnection(tester.server.base_url.removeprefix("http://"), timeout=30)
    connection.putrequest("GET", SOURCES)
    for name, value in [*tester.headers.items(), ("Prefer", "wait=1"), ("Prefer", "code=429"), ("Prefer", "code=503")]:
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 429
    connection.close()


@pytest.mark.parametrize("code", ["418", "200", "", "4 29", "429.0", "²"])
def test_an_impossible_code_is_a_400_that_lists_the_others(tester: Tester, code: str) -> None:
    answer = tester.bulk(headers={"Prefer": f"code={code}".encode()})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["detail"].startswith("Prefer: code must be one of 400, 401, 403, ")
    assert "Preference-Applied" not in answer.headers


def test_without_a_valid_key_the_request_has_its_own_401(tester: Tester) -> None:
    for headers in ({"X-Secret-Key": "wrong"}, {"X-Api-Key": "unknown"}):
        answer = tester.bulk(headers=headers | {"Prefer": "code=429"})
        assert (answer.status_code, "Preference-Applied" in answer.headers) == (401, False)


def test_the_controls_themselves_and_open_paths_ignore_it(tester: Tester) -> None:
    for path in ("/__admin/", "/healthz", "/schema/"):
        assert tester.request("GET", path, headers={"Prefer": "code=500"}).status_code == 200


def test_a_server_without_controls_ignores_it(live: Server) -> None:
    assert live.request("GET", SOURCES, headers=live.headers | {"Prefer": "code=429"}).status_code == 200
