"""Decisions of reviewers: one, many, their history."""

import uuid
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.agreement import adjudicating
from modelhub.core import clock, exact_json
from modelhub.labels.models import Label
from modelhub.queues.models import IN_FORCE, QUEUE_STATUSES, Adjudication, Item, Queue, QueueLabel
from tests.client import Answer, Caller, execute
from tests.factories import (
    AdjudicationFactory,
    ApiKeyFactory,
    LabelFactory,
    QueueMemberFactory,
    UserFactory,
)
from tests.queues.exports import Judged, judged

pytestmark = pytest.mark.django_db

VALUES: dict[str, tuple[Any, Any]] = {
    "star": (3, 3),
    "categorical": (["neutral"], "neutral"),
    "text": ("Fine", "Fine"),
    "numeric": (7, 7),
    "thumbs_up_down": (True, "up"),
}


@pytest.fixture
def queue(alice: Caller, labels: dict[str, Label]) -> Judged:
    return judged(alice.user, labels)


def member(queue: Judged, name: str, *roles: str, scopes: tuple[str, ...] = ("annotate", "read")) -> Caller:
    user = UserFactory.create(
        organization=queue.queue.organization, name=name, email=f"{name.lower()}@{queue.queue.pk.hex}.example.com"
    )
    QueueMemberFactory.create(queue=queue.queue, user=user, roles=list(roles))
    return Caller(ApiKeyFactory.create(user=user, scopes=list(scopes)))


@pytest.fixture
def rita(queue: Judged) -> Caller:
    return member(queue, "Rita", "reviewer")


def decide(caller: Caller, queue: Judged, item: Item, label: str, value: object, **more: Any) -> Answer:
    body = {"item_id": str(item.pk), "label_id": str(queue.labels[label].pk), "value": value, **more}
    return caller.post(f"{queue.path}adjudicate/", body)


def decide_all(caller: Caller, queue: Judged, *decisions: Any, **more: Any) -> Answer:
    return caller.post(f"{queue.path}adjudicate/", {"decisions": list(decisions), **more})


def decision_on(queue: Judged, item: Item, label: str, value: object, **more: Any) -> dict[str, Any]:
    return {"item_id": str(item.pk), "label_id": str(queue.labels[label].pk), "value": value, **more}


def history(caller: Caller, item: Item) -> Any:
    answer = caller.get(f"/model-hub/annotation-queues/{item.queue_id}/items/{item.pk}/adjudications/")
    assert answer.status == 200, answer.body
    return answer.body["results"]


def in_force() -> list[tuple[str, Any]]:
    rows = Adjudication.objects.filter(IN_FORCE).order_by("created_at", "pk")
    return [(row.label.type, row.value) for row in rows]


