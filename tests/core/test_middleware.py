"""Request ids and the log line of a request."""

import pytest
from django.test import Client

from tests.client import BULK, Caller

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("given", ["", "mine-1", "bad id", "x" * 129])
def test_request_ids(alice: Caller, given: str) -> None:
    answer = alice.request("POST", BULK, {}, headers={"X-Request-Id": given})
    answered = answer.headers["X-Request-Id"]
    assert answer.body["request_id"] == answered
    assert (answered == given) is (given == "mine-1")


def test_the_log_line_of_a_request_has_ids_and_no_secrets(alice: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        response = alice.post(BULK + "?dry_run=maybe", {"notes": "private words"})
    [line] = [record.msg for record in caplog.records]
    assert isinstance(line, dict)
    assert (line["logger"], line["event"]) == ("modelhub.requests", "request")
    assert line["request_id"] == response.headers["X-Request-Id"]
    assert (line["key"], line["organization"]) == (str(alice.key.pk), str(alice.user.organization_id))
    assert (line["method"], line["route"], line["path"], line["status"]) == ("POST", "scores-bulk", BULK, 400)
    assert line["ms"] > 0
    for secret in ("private words", "maybe", alice.secret):
        assert secret not in str(line)


def test_probes_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        response = Client().get("/healthz")
    assert response.headers["X-Request-Id"]
    assert not caplog.records
