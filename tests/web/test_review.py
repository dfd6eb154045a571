"""The pages of reviewers: the list, an item with answers side by side, decisions."""

import html
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from modelhub.accounts.models import User
from modelhub.core import clock
from modelhub.labels.models import Label
from modelhub.queues.models import Adjudication, Item, Queue, Review, Slot
from modelhub.scores.models import Score, ScoreRevision
from modelhub.web import review_answers
from tests.factories import (
    AdjudicationFactory,
    ItemFactory,
    LabelFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SlotFactory,
    SourceFactory,
    UserFactory,
)
from tests.web.pages import html_of, log_in
from tests.web.queue_team import sentences

HOSTILE = "<img src=x onerror=alert(1)>\u202e'\""


@dataclass
class Panel:
    """A queue with review: annotators Ann and Ben, reviewers Rita and Rob, labels Tone (stars) and Kind (options)."""

    queue: Queue
    ann: User
    ben: User
    rita: User
    rob: User
    tone: Label
    kind: Label

    def add(self, ann: int = 4, ben: int = 2, **fields: Any) -> Item:
        """Add an item in review with the stars of both."""
        fields = {"status": "in_progress", "review_status": "pending_review"} | fields
        item = ItemFactory.create(queue=self.queue, **fields)
        for seat, (person, stars) in enumerate([(self.ann, ann), (self.ben, ben)], 1):
            SlotFactory.create(item=item, user=person, seat=seat)
            self.score(item, person, self.tone, {"rating": stars})
            self.score(item, person, self.kind, {"selected": ["positive"]})
        return item

    def score(self, item: Item, person: User, label: Label, value: dict[str, Any], **fields: Any) -> None:
        ScoreFactory.create(
            source=item.source,
            label=label,
            annotator=person,
            value=value,
            queue_item=item.pk,
            queue_id=self.queue.pk,
            **fields,
        )

    def list_path(self, query: str = "") -> str:
        return reverse("web:review-list", args=[self.queue.pk]) + query

    def path(self, item: Item, query: str = "") -> str:
        return reverse("web:review", args=[self.queue.pk, item.pk]) + query


@pytest.fixture
def panel(db: None) -> Panel:
    queue = QueueFactory.create(name="Tickets", requires_review=True, annotations_required=2)
    roles = {"ann": "annotator", "ben": "annotator", "rita": "reviewer", "rob": "reviewer"}
    people = {name: UserFactory.create(organization=queue.organization, name=name.title()) for name in roles}
    for name, role in roles.items():
        QueueMemberFactory.create(queue=queue, user=people[name], roles=[role])
    tone = LabelFactory.create(organization=queue.organization, name="Tone")
    kind = LabelFactory.create(organization=queue.organization, name="Kind", type="categorical")
    for label in (tone, kind):
        QueueLabelFactory.create(queue=queue, label=label)
    return Panel(queue, **people, tone=tone, kind=kind)


@pytest.fixture
def rita(panel: Panel) -> Client:
    return log_in(panel.rita)


def read(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path, headers={"Accept": "text/html"})
    assert response.status_code == status
    return response.content.decode()


def decide(client: Client, path: str, action: str, **fields: Any) -> Any:
    """Open the page of an item and send its form."""
    seen = re.search(r'name="seen" value="([^"]*)"', client.get(path).content.decode())
    return client.post(path, {"seen": seen.group(1) if seen else "", "action": action, **fields}, follow=True)


def state_of(item: Item) -> tuple[str, str]:
    item.refresh_from_db()
    return item.status, item.review_status


