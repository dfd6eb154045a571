"""The page to judge items: submit, skip, undo, changes and reservations."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from modelhub.accounts.models import User
from modelhub.accounts.people import session_actor
from modelhub.core import clock
from modelhub.labels.models import Label
from modelhub.queues.claims import reserve_item
from modelhub.queues.models import Item, Queue, Review, Slot
from modelhub.queues.reviewing import Decision, LabelComment, review_item
from modelhub.scores.models import Score
from tests.factories import (
    AssignmentFactory,
    ItemFactory,
    LabelFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    SlotFactory,
    UserFactory,
)
from tests.waiting import wait_for
from tests.web.pages import html_of, log_in, text_of
from tests.web.queue_team import sentences

pytestmark = pytest.mark.django_db


@dataclass
class Annotator:
    """A member of a queue with a session."""

    user: User
    client: Client
    queue: Queue

    def path(self, item: Item | None = None) -> str:
        return f"/queues/{self.queue.pk}/annotate/" + (f"{item.pk}/" if item else "")

    def get(self, item: Item | None = None) -> Any:
        return self.client.get(self.path(item), headers={"Accept": "text/html"})

    def text(self, item: Item | None = None) -> str:
        answer = self.get(item)
        assert answer.status_code == 200
        return str(answer.content.decode())

    def post(self, item: Item, action: str, **fields: Any) -> Any:
        return self.client.post(self.path(item), {"action": action, **fields}, headers={"Accept": "text/html"})

    def slot(self, item: Item) -> Slot:
        return Slot.objects.get(organization_id=self.queue.organization_id, item=item, user=self.user)


@pytest.fixture
def queue() -> Queue:
    return QueueFactory.create(name="Answers", instructions="Read it all.")


@pytest.fixture
def star(queue: Queue) -> Label:
    label = LabelFactory.create(organization=queue.organization, name="Quality")
    QueueLabelFactory.create(queue=queue, label=label)
    return label


@pytest.fixture
def tone(queue: Queue, star: Label) -> Label:
    label = LabelFactory.create(organization=queue.organization, name="Tone", type="categorical", allow_notes=True)
    QueueLabelFactory.create(queue=queue, label=label, required=False)
    return label


@pytest.fixture
def items(queue: Queue) -> list[Item]:
    return ItemFactory.create_batch(3, queue=queue)


def annotator_of(queue: Queue, *roles: str) -> Annotator:
    user = UserFactory.create(organization=queue.organization)
    QueueMemberFactory.create(queue=queue, user=user, roles=list(roles or ["annotator"]))
    return Annotator(user, log_in(user), queue)


@pytest.fixture
def ada(queue: Queue) -> Annotator:
    return annotator_of(queue)


@pytest.fixture
def bob(queue: Queue) -> Annotator:
    return annotator_of(queue)


def values_of(item: Item) -> dict[Any, Any]:
    scores = Score.objects.filter(organization_id=item.organization_id, queue_item=item.pk)
    return dict(scores.values_list("label_id", "value"))


def status_of(item: Item) -> str:
    return str(Item.objects.get(organization_id=item.organization_id, pk=item.pk).status)


def test_start_reserves_the_next_item(ada: Annotator, items: list[Item]) -> None:
    answer = ada.get()
    assert (answer.status_code, answer["Location"]) == (302, ada.path(items[0]))
    assert ada.slot(items[0]).state == "reserved"
    page = ada.text(items[0])
    assert "0 of 3 done by you" in page
    assert "Reserved for you until" in page
    assert ">Submit and next</button>" in page
    assert ">Skip</button>" in page


def test_a_submit_stores_the_answers_completes_the_item_and_goes_on(
    ada: Annotator, items: list[Item], star: Label, tone: Label
) -> None:
    ada.get()
    fields = {f"value-{star.pk}": "4", f"value-{tone.pk}": "neutral", f"notes-{tone.pk}": "dry", "notes": "A\r\nB"}
    answer = ada.post(items[0], "submit", **fields)
    assert (answer.status_code, answer["Location"]) == (302, ada.path(items[1]))
    assert values_of(items[0]) == {star.pk: {"rating": 4}, tone.pk: {"selected": ["neutral"]}}
    assert status_of(items[0]) == "completed"
    assert (ada.slot(items[0]).notes, ada.slot(items[1]).state) == ("A\nB", "reserved")
    page = ada.text(items[1])
    assert f'class="message ended-{items[0].pk} success">Submitted.' in page
    assert "1 of 3 done by you" in page
    assert "Queue: 1 of 3 done" in page
    assert ">Undo</button>" in page


def test_a_second_submit_of_one_form_changes_nothing(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.get()
    answers = [ada.post(items[0], "submit", **{f"value-{star.pk}": "4"}) for _ in range(2)]
    assert [answer["Location"] for answer in answers] == [ada.path(items[1])] * 2
    assert Slot.objects.filter(organization_id=ada.queue.organization_id).count() == 2


def test_a_missing_required_answer_is_shown_at_its_label_and_the_rest_is_stored(
    ada: Annotator, items: list[Item], star: Label, tone: Label
) -> None:
    ada.get()
    answer = ada.post(items[0], "submit", **{f"value-{tone.pk}": "neutral", "notes": "kept"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "the required labels" in page
    assert re.search(rf'id="error-{star.pk}".*This label requires an answer', page)
    assert f'id="error-{tone.pk}"' not in page
    assert 'value="neutral" data-key="2" checked' in page
    assert "kept</textarea>" in page
    assert (status_of(items[0]), ada.slot(items[0]).state) == ("in_progress", "submitted")


def test_a_form_without_an_answer_is_rejected(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.get()
    answer = ada.post(items[0], "submit", notes="only a note")
    assert answer.status_code == 400
    assert "give at least one answer" in answer.content.decode()
    assert f'id="error-{star.pk}"' in answer.content.decode()
    assert ada.slot(items[0]).state == "reserved"


def test_a_value_that_its_label_rejects_is_named_beside_it_and_stays_typed(
    ada: Annotator, items: list[Item], queue: Queue, star: Label
) -> None:
    number = LabelFactory.create(organization=queue.organization, name="Seconds", type="numeric")
    QueueLabelFactory.create(queue=queue, label=number, required=False)
    ada.get()
    answer = ada.post(items[0], "submit", **{f"value-{star.pk}": "4", f"value-{number.pk}": "77"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert re.search(rf'id="error-{number.pk}".*must be', page)
    assert 'value="77"' in page
    assert values_of(items[0]) == {}


def test_a_script_gets_the_errors_without_an_error_status(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.get()
    answer = ada.client.post(ada.path(items[0]), {"action": "submit"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert f'id="error-{star.pk}"' in answer.content.decode()


def test_a_skip_keeps_its_reason_and_undo_takes_it_back(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.get()
    answer = ada.post(items[0], "skip", reason="not in English")
    assert answer["Location"] == ada.path(items[1])
    assert (ada.slot(items[0]).state, ada.slot(items[0]).skip_reason) == ("skipped", "not in English")
    assert "You skipped this item: <bdi>not in English</bdi>. A submit" in ada.text(items[0])
    undone = ada.post(items[1], "undo", undone=items[0].pk)
    assert undone["Location"] == ada.path(items[0])
    assert ada.slot(items[0]).state == "reserved"


def test_a_reason_above_the_limit_is_rejected(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.get()
    answer = ada.post(items[0], "skip", reason="x" * 100_000)
    assert answer.status_code == 400
    assert ada.slot(items[0]).state == "reserved"


def test_undo_opens_the_last_item_with_its_answers(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.get()
    ada.post(items[0], "submit", **{f"value-{star.pk}": "4"})
    answer = ada.post(items[1], "undo", undone=items[0].pk)
    assert answer["Location"] == ada.path(items[0])
    page = ada.text(items[0])
    assert "Taken back" in page
    assert 'value="4" data-key="4" checked' in page
    assert ">Submit and next</button>" in page
    again = ada.post(items[1], "undo", undone=items[0].pk)
    assert again.status_code == 400
    assert "There is nothing to undo: that item is open." in text_of(again)


def test_completed_work_is_changed_without_opening_it(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.get()
    ada.post(items[0], "submit", **{f"value-{star.pk}": "4"})
    page = ada.text(items[0])
    assert ">Save changes</button>" in page
    assert ">Submit and next</button>" not in page
    assert "Undo reopens this item; your answers stay" in page
    answer = ada.post(items[0], "save", **{f"value-{star.pk}": "2"})
    assert answer["Location"] == ada.path(items[0])
    assert values_of(items[0]) == {star.pk: {"rating": 2}}
    assert status_of(items[0]) == "completed"
    rejected = ada.post(items[0], "save", **{f"value-{star.pk}": "9"})
    assert rejected.status_code == 400
    assert f'id="error-{star.pk}"' in rejected.content.decode()


def test_earlier_items_are_linked_in_the_order_of_their_ends(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.get()
    ada.post(items[0], "submit", **{f"value-{star.pk}": "4"})
    ada.post(items[1], "skip")
    assert f'id="earlier" href="{ada.path(items[1])}"' in ada.text(items[2])
    first, second = ada.text(items[0]), ada.text(items[1])
    assert 'id="earlier"' not in first
    assert f'id="later" href="{ada.path(items[1])}"' in first
    assert f'id="earlier" href="{ada.path(items[0])}"' in second
    assert f'id="later" href="{ada.path()}"' in second


def test_an_item_that_others_hold_has_a_sentence_and_keeps_the_typed_answers(
    ada: Annotator, bob: Annotator, items: list[Item], star: Label
) -> None:
    bob.get(items[0])
    sentence = f"{bob.user.display_name} has this item until {bob.slot(items[0]).reserved_until:%H:%M} UTC."
    page = ada.text(items[0])
    assert sentence in page
    assert "Reserved for you" not in page
    answer = ada.post(items[0], "submit", **{f"value-{star.pk}": "4"})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert 'value="4" data-key="4" checked' in page
    assert text_of(answer).count(sentence) == 1
    assert ">Next item</a>" in page
    assert "Take it again" not in page
    assert values_of(items[0]) == {}
    assert ada.post(items[0], "reserve").status_code == 409


def test_a_reservation_is_renewed_for_a_script_and_a_lost_one_has_a_sentence(
    ada: Annotator, bob: Annotator, items: list[Item], star: Label
) -> None:
    ada.get()
    slot = ada.slot(items[0])
    Slot.objects.filter(organization_id=slot.organization_id, pk=slot.pk).update(
        reserved_until=clock.now() + timedelta(seconds=5)
    )
    answer = ada.client.post(f"{ada.path(items[0])}reserve/").json()
    assert 1790 <= answer["seconds"] <= 1800
    Slot.objects.filter(organization_id=slot.organization_id, pk=slot.pk).update(
        reserved_until=clock.now() - timedelta(seconds=5)
    )
    reserve_item(actor=session_actor(bob.user), queue_id=bob.queue.pk, item_id=items[0].pk)
    answer = ada.client.post(f"{ada.path(items[0])}reserve/")
    assert answer.status_code == 200
    assert answer.json()["message"].startswith(f"{bob.user.display_name} has this item until ")
    SlotFactory.create(item=items[2], user=bob.user, state="completed", seat=1)
    answer = ada.client.post(f"{ada.path(items[2])}reserve/")
    assert answer.json()["message"] == "All places of this item are taken."


def test_a_returned_item_shows_the_comments_at_the_top_and_at_their_label(
    ada: Annotator, items: list[Item], star: Label, tone: Label
) -> None:
    ada.get()
    reviewer = annotator_of(ada.queue, "reviewer").user
    comments = [
        {"label_id": str(star.pk), "target_annotator_id": str(ada.user.pk), "comment": "Too kind"},
        {"label_id": str(tone.pk), "target_annotator_id": str(reviewer.pk), "comment": "For others"},
    ]
    Review.objects.create(
        organization=ada.queue.organization,
        item=items[0],
        reviewer=reviewer,
        action="request_changes",
        notes="Look again",
        label_comments=comments,
    )
    assert "Too kind" not in ada.text(items[0])
    Item.objects.filter(organization_id=ada.queue.organization_id, pk=items[0].pk).update(
        status="in_progress", review_status="rejected"
    )
    page = ada.text(items[0])
    assert "Look again" in page
    assert page.index("Look again") < page.index("Too kind") < page.index(f'id="field-{star.pk}"')
    assert "For others" not in page


@pytest.mark.parametrize("is_blind", [True, False])
def test_a_review_is_shown_only_to_people_whose_work_it_returns(
    ada: Annotator, bob: Annotator, items: list[Item], star: Label, *, is_blind: bool
) -> None:
    Queue.objects.filter(organization_id=ada.queue.organization_id, pk=ada.queue.pk).update(
        annotations_required=2, requires_review=True, blind=is_blind
    )
    for one in (ada, bob):
        one.get()
        one.post(items[0], "submit", **{f"value-{star.pk}": "4"})
    reviewer = session_actor(annotator_of(ada.queue, "reviewer").user)
    comment = LabelComment(star.pk, "Too kind", bob.user.pk)
    decision = Decision("request_changes", "Bob, look again", [comment])
    review_item(actor=reviewer, queue_id=ada.queue.pk, item_id=items[0].pk, decision=decision)
    page = ada.text(items[0])
    for words in ("look again", "Too kind", "returned this item", 'id="undo"'):
        assert words not in page
    assert 'id="undo"' not in ada.text(items[1])
    page = bob.text(items[0])
    for words in ("Bob, look again", "Too kind", "returned this item"):
        assert words in page


def test_an_item_in_review_cannot_be_changed(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.queue.requires_review = True
    ada.queue.save()
    ada.get()
    ada.post(items[0], "submit", **{f"value-{star.pk}": "4"})
    page = ada.text(items[0])
    assert "waits for a review" in page
    assert ">Save changes</button>" not in page
    answer = ada.post(items[0], "save", **{f"value-{star.pk}": "1"})
    assert answer.status_code == 400
    assert "This item went to a reviewer meanwhile: your changes were not stored." in text_of(answer)


@pytest.mark.parametrize(("status", "sentence"), [("paused", "is paused"), ("completed", "is finished")])
def test_a_queue_that_gives_no_items_says_why(ada: Annotator, items: list[Item], status: str, sentence: str) -> None:
    ada.queue.status = status
    ada.queue.save()
    page = ada.text()
    assert sentence in page
    assert 'href="/">My work</a>' in page
    assert "data-retry" not in page


def test_while_others_have_all_items_the_page_looks_again(ada: Annotator, bob: Annotator, items: list[Item]) -> None:
    for item in items:
        bob.get(item)
    page = ada.text()
    assert "are reserved by others" in page
    assert 'data-retry="60"' in page
    assert '<noscript><meta http-equiv="refresh" content="60"></noscript>' in page


def test_a_person_that_has_done_all_that_is_left_is_told_so(ada: Annotator, items: list[Item]) -> None:
    other = UserFactory.create(organization=ada.queue.organization)
    for item in items:
        AssignmentFactory.create(item=item, user=other)
    Item.objects.filter(organization_id=ada.queue.organization_id).update(is_assigned=True)
    SlotFactory.create(item=items[0], user=ada.user)
    page = ada.text()
    assert "No item is left for you" in page
    assert f'href="{ada.path(items[0])}"' in page
    assert "You submitted 1 item and skipped 0." in page
    assert "This item is assigned to other people." in ada.text(items[1])


def test_only_people_with_the_right_act_on_items(queue: Queue, items: list[Item], star: Label) -> None:
    item = items[0]
    reviewer, foreign = annotator_of(queue, "reviewer"), annotator_of(QueueFactory.create())
    for action in ("submit", "save", "skip", "undo", "reserve"):
        assert reviewer.post(item, action).status_code == 403
        stranger = Annotator(foreign.user, foreign.client, queue)
        assert stranger.post(item, action).status_code == 404
        assert foreign.post(item, action).status_code in {400, 404}
    assert Client().post(reviewer.path(item), {"action": "skip"})["Location"].startswith("/login/?next=/queues/")
    for annotator, code in (
        (reviewer, "annotator"),
        (Annotator(foreign.user, foreign.client, queue), "This queue is gone"),
    ):
        assert code in annotator.client.post(f"{reviewer.path(item)}reserve/").json()["message"]
    assert Client(enforce_csrf_checks=True).post(reviewer.path(item)).status_code == 403
    assert not Slot.objects.filter(organization_id=queue.organization_id).exists()


def test_an_unknown_action_is_rejected(ada: Annotator, items: list[Item]) -> None:
    assert ada.post(items[0], "destroy").status_code == 400


def test_nothing_that_people_wrote_becomes_html(ada: Annotator, items: list[Item], star: Label) -> None:
    evil = '"><script>alert(1)</script><svg onload=alert(2)>\u202e'
    Queue.objects.filter(organization_id=ada.queue.organization_id).update(name=evil, instructions=evil)
    Label.objects.filter(organization_id=ada.queue.organization_id).update(name=evil, description=evil)
    source = items[0].source
    source.content, source.metadata, source.name = {evil: [evil]}, {evil: evil}, evil
    source.save()
    ada.get()
    ada.post(items[0], "submit", notes=evil, **{f"value-{star.pk}": "4"})
    ada.post(items[1], "skip", reason=evil)
    for page in (ada.text(items[0]), ada.text(items[1]), ada.text(items[2])):
        assert "<script>alert" not in page
        assert "<svg onload" not in page


def test_addresses_in_the_instructions_are_links(ada: Annotator, items: list[Item]) -> None:
    guide = "Read https://example.com/guide first."
    Queue.objects.filter(organization_id=ada.queue.organization_id).update(instructions=guide)
    link = '<a href="https://example.com/guide" target="_blank" rel="noopener noreferrer nofollow">'
    assert f"Read {link}https://example.com/guide</a> first." in ada.text(items[0])


def test_statements_of_submit_and_of_the_next_page_do_not_grow(queue: Queue, ada: Annotator) -> None:
    counts = []
    for number in (1, 10):
        labels = LabelFactory.create_batch(number, organization=queue.organization)
        for label in labels:
            QueueLabelFactory.create(queue=queue, label=label)
        ItemFactory.create_batch(5 * number, queue=queue)
        fields = {f"value-{label_id}": "4" for label_id in queue.queue_labels.values_list("label_id", flat=True)}
        shown = ada.get()["Location"]
        for _ in range(3):  # the first one reads the labels
            with CaptureQueriesContext(connection) as submit:
                answer = ada.client.post(shown, {"action": "submit", **fields})
            shown = answer["Location"]
            with CaptureQueriesContext(connection) as page:
                assert ada.client.get(shown).status_code == 200
        counts.append((len(submit), len(page)))
    # Eight of them are BEGIN, COMMIT and savepoints; sessions and users take two in each request.
    assert counts == [(24, 10), (24, 10)]


@pytest.mark.parametrize(
    ("review_status", "sentence", "has_undo"),
    [
        ("approved", "This item is approved: it can only be read.", False),
        ("pending_review", "waits for a review", True),
    ],
)
def test_an_own_item_after_its_work_is_read_alone_in_calm_words(
    ada: Annotator, items: list[Item], star: Label, review_status: str, sentence: str, *, has_undo: bool
) -> None:
    ada.get()
    ada.post(items[0], "submit", **{f"value-{star.pk}": "4", "notes": "all"})
    Item.objects.filter(organization_id=ada.queue.organization_id, pk=items[0].pk).update(
        review_status=review_status, reviewed_at=clock.now()
    )
    page = ada.text(items[0])
    assert re.search(f'<p class="notice"[^>]*>[^<]*{re.escape(sentence)}', page)
    assert f"Item {items[0].pk}" not in page
    assert page.count("<fieldset") == len(re.findall("<fieldset[^>]* disabled>", page)) == 1
    assert re.search('<textarea name="notes"[^>]* disabled>', page)
    assert 'id="lost"' not in page
    assert ('value="undo"' in page) == has_undo
    for words in ("Take it again", 'id="submit"', 'id="skip"', 'id="auto-advance"', ">Clear<"):
        assert words not in page


def test_a_skipped_item_that_others_got_approved_is_read_alone(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.get()
    ada.post(items[0], "skip")
    Item.objects.filter(organization_id=ada.queue.organization_id, pk=items[0].pk).update(review_status="approved")
    page = ada.text(items[0])
    assert "This item is approved: it can only be read." in page
    assert "A submit takes it up again" not in page
    assert 'value="undo"' not in page


def test_the_own_work_of_a_paused_queue_is_read_alone(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.get()
    ada.post(items[0], "submit", **{f"value-{star.pk}": "4"})
    Queue.objects.filter(organization_id=ada.queue.organization_id, pk=ada.queue.pk).update(status="paused")
    page = ada.text(items[0])
    assert "This queue is paused: the item can only be read." in page
    for words in ("Take it again", "Save changes", 'value="undo"'):
        assert words not in page


def test_an_answer_to_a_label_that_was_removed_meanwhile_is_named(
    ada: Annotator, items: list[Item], star: Label, tone: Label
) -> None:
    ada.get()
    ada.queue.queue_labels.filter(label=tone).delete()
    answers = {f"value-{star.pk}": "4", f"value-{tone.pk}": "neutral"}
    foreign = LabelFactory.create(name="Foreign")
    answer = ada.post(items[0], "submit", **answers, **{f"value-{foreign.pk}": "4"})
    assert answer.status_code == 302
    sentence = "The label Tone was removed from the queue meanwhile; its answer was not stored."
    assert sentences(answer) == [sentence, "Submitted. Undo takes it back."]
    assert values_of(items[0]) == {star.pk: {"rating": 4}}
    ada.get(items[1])
    rejected = ada.post(items[1], "submit", **answers | {f"value-{star.pk}": "9"})
    assert (rejected.status_code, html_of(rejected).count(sentence)) == (400, 1)


def test_a_note_on_a_label_whose_notes_were_switched_off_meanwhile_is_named(
    ada: Annotator, items: list[Item], star: Label, tone: Label
) -> None:
    ada.get()
    answers = {f"value-{star.pk}": "4", f"value-{tone.pk}": "neutral", f"notes-{tone.pk}": "dry"}
    ada.post(items[0], "submit", **answers)
    Label.objects.filter(organization_id=tone.organization_id, pk=tone.pk).update(allow_notes=False)
    # A stored note stays.
    ada.get(items[1])
    assert sentences(ada.post(items[0], "save", **answers)) == ["Changes saved."]
    ada.get(items[1])
    answer = ada.post(items[1], "submit", **answers)
    sentence = "Notes for the label Tone were switched off meanwhile: your note was not stored."
    assert sentences(answer) == [sentence, "Submitted. Undo takes it back."]


def test_an_answer_that_the_settings_of_its_label_reject_by_now_has_an_error_beside_it(
    ada: Annotator, items: list[Item], star: Label, tone: Label
) -> None:
    ada.get()
    options = [{"label": "calm"}, {"label": "angry"}]
    settings = tone.settings | {"options": options}
    Label.objects.filter(organization_id=tone.organization_id, pk=tone.pk).update(settings=settings)
    answer = ada.post(items[0], "submit", **{f"value-{star.pk}": "4", f"value-{tone.pk}": "neutral"})
    assert answer.status_code == 400
    assert f'id="error-{tone.pk}"' in html_of(answer)
    assert "neutral" in text_of(answer)
    assert values_of(items[0]) == {}


def test_an_item_that_is_assigned_to_others_meanwhile_keeps_the_typed_answers(
    ada: Annotator, bob: Annotator, items: list[Item], star: Label
) -> None:
    ada.get()
    AssignmentFactory.create(item=items[0], user=bob.user)
    Item.objects.filter(organization_id=ada.queue.organization_id, pk=items[0].pk).update(is_assigned=True)
    answers = {f"value-{star.pk}": "4", "notes": "all of it"}
    answer = ada.post(items[0], "submit", **answers)
    assert answer.status_code == 403
    assert text_of(answer).count("This item is assigned to other people.") == 1
    page = html_of(answer)
    assert 'value="4" data-key="4" checked' in page
    assert "all of it</textarea>" in page
    assert ">Next item</a>" in page
    assert str(items[0].pk) not in text_of(answer)
    assert values_of(items[0]) == {}
    for action in ("skip", "reserve"):
        assert "This item is assigned to other people." in text_of(ada.post(items[0], action))
    script = ada.client.post(ada.path(items[0]), {"action": "submit", **answers}, headers={"HX-Request": "true"})
    assert script.status_code == 200


@pytest.mark.parametrize("lost", ["queue", "item", "role"])
def test_what_was_typed_is_shown_to_copy_when_the_queue_or_the_item_is_gone(
    ada: Annotator, items: list[Item], tone: Label, lost: str
) -> None:
    ada.get()
    if lost == "queue":
        Queue.objects.filter(organization_id=ada.queue.organization_id, pk=ada.queue.pk).update(deleted_at=clock.now())
    elif lost == "item":
        Item.objects.filter(organization_id=ada.queue.organization_id).update(deleted_at=clock.now())
    else:
        ada.queue.members.update(roles=["reviewer"])
    fields = {f"value-{tone.pk}": "neutral", f"notes-{tone.pk}": "<b>dry", "notes": "all of it"}
    answer = ada.post(items[0], "submit", **fields)
    assert answer.status_code == (403 if lost == "role" else 404)
    text = text_of(answer)
    reasons = {
        "queue": "This queue is gone: it was archived or deleted",
        "item": "This item is gone: it was removed from the queue.",
        "role": "You may not annotate in this queue",
    }
    assert reasons[lost] in text
    assert "Tone: neutral Notes for Tone: <b>dry Notes on the item: all of it" in text
    assert 'href="/">My work</a>' in html_of(answer)
    assert str(ada.queue.pk) not in text
    script = ada.client.post(ada.path(items[0]), {"action": "skip", "reason": "odd"}, headers={"HX-Request": "true"})
    assert (script.status_code, "Reason for skipping: odd" in text_of(script)) == (200, True)
    assert "Your answers" not in text_of(ada.get(items[0]))


def made_from(answer: Any) -> str:
    """Return the hidden field of a form."""
    [value] = re.findall('name="made_from" value="([0-9a-f]+)"', html_of(answer))
    return str(value)


def test_a_form_of_another_tab_does_not_replace_answers_without_a_word(
    ada: Annotator, items: list[Item], star: Label, tone: Label
) -> None:
    ada.get()
    first = made_from(ada.get(items[0]))
    answers = {f"value-{star.pk}": "4", f"value-{tone.pk}": "neutral", "notes": "mine", "made_from": first}
    assert ada.post(items[0], "submit", **answers).status_code == 302
    # The same form again replaces nothing.
    assert ada.post(items[0], "submit", **answers).status_code == 302
    changed = answers | {f"value-{star.pk}": "2", "notes": "other"}
    answer = ada.post(items[0], "save", **changed)
    assert answer.status_code == 409
    assert "Stored is Quality: 4 of 5; notes: mine. Send it again" in text_of(answer)
    assert 'value="2" data-key="2" checked' in html_of(answer)
    assert values_of(items[0])[star.pk] == {"rating": 4}
    assert made_from(answer) != first
    assert ada.post(items[0], "save", **changed | {"made_from": made_from(answer)}).status_code == 302
    assert values_of(items[0])[star.pk] == {"rating": 2}


@pytest.mark.django_db(transaction=True)
def test_of_two_tabs_that_save_at_once_the_second_replaces_nothing(
    ada: Annotator, items: list[Item], star: Label
) -> None:
    ada.get()
    ada.post(items[0], "submit", **{f"value-{star.pk}": "4"})
    form = {"action": "save", "made_from": made_from(ada.get(items[0]))}
    tabs = [log_in(ada.user), log_in(ada.user)]

    def send(stars: int) -> Any:
        try:
            return tabs[stars - 1].post(ada.path(items[0]), form | {f"value-{star.pk}": str(stars)})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            Item.objects.select_for_update().get(organization_id=ada.queue.organization_id, pk=items[0].pk)
            sent = [pool.submit(send, stars) for stars in (1, 2)]
            wait_for(lambda: waiting_sessions() == 2)
        statuses = [answer.result().status_code for answer in sent]
    assert sorted(statuses) == [302, 409]
    assert values_of(items[0])[star.pk] == {"rating": statuses.index(302) + 1}


def waiting_sessions() -> int:
    """Return the number of sessions of this database that wait for a lock."""
    with connection.cursor() as cursor:
        # A transaction reads the activity once.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return len(cursor.fetchall())


def test_an_undo_names_the_item_that_it_takes_back(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.get()
    ada.post(items[0], "submit", **{f"value-{star.pk}": "4"})
    ada.post(items[1], "skip")
    name = items[1].source.name or items[1].source.source_id
    assert 'value="undo" id="undo" aria-describedby="undone">Undo</button>' in ada.text(items[2])
    assert f"Undo takes back <bdi>{name}</bdi>" in ada.text(items[2])
    assert "Undo reopens this item; your answers stay" in ada.text(items[0])
    assert "Undo takes back the skip of this item" in ada.text(items[1])
    assert ada.post(items[1], "undo").status_code == 302
    assert ada.slot(items[1]).state == "reserved"


def hidden(page: str, name: str) -> str:
    """Return a hidden field of a page."""
    [value] = re.findall(f'name="{name}" value="([^"]+)"', page)
    return str(value)


def test_an_undo_takes_back_the_item_that_the_page_names_and_no_later_one(
    ada: Annotator, items: list[Item], star: Label
) -> None:
    ada.get()
    answers = {f"value-{star.pk}": "4"}
    ada.post(items[0], "submit", **answers)
    undone = hidden(ada.text(items[1]), "undone")
    # In another tab.
    ada.post(items[1], "submit", **answers)
    answer = ada.post(items[1], "undo", undone=undone)
    assert answer["Location"] == ada.path(items[0])
    assert [ada.slot(item).state for item in items[:2]] == ["submitted", "completed"]
    again = ada.post(items[1], "undo", undone=undone)
    assert again.status_code == 400
    assert [ada.slot(item).state for item in items[:2]] == ["submitted", "completed"]
    ada.post(items[2], "submit", **answers)
    ada.post(items[0], "submit", **answers)
    none = ada.text()
    assert f'action="{ada.path(items[0])}" hx-post="{ada.path(items[0])}" id="undo-form"' in none


def test_sentences_of_the_pages_name_no_ids(ada: Annotator, items: list[Item], star: Label) -> None:
    ada.get()
    assert "There is nothing to undo: that item is open." in text_of(ada.post(items[0], "undo"))
    ada.post(items[0], "submit", **{f"value-{star.pk}": "4"})
    answer = ada.post(items[0], "skip")
    assert "You have completed this item: undo it first." in text_of(answer)
    for shown in (answer, ada.post(items[1], "undo")):
        assert str(items[0].pk) not in text_of(shown)
        assert ada.user.email not in text_of(shown)


def test_the_login_after_an_expired_session_says_that_answers_are_kept(ada: Annotator, items: list[Item]) -> None:
    sentence = "Answers that you have not submitted are kept in this browser."
    assert sentence in text_of(Client().get(ada.path(items[0]), follow=True))
    assert sentence not in text_of(Client().get("/queues/", follow=True))
