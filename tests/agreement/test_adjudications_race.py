"""Decisions at once, on connections of their own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection, transaction

from modelhub.core import exact_json
from modelhub.labels.models import Label
from modelhub.queues.models import Adjudication, Item
from tests.client import Answer, Caller
from tests.factories import ApiKeyFactory, UserFactory
from tests.queues.exports import Judged, judged

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue(alice: Caller, labels: dict[str, Label]) -> Judged:
    return judged(alice.user, labels)


@pytest.fixture
def admins(alice: Caller) -> list[Caller]:
    """Return four people that may decide."""
    users = UserFactory.create_batch(4, organization=alice.user.organization, role="admin")
    return [Caller(ApiKeyFactory.create(user=user)) for user in users]


def at_once(*acts: Callable[[], Answer]) -> list[Answer]:
    """Run requests in threads that begin together."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Answer]) -> Answer:
        start.wait()
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def decide(caller: Caller, queue: Judged, decisions: list[tuple[Item, int]]) -> Answer:
    label = str(queue.labels["star"].pk)
    body = [{"item_id": str(item.pk), "label_id": label, "value": rating} for item, rating in decisions]
    return caller.post(f"{queue.path}adjudicate/", {"decisions": body})


def test_of_decisions_at_once_one_is_in_force_and_all_are_in_the_history(queue: Judged, admins: list[Caller]) -> None:
    item = queue.item()
    for turn in range(5):
        before = Adjudication.objects.count()
        answers = at_once(*(partial(decide, one, queue, [(item, at)]) for at, one in enumerate(admins, 1)))
        assert [(answer.status, answer.body["errors"]) for answer in answers] == [(200, [])] * 4
        assert {answer.body["adjudicated"][0]["value"] for answer in answers} == {1, 2, 3, 4}
        assert Adjudication.objects.count() - before in {3, 4}, f"turn {turn}: one may repeat the one before"
        assert Adjudication.objects.filter(replaced_at=None).count() == 1


def test_many_decisions_at_once_in_any_order_lock_each_other_out(queue: Judged, admins: list[Caller]) -> None:
    items = [queue.item() for _ in range(20)]
    batches = [[(item, at) for item in items[:: 1 if at % 2 else -1]] for at in range(1, 5)]
    answers = at_once(*(partial(decide, one, queue, batch) for one, batch in zip(admins, batches, strict=True)))
    assert [(answer.status, len(answer.body["adjudicated"])) for answer in answers] == [(200, 20)] * 4
    in_force = Adjudication.objects.filter(replaced_at=None)
    assert in_force.count() == 20
    # One request wins all of them: it was the last one.
    assert len({row.value["rating"] for row in in_force}) == 1
    assert Adjudication.objects.count() == 80


def test_a_decision_waits_for_the_removal_of_its_item(alice: Caller, queue: Judged, admins: list[Caller]) -> None:
    item = queue.item()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert alice.delete(f"{queue.path}items/{item.pk}/").status == 200
            late = pool.submit(at_once, lambda: decide(admins[0], queue, [(item, 3)]))
            with pytest.raises(TimeoutError):
                late.result(timeout=0.3)
        [answer] = late.result()
    assert (answer.status, answer.body) == (
        200,
        {"adjudicated": [], "errors": [f"decisions[0]: Item not found: {item.pk}"]},
    )
    assert not Adjudication.objects.exists()


def test_a_decision_waits_for_a_change_of_its_scores(alice: Caller, queue: Judged, admins: list[Caller]) -> None:
    # Else the change would count as earlier, though the decision did not see it.
    item = queue.item()
    score = queue.score(item, alice.user, "star", {"rating": 2})
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert alice.patch(f"/model-hub/scores/{score.pk}/", {"value": 5}).status == 200
            late = pool.submit(at_once, lambda: decide(admins[0], queue, [(item, 3)]))
            with pytest.raises(TimeoutError):
                late.result(timeout=0.3)
        [answer] = late.result()
    [decision] = answer.body["adjudicated"]
    score.refresh_from_db()
    assert decision["created_at"] > exact_json.timestamp(score.updated_at)
    assert not decision["is_outdated"]


def test_a_removal_waits_for_a_decision_and_takes_it_out_of_sight(
    alice: Caller, queue: Judged, admins: list[Caller]
) -> None:
    item = queue.item()
    answers = at_once(
        lambda: decide(admins[0], queue, [(item, 3)]), lambda: alice.delete(f"{queue.path}items/{item.pk}/")
    )
    assert [answer.status for answer in answers] == [200, 200]
    assert Adjudication.objects.count() == len(answers[0].body["adjudicated"])
    assert alice.get(f"{queue.path}items/{item.pk}/adjudications/").status == 404
