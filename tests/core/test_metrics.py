"""Metrics: their counts, their token, and their sum over all workers."""

import re
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from modelhub.core import metrics
from modelhub.labels.models import Label
from modelhub.sources.models import Source
from tests.client import BULK, Caller, entry
from tests.servers import ROOT, Server, data_folder, running_server
from tests.waiting import wait_for

TOKEN = "a-token-of-the-tests"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def value(name: str, text: bytes = b"", /, **labels: str) -> float:
    """The sum of all samples of this name and with these labels."""
    content = (text or metrics.exposition(version="x")).decode()
    samples = [sample for family in text_string_to_metric_families(content) for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == name and labels.items() <= sample.labels.items())


class TestWhatIsCounted:
    """In one process, as in these tests; `value` before and after."""

    @pytest.mark.django_db(transaction=True)
    def test_scores_by_their_outcome(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        names = ("modelhub_scores_stored_total", "modelhub_scores_refused_total", "modelhub_batch_scores_sum")
        before = [value(name) for name in names]
        wrong = value("modelhub_scores_refused_total", code="invalid_value")
        scores = [entry(labels["star"], 4), entry(labels["text"], "x"), entry(labels["numeric"], "many"), 1]
        assert alice.bulk(trace, scores).status == 201
        assert [value(name) - old for name, old in zip(names, before, strict=True)] == [2, 2, 4]
        assert value("modelhub_scores_refused_total", code="invalid_value") == wrong + 1

    @pytest.mark.django_db(transaction=True)
    def test_nothing_is_stored_by_a_dry_run_nor_by_a_repeat(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        stored, replays = value("modelhub_scores_stored_total"), value("modelhub_idempotent_replays_total")
        assert alice.bulk(trace, [entry(labels["star"], 4)], "?dry_run=true").status == 200
        assert value("modelhub_scores_stored_total") == stored
        body = {"source_type": "trace", "source_id": trace.source_id, "scores": [entry(labels["star"], 4)]}
        for _ in range(3):
            assert alice.post(BULK, body, headers={"Idempotency-Key": "k"}).status == 201
        assert value("modelhub_scores_stored_total") == stored + 1
        assert value("modelhub_idempotent_replays_total") == replays + 2

    @pytest.mark.django_db
    def test_requests_by_route_and_problems_by_code(self, alice: Caller, trace: Source) -> None:
        asked = {"method": "GET", "route": "source", "status": "200"}
        before = value("modelhub_requests_total", **asked)
        seconds = value("modelhub_request_seconds_count", route="source")
        lost = value("modelhub_problems_total", code="not_found")
        assert alice.get(f"/model-hub/sources/{trace.pk}/").status == 200
        assert alice.get("/no/such/path/").status == 404
        assert value("modelhub_requests_total", **asked) == before + 1
        assert value("modelhub_request_seconds_count", route="source") == seconds + 1
        assert value("modelhub_problems_total", code="not_found") == lost + 1
        assert value("modelhub_requests_total", route="", status="404") >= 1

    @pytest.mark.django_db
    def test_nothing_that_a_client_chooses_becomes_a_label(self, alice: Caller, trace: Source) -> None:
        alice.request("BREW", "/a/path/of/mine/")
        alice.get("/model-hub/sources/?search=words-of-mine")
        text = metrics.exposition(version="x").decode()
        for chosen in ("BREW", "of/mine", "of-mine", str(trace.pk), str(alice.user.organization_id), alice.key.api_key):
            assert chosen not in text

    @pytest.mark.django_db
    def test_a_batch_that_the_database_refuses(
        self, alice: Caller, trace: Source, labels: dict[str, Label], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("modelhub.core.exact_json.check_storable", lambda *_, **__: None)
        before = value("modelhub_savepoint_fallbacks_total")
        assert alice.bulk(trace, [entry(labels["text"], "a\x00b")]).body["scores"] == []
        assert value("modelhub_savepoint_fallbacks_total") == before + 1

    def test_one_count_costs_next_to_nothing(self) -> None:
        started = time.perf_counter()
        for _ in range(1000):
            metrics.count_request(method="GET", route="healthz", status=200, seconds=0.1)
        assert time.perf_counter() - started < 0.5


class TestWhoMayRead:
    """404 without a setting, 401 without the token."""

    pytestmark = pytest.mark.django_db

    def test_without_a_configured_token_it_is_a_404(self) -> None:
        answer = Client().get("/metrics", headers=AUTHORIZED)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize("sent", ["", "Bearer", f"Bearer {TOKEN}x", TOKEN, f"Basic {TOKEN}", "Bearer \udcff é"])
    def test_another_token_is_a_401(self, settings: Any, sent: str) -> None:
        settings.METRICS_TOKEN = TOKEN
        answer = Client().get("/metrics", headers={"Authorization": sent})
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")

    def test_the_configured_token_opens_it(self, settings: Any) -> None:
        settings.METRICS_TOKEN = TOKEN
        answer = Client().get("/metrics", headers=AUTHORIZED)
        assert (answer.status_code, answer["Content-Type"]) == (200, metrics.CONTENT_TYPE)
        assert b'modelhub_build_info{version="0.1.0"} 1.0' in answer.content
        assert Client().post("/metrics", headers=AUTHORIZED).status_code == 405


def test_every_metric_is_documented_and_nothing_else_is() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    documented = re.findall(r"^\| `(modelhub_\w+)` \| (\w+) \|", page, re.MULTILINE)
    families = text_string_to_metric_families(metrics.exposition(version="x").decode())
    told = [(family.name + ("_total" if family.type == "counter" else ""), family.type) for family in families]
    assert sorted(documented) == sorted(told)


def test_alerts_name_metrics_that_exist() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    named = set(re.findall(r"\b(modelhub_[a-z_]+)", page))
    families = list(text_string_to_metric_families(metrics.exposition(version="x").decode()))
    endings = ("", "_total", "_info", "_bucket", "_sum", "_count")
    assert named <= {family.name + ending for family in families for ending in endings}


@pytest.fixture(scope="module")
def watched() -> Iterator[Server]:
    """A server of two workers with a token."""
    with data_folder() as folder, running_server(folder, MODELHUB_METRICS_TOKEN=TOKEN) as server:
        yield server


def scrape(server: Server) -> bytes:
    answer = server.request("GET", "/metrics", headers=AUTHORIZED)
    assert answer.status_code == 200
    return answer.content


def folders() -> set[Path]:
    return {path for place in ("/dev/shm", tempfile.gettempdir()) for path in Path(place).glob("modelhub-metrics-*")}


def test_all_workers_are_added_up_and_outlived(watched: Server) -> None:
    routed = {"route": "sources", "status": "200"}
    for _ in range(20):
        assert watched.request("GET", "/model-hub/sources/").status_code == 200
    assert value("modelhub_requests_total", scrape(watched), **routed) == 20
    wait_for(lambda: value("modelhub_pool_limit", scrape(watched)) == 12)

    for worker in psutil.Process(watched.process.pid).children():
        worker.send_signal(signal.SIGKILL)
    wait_for(lambda: len(psutil.Process(watched.process.pid).children()) == 2)
    assert watched.request("GET", "/model-hub/sources/").status_code == 200
    assert value("modelhub_requests_total", scrape(watched), **routed) == 21
    wait_for(lambda: value("modelhub_pool_limit", scrape(watched)) == 12)


def test_the_folder_of_a_server_is_removed(watched: Server, folder: Path) -> None:
    before = folders()
    with running_server(folder, MODELHUB_METRICS_TOKEN=TOKEN) as server:
        [own] = folders() - before
        assert list(own.glob("*.db"))
        assert server.stop() == 0
        assert not own.exists()
    assert scrape(watched)
