"""Of all answers of queues, `annotate-detail` alone has the content of the source."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.accounts.people import Actor
from modelhub.core import exact_json
from modelhub.queues.detail import get_detail
from modelhub.queues.models import Queue
from tests.client import Caller
from tests.factories import QueueFactory, SourceFactory
from tests.queues.team import Team

pytestmark = pytest.mark.django_db

CONTENT = {"messages": [{"role": "user", "content": "Hi"}], "temperature": 7}


@pytest.fixture
def team(alice: Caller) -> Team:
    """Create an active queue with an annotator, Dora, and a reviewer, Rita."""
    queue: Queue = QueueFactory.create(created_by=alice.user, status="active", annotations_required=2)
    team = Team(queue)
    team.attach("star")
    team.join("dora")
    team.join("rita", "reviewer")
    return team


def add(team: Team, content: Any) -> Any:
    return team.add(source=SourceFactory.create(organization=team.queue.organization, content=content))


@pytest.mark.parametrize("content", [CONTENT, [1, None], "text", "", 0, False, None])
def test_annotators_and_reviewers_read_the_content_of_an_item(team: Team, content: Any) -> None:
    item = add(team, content)
    for name, gold in (("dora", False), ("rita", True)):
        shown = team.people[name].get(team.of(item, "annotate-detail"))
        assert (shown.status, shown.body["item"]["content"]) == (200, content)
        assert ("gold" in shown.body["item"]) == gold


def test_numbers_of_the_content_keep_every_digit(team: Team) -> None:
    item = add(team, exact_json.loads('{"a": 0.10, "b": 12345678901234567890123}'))
    shown = team.people["dora"].get(team.of(item, "annotate-detail")).body["item"]["content"]
    assert exact_json.dumps(shown) == '{"a":0.10,"b":12345678901234567890123}'


def test_pages_read_the_content_as_json_text(team: Team) -> None:
    item = add(team, CONTENT)
    dora = team.people["dora"]
    actor = Actor(dora.user, dora.key.scopes)
    found = get_detail(actor=actor, queue_id=team.queue.pk, item_id=item.pk, of=None, reserve=False).item
    assert found.content is not None
    assert exact_json.same(exact_json.loads(bytes(found.content)), CONTENT)


def test_no_other_answer_reads_the_content(team: Team, alice: Caller) -> None:
    item, dora = add(team, CONTENT), team.people["dora"]
    queue = team.path.removesuffix("items/")
    with CaptureQueriesContext(connection) as queries:
        answers = [
            dora.get(f"{team.path}next-item/"),
            dora.get(team.path),
            dora.get(f"{team.path}{item.pk}/"),
            team.score("dora", item),
            dora.post(team.of(item, "complete")),
            *(alice.get(f"{queue}{path}") for path in ("disagreements/", "progress/", "analytics/")),
            alice.get(f"/model-hub/annotation-queues/for-source/?source_type=trace&source_id={item.source.source_id}"),
        ]
    assert {answer.status for answer in answers} == {200}
    names = ('"modelhub_source"."content"', "source.content", "source.*")
    assert not [query["sql"] for query in queries if any(name in query["sql"] for name in names)]
    assert not [answer for answer in answers if "temperature" in exact_json.dumps(answer.body)]