class TestOne:
    """A single decision."""

    def test_a_decision_is_returned_as_it_is_stored(self, queue: Judged, rita: Caller) -> None:
        item = queue.item()
        answer = decide(rita, queue, item, "star", {"rating": 4.0, "x": 1}, notes="by the guide")
        stored = Adjudication.objects.get()
        assert answer.status == 200
        assert answer.body == {
            "adjudicated": [
                {
                    "id": str(stored.pk),
                    "item_id": str(item.pk),
                    "label_id": str(queue.labels["star"].pk),
                    "label_name": "Star",
                    "label_type": "star",
                    "value": 4,
                    "notes": "by the guide",
                    "adjudicator_id": str(rita.user.pk),
                    "adjudicator_name": "Rita",
                    "score_source": "human",
                    "authoritative": True,
                    "is_outdated": False,
                    "created_at": exact_json.timestamp(stored.created_at),
                    "replaced_at": None,
                }
            ],
            "errors": [],
        }
        assert stored.value == {"rating": 4, "x": 1}
        assert (stored.adjudicator, stored.organization) == (rita.user, queue.queue.organization)

    @pytest.mark.parametrize("label", VALUES)
    def test_each_type_of_label(self, queue: Judged, rita: Caller, label: str) -> None:
        sent, plain = VALUES[label]
        answer = decide(rita, queue, queue.item(), label, sent)
        assert answer.body["adjudicated"][0]["value"] == plain

    @pytest.mark.parametrize(
        ("label", "value", "sentence"),
        [
            ("star", 9, "rating must be a whole number from 1 to 5, got 9"),
            ("star", "4", 'rating must be a whole number from 1 to 5, got "4"'),
            ("text", "", 'text must have from 1 to 5000 characters, got ""'),
            ("text", "a\x00", "value holds a NUL character, which cannot be stored"),
            ("numeric", {"rating": 4}, 'value must be an object with "value" or a number, got {"rating":4}'),
            ("thumbs_up_down", [], 'value must be "up" or "down" (or true or false), got []'),
        ],
    )
    def test_its_label_judges_the_value(
        self, queue: Judged, rita: Caller, label: str, value: object, sentence: str
    ) -> None:
        answer = decide(rita, queue, queue.item(), label, value)
        found = queue.labels[label]
        assert (answer.status, answer.body["detail"]) == (400, f"Label {found.pk} ({found.name}, {label}): {sentence}")
        assert not Adjudication.objects.exists()

    @pytest.mark.parametrize("number", ["1E999999999", "1" * 5000, "-1E-400", "NaN"])
    def test_numbers_that_no_label_takes(self, queue: Judged, rita: Caller, number: str) -> None:
        item, label = queue.item(), queue.labels["numeric"]
        raw = f'{{"item_id": "{item.pk}", "label_id": "{label.pk}", "value": {number}}}'.encode()
        assert rita.request("POST", f"{queue.path}adjudicate/", raw=raw).status == 400

    def test_a_deleted_label_takes_no_decision_and_gives_one_back(self, queue: Judged, rita: Caller) -> None:
        item = queue.item()
        decide(rita, queue, item, "star", 3)
        Label.objects.filter(pk=queue.labels["star"].pk).update(deleted_at=clock.now())
        answer = decide(rita, queue, item, "star", 4)
        assert (answer.status, answer.body["code"]) == (404, "label_deleted")
        assert decide(rita, queue, item, "star", None).status == 200
        assert in_force() == []

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"item_id": None}, "item_id must be the id of an item of the queue, got null"),
            ({"item_id": ...}, "item_id must be given, as the id of an item of the queue"),
            ({"label_id": "x"}, 'label_id must be the id of a label of the queue, got "x"'),
            ({"value": ...}, "value must be given, or null to withdraw the decision"),
            ({"notes": 1}, f"notes must be a string of at most {settings.MAX_NOTES_LENGTH} characters, got 1"),
            ({"annotator_id": "x"}, 'annotator_id must be the id of an annotator, got "x"'),
            ({"valeu": 4, "value": ...}, 'Unknown field "valeu". Did you mean "value"?'),
            ({"decisions": []}, "item_id must not be given with decisions"),
        ],
    )
    def test_a_body_that_cannot_be(self, queue: Judged, rita: Caller, change: dict[str, Any], sentence: str) -> None:
        body = decision_on(queue, queue.item(), "star", 4) | change
        sent = {name: value for name, value in body.items() if value is not ...}
        answer = rita.post(f"{queue.path}adjudicate/", sent)
        assert (answer.status, answer.body["detail"]) == (400, sentence)

    def test_notes_have_the_limit_of_scores(self, queue: Judged, rita: Caller) -> None:
        item, longest = queue.item(), settings.MAX_NOTES_LENGTH
        assert decide(rita, queue, item, "star", 4, notes="x" * longest).status == 200
        assert decide(rita, queue, item, "star", 4, notes="x" * (longest + 1)).status == 400
        assert decide(rita, queue, item, "star", 4, notes=None).body["adjudicated"][0]["notes"] == ""

    def test_camel_case_and_the_keys_of_its_answer_are_accepted(self, queue: Judged, rita: Caller) -> None:
        item = queue.item()
        sent = {"itemId": str(item.pk), "labelId": str(queue.labels["star"].pk), "value": 4}
        [decision] = rita.post(f"{queue.path}adjudicate/", sent).body["adjudicated"]
        again = rita.post(f"{queue.path}adjudicate/", decision | {"value": 5})
        assert again.body["adjudicated"][0]["value"] == 5

    def test_items_and_labels_that_are_not_of_the_queue(self, alice: Caller, queue: Judged, rita: Caller) -> None:
        other = judged(alice.user, {"star": LabelFactory.create(organization=alice.user.organization)})
        foreign, removed, item = other.item(), queue.item(deleted_at=clock.now()), queue.item()
        for wrong in (foreign, removed):
            answer = decide(rita, queue, wrong, "star", 4)
            assert (answer.status, answer.body["code"]) == (404, "item_not_found")
            assert answer.body["detail"] == f"Item not found: {wrong.pk}"
        label = other.labels["star"].pk
        answer = rita.post(f"{queue.path}adjudicate/", decision_on(queue, item, "star", 4) | {"label_id": str(label)})
        assert (answer.status, answer.body["code"]) == (404, "label_not_found")
        assert answer.body["detail"] == f"Label not found in this queue: {label}"
        assert not Adjudication.objects.exists()

    @pytest.mark.parametrize("status", QUEUE_STATUSES)
    def test_a_queue_of_any_status(self, queue: Judged, rita: Caller, status: str) -> None:
        Queue.objects.update(status=status)
        assert decide(rita, queue, queue.item(), "star", 4).status == 200


