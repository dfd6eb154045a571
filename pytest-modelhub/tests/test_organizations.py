"""An organization has keys, ids, scores and controls of its own."""

import json
import socket
import time
from datetime import datetime, timedelta, timezone
from http.client import RemoteDisconnected
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from pytest_modelhub import Modelhub, ModelhubError, ModelhubServer
from pytest_modelhub.controls import LATER_SECONDS, SECONDS, Controls

BULK = "/model-hub/scores/bulk/"
NOW = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
TONE = {"name": "Tone", "type": "categorical", "settings": {"options": ["kind", "rude"]}}


def batch(organization: Modelhub, rating: int = 4) -> dict[str, Any]:
    """Return the body of a bulk request with two scores."""
    scores = [
        {"label_id": organization.label("star"), "value": {"rating": rating}},
        {"label_id": organization.label("numeric"), "value": {"value": 7}},
    ]
    return {"source_type": "trace", "source_id": organization.source("trace"), "scores": scores}


def ratings(organization: Modelhub) -> list[int]:
    label = organization.label("star")
    return [score["value"]["rating"] for score in organization.scores(label_id=label)]


def test_a_batch_is_stored_and_read_back(organization: Modelhub) -> None:
    assert organization.scores() == []

    response = organization.request("POST", BULK, json=batch(organization))
    assert (response.status, response.json()["errors"]) == (201, [])
    assert response.headers["content-type"] == "application/json"
    assert sorted(score["label_type"] for score in organization.scores()) == ["numeric", "star"]
    assert ratings(organization) == [4]


def test_a_path_may_have_any_characters(organization: Modelhub) -> None:
    path = "/model-hub/sources/?source_id=a%20b&search=é \u2028*"

    assert organization.request("GET", path).status == 200
    assert organization.requests[0].path == "/model-hub/sources/?source_id=a%20b&search=%C3%A9%20%E2%80%A8*"
    for path in ("model-hub/scores/", f"{organization.url}/model-hub/scores/"):
        with pytest.raises(ModelhubError, match=f"path must begin with /, got '{path}'"):
            organization.request("GET", path)


def test_organizations_see_nothing_of_each_other(server: ModelhubServer, organization: Modelhub) -> None:
    organization.request("POST", BULK, json=batch(organization))

    with server.organization() as other:
        assert other.scores() == []
        response = other.request("POST", BULK, json=batch(organization))
        assert response.status == 404
    with pytest.raises(ModelhubError, match=r"GET /model-hub/scores/\S+: 401 The API key or secret key is .*\.$"):
        other.scores()
    assert len(organization.scores()) == 2


