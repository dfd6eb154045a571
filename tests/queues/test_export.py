"""Export of a queue: JSON, JSON lines and CSV."""

import json
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from modelhub.core import exact_json
from modelhub.labels.models import Label
from modelhub.queues.models import SLOT_STATES, Adjudication, Item, QueueLabel
from modelhub.scores.models import Score
from tests.client import Caller
from tests.factories import (
    AdjudicationFactory,
    ApiKeyFactory,
    ItemFactory,
    LabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SlotFactory,
    SourceFactory,
    UserFactory,
)
from tests.queues.exports import QUEUES, Judged, csv_of, download, items_of, judged

pytestmark = pytest.mark.django_db

VALUES: dict[str, tuple[Any, Any]] = {
    "star": ({"rating": 4, "x": 1}, 4),
    "categorical": ({"selected": ["positive", "neutral"]}, ["positive", "neutral"]),
    "text": ({"text": "Ünï"}, "Ünï"),
    "numeric": ({"value": 7.5}, 7.5),
    "thumbs_up_down": ({"value": "up"}, "up"),
}


@pytest.fixture
def queue(alice: Caller, labels: dict[str, Label]) -> Judged:
    return judged(alice.user, labels)


class TestJson:
    """For programs: one object per item."""

    def test_an_item_has_its_source_and_its_annotations_with_plain_values(
        self, alice: Caller, bob: Caller, queue: Judged
    ) -> None:
        item = queue.item(order=3, status="completed", source__name="Refund", source__source_id="s-1")
        for label, (value, _) in reversed(VALUES.items()):
            queue.score(item, bob.user, label, value, notes="a note", score_source="imported")
        [exported] = items_of(alice, queue)

        annotations = exported.pop("annotations")
        assert exported == {
            "item_id": str(item.pk),
            "source_type": "trace",
            "source_id": "s-1",
            "source_name": "Refund",
            "status": "completed",
            "order": 3,
            "gold": False,
            "expected": {},
            "item_notes": [],
            "skips": [],
        }
        plain = {one["label_type"]: one["value"] for one in annotations}
        assert plain == exact_json.loads(json.dumps({label: plain for label, (_, plain) in VALUES.items()}))
        assert [one["label_name"] for one in annotations] == [label.name for label in queue.labels.values()]
        star = next(one for one in annotations if one["label_type"] == "star")
        score = Score.objects.get(label=queue.labels["star"])
        assert star == {
            "label_id": str(queue.labels["star"].pk),
            "label_name": "Star",
            "label_type": "star",
            "value": 4,
            "notes": "a note",
            "annotator_id": str(bob.user.pk),
            "annotator_name": "Bob",
            "annotator_email": "bob@example.com",
            "score_source": "imported",
            "created_at": exact_json.timestamp(score.created_at),
            "updated_at": exact_json.timestamp(score.updated_at),
            "completed": True,
            "authoritative": False,
        }

    def test_it_is_json_that_streams_as_an_attachment(self, alice: Caller, queue: Judged) -> None:
        text, headers = download(alice, f"{queue.path}export/")
        assert (json.loads(text), headers["Content-Type"]) == ([], "application/json")
        name = f'attachment; filename="queue_{queue.queue.pk}_annotations.json"'
        assert headers["Content-Disposition"] == name
        items = [queue.item(), queue.item()]
        assert [one["item_id"] for one in items_of(alice, queue, "?exportFormat=json")] == [
            str(one.pk) for one in items
        ]

    def test_items_are_in_their_order_with_their_own_annotations(
        self, alice: Caller, bob: Caller, queue: Judged
    ) -> None:
        orders = [5, 1, 3, 3, 2]
        items = [queue.item(order=order) for order in orders]
        for item in items[::2]:
            queue.score(item, bob.user, "star", {"rating": 1})
            queue.score(item, alice.user, "star", {"rating": item.order})
        exported = items_of(alice, queue)
        expected = sorted(items, key=lambda item: (item.order, item.pk))
        assert [one["item_id"] for one in exported] == [str(item.pk) for item in expected]
        by_id = {one["item_id"]: [(a["annotator_name"], a["value"]) for a in one["annotations"]] for one in exported}
        assert by_id == {
            str(item.pk): [("Bob", 1), ("Alice", item.order)] if at % 2 == 0 else [] for at, item in enumerate(items)
        }

    def test_numbers_keep_their_digits(self, alice: Caller, queue: Judged) -> None:
        number = exact_json.loads("0.1000000000000000000000001")
        queue.score(queue.item(), alice.user, "numeric", {"value": number})
        assert items_of(alice, queue)[0]["annotations"][0]["value"] == number

    def test_scores_of_unfinished_work_say_so(self, alice: Caller, queue: Judged) -> None:
        item = queue.item()
        people = {state: UserFactory.create(organization=alice.user.organization) for state in (*SLOT_STATES, "none")}
        for state, user in people.items():
            queue.score(item, user, "star", {"rating": 4})
            if state != "none":
                SlotFactory.create(item=item, user=user, state=state)
        found = {one["annotator_id"]: one["completed"] for one in items_of(alice, queue)[0]["annotations"]}
        expected = {state: state in ("completed", "none") for state in people}
        assert {state: found[str(user.pk)] for state, user in people.items()} == expected
        cells = {row["annotator_id"]: row["completed"] for row in csv_of(alice, queue)}
        assert cells == {person: "true" if done else "false" for person, done in found.items()}

    def test_skips_have_their_reasons(self, alice: Caller, bob: Caller, queue: Judged) -> None:
        item = queue.item()
        slot = SlotFactory.create(item=item, user=bob.user, state="skipped", skip_reason="not in English")
        assert slot.ended_at is not None
        SlotFactory.create(item=item, user=alice.user, state="submitted")
        [exported] = items_of(alice, queue)
        assert exported["skips"] == [
            {
                "annotator_id": str(bob.user.pk),
                "annotator_name": "Bob",
                "reason": "not in English",
                "skipped_at": exact_json.timestamp(slot.ended_at),
            }
        ]
        assert exported["item_notes"] == []
        assert items_of(alice, queue, "?export_format=jsonl")["skips"] == exported["skips"]

    def test_notes_on_items_name_their_author(self, alice: Caller, bob: Caller, queue: Judged) -> None:
        item = queue.item()
        queue.note(item, bob.user, "odd")
        queue.note(item, alice.user, "")
        assert items_of(alice, queue)[0]["item_notes"] == [
            {
                "annotator_id": str(bob.user.pk),
                "annotator_name": "Bob",
                "annotator_email": "bob@example.com",
                "notes": "odd",
            }
        ]

    def test_the_review_is_there_if_the_queue_requires_one(
        self, alice: Caller, bob: Caller, labels: dict[str, Label]
    ) -> None:
        queue = judged(alice.user, labels, requires_review=True)
        moment = timezone.now()
        queue.item(review_status="approved", reviewed_by=bob.user, reviewed_at=moment, review_notes="fine")
        queue.item()
        reviews = [one["review"] for one in items_of(alice, queue)]
        assert reviews == [
            {
                "review_status": "approved",
                "reviewed_by": str(bob.user.pk),
                "reviewed_by_name": "Bob",
                "reviewed_by_email": "bob@example.com",
                "reviewed_at": exact_json.timestamp(moment),
                "review_notes": "fine",
            },
            {
                "review_status": None,
                "reviewed_by": None,
                "reviewed_by_name": None,
                "reviewed_by_email": None,
                "reviewed_at": None,
                "review_notes": "",
            },
        ]

    def test_gold_items_show_their_expected_values(self, alice: Caller, queue: Judged) -> None:
        star, other = queue.labels["star"], LabelFactory.create(organization=alice.user.organization)
        queue.item(gold=True, expected={str(star.pk): {"rating": 5}, str(other.pk): {"rating": 1}})
        [item] = items_of(alice, queue)
        assert (item["gold"], item["expected"]) == (True, {str(star.pk): 5})