@pytest.mark.django_db
class TestList:
    def test_it_shows_items_that_wait_with_their_people_and_differing_labels(self, panel: Panel, rita: Client) -> None:
        source = SourceFactory.create(organization=panel.queue.organization, name="Refund")
        panel.add(source=source, order=7)
        page = read(rita, panel.list_path())
        row = page[page.index("<tbody>") : page.index("</tbody>")]
        for word in ("Refund", ">7<", "Ann", "Ben", "Tone"):
            assert word in row
        assert "Kind" not in row

    def test_without_items_it_names_the_next_step(self, panel: Panel, rita: Client) -> None:
        assert "No item waits for a review" in read(rita, panel.list_path())

    def test_of_a_queue_without_review_it_says_so(self, panel: Panel, rita: Client) -> None:
        Queue.objects.update(requires_review=False)
        page = read(rita, panel.list_path())
        assert "completed without a review" in page
        assert "Require a review" not in page

    def test_it_filters_by_status(self, panel: Panel, rita: Client) -> None:
        waiting = panel.add()
        returned = panel.add(review_status="rejected", reviewed_by=panel.rita, reviewed_at=clock.now())
        approved = panel.add(
            status="completed", review_status="approved", reviewed_by=panel.rita, reviewed_at=clock.now()
        )
        found = {
            status: [
                str(item.pk) in read(rita, panel.list_path(f"?status={status}"))
                for item in (waiting, returned, approved)
            ]
            for status in ("waiting", "returned", "approved")
        }
        assert found == {
            "waiting": [True, False, False],
            "returned": [False, True, False],
            "approved": [False, False, True],
        }

    def test_it_filters_by_annotator_and_label(self, panel: Panel, rita: Client) -> None:
        both = panel.add()
        other = ItemFactory.create(queue=panel.queue, review_status="pending_review")
        panel.score(other, panel.rob, panel.kind, {"selected": ["neutral"]})

        def shown(query: str) -> list[bool]:
            page = read(rita, panel.list_path(query))
            return [str(item.pk) in page for item in (both, other)]

        assert shown(f"?annotator={panel.ann.pk}") == [True, False]
        assert shown(f"?annotator={panel.rob.pk}") == [False, True]
        assert shown(f"?label={panel.tone.pk}") == [True, False]
        assert shown(f"?label={panel.kind.pk}") == [True, True]
        assert shown(f"?label={panel.tone.pk}&annotator={panel.rob.pk}") == [False, False]
        assert shown("?status=&annotator=&label=") == [True, True]

    def test_it_filters_by_disagreement(self, panel: Panel, rita: Client) -> None:
        differing, equal = panel.add(4, 2), panel.add(3, 3)
        page = read(rita, panel.list_path("?differ=1"))
        assert str(differing.pk) in page
        assert str(equal.pk) not in page
        assert str(differing.pk) not in read(rita, panel.list_path(f"?differ=1&label={panel.kind.pk}"))

    def test_a_decided_label_counts_as_no_disagreement(self, panel: Panel, rita: Client) -> None:
        item = panel.add(4, 2)
        decision = AdjudicationFactory.create(item=item, label=panel.tone, value={"rating": 4})
        assert str(item.pk) not in read(rita, panel.list_path("?differ=1"))
        assert "badge differs" not in read(rita, panel.list_path())
        Adjudication.objects.filter(pk=decision.pk).update(replaced_at=clock.now())
        assert str(item.pk) in read(rita, panel.list_path("?differ=1"))
        assert "badge differs" in read(rita, panel.list_path())

    def test_a_decision_before_a_change_of_a_score_decides_nothing(self, panel: Panel, rita: Client) -> None:
        item = panel.add(5, 2)
        sent = {"action": "adjudicate", "label": str(panel.tone.pk), "value": "5"}
        rita.post(panel.path(item), sent)
        assert "badge differs" not in read(rita, panel.list_path())
        for person, stars in ((panel.ann, 1), (panel.ben, 3)):
            scores = Score.objects.filter(queue_item=item.pk, annotator=person, label=panel.tone)
            scores.update(value={"rating": stars}, updated_at=clock.now())
        assert "badge differs" in read(rita, panel.list_path())
        assert str(item.pk) in read(rita, panel.list_path("?differ=1"))
        page = read(rita, panel.path(item))
        assert "Annotators differ on 1 of 2 labels." in page
        assert "<strong>decided before a change:</strong> <bdi>5 of 5</bdi>" in page
        sent = {"action": "approve", "items": str(item.pk)}
        assert "1 item not approved, because annotators disagree" in html_of(
            rita.post(panel.list_path(), sent, follow=True)
        )
        assert state_of(item) == ("in_progress", "pending_review")

    @pytest.mark.parametrize("query", ["?status=lost", "?annotator=5", "?label=%00", "?annotator=<script>"])
    def test_an_unusable_filter_is_an_error_page(self, panel: Panel, rita: Client, query: str) -> None:
        assert "<script>" not in read(rita, panel.list_path(query), status=400)

    def test_selected_items_are_approved_and_others_have_a_sentence(self, panel: Panel, rita: Client) -> None:
        items = [panel.add(3, 3), panel.add(3, 3)]
        own = panel.add(3, 3, order=70)
        SlotFactory.create(item=own, user=panel.rita)
        done = rita.post(panel.list_path(), {"items": [str(item.pk) for item in [*items, own]]}, follow=True)
        assert [state_of(item) for item in items] == [("completed", "approved")] * 2
        assert state_of(own) == ("in_progress", "pending_review")
        assert "Approved 2 items." in html_of(done)
        own_name = f"Item 70 ({own.source.source_id})"
        assert f"{own_name} is annotated by you, so another person must review it." in html_of(done)
        assert str(own.pk) not in sentences(done)[-1]

    def test_items_on_which_annotators_disagree_are_left_and_named(self, panel: Panel, rita: Client) -> None:
        source = SourceFactory.create(organization=panel.queue.organization, name="Refund <b>")
        equal, differing, decided = panel.add(3, 3), panel.add(4, 2, source=source, order=8), panel.add(4, 2)
        AdjudicationFactory.create(item=decided, label=panel.tone, value={"rating": 4})
        items = [equal, differing, decided]
        done = rita.post(panel.list_path(), {"items": [str(item.pk) for item in items]}, follow=True)
        assert [state_of(item)[1] for item in items] == ["approved", "pending_review", "approved"]
        assert sentences(done)[0] == "Approved 2 items."
        assert sentences(done)[1].startswith("1 item not approved, because annotators disagree: Item 8 (Refund <b>).")
        assert f'href="{panel.path(differing)}"' in html_of(done)

    def test_items_that_another_reviewer_took_or_that_are_removed_have_sentences(
        self, panel: Panel, rita: Client
    ) -> None:
        approved = panel.add(4, 2, order=5, status="completed", review_status="approved", completed_at=clock.now())
        removed = panel.add(3, 3, deleted_at=clock.now())
        done = rita.post(panel.list_path(), {"items": [str(approved.pk), str(removed.pk)]}, follow=True)
        assert sentences(done) == [
            f"Item 5 ({approved.source.source_id}) does not wait for a review any more.",
            "An item was removed meanwhile.",
        ]

    def test_skipped_items_show_by_whom_and_why(self, panel: Panel, rita: Client) -> None:
        item = ItemFactory.create(queue=panel.queue, status="skipped")
        panel.add()
        SlotFactory.create(item=item, user=panel.ann, state="skipped", skip_reason="In Welsh")
        page = read(rita, panel.list_path("?status=skipped"))
        assert page.count('<th scope="row">') == 1
        assert '<bdi>Ann</bdi>: <span dir="auto">In Welsh</span>' in page

    def test_approving_keeps_the_filters(self, panel: Panel, rita: Client) -> None:
        item = panel.add(3, 3)
        done = rita.post(panel.list_path(f"?annotator={panel.ann.pk}"), {"items": str(item.pk)})
        assert done["Location"] == panel.list_path(f"?annotator={panel.ann.pk}")

    def test_approving_nothing_is_an_error_on_the_page(self, panel: Panel, rita: Client) -> None:
        panel.add()
        done = rita.post(panel.list_path())
        assert done.status_code == 400
        assert "Select at least one item." in html_of(done)

    @pytest.mark.parametrize("sent", ["5", "<b>"])
    def test_an_id_that_is_none_is_an_error_on_the_page(self, panel: Panel, rita: Client, sent: str) -> None:
        panel.add()
        done = rita.post(panel.list_path(), {"items": sent})
        assert done.status_code == 400
        assert "<b>" not in html_of(done)

    def test_own_work_is_marked_and_cannot_be_selected(self, panel: Panel, rita: Client) -> None:
        own = panel.add()
        SlotFactory.create(item=own, user=panel.rita)
        page = read(rita, panel.list_path())
        assert "your own work" in page
        assert 'name="items"' not in page

    def test_it_has_pages_that_keep_the_filters(self, panel: Panel, rita: Client) -> None:
        for _ in range(26):
            panel.add()
        page = read(rita, panel.list_path(f"?annotator={panel.ann.pk}"))
        assert page.count('name="items"') == 25
        assert f"?annotator={panel.ann.pk}&amp;page=2" in page
        assert read(rita, panel.list_path("?page=2")).count('name="items"') == 1
        assert read(rita, panel.list_path("?page=x")).count('name="items"') == 25

    def test_statements_do_not_grow_with_items(self, panel: Panel, rita: Client) -> None:
        counts = []
        for number in (1, 9):
            for _ in range(number):
                panel.add()
            with CaptureQueriesContext(
                connection,
            ) as captured:
                read(rita, panel.list_path())
            counts.append(len(captured))
        assert counts[0] == counts[1] < 20


