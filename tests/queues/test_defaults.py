"""Default queues of scopes, and the queues of a source."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from modelhub.datasets.models import Dataset
from modelhub.labels.models import Label
from modelhub.queues.models import Queue, QueueMember
from modelhub.sources.models import Source, SourceNote
from tests.client import Answer, Caller
from tests.factories import (
    ApiKeyFactory,
    ItemFactory,
    ProjectFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SlotFactory,
    SourceFactory,
)

pytestmark = pytest.mark.django_db

QUEUES = "/model-hub/annotation-queues/"
DEFAULT = QUEUES + "get-or-create-default/"
FOR_SOURCE = QUEUES + "for-source/"


class TestDefaults:
    def test_it_is_created_once_and_active_and_the_caller_has_all_roles(self, alice: Caller, bob: Caller) -> None:
        project = ProjectFactory.create(organization=alice.user.organization, name="Support bot")
        first = alice.post(DEFAULT, {"project_id": str(project.pk)})
        queue = first.body["queue"]
        assert (first.status, first.body["created"], first.body["action"]) == (200, True, "created")
        assert (queue["name"], queue["status"], queue["is_default"]) == ("Default - Support bot", "active", True)
        assert (queue["project"], first.body["labels"]) == (str(project.pk), [])

        again = bob.post(DEFAULT, {"projectId": str(project.pk)})
        assert (again.body["queue"]["id"], again.body["created"], again.body["action"]) == (
            queue["id"],
            False,
            "fetched",
        )
        roles = ["manager", "reviewer", "annotator"]
        assert list(QueueMember.objects.order_by("id").values_list("user", "roles")) == [
            (alice.user.pk, roles),
            (bob.user.pk, roles),
        ]
        assert Queue.objects.count() == 1

    def test_datasets_and_agent_definitions_are_scopes_too(self, alice: Caller) -> None:
        dataset = Dataset.objects.create(organization=alice.user.organization, name="x" * 255)
        agent = str(uuid.uuid4())
        for body, name in (
            ({"dataset": str(dataset.pk)}, f"Default - {'x' * 245}"),
            ({"agent_definition_id": agent}, f"Default - {agent}"),
        ):
            made = alice.post(DEFAULT, body)
            assert (made.status, made.body["queue"]["name"]) == (200, name)
            assert alice.post(DEFAULT, body).body["queue"]["id"] == made.body["queue"]["id"]
        assert Queue.objects.count() == 2

    def test_a_deleted_one_is_restored_with_its_labels(self, alice: Caller, labels: dict[str, Label]) -> None:
        body = {"agent_definition_id": str(uuid.uuid4())}
        path = f"{QUEUES}{alice.post(DEFAULT, body).body['queue']['id']}/"
        alice.patch(path, {"label_ids": [str(labels["star"].pk)]})
        alice.post(path + "update-status/", {"status": "paused"})
        assert alice.post(DEFAULT, body).body["queue"]["status"] == "paused"
        alice.delete(path)
        answer = alice.post(DEFAULT, body).body
        assert (answer["action"], answer["created"], answer["queue"]["status"]) == ("restored", False, "active")
        assert [label["label_id"] for label in answer["labels"]] == [str(labels["star"].pk)]
        assert alice.get(path).status == 200

    def test_a_taken_name_is_a_409(self, alice: Caller) -> None:
        project = ProjectFactory.create(organization=alice.user.organization, name="Bot")
        body = {"name": "DEFAULT - bot", "project": str(project.pk)}
        assert alice.post(QUEUES, body).status == 201
        answer = alice.post(DEFAULT, {"project_id": str(project.pk)})
        assert (answer.status, answer.body["code"]) == (409, "duplicate")
        assert not Queue.objects.filter(is_default=True).exists()

    def test_a_scope_has_one_default_queue(self, alice: Caller) -> None:
        first, second = ({"agent_definition_id": str(uuid.uuid4())} for _ in range(2))
        alice.post(DEFAULT, first)
        moved = alice.post(DEFAULT, second).body["queue"]["id"]
        answer = alice.patch(f"{QUEUES}{moved}/", first)
        assert (answer.status, answer.body["code"]) == (409, "duplicate")
        assert answer.body["detail"] == "This scope has a default queue already"

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"project_id": None},
            {"project_id": str(uuid.uuid4()), "agent_definition_id": str(uuid.uuid4())},
            {"project_id": str(uuid.uuid4()), "project": str(uuid.uuid4())},
            {"project_id": "x"},
        ],
    )
    def test_exactly_one_scope_is_needed(self, alice: Caller, body: Any) -> None:
        assert alice.post(DEFAULT, body).status == 400
        assert not Queue.objects.exists()

    def test_unknown_and_foreign_scopes_are_404s(self, alice: Caller, charlie: Caller) -> None:
        organization = charlie.user.organization
        foreign = {
            "project_id": ProjectFactory.create(organization=organization).pk,
            "dataset_id": Dataset.objects.create(organization=organization, name="Rows").pk,
        }
        for scope, scope_id in foreign.items():
            for sent in (scope_id, uuid.uuid4()):
                answer = alice.post(DEFAULT, {scope: str(sent)})
                assert (answer.status, answer.body["code"]) == (404, f"{scope.removesuffix('_id')}_not_found")

    @pytest.mark.django_db(transaction=True)
    def test_two_requests_at_the_same_moment_get_one_queue(self, alice: Caller, bob: Caller) -> None:
        body = {"agent_definition_id": str(uuid.uuid4())}

        def ask(caller: Caller) -> Answer:
            try:
                return caller.post(DEFAULT, body)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(ask, [alice, bob, alice, bob]))
        assert [answer.status for answer in answers] == [200] * 4
        assert len({answer.body["queue"]["id"] for answer in answers}) == 1
        assert sum(answer.body["created"] for answer in answers) == 1
        assert QueueMember.objects.count() == 2


def ask(caller: Caller, source: Source, **more: str) -> Answer:
    return caller.get(
        f"{FOR_SOURCE}?{urlencode({'source_type': source.source_type, 'source_id': source.source_id, **more})}"
    )


class TestQueuesOfASource:
    def test_own_work_is_in_the_answer_and_that_of_others_is_not(
        self, alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        queue = QueueFactory.create(created_by=alice.user, instructions="Read.")
        QueueMemberFactory.create(queue=queue, user=bob.user)
        item = ItemFactory.create(queue=queue, source=trace, status="in_progress")
        attached = QueueLabelFactory.create(queue=queue, label=labels["star"], order=0)
        of_item = {"source": trace, "queue_item": item.pk, "queue_id": queue.pk}
        ScoreFactory.create(**of_item, label=labels["star"], annotator=bob.user, value={"rating": 2}, notes="own")
        ScoreFactory.create(**of_item, label=labels["text"], annotator=bob.user, value={"text": "detached"})
        ScoreFactory.create(**of_item, label=labels["star"], annotator=alice.user, notes="of Alice")
        ScoreFactory.create(source=trace, label=labels["star"], annotator=bob.user, value={"rating": 5})
        SlotFactory.create(item=item, user=bob.user, state="submitted", notes="my note")
        SlotFactory.create(item=item, user=alice.user, state="submitted", notes="her note")
        notes = [
            SourceNote.objects.create(organization=trace.organization, source=trace, author=author, text=text)
            for author, text in ((bob.user, "mine"), (alice.user, "hers"))
        ]

        answer = ask(bob, trace)
        assert answer.status == 200
        assert answer.body == [
            {
                "queue": {
                    "id": str(queue.pk),
                    "name": queue.name,
                    "instructions": "Read.",
                    "status": "active",
                    "is_default": False,
                },
                "item": {
                    "id": str(item.pk),
                    "status": "in_progress",
                    "source_type": "trace",
                    "source_id": trace.source_id,
                },
                "labels": [
                    {
                        "id": str(attached.pk),
                        "label_id": str(labels["star"].pk),
                        "name": "Star",
                        "type": "star",
                        "settings": {"no_of_stars": 5},
                        "description": "",
                        "allow_notes": False,
                        "order": 0,
                        "required": True,
                    }
                ],
                "existing_scores": {str(labels["star"].pk): {"rating": 2}},
                "existing_notes": "my note",
                "existing_label_notes": {str(labels["star"].pk): "own"},
                "span_notes": [
                    {
                        "id": str(notes[0].pk),
                        "text": "mine",
                        "created_at": notes[0].created_at.isoformat().replace("+00:00", "Z"),
                    }
                ],
            }
        ]

    def test_before_own_work_there_is_none_of_others(
        self, alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        queue = QueueFactory.create(created_by=bob.user)
        QueueLabelFactory.create(queue=queue, label=labels["star"])
        item = ItemFactory.create(queue=queue, source=trace)
        ScoreFactory.create(
            source=trace,
            label=labels["star"],
            annotator=alice.user,
            queue_item=item.pk,
            queue_id=queue.pk,
            notes="hers",
        )
        SlotFactory.create(item=item, user=alice.user, state="submitted", notes="hers")
        [found] = ask(bob, trace).body
        assert (found["existing_scores"], found["existing_notes"], found["existing_label_notes"]) == ({}, "", {})

    def test_only_own_live_queues_with_the_source_are_listed(self, alice: Caller, bob: Caller, trace: Source) -> None:
        created, joined, gone, others, removed = QueueFactory.create_batch(5, created_by=alice.user)
        Queue.objects.filter(pk=created.pk).update(created_by=bob.user)
        QueueFactory.create(created_by=bob.user)
        for queue in (joined, gone, removed):
            QueueMemberFactory.create(queue=queue, user=bob.user)
        for queue in (created, joined, gone, others):
            ItemFactory.create(queue=queue, source=trace)
        ItemFactory.create(queue=removed, source=trace, deleted_at=removed.created_at)
        Queue.objects.filter(pk=gone.pk).update(deleted_at=gone.created_at)

        def listed(caller: Caller) -> list[str]:
            return [one["queue"]["id"] for one in ask(caller, trace).body]

        assert listed(bob) == [str(created.pk), str(joined.pk)]
        key = Caller(ApiKeyFactory.create(user=bob.user, scopes=["annotate"]))
        assert listed(key) == [str(joined.pk)]

    @pytest.mark.parametrize("key", ["project_id", "project"])
    def test_the_default_queue_of_the_sources_scope_is_listed(self, alice: Caller, bob: Caller, key: str) -> None:
        project = ProjectFactory.create(organization=alice.user.organization)
        queue_id = alice.post(DEFAULT, {"project_id": str(project.pk)}).body["queue"]["id"]
        QueueMember.objects.all().delete()
        source = SourceFactory.create(organization=alice.user.organization, metadata={key: str(project.pk)})
        [found] = ask(bob, source).body
        assert (found["queue"]["id"], found["queue"]["is_default"], found["item"]) == (queue_id, True, None)
        item = ItemFactory.create(queue=Queue.objects.get(), source=source)
        [found] = ask(bob, source).body
        assert found["item"]["id"] == str(item.pk)
        alice.post(f"{QUEUES}{queue_id}/update-status/", {"status": "paused"})
        assert ask(bob, source).body == []

    def test_metadata_without_ids_of_scopes_names_none(self, alice: Caller) -> None:
        for metadata in ({"project_id": 4}, {"project_id": "x"}, {"project": {"id": 1}}, {"dataset": None}):
            source = SourceFactory.create(organization=alice.user.organization, metadata=metadata)
            assert ask(alice, source).body == []

    def test_many_sources_need_as_many_statements_as_one(self, alice: Caller) -> None:
        queues = QueueFactory.create_batch(3, created_by=alice.user)
        sources = SourceFactory.create_batch(5, organization=alice.user.organization)
        for queue in queues:
            for source in sources:
                ItemFactory.create(queue=queue, source=source)
        counts, answers = [], []
        alice.get(QUEUES)
        for number in (1, 5):
            sent = [{"sourceType": "trace", "source_id": source.source_id} for source in sources[:number]]
            with CaptureQueriesContext(connection) as captured:
                answers.append(alice.get(f"{FOR_SOURCE}?{urlencode({'sources': json.dumps(sent)})}").body)
            counts.append(len(captured))
        assert [len(answer) for answer in answers] == [3, 15]
        assert [one["item"]["source_id"] for one in answers[1][::3]] == [source.source_id for source in sources]
        assert counts[0] == counts[1]

    def test_it_acts_for_another_person_with_act_as(self, alice: Caller, bob: Caller, trace: Source) -> None:
        queue = QueueFactory.create(created_by=alice.user)
        QueueMemberFactory.create(queue=queue, user=bob.user)
        item = ItemFactory.create(queue=queue, source=trace)
        SlotFactory.create(item=item, user=bob.user, state="submitted", notes="my note")
        assert ask(alice, trace, annotator_email="bob@example.com").status == 403
        server = Caller(ApiKeyFactory.create(user=alice.user, scopes=["read", "write", "act-as"]))
        for person in ({"annotator_email": "bob@example.com"}, {"annotator_id": str(bob.user.pk)}):
            assert [one["existing_notes"] for one in ask(server, trace, **person).body] == ["my note"]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({}, "source_type"),
            ({"source_type": "trace"}, "source_id"),
            ({"source_type": "page", "source_id": "x"}, "source_type"),
            ({"sources": "[]"}, "sources"),
            ({"sources": "{"}, "sources"),
            ({"sources": "[" * 9999}, "sources"),
            ({"sources": "{}"}, "sources"),
            ({"sources": '["x"]'}, "sources"),
            ({"sources": json.dumps([{"source_type": "trace", "source_id": "x"}] * 101)}, "sources"),
            ({"sources": '[{"source_type": "trace"}]'}, "source_id"),
            ({"sources": '[{"source_type": "trace", "source_id": "x"}]', "source_id": "x"}, "sources"),
        ],
    )
    def test_an_unusable_query_is_a_400(self, alice: Caller, query: dict[str, str], field: str) -> None:
        answer = alice.get(f"{FOR_SOURCE}?{urlencode(query)}")
        assert answer.status == 400
        assert field in answer.body["errors"]

    def test_unknown_and_foreign_sources_have_no_queues(self, alice: Caller, charlie: Caller) -> None:
        item = ItemFactory.create(queue__created_by=charlie.user)
        assert ask(alice, item.source).body == []
        assert len(ask(charlie, item.source).body) == 1
        assert ask(alice, Source(source_type="trace", source_id="unknown")).body == []