class TestRows:
    """Which items and scores there are."""

    def test_removed_items_deleted_scores_and_removed_labels_are_left_out(
        self, alice: Caller, bob: Caller, queue: Judged
    ) -> None:
        item, removed = queue.item(), queue.item(deleted_at=timezone.now())
        queue.score(removed, bob.user, "star", {"rating": 1})
        queue.score(item, bob.user, "star", {"rating": 2}, deleted_at=timezone.now())
        queue.score(item, bob.user, "text", {"text": "gone"})
        queue.score(item, bob.user, "numeric", {"value": 3})
        QueueLabel.objects.filter(label=queue.labels["text"]).delete()
        [exported] = items_of(alice, queue)
        assert [one["value"] for one in exported["annotations"]] == [3]

    def test_scores_outside_of_the_queue_and_of_other_queues_are_left_out(
        self, alice: Caller, bob: Caller, queue: Judged
    ) -> None:
        item = queue.item()
        other = judged(alice.user, queue.labels)
        ScoreFactory.create(source=item.source, label=queue.labels["star"], annotator=bob.user)
        other.score(other.item(source=item.source), bob.user, "star", {"rating": 1})
        queue.score(item, bob.user, "star", {"rating": 5})
        assert [one["value"] for one in items_of(alice, queue)[0]["annotations"]] == [5]

    def test_the_status_selects_items(self, alice: Caller, queue: Judged) -> None:
        ids = {status: str(queue.item(status=status).pk) for status in ("completed", "skipped", "pending")}
        for status, item_id in ids.items():
            assert [one["item_id"] for one in items_of(alice, queue, f"?status={status}")] == [item_id]
        assert items_of(alice, queue, "?status=in_progress") == []
        assert len(items_of(alice, queue, "?status=all")) == len(items_of(alice, queue)) == 3

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("status=done", 'status must be one of pending, in_progress, completed, skipped, all, got "done"'),
            ("status=", 'status must be one of pending, in_progress, completed, skipped, all, got ""'),
            ("export_format=xml", 'export_format must be one of json, csv, jsonl, got "xml"'),
            ("prefer=median", 'prefer must be one of scores, authoritative, got "median"'),
            ("bom=true", "bom must be false unless export_format is csv, got true"),
            ("export_format=csv&bom=2", 'bom must be true, false, 1 or 0, got "2"'),
            ("stauts=completed", 'Unknown query parameter "stauts". Did you mean "status"?'),
        ],
    )
    def test_a_query_that_cannot_be(self, alice: Caller, queue: Judged, query: str, sentence: str) -> None:
        answer = alice.get(f"{queue.path}export/?{query}")
        assert (answer.status, answer.body["detail"]) == (400, sentence)

    def test_there_is_no_limit_of_items_and_statements_come_by_the_batch(
        self, alice: Caller, queue: Judged, django_assert_num_queries: Any
    ) -> None:
        sources = SourceFactory.create_batch(1001, organization=alice.user.organization)
        items = Item.objects.bulk_create(
            Item(organization=queue.queue.organization, queue=queue.queue, source=source, order=(at + 1) // 2)
            for at, source in enumerate(sources)
        )
        Score.objects.bulk_create(
            Score(
                organization=queue.queue.organization,
                source=item.source,
                label=queue.labels["star"],
                annotator=alice.user,
                value={"rating": 3},
                queue_item=item.pk,
                queue_id=queue.queue.pk,
            )
            for item in items
        )
        alice.get("/model-hub/sources/")
        # The key, the queue and the labels; two batches and an empty one, each in a savepoint here.
        # Without cursors (PgBouncer), 101 batches of 10 rows.
        batches = 102 if connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] else 3
        with django_assert_num_queries(3 + 3 * batches):
            exported = items_of(alice, queue)
        assert [one["item_id"] for one in exported] == [
            str(item.pk) for item in sorted(items, key=lambda item: (item.order, item.pk))
        ]
        assert all(len(one["annotations"]) == 1 for one in exported)