@pytest.mark.django_db
class TestItem:
    def test_it_shows_answers_side_by_side_with_differing_labels_first(self, panel: Panel, rita: Client) -> None:
        panel.queue.queue_labels.filter(label=panel.tone).update(order=99)
        item = panel.add(4, 2)
        page = read(rita, panel.path(item))
        table = page[page.index('<table class="answers">') : page.index("</table>")]
        assert table.index("Tone") < table.index("Kind")
        assert table.index("4 of 5") < table.index("2 of 5")
        assert table.count('class="differs"') == 1

    def test_it_shows_notes_skips_and_reviews(self, panel: Panel, rita: Client) -> None:
        item = panel.add()
        Slot.objects.filter(item=item, user=panel.ann).update(notes="Long ticket")
        SlotFactory.create(item=item, user=panel.rob, state="skipped", skip_reason="In Welsh")
        comment = {"label_id": str(panel.tone.pk), "target_annotator_id": str(panel.ben.pk), "comment": "Why 2?"}
        Review.objects.create(
            organization=panel.queue.organization,
            item=item,
            reviewer=panel.rob,
            action="request_changes",
            notes="See the guide",
            label_comments=[comment],
        )
        page = read(rita, panel.path(item))
        for word in ("Long ticket", "In Welsh", "See the guide", "Why 2?", "Returned"):
            assert word in page

    def test_a_long_text_is_folded(self, panel: Panel, rita: Client) -> None:
        item = panel.add()
        text = LabelFactory.create(organization=panel.queue.organization, name="Why", type="text")
        QueueLabelFactory.create(queue=panel.queue, label=text)
        panel.score(item, panel.ann, text, {"text": "word " * 2000})
        page = read(rita, panel.path(item))
        assert page.count('<details><summary dir="auto">word') == 1

    def test_models_are_shown_and_do_not_vote(self, panel: Panel, rita: Client) -> None:
        item = panel.add(4, 4)
        panel.score(
            item,
            UserFactory.create(organization=panel.queue.organization, name="GPT"),
            panel.tone,
            {"rating": 1},
            score_source="model",
        )
        page = read(rita, panel.path(item))
        assert "GPT" in page
        assert ">model<" in page
        assert "differ on" not in page

    def test_it_shows_the_content_of_the_source(self, panel: Panel, rita: Client) -> None:
        content = {"messages": [{"role": "user", "content": f"Where is it? {HOSTILE}"}]}
        source = SourceFactory.create(organization=panel.queue.organization, content=content)
        page = read(rita, panel.path(panel.add(source=source)))
        assert "Where is it? &lt;img" in page

    def test_what_people_wrote_is_escaped(self, panel: Panel, rita: Client) -> None:
        User.objects.filter(pk=panel.ann.pk).update(name=HOSTILE)
        Label.objects.filter(pk=panel.tone.pk).update(name=HOSTILE)
        Queue.objects.filter(pk=panel.queue.pk).update(name=HOSTILE)
        source = SourceFactory.create(organization=panel.queue.organization, name=HOSTILE, source_id=HOSTILE)
        item = panel.add(source=source)
        text = LabelFactory.create(organization=panel.queue.organization, type="text")
        QueueLabelFactory.create(queue=panel.queue, label=text)
        for person, word in ((panel.ann, HOSTILE), (panel.ben, f"{HOSTILE}2")):
            panel.score(item, person, text, {"text": word}, notes=HOSTILE)
        Slot.objects.filter(item=item).update(notes=HOSTILE)
        SlotFactory.create(item=item, user=panel.rob, state="skipped", skip_reason=HOSTILE)
        AdjudicationFactory.create(item=item, label=text, value={"text": HOSTILE}, notes=HOSTILE)
        comment = {"label_id": str(panel.tone.pk), "target_annotator_id": str(panel.ann.pk), "comment": HOSTILE}
        Review.objects.create(
            organization=panel.queue.organization,
            item=item,
            reviewer=panel.rob,
            action="comment",
            notes=HOSTILE,
            label_comments=[comment],
        )
        pages = [
            read(rita, panel.path(item)),
            read(rita, panel.list_path()),
            html_of(rita.post(panel.path(item), {"action": HOSTILE, "notes": HOSTILE})),
            html_of(rita.post(panel.path(item), {"action": "adjudicate", "value": HOSTILE, "label": str(text.pk)})),
            html_of(
                rita.post(
                    panel.path(item),
                    {"action": "decide", f"value-{panel.tone.pk}": HOSTILE, "label": str(panel.tone.pk)},
                )
            ),
        ]
        for page in pages:
            assert "<img" not in page
            assert "&lt;img" in page

    def test_previous_and_next_are_those_of_the_filter(self, panel: Panel, rita: Client) -> None:
        first, equal, last = panel.add(4, 2), panel.add(3, 3), panel.add(5, 1)
        page = read(rita, panel.path(first))
        assert f'rel="next" href="{panel.path(equal)}"' in page
        assert 'rel="prev"' not in page
        page = read(rita, panel.path(last, "?differ=1"))
        assert f'rel="prev" href="{panel.path(first, "?differ=1")}"' in page
        assert 'rel="next"' not in page

    def test_an_item_of_another_queue_is_missing(self, panel: Panel, rita: Client) -> None:
        other = ItemFactory.create(review_status="pending_review")
        assert "This item is gone" in read(rita, panel.path(other), status=404)
        assert rita.post(panel.path(other), {"action": "approve"}).status_code == 404
        read(rita, reverse("web:review", args=[other.queue_id, other.pk]), status=404)

    @pytest.mark.parametrize("fields", [{"action": "approve"}, {"action": "adjudicate", "value": "3"}])
    def test_annotators_and_other_organizations_decide_nothing(self, panel: Panel, fields: dict[str, str]) -> None:
        item = panel.add()
        admin = UserFactory.create(role="admin")
        fields |= {"label": str(panel.tone.pk)}
        statuses = [
            log_in(person).post(path, fields | {"items": str(item.pk)}).status_code
            for path in (panel.path(item), panel.list_path())
            for person in (panel.ann, admin)
        ]
        assert statuses == [403, 404, 403, 404]
        assert state_of(item) == ("in_progress", "pending_review")
        assert not Adjudication.objects.exists()

    def test_statements_do_not_grow_with_people_labels_and_reviews(self, panel: Panel, rita: Client) -> None:
        item = panel.add()
        counts = []
        for number in (0, 6):
            for _ in range(number):
                person = UserFactory.create(organization=panel.queue.organization)
                label = LabelFactory.create(organization=panel.queue.organization)
                QueueLabelFactory.create(queue=panel.queue, label=label)
                SlotFactory.create(item=item, user=person)
                for one in (panel.tone, label):
                    panel.score(item, person, one, {"rating": 1})
                panel.score(item, panel.ann, label, {"rating": 5})
                AdjudicationFactory.create(item=item, label=label)
                Review.objects.create(
                    organization=item.organization, item=item, reviewer=person, action="comment", notes="Hm"
                )
            with CaptureQueriesContext(connection) as captured:
                read(rita, panel.path(item))
            counts.append(len(captured))
        assert counts[0] == counts[1] < 32