def test_scores_come_from_all_pages(server: ModelhubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [{"source_type": "span", "source_id": f"span-{number}"} for number in range(5)]
    scores = [source | {"label_name": "Tone", "value": {"selected": ["kind"]}} for source in sources]
    with server.organization(labels=[TONE], sources=sources, scores=scores) as organization:
        monkeypatch.setattr("pytest_modelhub.organization.PAGE_SIZE", 2)
        found = organization.scores()
    assert sorted(score["source_id"] for score in found) == [source["source_id"] for source in sources]
    assert {score["id"] for score in found} == {*organization.seeded_scores}


def test_rows_of_the_body_are_found_by_name(server: ModelhubServer) -> None:
    rows: dict[str, Any] = {
        "labels": [TONE],
        "people": [{"email": "ada@{organization}.example", "name": "Ada"}],
        "sources": [{"source_type": "trace", "source_id": "trace-1", "name": "A trace"}],
    }
    with server.organization(**rows) as organization:
        assert organization.source("A trace") == "trace-1"
        ada = organization.person("ada@{organization}.example")
        body = {
            "source_type": "trace",
            "source_id": organization.source("A trace"),
            "scores": [{"label_id": organization.label("Tone"), "value": {"selected": ["rude"]}}],
        }
        response = organization.request("POST", BULK, json=body, headers=ada.headers)
        assert (response.status, response.json()["errors"]) == (201, [])
        assert [score["annotator_email"] for score in organization.scores()] == [ada.email]


def test_the_first_labels_have_names_too(organization: Modelhub) -> None:
    organization.request("POST", BULK, json=batch(organization))
    for score in organization.scores():
        assert organization.label(score["label_name"]) == organization.label(score["label_type"]) == score["label_id"]


def test_an_unknown_name_is_reported_with_the_known_ones(organization: Modelhub) -> None:
    with pytest.raises(ModelhubError, match=r"There is no label 'stars'; there are .*star"):
        organization.label("stars")
    with pytest.raises(ModelhubError, match=r"There is no source 'Trace'; there are .*trace"):
        organization.source("Trace")
    with pytest.raises(ModelhubError, match="There is no person 'ada'; there are none"):
        organization.person("ada")


def test_a_rejected_body_is_one_sentence(server: ModelhubServer) -> None:
    with pytest.raises(ModelhubError) as caught, server.organization(labels=[{"name": "Tone", "type": "colour"}]):
        pass
    assert caught.value.status == 400
    assert str(caught.value).startswith("POST /__admin/organizations: 400 ")
    assert "colour" in str(caught.value)


def test_a_removed_organization_may_be_removed_again(server: ModelhubServer) -> None:
    with server.organization() as organization:
        server.controls.call("DELETE", f"organizations/{organization.id}")


def test_requests_are_newest_first(organization: Modelhub) -> None:
    organization.request("POST", BULK, json=batch(organization))
    organization.request("GET", "/model-hub/scores/?limit=5")

    newest, oldest = organization.requests
    assert (newest.method, newest.path, newest.status) == ("GET", "/model-hub/scores/?limit=5", 200)
    assert (oldest.method, oldest.path, oldest.status, oldest.fault) == ("POST", BULK, 201, None)
    assert organization.secret_key not in str(organization.requests)
    assert len(organization.recorded_requests(1)) == 1


def test_a_status_fails_so_many_requests(organization: Modelhub) -> None:
    organization.faults.status(429, retry_after=3, method="POST", times=1)

    response = organization.request("POST", BULK, json=batch(organization))
    assert (response.status, response.headers["Retry-After"]) == (429, "3")
    assert organization.scores() == []
    assert organization.request("POST", BULK, json=batch(organization)).status == 201


@pytest.mark.parametrize(("when", "stored"), [("before", 0), ("after_commit", 2)])
def test_a_dropped_request_has_no_answer(organization: Modelhub, when: Any, stored: int) -> None:
    organization.faults.drop(when, path=BULK)

    with pytest.raises(RemoteDisconnected):
        organization.request("POST", BULK, json=batch(organization))
    assert len(organization.scores()) == stored


@pytest.mark.parametrize(
    ("then", "reason"),
    [({"status": 503}, r"GET /model-hub/scores/\?\S+: 503 The database"), ({"drop": "before"}, "Remote end closed")],
)
def test_scores_that_a_fault_hides_name_it(organization: Modelhub, then: dict[str, Any], reason: str) -> None:
    organization.faults.add(then)

    with pytest.raises(ModelhubError, match=f"{reason}.*The organization has faults: one without a method or a path"):
        organization.scores()


def test_a_delay_is_in_seconds(organization: Modelhub) -> None:
    organization.faults.delay(0.3, method="POST")

    start = time.monotonic()
    organization.request("POST", BULK, json=batch(organization))
    assert time.monotonic() - start >= 0.3


@pytest.mark.parametrize("indexes", [0, [0]])
def test_refused_scores_leave_the_others(organization: Modelhub, indexes: Any) -> None:
    organization.faults.refuse_scores(indexes)

    response = organization.request("POST", BULK, json=batch(organization))
    assert response.status == 201
    assert [error.partition(":")[0] for error in response.json()["errors"]] == ["scores[0]"]
    assert [score["label_type"] for score in organization.scores()] == ["numeric"]


def test_rules_are_listed_and_removed(organization: Modelhub) -> None:
    first = organization.faults.status(503, path=BULK, times=2)
    second = organization.faults.add({"delay_ms": 1}, match={"method": "GET"}, probability=0.5, seed=1)
    organization.request("POST", BULK, json=batch(organization))

    assert [(rule.id, rule.applied) for rule in organization.faults.list()] == [(first.id, 1), (second.id, 0)]
    organization.faults.remove(first)
    assert [rule.id for rule in organization.faults.list()] == [second.id]
    organization.faults.clear()
    assert organization.faults.list() == []


def test_the_clock_stops_moves_and_runs(organization: Modelhub) -> None:
    clock = organization.clock
    assert clock.freeze(NOW) == clock.now() == NOW
    assert clock.advance(timedelta(hours=1)) == clock.advance(0) == NOW + timedelta(hours=1)
    organization.request("POST", BULK, json=batch(organization))
    created = {score["created_at"] for score in organization.scores()}
    assert created == {"2026-01-31T13:00:00.000000Z"}

    assert clock.run() < clock.now()
    assert clock.set("2030-01-01T00:00:00Z", frozen=False) < clock.now()
    assert abs(clock.offset(-3600) + timedelta(hours=1) - datetime.now(timezone.utc)) < timedelta(minutes=1)
    stopped = clock.freeze()
    assert clock.now() == stopped
    clock.reset()
    assert abs(clock.now() - datetime.now(timezone.utc)) < timedelta(minutes=1)


def test_a_clock_that_cannot_be_set_is_one_sentence(organization: Modelhub) -> None:
    with pytest.raises(ModelhubError, match=r"PUT /__admin/clock: 400 .*now.*tomorrow"):
        organization.clock.freeze("tomorrow")


@pytest.mark.parametrize("moment", [NOW.date(), NOW.replace(tzinfo=None), 1769860800])
def test_a_time_without_a_zone_is_one_sentence(server: ModelhubServer, organization: Modelhub, moment: Any) -> None:
    sentence = "now must be a datetime with a time zone or a text like 2026-01-31T12:00:00Z, got "
    with pytest.raises(ModelhubError, match=sentence):
        organization.clock.freeze(moment)
    with pytest.raises(ModelhubError, match=sentence), server.organization(now=moment):
        pass


def test_a_seed_and_a_clock_repeat_answers_byte_for_byte(server: ModelhubServer) -> None:
    answers = []
    for _ in range(2):
        with server.organization(name="tests/test_x.py::test_y", seed=7, now=NOW) as organization:
            answers.append(organization.request("POST", BULK, json=batch(organization)).text)
    assert answers[0] == answers[1]
    assert len(json.loads(answers[0])["scores"]) == 2


def test_a_seed_set_later_repeats_ids(server: ModelhubServer) -> None:
    ids = []
    for _ in range(2):
        with server.organization(name="a test") as organization:
            organization.clock.freeze(NOW)
            organization.ids.seed(7)
            organization.request("POST", BULK, json=batch(organization))
            ids.append(sorted(score["id"] for score in organization.scores()))
            organization.ids.reset()
    assert ids[0] == ids[1]


def test_tests_with_the_same_seed_run_at_the_same_time(server: ModelhubServer) -> None:
    with server.organization(name="one", seed=7) as one, server.organization(name="two", seed=7) as two:
        assert one.label("star") != two.label("star")


def test_the_same_seed_twice_is_rejected(server: ModelhubServer) -> None:
    with server.organization(name="one", seed=7):
        with pytest.raises(ModelhubError) as caught, server.organization(name="one", seed=7):
            pass
        assert caught.value.status == 409


@pytest.mark.parametrize("body", [None, b"<p>Hello</p>", b"[]", b""], ids=["404", "html", "list", "empty"])
def test_a_server_without_controls_is_reported(body: bytes | None) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        Thread(target=other.handle_request).start()
        with pytest.raises(ModelhubError, match="another program than modelhub, or modelhub without test controls"):
            Controls(f"http://127.0.0.1:{other.server_port}").check()


def test_only_the_first_test_waits_long_for_a_hung_server(server: ModelhubServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hung:
        controls = Controls(f"http://127.0.0.1:{hung.getsockname()[1]}", timeout=0.2)
        with pytest.raises(ModelhubError, match=r"does not answer: timed out\.$"):
            controls.check()
    assert controls.timeout == LATER_SECONDS
    controls.url = server.url
    controls.check()
    assert controls.timeout == SECONDS