class TestRights:
    """Reviewers and managers decide, but not between their own scores and others'."""

    @pytest.mark.parametrize(
        ("roles", "status"), [(["reviewer"], 200), (["manager"], 200), (["annotator"], 403), ([], 404)]
    )
    def test_by_role(self, queue: Judged, roles: list[str], status: int) -> None:
        item = queue.item()
        user = UserFactory.create(organization=queue.queue.organization)
        if roles:
            QueueMemberFactory.create(queue=queue.queue, user=user, roles=roles)
        caller = Caller(ApiKeyFactory.create(user=user, scopes=["annotate"]))
        answer = decide(caller, queue, item, "star", 4)
        assert answer.status == status, answer.body
        if status == 403:
            assert answer.body["code"] == "queue_role"
        seen = caller.get(f"{queue.path}items/{item.pk}/adjudications/")
        assert (seen.status, seen.body["code"]) == (403, "scope")

    def test_an_annotator_never_sees_decisions(self, queue: Judged, rita: Caller) -> None:
        item = queue.item()
        decide(rita, queue, item, "star", 4, notes="secret reason")
        dora = member(queue, "Dora", "annotator")
        answer = dora.get(f"{queue.path}items/{item.pk}/adjudications/")
        assert (answer.status, answer.body["code"]) == (403, "queue_role")
        for path in ("", "annotate-detail/", "annotations/"):
            answer = dora.get(f"{queue.path}items/{item.pk}/{path}")
            assert answer.status == 200
            text = exact_json.dumps(answer.body)
            assert "secret reason" not in text
            assert "authoritative" not in text

    def test_own_work_is_decided_by_another_person(self, alice: Caller, queue: Judged) -> None:
        item, other = queue.item(), queue.item()
        queue.score(item, alice.user, "star", {"rating": 2})
        answer = decide(alice, queue, item, "star", 4)
        label = queue.labels["star"]
        assert (answer.status, answer.body["code"]) == (403, "own_work")
        person = "another person than alice@example.com, its annotator"
        assert answer.body["detail"] == f"Label {label.pk} (Star, star): item {item.pk} must be adjudicated by {person}"
        assert decide(alice, queue, item, "text", "x").status == 200
        assert decide(alice, queue, other, "star", 4).status == 200
        queue.score(other, alice.user, "star", {"rating": 2}, deleted_at=clock.now())
        assert decide(alice, queue, other, "star", 5).status == 200

    def test_a_key_decides_for_the_person_that_it_acts_as(self, alice: Caller, queue: Judged, rita: Caller) -> None:
        backend = Caller(ApiKeyFactory.create(user=alice.user, scopes=["read", "write", "admin", "act-as"]))
        item = queue.item()
        queue.score(item, rita.user, "star", {"rating": 2})
        as_rita = {"annotator_email": rita.user.email}
        assert decide(backend, queue, item, "star", 4, **as_rita).body["code"] == "own_work"
        [decision] = decide(backend, queue, item, "text", "x", **as_rita).body["adjudicated"]
        assert decision["adjudicator_name"] == "Rita"
        refused = decide(rita, queue, item, "text", "x", annotator_id=str(alice.user.pk))
        assert (refused.status, refused.body["code"]) == (403, "scope")