@pytest.mark.django_db
class TestDecisions:
    def test_approve_leads_to_the_next_item_that_waits(self, panel: Panel, rita: Client) -> None:
        item = panel.add()
        own, following = panel.add(), panel.add()
        SlotFactory.create(item=own, user=panel.rita)
        done = decide(rita, panel.path(item), "approve")
        assert state_of(item) == ("completed", "approved")
        assert done.redirect_chain == [(panel.path(following), 302)]
        assert "Approved." in html_of(done)
        # After the last one comes the first one that is not approved yet.
        assert decide(rita, panel.path(following), "approve").redirect_chain == [(panel.list_path(), 302)]

    def test_the_next_item_fits_the_filters(self, panel: Panel, rita: Client) -> None:
        item, equal, differing = panel.add(), panel.add(3, 3), panel.add(1, 5)
        done = decide(rita, panel.path(item, "?differ=1"), "approve")
        assert done.redirect_chain == [(panel.path(differing, "?differ=1"), 302)]
        done = decide(rita, panel.path(differing, "?differ=1"), "approve")
        assert done.redirect_chain == [(panel.list_path("?differ=1"), 302)]
        assert state_of(equal) == ("in_progress", "pending_review")

    def test_after_the_last_item_comes_an_earlier_one(self, panel: Panel, rita: Client) -> None:
        earlier, item = panel.add(), panel.add()
        assert decide(rita, panel.path(item), "approve").redirect_chain == [(panel.path(earlier), 302)]

    def test_a_return_with_a_general_note_is_to_all_annotators(self, panel: Panel, rita: Client) -> None:
        item = panel.add()
        decide(rita, panel.path(item), "request_changes", notes="Read the\r\nguide")
        assert state_of(item) == ("in_progress", "rejected")
        assert Review.objects.get().notes == "Read the\nguide"
        assert set(Slot.objects.values_list("state", flat=True)) == {"submitted"}

    def test_a_return_with_a_note_on_a_label_is_to_its_annotator(self, panel: Panel, rita: Client) -> None:
        item = panel.add()
        note = {f"comment-{panel.tone.pk}": "Why 2?", f"target-{panel.tone.pk}": str(panel.ben.pk)}
        done = decide(rita, panel.path(item), "request_changes", **note)
        assert "Returned to Ben." in html_of(done)
        assert Review.objects.get().label_comments == [
            {"label_id": str(panel.tone.pk), "target_annotator_id": str(panel.ben.pk), "comment": "Why 2?"}
        ]
        assert dict(Slot.objects.values_list("user", "state")) == {panel.ann.pk: "completed", panel.ben.pk: "submitted"}

    def test_a_return_without_a_reason_keeps_the_page_and_the_notes(self, panel: Panel, rita: Client) -> None:
        item = panel.add()
        done = decide(rita, panel.path(item), "request_changes", notes="  ")
        assert done.status_code == 400
        assert "Return needs a note" in html_of(done)
        assert state_of(item) == ("in_progress", "pending_review")
        note = {f"comment-{panel.tone.pk}": "Kept", f"target-{panel.tone.pk}": str(panel.rob.pk), "notes": "Kept, too"}
        done = decide(rita, panel.path(item), "request_changes", **note)
        assert "must be a person with completed work on the item" in html_of(done)
        assert "Kept</textarea>" in html_of(done)
        assert "Kept, too</textarea>" in html_of(done)

    @pytest.mark.parametrize(
        ("action", "status"), [("reject", ("in_progress", "rejected")), ("comment", ("in_progress", "pending_review"))]
    )
    def test_other_actions(self, panel: Panel, rita: Client, action: str, status: tuple[str, str]) -> None:
        item = panel.add()
        assert decide(rita, panel.path(item), action, notes="Hm").status_code == 200
        assert state_of(item) == status
        assert Review.objects.get().action == action

    def test_an_approved_item_is_reopened(self, panel: Panel, rita: Client) -> None:
        item = panel.add(status="completed", review_status="approved", completed_at=clock.now())
        done = decide(rita, panel.path(item, "?status=approved"), "reopen")
        assert state_of(item) == ("in_progress", "pending_review")
        assert done.redirect_chain == [(panel.path(item, "?status=approved"), 302)]

    def test_own_work_is_named_before_a_click_and_rejected_after_one(self, panel: Panel, rita: Client) -> None:
        item = panel.add()
        SlotFactory.create(item=item, user=panel.rita)
        page = read(rita, panel.path(item))
        assert "another person must review it" in page
        assert 'value="approve"' not in page
        sent = {"action": "approve", "seen": rita.get(panel.path(item)).context["seen"]}
        assert rita.post(panel.path(item), sent).status_code == 403

    def test_the_second_reviewer_reads_that_the_item_is_reviewed(self, panel: Panel, rita: Client) -> None:
        item = panel.add()
        rob = log_in(panel.rob)
        page = read(rob, panel.path(item))
        seen = re.search(r'name="seen" value="([^"]*)"', page)
        assert seen
        decide(rita, panel.path(item), "approve")
        done = rob.post(panel.path(item), {"action": "request_changes", "notes": "No", "seen": seen.group(1)})
        assert done.status_code == 400
        assert "This item was reviewed already, by <bdi>Rita</bdi>." in html_of(done)
        assert "approved</span> by" in html_of(done)
        assert state_of(item) == ("completed", "approved")

    def test_answers_that_changed_since_the_page_was_opened_are_not_approved(self, panel: Panel, rita: Client) -> None:
        item = panel.add()
        seen = re.search(r'name="seen" value="([^"]*)"', read(rita, panel.path(item)))
        assert seen
        Item.objects.filter(pk=item.pk).update(updated_at=clock.now() + timedelta(seconds=1))
        done = rita.post(panel.path(item), {"action": "approve", "seen": seen.group(1)})
        assert done.status_code == 409
        assert "has changed since you opened it" in html_of(done)
        assert state_of(item) == ("in_progress", "pending_review")

    def test_a_correction_of_a_score_since_the_page_was_opened_is_named(self, panel: Panel, rita: Client) -> None:
        """A correction by an admin changes no item."""
        item = panel.add()
        seen = rita.get(panel.path(item)).context["seen"]
        score = Score.objects.get(queue_item=item.pk, annotator=panel.ann, label=panel.tone)
        Score.objects.filter(pk=score.pk).update(value={"rating": 1}, updated_at=clock.now())
        done = rita.post(panel.path(item), {"action": "approve", "seen": seen})
        assert (done.status_code, "has changed since you opened it" in html_of(done)) == (409, True)
        assert decide(rita, panel.path(item), "approve").status_code == 200
        assert state_of(item) == ("completed", "approved")

    @pytest.mark.parametrize(
        ("action", "name"), [("request_changes", "Return"), ("reject", "Reject"), ("comment", "A comment")]
    )
    def test_a_missing_note_is_named_before_a_click_and_after_one(
        self, panel: Panel, rita: Client, action: str, name: str
    ) -> None:
        item = panel.add()
        assert "need a note: here, or to a label" in read(rita, panel.path(item))
        done = decide(rita, panel.path(item), action)
        assert done.status_code == 400
        assert f'id="notes-error">{name} needs a note: to all annotators, or to a label.</p>' in html_of(done)
        assert "label_comments" not in html_of(done)
        assert not Review.objects.exists()

    def test_the_page_says_how_return_and_reject_differ(self, panel: Panel, rita: Client) -> None:
        item = panel.add()
        assert "Return: its annotators get the item and the notes again." in read(rita, panel.path(item))
        assert "Reject: the same, but the history says “Rejected”." in read(rita, panel.path(item))
        approved = panel.add(status="completed", review_status="approved", completed_at=clock.now())
        assert "Reject: the same" not in read(rita, panel.path(approved))

    def test_an_unknown_action_is_an_error_on_the_page(self, panel: Panel, rita: Client) -> None:
        done = decide(rita, panel.path(panel.add()), "destroy")
        assert done.status_code == 400
        assert "action must be one of" in html_of(done)