def test_json_lines_are_the_same_objects_and_no_text_breaks_a_line(alice: Caller, queue: Judged) -> None:
    ends = "a\u2028\u2029\u0085\v\f\r\nb"
    queue.score(queue.item(source__name=ends), alice.user, "text", {"text": ends}, notes=ends)
    queue.item()
    text, headers = download(alice, f"{queue.path}export/?export_format=jsonl")
    assert headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    assert len(text.splitlines()) == 2
    assert [exact_json.loads(line) for line in text.splitlines()] == items_of(alice, queue)


class TestCsv:
    """For spreadsheets: one line per annotation."""

    def test_the_columns_of_the_hosted_service_come_first(self, alice: Caller, queue: Judged) -> None:
        text, headers = download(alice, f"{queue.path}export/?export_format=csv")
        assert headers["Content-Type"] == "text/csv; charset=utf-8"
        assert headers["Content-Disposition"] == f'attachment; filename="queue_{queue.queue.pk}_annotations.csv"'
        assert text.replace('"', "").strip().split(",") == [
            *("item_id", "source_type", "status", "order", "requires_review", "review_status", "reviewer_name"),
            *("reviewer_email", "reviewer_id", "reviewed_at", "review_notes", "label_id", "label_name", "value"),
            *("score_source", "notes", "annotator_name", "created_at", "source_id", "source_name", "label_type"),
            *("annotator_id", "annotator_email", "updated_at", "item_notes", "gold", "expected", "completed"),
            "authoritative",
        ]

    def test_a_line_per_annotation_and_one_for_an_item_without(self, alice: Caller, bob: Caller, queue: Judged) -> None:
        first, second = queue.item(status="completed", gold=True), queue.item()
        for label, (value, _) in VALUES.items():
            queue.score(first, bob.user, label, value)
        queue.note(first, bob.user, "odd")
        *rows, last = csv_of(alice, queue)
        assert {row["label_type"]: row["value"] for row in rows} == {
            "star": "4",
            "categorical": '["positive","neutral"]',
            "text": "Ünï",
            "numeric": "7.5",
            "thumbs_up_down": "up",
        }
        assert {row["item_id"] for row in rows} == {str(first.pk)}
        assert {(row["gold"], json.loads(row["item_notes"])[0]["notes"]) for row in rows} == {("true", "odd")}
        assert {name: cell for name, cell in last.items() if cell} == {
            "item_id": str(second.pk),
            "source_type": "trace",
            "status": "pending",
            "order": str(second.order),
            "requires_review": "false",
            "source_id": second.source.source_id,
            "gold": "false",
        }

    def test_the_review_and_its_person(self, alice: Caller, bob: Caller, labels: dict[str, Label]) -> None:
        queue = judged(alice.user, labels, requires_review=True)
        queue.item(review_status="rejected", reviewed_by=bob.user, reviewed_at=timezone.now(), review_notes="=no")
        [row] = csv_of(alice, queue)
        shown = [row[name] for name in ("requires_review", "review_status", "reviewer_name", "reviewer_email")]
        assert shown == ["true", "rejected", "Bob", "bob@example.com"]
        assert (row["reviewer_id"], row["review_notes"], bool(row["reviewed_at"])) == (str(bob.user.pk), "'=no", True)

    def test_formulas_are_harmless_and_ids_are_as_they_are(self, alice: Caller, queue: Judged) -> None:
        item = queue.item(source__source_id="-1+1", source__name="@x")
        queue.score(item, alice.user, "text", {"text": "=1+1"}, notes="+1")
        [row] = csv_of(alice, queue)
        shown = [row[name] for name in ("source_id", "source_name", "value", "notes")]
        assert shown == ["-1+1", "'@x", "'=1+1", "'+1"]

    def test_a_byte_order_mark_on_request(self, alice: Caller, queue: Judged) -> None:
        queue.item()
        plain = download(alice, f"{queue.path}export/?export_format=csv")[0]
        assert download(alice, f"{queue.path}export/?export_format=csv&bom=true")[0] == "\ufeff" + plain