class TestAgain:
    """A decision on an item that has one."""

    def test_another_value_replaces_it_and_the_history_has_both(
        self, alice: Caller, queue: Judged, rita: Caller
    ) -> None:
        item = queue.item()
        first, second, third = (
            decide(*given, notes=notes).body["adjudicated"][0]
            for given, notes in (
                ((rita, queue, item, "star", 2), ""),
                ((alice, queue, item, "star", 4), ""),
                ((rita, queue, item, "star", 4), "why"),
            )
        )
        assert in_force() == [("star", {"rating": 4})]
        rows = history(rita, item)
        assert [row["id"] for row in rows] == [third["id"], second["id"], first["id"]]
        assert [row["authoritative"] for row in rows] == [True, False, False]
        times = [time for row in reversed(rows) for time in (row["created_at"], row["replaced_at"])]
        assert times.pop() is None
        # A decision is replaced before the next one is made.
        assert times == sorted(times)
        assert [row["adjudicator_name"] for row in rows] == ["Rita", "Alice", "Rita"]

    def test_a_repeat_changes_nothing(self, alice: Caller, queue: Judged, rita: Caller) -> None:
        item = queue.item()
        first = decide(rita, queue, item, "numeric", 7, notes="n")
        before = list(Adjudication.objects.values())
        assert decide(rita, queue, item, "numeric", 7.0, notes="n").body == first.body
        assert decide(alice, queue, item, "numeric", {"value": 7}, notes="n").body == first.body
        assert list(Adjudication.objects.values()) == before

    def test_a_score_that_changes_later_outdates_it_until_it_is_decided_anew(
        self, alice: Caller, bob: Caller, queue: Judged, rita: Caller
    ) -> None:
        item = queue.item()
        score = queue.score(item, bob.user, "star", {"rating": 2})
        queue.score(item, bob.user, "text", {"text": "x"})
        [first] = decide(rita, queue, item, "star", 4).body["adjudicated"]
        assert not first["is_outdated"]
        decide(rita, queue, item, "text", "y")
        assert alice.patch(f"/model-hub/scores/{score.pk}/", {"value": 3}).status == 200
        assert [(row["label_type"], row["is_outdated"]) for row in history(rita, item)] == [
            ("text", False),
            ("star", True),
        ]
        [again] = decide(rita, queue, item, "star", 4).body["adjudicated"]
        assert (again["id"] != first["id"], again["is_outdated"]) == (True, False)
        assert alice.delete(f"/model-hub/scores/{score.pk}/").status == 200
        assert history(rita, item)[0]["is_outdated"]

    def test_null_withdraws_it(self, queue: Judged, rita: Caller) -> None:
        item = queue.item()
        none = decide(rita, queue, item, "star", None)
        label = queue.labels["star"].pk
        assert (none.status, none.body["code"]) == (404, "decision_not_found")
        assert none.body["detail"] == f"Label {label} (Star, star): item {item.pk} has no decision to withdraw"
        [first] = decide(rita, queue, item, "star", 4).body["adjudicated"]
        sam = member(queue, "Sam", "reviewer")
        [withdrawal] = decide(sam, queue, item, "star", None, notes="The source is wrong.").body["adjudicated"]
        shown = {
            name: withdrawal[name] for name in ("value", "notes", "adjudicator_id", "authoritative", "replaced_at")
        }
        assert shown == {
            "value": None,
            "notes": "The source is wrong.",
            "adjudicator_id": str(sam.user.pk),
            "authoritative": False,
            "replaced_at": None,
        }
        assert in_force() == []
        assert decide(rita, queue, item, "star", None).status == 404
        last, before = history(rita, item)
        assert last == withdrawal
        assert before == first | {"authoritative": False, "replaced_at": before["replaced_at"]}
        assert before["replaced_at"] > first["created_at"]
        assert decide(rita, queue, item, "star", 4).status == 200
        assert in_force() == [("star", {"rating": 4})]