@pytest.mark.django_db
class TestValues:
    def test_the_majority_is_shown_with_its_votes_and_taken_by_one_click(self, panel: Panel, rita: Client) -> None:
        item = panel.add(4, 2)
        panel.score(item, panel.rob, panel.tone, {"rating": 2})
        page = read(rita, panel.path(item))
        section = page[page.index("values-heading") :]
        assert section.index("Take the majority") > section.index("2 of 5")
        assert "2 of 3: <bdi>Ben</bdi>, <bdi>Rob</bdi>" in section
        button = re.search(
            r'name="value" value="([^"]*)"><button name="action" value="adjudicate" class="primary"', page
        )
        assert button
        sent = {"action": "adjudicate", "label": str(panel.tone.pk), "value": button.group(1)}
        done = rita.post(panel.path(item), sent, follow=True)
        assert "The decision on Tone is stored." in html_of(done)
        assert Adjudication.objects.get().value == {"rating": 2}
        assert state_of(item) == ("in_progress", "pending_review")
        assert "decided</span>" in html_of(done)

    def test_every_value_can_be_taken(self, panel: Panel, rita: Client) -> None:
        item = panel.add(3, 3)
        why = LabelFactory.create(organization=panel.queue.organization, name="Why", type="text")
        number = LabelFactory.create(
            organization=panel.queue.organization,
            type="numeric",
            settings={"min": 0, "max": 1, "step_size": 0.1, "display_type": "slider"},
        )
        thumbs = LabelFactory.create(organization=panel.queue.organization, type="thumbs_up_down")
        values: dict[Label, list[dict[str, Any]]] = {
            why: [{"text": 'a "quote"'}, {"text": "b\n&"}],
            number: [{"value": 0.1}, {"value": 0.3}],
            thumbs: [{"value": "up"}, {"value": "down"}],
        }
        for label, (anns, bens) in values.items():
            QueueLabelFactory.create(queue=panel.queue, label=label)
            panel.score(item, panel.ann, label, anns)
            panel.score(item, panel.ben, label, bens)
        panel.score(item, panel.rob, panel.kind, {"selected": ["neutral"]})
        response = rita.get(panel.path(item))
        table = response.context["table"]
        assert [label.rule.type for label in table.undecided] == ["categorical", "text", "numeric", "thumbs_up_down"]
        for label in table.undecided:
            for option in label.options:
                sent = {"action": "adjudicate", "label": label.rule.id, "value": option.value}
                assert rita.post(panel.path(item), sent).status_code == 302, option
        assert Adjudication.objects.count() == 8

    @pytest.mark.parametrize(
        ("type_", "settings", "ann", "ben", "decided", "words"),
        [
            ("star", {"no_of_stars": 5}, {"rating": 4}, {"rating": 2}, "3", "3 of 5"),
            (
                "categorical",
                {"options": ["right", "wrong"]},
                {"selected": ["right"]},
                {"selected": ["wrong"]},
                "wrong",
                "wrong",
            ),
            ("numeric", {"min": 0, "max": 9, "step_size": 1}, {"value": 3}, {"value": 4}, "5", "5"),
            ("text", {}, {"text": "a"}, {"text": "b"}, "c", "c"),
            ("thumbs_up_down", {}, {"value": "up"}, {"value": "down"}, "down", "down"),
        ],
    )
    def test_a_decided_value_is_in_words_beside_the_answers_and_as_gold(
        self,
        panel: Panel,
        type_: str,
        settings: dict[str, Any],
        ann: dict[str, Any],
        ben: dict[str, Any],
        decided: str,
        words: str,
    ) -> None:
        label = LabelFactory.create(organization=panel.queue.organization, type=type_, settings=settings)
        QueueLabelFactory.create(queue=panel.queue, label=label)
        item = panel.add(3, 3)
        panel.score(item, panel.ann, label, ann)
        panel.score(item, panel.ben, label, ben)
        manager = UserFactory.create(organization=panel.queue.organization)
        QueueMemberFactory.create(queue=panel.queue, user=manager, roles=["manager"])
        client = log_in(manager)
        [first] = client.get(panel.path(item)).context["table"].undecided
        path, of_label = panel.path(item), {"label": str(label.pk)}
        taken = client.post(path, {"action": "adjudicate", "value": first.options[0].value, **of_label}, follow=True)
        assert f"<strong>decided:</strong> <bdi>{first.options[0].text}</bdi>" in html_of(taken)
        page = html_of(client.post(path, {"action": "decide", f"value-{label.pk}": decided, **of_label}, follow=True))
        assert f"<strong>decided:</strong> <bdi>{words}</bdi>" in page
        assert f"<bdi>{label.name}</bdi>: <bdi>{words}</bdi></span>" in page
        sent = {name: html.unescape(value) for name, value in re.findall(r'name="(gold-[^"]+)" value="([^"]*)"', page)}
        gold = html_of(client.post(path, sent | {"action": "gold", "gold": str(label.pk)}, follow=True))
        assert f'Expected: <bdi>{label.name}</bdi>: <strong dir="auto"><bdi>{words}</bdi>' in gold
        assert "{&quot;" not in gold[gold.index("answers-heading") : gold.index("gold-heading")]
        assert "No probabilities: numbers and texts" not in gold

    def test_probabilities_are_shown_for_small_queues_and_on_request(
        self, panel: Panel, rita: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        item = panel.add(4, 2)
        assert "50 %" in read(rita, panel.path(item))
        monkeypatch.setattr(review_answers, "MOST_SCORES", 1)
        page = read(rita, panel.path(item))
        assert "50 %" not in page
        assert "?probabilities=1" in page
        assert "50 %" in read(rita, panel.path(item, "?probabilities=1"))

    def test_a_probable_value_that_nobody_gave_can_be_taken(self, panel: Panel, rita: Client) -> None:
        for _ in range(6):
            panel.add(5, 1)
        item = panel.add(5, 1)
        for value in ({"selected": ["neutral"]}, {"selected": ["positive"]}):
            panel.score(panel.add(1, 1), panel.rob, panel.kind, value)
        table = rita.get(panel.path(item)).context["table"]
        for option in table.undecided[0].options:
            sent = {"action": "adjudicate", "label": str(panel.tone.pk), "value": option.value}
            assert rita.post(panel.path(item), sent).status_code == 302

    def test_another_value_is_chosen_in_the_field_of_the_label(self, panel: Panel, rita: Client) -> None:
        item = panel.add(4, 2)
        assert f"?decide={panel.tone.pk}#" in read(rita, panel.path(item))
        assert "5 stars" in read(rita, panel.path(item, f"?decide={panel.tone.pk}"))
        sent = {"action": "decide", "label": str(panel.tone.pk), f"value-{panel.tone.pk}": "5"}
        rita.post(panel.path(item), sent | {"decision-notes": "Both\r\nerr"})
        decided = Adjudication.objects.get()
        assert (decided.value, decided.notes) == ({"rating": 5}, "Both\nerr")

    def test_a_label_without_differences_is_decided_in_its_field(self, panel: Panel, rita: Client) -> None:
        item = panel.add(3, 3)
        page = read(rita, panel.path(item, f"?decide={panel.kind.pk}"))
        assert f'name="value-{panel.kind.pk}"' in page
        assert f'name="value-{panel.tone.pk}"' not in page
        sent = {"action": "decide", "label": str(panel.kind.pk), f"value-{panel.kind.pk}": "neutral"}
        assert "decided</span>" in html_of(rita.post(panel.path(item), sent, follow=True))

    @pytest.mark.parametrize("value", ["", "6", "x"])
    def test_a_field_has_its_error_and_keeps_the_reason(self, panel: Panel, rita: Client, value: str) -> None:
        sent = {"action": "decide", "label": str(panel.tone.pk), f"value-{panel.tone.pk}": value}
        done = rita.post(panel.path(panel.add()), sent | {"decision-notes": "Kept <b>"})
        assert done.status_code == 400
        assert 'class="label-error"' in html_of(done)
        assert "Kept &lt;b&gt;</textarea>" in html_of(done)
        assert not Adjudication.objects.exists()

    def test_a_decision_on_a_deleted_label_is_left_out(self, panel: Panel, rita: Client) -> None:
        item = panel.add(3, 3)
        for label, value in ((panel.tone, {"rating": 3}), (panel.kind, {"selected": ["neutral"]})):
            AdjudicationFactory.create(item=item, label=label, value=value)
        Label.objects.filter(pk=panel.tone.pk).update(deleted_at=clock.now())
        page = read(rita, panel.path(item))
        assert page.count("decided</span>") == 1
        assert "Tone" not in page

    def test_probabilities_from_few_items_are_a_hint_only(
        self, panel: Panel, rita: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        item = panel.add(4, 2)
        panel.add(4, 4)
        # Judged by one person: nothing to compare.
        panel.score(ItemFactory.create(queue=panel.queue), panel.ann, panel.tone, {"rating": 4})
        few = "From few items: take it as a hint only."
        assert few in read(rita, panel.path(item))
        monkeypatch.setattr(review_answers, "FEW_ITEMS", 3)
        assert few in read(rita, panel.path(item))
        monkeypatch.setattr(review_answers, "FEW_ITEMS", 2)
        assert few not in read(rita, panel.path(item))

    def test_a_label_that_was_removed_meanwhile_is_a_sentence_and_nothing_typed_is_lost(
        self, panel: Panel, rita: Client
    ) -> None:
        item = panel.add()
        panel.queue.queue_labels.filter(label=panel.tone).delete()
        foreign = LabelFactory.create(organization=panel.queue.organization)
        for label in (panel.tone, foreign):
            sent = {"action": "decide", "label": str(label.pk), f"value-{label.pk}": "my value"}
            done = rita.post(panel.path(item), sent | {"decision-notes": "my <b>reason"})
            assert done.status_code == 409
            for word in ("A label was removed from the queue meanwhile.", "my value", "my &lt;b&gt;reason"):
                assert word in html_of(done)
            assert str(label.pk) not in html_of(done)
        assert not Adjudication.objects.exists()
        note = {f"comment-{panel.tone.pk}": "my note", "notes": "my general note"}
        done = decide(rita, panel.path(item), "request_changes", **note)
        assert done.status_code == 409
        assert 'dir="auto">my note</p>' in html_of(done)
        assert "my general note</textarea>" in html_of(done)
        assert state_of(item) == ("in_progress", "pending_review")
        assert decide(rita, panel.path(item), "request_changes", notes="my general note").status_code == 200

    def test_a_decision_is_withdrawn(self, panel: Panel, rita: Client) -> None:
        item = panel.add(3, 3)
        AdjudicationFactory.create(item=item, label=panel.tone, value={"rating": 3})
        sent = {"action": "withdraw", "label": str(panel.tone.pk)}
        assert "is withdrawn" in html_of(rita.post(panel.path(item), sent, follow=True))
        done = rita.post(panel.path(item), sent)
        assert done.status_code == 409
        assert "Tone: the decision is withdrawn already." in html_of(done)

    def test_to_take_a_value_asks_before_it_drops_the_reason_of_a_decision(self, panel: Panel, rita: Client) -> None:
        item = panel.add(4, 2)
        decision = AdjudicationFactory.create(item=item, label=panel.tone, value={"rating": 4}, notes="")
        assert "Replace the decision" not in read(rita, panel.path(item))
        Adjudication.objects.filter(pk=decision.pk).update(notes="By the <guide>")
        page = read(rita, panel.path(item))
        assert (
            page.count('data-confirm="Replace the decision 4 of 5? Its reason is dropped: By the &lt;guide&gt;"') == 2
        )

    @pytest.mark.parametrize("value", ["6", "", "null", "{", '{"rating": "x"}'])
    def test_an_unfit_value_is_an_error_on_the_page(self, panel: Panel, rita: Client, value: str) -> None:
        done = rita.post(panel.path(panel.add()), {"action": "adjudicate", "label": str(panel.tone.pk), "value": value})
        assert done.status_code == 400
        assert 'role="alert"' in html_of(done)
        assert not Adjudication.objects.exists()

    def test_a_label_that_the_reviewer_judged_is_for_another_one(self, panel: Panel, rita: Client) -> None:
        item = panel.add(4, 2)
        panel.score(item, panel.rita, panel.tone, {"rating": 3})
        page = read(rita, panel.path(item))
        assert "so another person must decide" in page
        assert 'value="adjudicate"' not in page

    @pytest.mark.parametrize("state", ["pending", "completed"])
    def test_every_label_of_the_queue_can_be_edited_also_without_answers(
        self, panel: Panel, rita: Client, state: str
    ) -> None:
        item = ItemFactory.create(queue=panel.queue, status=state)
        page = read(rita, panel.path(item))
        assert "Nobody has judged this item yet." in page
        for label in (panel.tone, panel.kind):
            assert f'href="?decide={label.pk}#value-of-{label.pk}"' in page
        page = read(rita, panel.path(item, f"?decide={panel.tone.pk}"))
        assert "Edit as reviewer</h2>" in page
        assert "Your value counts in place of" in page
        sent = {"action": "decide", "label": str(panel.tone.pk), f"value-{panel.tone.pk}": "5"}
        done = rita.post(panel.path(item), sent, follow=True)
        assert "<strong>decided:</strong> <bdi>5 of 5</bdi>" in html_of(done)
        assert Adjudication.objects.get().value == {"rating": 5}

    def test_a_decided_label_is_no_difference_any_more(self, panel: Panel, rita: Client) -> None:
        item = panel.add(4, 2)
        assert "Annotators differ on 1 of 2 labels." in read(rita, panel.path(item))
        AdjudicationFactory.create(item=item, label=panel.tone, value={"rating": 4})
        page = read(rita, panel.path(item))
        assert "<strong>decided:</strong> <bdi>4 of 5</bdi>" in page
        for word in ("Annotators differ", 'class="differs"', "badge differs"):
            assert word not in page

    def test_errors_of_decisions_name_labels_and_no_ids(self, panel: Panel, rita: Client) -> None:
        item = panel.add()
        sent = {"action": "decide", "label": str(panel.tone.pk), f"value-{panel.tone.pk}": "9"}
        done = rita.post(panel.path(item), sent)
        [sentence] = re.findall(r'role="alert" id="refused"><p>([^<]*)', html_of(done))
        assert sentence.startswith("Tone: rating must be")
        panel.score(item, panel.rita, panel.tone, {"rating": 3})
        done = rita.post(panel.path(item), sent, headers={"Accept": "text/html"})
        assert done.status_code == 403
        assert "You have judged the item by Tone, so another person must decide." in html_of(done)


@pytest.mark.django_db
class TestResubmitted:
    def test_changed_and_new_answers_show_what_was_before(self, panel: Panel, rita: Client) -> None:
        text = LabelFactory.create(organization=panel.queue.organization, name="Why", type="text")
        QueueLabelFactory.create(queue=panel.queue, label=text)
        item = panel.add(
            4, 2, reviewed_by=panel.rob, reviewed_at=clock.now() - timedelta(hours=1), review_status="pending_review"
        )
        Score.objects.update(updated_at=clock.now() - timedelta(hours=2))
        page = read(rita, panel.path(item))
        assert "resubmitted</span> Returned by <bdi>Rob</bdi>" in page
        assert "no answer was changed since." in page
        mine = Score.objects.filter(annotator=panel.ben, queue_item=item.pk)
        tone, kind = mine.get(label=panel.tone), mine.get(label=panel.kind)
        for score, value, notes, age in (
            (tone, {"rating": 1}, "", 3),
            (tone, {"rating": 3}, "", 0),
            (tone, {"rating": 4}, "", 0),
            (kind, kind.value, "<b>old", 0),
        ):
            ScoreRevision.objects.create(
                organization=item.organization,
                score=score,
                value=value,
                notes=notes,
                score_source="human",
                replaced_by=panel.ben,
                created_at=clock.now() - timedelta(hours=age),
            )
        panel.score(item, panel.ann, text, {"text": "Because"})
        page = read(rita, panel.path(item))
        assert "changes since are marked." in page
        assert re.findall(r"before:</span> <s dir=\"auto\">([^<]*)</s>", page) == ["3 of 5", "&lt;b&gt;old"]
        assert page.count("changed</span>") == 2
        assert page.count("new</span>") == 1

    def test_a_first_review_marks_nothing(self, panel: Panel, rita: Client) -> None:
        page = read(rita, panel.path(panel.add()))
        for word in ("resubmitted", "changed</span>", "new</span>"):
            assert word not in page


@pytest.mark.django_db
class TestManagers:
    @pytest.fixture
    def manager(self, panel: Panel) -> Client:
        user = UserFactory.create(organization=panel.queue.organization)
        QueueMemberFactory.create(queue=panel.queue, user=user, roles=["manager"])
        return log_in(user)

    def test_decided_and_equal_answers_become_gold_and_are_removed_again(self, panel: Panel, manager: Client) -> None:
        item = panel.add(4, 2)
        page = read(manager, panel.path(item))
        assert f'name="gold" value="{panel.kind.pk}" checked' in page
        assert f'name="gold" value="{panel.tone.pk}"' not in page
        assert "Undecided: <bdi>Tone</bdi>" in page
        AdjudicationFactory.create(item=item, label=panel.tone, value={"rating": 5})
        page = read(manager, panel.path(item))
        sent = {name: html.unescape(value) for name, value in re.findall(r'name="(gold-[^"]+)" value="([^"]*)"', page)}
        assert len(sent) == 2
        done = manager.post(
            panel.path(item), sent | {"action": "gold", "gold": [str(panel.tone.pk), str(panel.kind.pk)]}, follow=True
        )
        assert "The item is gold with these values." in html_of(done)
        assert 'Expected: <bdi>Tone</bdi>: <strong dir="auto"><bdi>5 of 5</bdi>' in html_of(done)
        item.refresh_from_db()
        assert (item.gold, item.expected) == (
            True,
            {str(panel.tone.pk): {"rating": 5}, str(panel.kind.pk): {"selected": ["positive"]}},
        )
        assert ">gold</span>" in html_of(manager.get(f"/queues/{panel.queue.pk}/items/"))
        assert "not gold any more" in html_of(manager.post(panel.path(item), {"action": "remove_gold"}, follow=True))
        item.refresh_from_db()
        assert (item.gold, item.expected) == (False, {})

    def test_a_decision_before_a_change_is_no_gold(self, panel: Panel, manager: Client) -> None:
        item = panel.add(5, 2)
        AdjudicationFactory.create(item=item, label=panel.tone, value={"rating": 5})
        scores = Score.objects.filter(queue_item=item.pk, label=panel.tone)
        scores.filter(annotator=panel.ann).update(value={"rating": 1}, updated_at=clock.now())
        page = read(manager, panel.path(item))
        assert "Undecided: <bdi>Tone</bdi>" in page
        assert f'name="gold" value="{panel.tone.pk}"' not in page
        scores.update(value={"rating": 3})
        page = read(manager, panel.path(item))
        assert f'name="gold-{panel.tone.pk}" value="3"' in page

    def test_each_type_of_label_has_expected_values(self, panel: Panel, manager: Client) -> None:
        item = panel.add(3, 3)
        values: dict[str, dict[str, Any]] = {
            "text": {"text": 'a "b"'},
            "numeric": {"value": 0.5},
            "thumbs_up_down": {"value": "up"},
        }
        for type_, value in values.items():
            settings = {"settings": {"min": 0, "max": 1, "step_size": 0.1}} if type_ == "numeric" else {}
            label = LabelFactory.create(organization=panel.queue.organization, type=type_, **settings)
            QueueLabelFactory.create(queue=panel.queue, label=label)
            panel.score(item, panel.ann, label, value)
        page = read(manager, panel.path(item))
        sent = {name: html.unescape(value) for name, value in re.findall(r'name="(gold-[^"]+)" value="([^"]*)"', page)}
        chosen = [name.removeprefix("gold-") for name in sent]
        assert manager.post(panel.path(item), sent | {"action": "gold", "gold": chosen}).status_code == 302
        item.refresh_from_db()
        assert len(item.expected) == 5
        # A text that another person would spell differently is not checked at first.
        assert page.count('name="gold"') - len(re.findall(r'name="gold" value="[^"]+" checked', page)) == 1

    @pytest.mark.parametrize(
        ("sent", "status", "sentence"),
        [
            ({}, 400, "Select at least one value"),
            ({"gold": "x"}, 409, "A label was removed"),
            ({"gold": "TONE", "gold-TONE": "{"}, 400, "A value of the form is no JSON"),
            ({"gold": "TONE", "gold-TONE": "9"}, 400, "Tone: rating must be"),
        ],
    )
    def test_an_unusable_form_is_a_sentence(
        self, panel: Panel, manager: Client, sent: dict[str, str], status: int, sentence: str
    ) -> None:
        item = panel.add()
        fields = {
            name.replace("TONE", str(panel.tone.pk)): value.replace("TONE", str(panel.tone.pk))
            for name, value in sent.items()
        }
        done = manager.post(panel.path(item), fields | {"action": "gold"})
        assert done.status_code == status
        assert re.findall(r'role="alert" id="refused"><p>([^<]*)', html_of(done))[0].startswith(sentence)
        assert not Item.objects.filter(gold=True).exists()

    def test_a_skipped_item_is_given_back(self, panel: Panel, manager: Client) -> None:
        item = ItemFactory.create(queue=panel.queue, status="skipped")
        SlotFactory.create(item=item, user=panel.ann, state="skipped", skip_reason="In Welsh")
        assert 'value="give_back"' in read(manager, panel.path(item))
        done = manager.post(panel.path(item), {"action": "give_back"}, follow=True)
        assert "Given back to the annotators." in html_of(done)
        assert state_of(item) == ("pending", "")

    @pytest.mark.parametrize("action", ["gold", "remove_gold", "give_back"])
    def test_reviewers_see_gold_and_leave_it_to_managers(self, panel: Panel, rita: Client, action: str) -> None:
        item = panel.add(3, 3, gold=True, expected={str(panel.tone.pk): {"rating": 3}}, status="skipped")
        page = read(rita, panel.path(item))
        assert "Expected: <bdi>Tone</bdi>" in page
        for word in ("Use these answers", "Remove gold", "Give back"):
            assert word not in page
        sent = {"action": action, "gold": str(panel.tone.pk), f"gold-{panel.tone.pk}": "4"}
        assert rita.post(panel.path(item), sent).status_code == 403
        item.refresh_from_db()
        assert (item.gold, item.expected, item.status) == (True, {str(panel.tone.pk): {"rating": 3}}, "skipped")