class TestDecisions:
    """`prefer=authoritative`: a decision stands in place of the scores by its label."""

    @pytest.fixture
    def decided(self, alice: Caller, bob: Caller, queue: Judged) -> Adjudication:
        """Decide by one label of an item that two people have scored by two labels."""
        item = queue.item()
        for person, rating in ((alice, 2), (bob, 4)):
            queue.score(item, person.user, "star", {"rating": rating})
            queue.score(item, person.user, "thumbs_up_down", {"value": "up"})
        rita = UserFactory.create(organization=alice.user.organization, name="Rita", email="rita@example.com")
        value: dict[str, Any] = {"item": item, "label": queue.labels["star"], "value": {"rating": 3, "x": 1}}
        AdjudicationFactory.create(**value | {"value": {"rating": 5}}, replaced_at=timezone.now())
        # A withdrawal is no value.
        AdjudicationFactory.create(**value | {"label": queue.labels["thumbs_up_down"], "value": None})
        return AdjudicationFactory.create(**value, adjudicator=rita, notes="a rule")

    def test_a_decision_is_the_only_annotation_by_its_label(
        self, alice: Caller, queue: Judged, decided: Adjudication
    ) -> None:
        [item] = items_of(alice, queue, "?prefer=authoritative")
        star, *others = item["annotations"]
        assert star == {
            "label_id": str(queue.labels["star"].pk),
            "label_name": "Star",
            "label_type": "star",
            "value": 3,
            "notes": "a rule",
            "annotator_id": str(decided.adjudicator_id),
            "annotator_name": "Rita",
            "annotator_email": "rita@example.com",
            "score_source": "human",
            "created_at": exact_json.timestamp(decided.created_at),
            "updated_at": exact_json.timestamp(decided.created_at),
            "completed": True,
            "authoritative": True,
        }
        assert [(one["label_type"], one["authoritative"]) for one in others] == [("thumbs_up_down", False)] * 2

    def test_scores_are_preferred_by_default(self, alice: Caller, queue: Judged, decided: Adjudication) -> None:
        for query in ("", "?prefer=scores"):
            [item] = items_of(alice, queue, query)
            shown = [(one["label_type"], one["value"], one["authoritative"]) for one in item["annotations"]]
            assert shown[:2] == [("star", 2, False), ("star", 4, False)]
            assert len(shown) == 4

    def test_every_format_has_it(self, alice: Caller, queue: Judged, decided: Adjudication) -> None:
        line = items_of(alice, queue, "?prefer=authoritative&export_format=jsonl")
        assert [line] == items_of(alice, queue, "?prefer=authoritative")
        rows = csv_of(alice, queue, "?prefer=authoritative&export_format=csv")
        shown = [(row["value"], row["authoritative"]) for row in rows]
        assert shown == [("3", "true"), ("up", "false"), ("up", "false")]

    def test_an_item_without_scores_has_its_decision(self, alice: Caller, queue: Judged) -> None:
        AdjudicationFactory.create(item=queue.item(), label=queue.labels["text"], value={"text": "=1"})
        assert items_of(alice, queue)[0]["annotations"] == []
        [shown] = items_of(alice, queue, "?prefer=authoritative")[0]["annotations"]
        assert (shown["value"], shown["authoritative"]) == ("=1", True)
        [row] = csv_of(alice, queue, "?prefer=authoritative&export_format=csv")
        assert row["value"] == "'=1"

    def test_a_removed_label_takes_its_decisions_out(self, alice: Caller, queue: Judged, decided: Adjudication) -> None:
        attached = QueueLabel.objects.get(label=decided.label)
        attached.delete()
        [item] = items_of(alice, queue, "?prefer=authoritative")
        assert {one["label_type"] for one in item["annotations"]} == {"thumbs_up_down"}
        attached.save(force_insert=True)
        [item] = items_of(alice, queue, "?prefer=authoritative")
        assert item["annotations"][0]["authoritative"]

    def test_work_that_the_adjudicator_skipped_does_not_make_the_decision_unfinished(
        self, alice: Caller, queue: Judged, decided: Adjudication
    ) -> None:
        SlotFactory.create(item=decided.item, user=decided.adjudicator, state="skipped")
        [item] = items_of(alice, queue, "?prefer=authoritative")
        assert item["annotations"][0]["completed"]