class TestMany:
    """`decisions`: the valid ones are stored."""

    def test_each_wrong_one_is_a_sentence_with_its_place(self, alice: Caller, queue: Judged) -> None:
        first, second, own = queue.item(), queue.item(), queue.item()
        queue.score(own, alice.user, "star", {"rating": 2})
        nothing = uuid.uuid4()
        star = queue.labels["star"]
        answer = decide_all(
            alice,
            queue,
            decision_on(queue, first, "star", 9),
            decision_on(queue, second, "text", "x"),
            decision_on(queue, first, "star", 4),
            decision_on(queue, first, "star", 5),
            "star",
            {"item_id": str(first.pk), "label_id": str(star.pk)},
            decision_on(queue, first, "star", 4) | {"item_id": str(nothing)},
            decision_on(queue, own, "star", 4),
            decision_on(queue, own, "numeric", None),
            decision_on(queue, first, "numeric", 3, notes=[]),
            decision_on(queue, second, "star", 1) | {"ietm_id": "x"},
        )
        assert answer.status == 200
        assert [(row["item_id"], row["value"]) for row in answer.body["adjudicated"]] == [
            (str(second.pk), "x"),
            (str(first.pk), 4),
            (str(second.pk), 1),
        ]
        numeric = queue.labels["numeric"].pk
        person = "another person than alice@example.com, its annotator"
        assert answer.body["errors"] == [
            f"decisions[0]: Label {star.pk} (Star, star): rating must be a whole number from 1 to 5, got 9",
            f"decisions[3]: Item {first.pk} and label {star.pk} are already decided by decisions[2]",
            'decisions[4]: An entry must be an object with item_id, label_id and value, got "star"',
            "decisions[5]: value must be given, or null to withdraw the decision",
            f"decisions[6]: Item not found: {nothing}",
            f"decisions[7]: Label {star.pk} (Star, star): item {own.pk} must be adjudicated by {person}",
            f"decisions[8]: Label {numeric} (Numeric, numeric): item {own.pk} has no decision to withdraw",
            f"decisions[9]: notes must be a string of at most {settings.MAX_NOTES_LENGTH} characters, got []",
        ]
        stored = [("star", {"rating": 1}), ("star", {"rating": 4}), ("text", {"text": "x"})]
        assert sorted(in_force(), key=str) == stored

    def test_errors_alone_are_no_problem_of_the_request(self, queue: Judged, rita: Caller) -> None:
        answer = decide_all(rita, queue, decision_on(queue, queue.item(), "star", 9))
        assert (answer.status, answer.body["adjudicated"], len(answer.body["errors"])) == (200, [], 1)

    @pytest.mark.parametrize(
        ("decisions", "status", "sentence"),
        [
            ([], 400, "decisions must be a list of at least one object, got []"),
            ({}, 400, "decisions must be a list of at least one object, got {}"),
            ([{}] * 1001, 413, "At most 1000 decisions a request, got 1001"),
        ],
    )
    def test_a_list_that_cannot_be(
        self, queue: Judged, rita: Caller, decisions: Any, status: int, sentence: str
    ) -> None:
        answer = rita.post(f"{queue.path}adjudicate/", {"decisions": decisions})
        assert (answer.status, answer.body["detail"]) == (status, sentence)

    def test_a_thousand_need_as_many_statements_as_five(self, queue: Judged, rita: Caller) -> None:
        rita.get(f"{queue.path}progress/")
        numbers = []
        for number in (1, 200):
            items = [queue.item() for _ in range(number)]
            decisions = [decision_on(queue, item, label, sent) for item in items for label, (sent, _) in VALUES.items()]
            for _ in range(2):  # New, and repeated.
                with CaptureQueriesContext(connection) as captured:
                    answer = decide_all(rita, queue, *decisions)
                assert len(answer.body["adjudicated"]) == 5 * number, answer.body["errors"][:1]
                numbers.append(len(captured))
        assert numbers[0] == numbers[2]
        assert numbers[1] == numbers[3]

    def test_a_key_of_idempotency_returns_the_first_answer_again(self, queue: Judged, rita: Caller) -> None:
        item = queue.item()
        body = {"decisions": [decision_on(queue, item, "star", 4), decision_on(queue, item, "star", 5)]}
        headers = {"Idempotency-Key": "k"}
        first = rita.post(f"{queue.path}adjudicate/", body, headers=headers)
        decide(rita, queue, item, "star", 2)
        again = rita.post(f"{queue.path}adjudicate/", body, headers=headers)
        assert again.body == first.body
        assert again.headers["Idempotency-Replayed"] == "true"
        assert in_force() == [("star", {"rating": 2})]


