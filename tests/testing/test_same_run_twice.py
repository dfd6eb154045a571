"""A run with a fixed clock and seed is the same byte by byte, each time and on each server."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.servers import Server, data_folder, running_server
from tests.testing.made import Made, control, making

NOW = "2026-01-31T12:00:00Z"
MADE = {
    "name": "Same",
    "now": NOW,
    "labels": [{"name": "Tone", "type": "categorical", "settings": {"options": ["formal", "casual"]}}],
    "people": [{"email": "ann+{organization}@example.com", "name": "Ann"}],
    "sources": [{"source_type": "trace", "source_id": "trace-1"}],
    "scores": [{"source_type": "trace", "source_id": "trace-1", "label_name": "Tone", "value": "casual"}],
}


def run(server: Server, seed: object) -> list[bytes]:
    """Make an organization, use it, and return its ids and all answers."""
    with making(server, seed=seed, **MADE) as tenant:
        return [*answers_of(tenant)]


def answers_of(tenant: Made) -> Iterator[bytes]:
    made = tenant.body
    labels: dict[str, str] = made["labels"]
    shown: list[Any] = [made["id"], made["user"], labels, made["sources"]]
    yield repr([*shown, *(made["seeded"][name] for name in ("labels", "sources", "scores"))]).encode()
    yield repr([(one["id"], one["email"]) for one in made["seeded"]["people"]]).encode()

    good: list[dict[str, object]] = [
        {"label_id": labels["star"], "value": {"rating": 4}, "notes": "first"},
        {"label_id": labels["numeric"], "value": 2.5},
        {"label_id": labels["text"], "value": "text"},
    ]
    wrong = [
        {"label_id": labels["thumbs_up_down"], "value": {"value": "sideways"}},
        {"label_id": "01a21b80-0664-7531-8ff6-4c6646ecee75", "value": 1},
        {"label_id": labels["star"], "value": {"rating": 5}},
        7,
    ]
    bulk = "/model-hub/scores/bulk/"
    for answer in (
        tenant.bulk(*good, *wrong),
        tenant.request(
            "POST",
            f"{bulk}?error_details=true",
            json={"source_type": "trace", "source_id": made["sources"]["trace"], "scores": [*wrong, *good]},
        ),
        tenant.bulk(good[0], source_id="unknown"),
        tenant.bulk(good[0], unknown=1),
        tenant.request("POST", bulk, data=b"{", headers={"Content-Type": "application/json"}),
        tenant.request("POST", bulk, json={}, headers={"X-Secret-Key": "wrong"}),
        tenant.bulk(good[1], headers={"Idempotency-Key": "one"}, notes="batch"),
        tenant.bulk(good[1], headers={"Idempotency-Key": "one"}, notes="batch"),
        tenant.bulk(good[1], headers={"Idempotency-Key": "one"}, notes="another"),
    ):
        yield answer.content
        yield answer.headers["X-Request-Id"].encode()

    fault = {"organization": made["id"], "times": 1, "then": {"refuse_scores": [0]}}
    assert control(tenant.server, "POST", "/__admin/faults", json=fault).status_code == 201
    yield tenant.bulk(good[2], good[0] | {"value": {"rating": 2}}).content
    for code in (401, 429, 503):
        yield tenant.bulk(good[0], headers={"Prefer": f"code={code}"}).content

    # A changed label is judged again: this must take as many ids in each run.
    star = f"/model-hub/annotations-labels/{labels['star']}/"
    yield tenant.request("PATCH", star, json={"settings": {"no_of_stars": 7}}).content
    tenant.set_clock(advance=60)
    yield tenant.bulk({"label_id": labels["star"], "value": {"rating": 7}}).content
    yield tenant.request("POST", "/model-hub/sources/", json={"source_type": "span", "source_id": "new"}).content
    yield tenant.request("POST", "/model-hub/annotations-labels/", json={"name": "New", "type": "text"}).content
    tenant.set_clock(advance=-3600)
    stored = tenant.bulk({"label_id": labels["star"], "value": {"rating": 1}}, source_type="span", source_id="new")
    yield stored.content
    score = stored.json()["scores"][0]["id"]
    yield tenant.request("PATCH", f"/model-hub/scores/{score}/", json={"notes": "changed"}).content
    yield tenant.request("GET", f"/model-hub/scores/{score}/history/").content
    for path in (
        "/model-hub/scores/",
        "/model-hub/scores/?ordering=-updated_at&cursor=",
        "/model-hub/sources/",
        "/model-hub/annotations-labels/",
        f"/model-hub/scores/for-source/?source_type=trace&source_id={made['sources']['trace']}",
        "/model-hub/scores/export/",
        "/model-hub/scores/export/?export_format=csv",
    ):
        answer = tenant.request("GET", path)
        assert answer.status_code == 200, answer.text
        yield answer.content


@contextmanager
def fresh_server() -> Iterator[Server]:
    with data_folder() as folder, running_server(folder, MODELHUB_TEST_CONTROLS="true") as server:
        yield server


def test_two_runs_on_two_servers_and_on_one_have_equal_answers() -> None:
    with fresh_server() as server:
        first = run(server, "same")
        # Deleted in between, with its seed; and another organization is there.
        with making(server):
            assert run(server, "same") == first
    with fresh_server() as server:
        assert run(server, "same") == first


def test_another_seed_has_the_same_answers_with_other_ids(controlled: Server) -> None:
    one, other = run(controlled, str(uuid.uuid4())), run(controlled, str(uuid.uuid4()))
    assert [len(answer) for answer in one] == [len(answer) for answer in other]
    assert one[2] != other[2]