class TestRights:
    """Managers and reviewers export."""

    @pytest.mark.parametrize(
        ("roles", "status"), [(["manager"], 200), (["reviewer"], 200), (["annotator"], 403), ([], 403)]
    )
    @pytest.mark.parametrize("route", ["export/", "export-fields/", "export-to-dataset/"])
    def test_by_role(self, bob: Caller, queue: Judged, roles: list[str], status: int, route: str) -> None:
        if roles:
            QueueMemberFactory.create(queue=queue.queue, user=bob.user, roles=roles)
        is_write = route == "export-to-dataset/"
        body = json.dumps({"dataset_name": "d"}) if is_write else ""
        headers = {"X-Api-Key": bob.key.api_key, "X-Secret-Key": bob.secret}
        response: Any = bob.client.generic(
            "POST" if is_write else "GET", queue.path + route, body, "application/json", headers=headers
        )
        assert response.status_code == status
        assert ("queue_role" in response.getvalue().decode()) is (status == 403)

    def test_a_key_to_annotate_exports_nothing(self, bob: Caller, queue: Judged) -> None:
        QueueMemberFactory.create(queue=queue.queue, user=bob.user, roles=["manager", "reviewer"])
        annotator = Caller(ApiKeyFactory.create(user=bob.user, scopes=["annotate"]))
        assert annotator.get(f"{queue.path}export/").body["code"] == "scope"
        assert annotator.get(f"{queue.path}export-fields/").body["code"] == "scope"
        assert annotator.post(f"{queue.path}export-to-dataset/", {"dataset_name": "d"}).body["code"] == "scope"

    @pytest.mark.parametrize("route", ["export/", "export-fields/"])
    def test_a_queue_that_is_foreign_or_deleted_does_not_exist(
        self, alice: Caller, charlie: Caller, queue: Judged, route: str
    ) -> None:
        foreign = charlie.get(f"{queue.path}{route}")
        type(queue.queue).objects.filter(pk=queue.queue.pk).update(deleted_at=timezone.now())
        for answer in (foreign, alice.get(f"{queue.path}{route}"), alice.get(f"{QUEUES}x/{route}")):
            assert answer.status == 404


def test_rows_of_another_organization_in_no_export(alice: Caller, charlie: Caller, queue: Judged) -> None:
    """A score that names the item, past all constraints of the API."""
    item = queue.item()
    ItemFactory.create()
    other = judged(charlie.user, {"star": LabelFactory.create(organization=charlie.user.organization)})
    other.score(other.item(), charlie.user, "star", {"rating": 1})
    assert [one["item_id"] for one in items_of(alice, queue)] == [str(item.pk)]
    assert items_of(alice, queue)[0]["annotations"] == []