class TestTheRestStays:
    """A decision changes nothing but decisions."""

    def test_items_scores_progress_analytics_and_exports_stay(
        self, alice: Caller, bob: Caller, queue: Judged, rita: Caller
    ) -> None:
        item = queue.item(status="completed", completed_at=clock.now())
        for person, rating in ((alice, 2), (bob, 4)):
            queue.score(item, person.user, "star", {"rating": rating})
            queue.note(item, person.user, "n")

        def everything() -> list[Any]:
            paths = ("", "progress/", "analytics/", "export/", f"items/{item.pk}/", f"items/{item.pk}/annotations/")
            rows = []
            for table in ("item", "slot", "score", "scorerevision", "review", "queue"):
                with connection.cursor() as cursor:
                    cursor.execute(f"SELECT * FROM modelhub_{table} ORDER BY id")
                    rows.append(cursor.fetchall())
            headers = {"X-Api-Key": alice.key.api_key, "X-Secret-Key": alice.secret}
            return [
                rows,
                *(b"".join(alice.client.get(queue.path + path, headers=headers)) for path in paths),
            ]

        before = everything()
        assert decide(rita, queue, item, "star", 3).status == 200
        assert decide(rita, queue, item, "star", None).status == 200
        assert decide(rita, queue, item, "star", 5).status == 200
        assert everything() == before

    def test_a_removed_label_hides_decisions_and_shows_them_when_it_is_back(
        self, alice: Caller, queue: Judged, rita: Caller
    ) -> None:
        item = queue.item()
        decide(rita, queue, item, "star", 3)
        label = {"label_id": str(queue.labels["star"].pk)}
        assert alice.post(f"{queue.path}remove-label/", label).status == 200
        assert history(rita, item) == []
        assert decide(rita, queue, item, "star", 4).body["code"] == "label_not_found"
        assert alice.post(f"{queue.path}add-label/", label).status == 200
        assert [row["value"] for row in history(rita, item)] == [3]

    def test_a_label_that_is_removed_meanwhile_is_no_error(
        self, queue: Judged, rita: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = adjudicating._store

        def store_and_remove(*arguments: Any) -> Any:
            stored = store(*arguments)
            QueueLabel.objects.filter(label=queue.labels["star"]).delete()
            return stored

        monkeypatch.setattr(adjudicating, "_store", store_and_remove)
        answer = decide(rita, queue, queue.item(), "star", 3)
        assert (answer.status, answer.body["adjudicated"][0]["value"]) == (200, 3)

    def test_a_removed_item_and_a_deleted_queue_have_none_to_show(
        self, alice: Caller, queue: Judged, rita: Caller
    ) -> None:
        item, other = queue.item(), queue.item()
        for one in (item, other):
            decide(rita, queue, one, "star", 3)
        assert alice.delete(f"{queue.path}items/{item.pk}/").status == 200
        path = f"{queue.path}items/{item.pk}/adjudications/"
        assert alice.get(path).body["code"] == "item_not_found"
        assert alice.delete(queue.path).status == 200
        assert decide(alice, queue, other, "star", 4).body["code"] == "queue_not_found"
        assert alice.get(f"{queue.path}items/{other.pk}/adjudications/").body["code"] == "queue_not_found"

    def test_a_hard_deleted_queue_takes_its_decisions_along(self, alice: Caller, queue: Judged, rita: Caller) -> None:
        decide(rita, queue, queue.item(), "star", 3)
        other = judged(alice.user, {"star": queue.labels["star"]})
        AdjudicationFactory.create(item=other.item(), label=queue.labels["star"])
        body = {"force": True, "confirm_name": queue.queue.name}
        assert alice.post(f"{queue.path}hard-delete/", body).status == 200
        assert Adjudication.objects.get().item.queue_id == other.queue.pk


class TestHistory:
    """`…/items/{id}/adjudications/`: pages of one item's decisions."""

    def test_it_comes_in_pages(self, queue: Judged, rita: Caller) -> None:
        item = queue.item()
        decide(rita, queue, queue.item(), "star", 1)
        for rating in (1, 2, 3):
            decide(rita, queue, item, "star", rating)
        path = f"{queue.path}items/{item.pk}/adjudications/"
        page = rita.get(f"{path}?page_size=2").body
        assert (page["count"], [row["value"] for row in page["results"]]) == (3, [3, 2])
        assert [row["value"] for row in rita.get(f"{path}?page_size=2&page=2").body["results"]] == [1]
        assert rita.get(f"{path}?page=9").status == 404
        assert rita.get(f"{path}?label=x").body["code"] == "unknown_query_parameter"

    def test_its_statements_do_not_grow(self, queue: Judged, rita: Caller) -> None:
        item = queue.item()
        rita.get(f"{queue.path}progress/")
        numbers = []
        for count in (1, 30):
            AdjudicationFactory.create_batch(
                count, item=item, label=queue.labels["star"], replaced_at=clock.now(), adjudicator=rita.user
            )
            with CaptureQueriesContext(connection) as captured:
                history(rita, item)
            numbers.append(len(captured))
        assert numbers[0] == numbers[1]


def test_the_database_holds_one_decision_in_force_per_cell(queue: Judged) -> None:
    first = AdjudicationFactory.create(item=queue.item(), label=queue.labels["star"])
    AdjudicationFactory.create(item=first.item, label=first.label, replaced_at=clock.now())
    with pytest.raises(Exception, match="adjudication_is_unique"):
        execute("UPDATE modelhub_adjudication SET replaced_at = NULL")


def test_decisions_of_another_organization_are_out_of_reach(
    charlie: Caller, queue: Judged, rita: Caller, alice: Caller
) -> None:
    item = queue.item()
    decide(rita, queue, item, "star", 3)
    own = judged(charlie.user, {"star": LabelFactory.create(organization=charlie.user.organization)})
    for path in (queue.path, own.path):
        assert charlie.get(f"{path}items/{item.pk}/adjudications/").status == 404
        for value in (4, None):
            answer = charlie.post(f"{path}adjudicate/", decision_on(queue, item, "star", value))
            assert (answer.status, answer.body["code"]) == (
                404,
                "queue_not_found" if path == queue.path else "item_not_found",
            )
    mixed = decision_on(queue, own.item(), "star", 4)
    assert charlie.post(f"{own.path}adjudicate/", mixed).body["code"] == "label_not_found"
    assert QueueLabel.objects.filter(queue=own.queue).count() == 1
    assert in_force() == [("star", {"rating": 3})]
