"""Work on items in Chromium: by keys, with drafts, a lost reservation, and without scripts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.servers import Server
from tests.web.conftest import Visitors
from tests.web.people import Person


@dataclass
class Day:
    """A queue of the running server with an annotator."""

    queue_id: str
    person: Person
    sources: list[str]


@pytest.fixture
def day(server: Server, person: Callable[..., Person]) -> Callable[..., Day]:
    """Return a function that makes a queue with labels of all types."""

    def make(number: int = 3, **settings: Any) -> Day:
        def call(method: str, path: str, body: object) -> Any:
            answer = server.request(method, f"/model-hub/{path}", json=body)
            assert answer.status_code < 300, answer.text
            return answer.json()

        ada = person()
        name = ada.email.split("@", maxsplit=1)[0]
        labels = [
            {"name": f"Quality {name}", "type": "star"},
            {"name": f"Tone {name}", "type": "categorical", "settings": {"options": ["kind", "cold"]}},
            {"name": f"Correct {name}", "type": "thumbs_up_down"},
            {"name": f"Score {name}", "type": "numeric", "settings": {"min": 0, "max": 100, "step_size": 1}},
            {"name": f"Comment {name}", "type": "text"},
        ]
        ids = [call("POST", "annotations-labels/", label)["result"]["id"] for label in labels]
        queue = call(
            "POST",
            "annotation-queues/",
            {"name": name, "status": "active", "label_ids": ids, "instructions": "Read it all.", **settings},
        )
        call("POST", f"annotation-queues/{queue['id']}/add-label/", {"label_id": ids[0], "required": True})
        sources = [f"{name}-{at}" for at in range(number)]
        content = {"messages": [{"role": "user", "content": "Hello"}]}
        entries = [{"source_type": "trace", "source_id": one, "content": content} for one in sources]
        call("POST", "sources/bulk/", {"sources": entries})
        refs = [{"source_type": "trace", "source_id": one} for one in sources]
        call("POST", f"annotation-queues/{queue['id']}/items/add-items/", {"items": refs})
        call("POST", f"annotation-queues/{queue['id']}/members/", {"user_id": ada.id})
        return Day(queue["id"], ada, sources)

    return make


def start(visitors: Visitors, made: Day) -> Page:
    """Return the page of the first item."""
    page = visitors.log_in(made.person.email)
    page.get_by_role("link", name="Start annotating").click()
    expect(page.get_by_role("radio", name="1 star")).to_be_focused()
    return page


def test_a_person_annotates_by_keys_alone(visitors: Visitors, server: Server, day: Callable[..., Day]) -> None:
    made = day(3)
    page = visitors.log_in(made.person.email)
    page.get_by_role("link", name="Start annotating").click()
    expect(page.locator(".annotate-source bdi")).to_have_text(made.sources[0])
    keys = page.keyboard
    expect(page.get_by_text("Read it all.")).to_be_visible()
    expect(page.get_by_role("radio", name="1 star")).to_be_focused()
    for key in ("4", "Enter", "2", "Tab", "1", "ArrowDown"):
        keys.press(key)
    keys.type("45")
    keys.press("Tab")
    keys.type("su? 1")
    keys.press("Control+Enter")
    expect(page.locator("#status")).to_contain_text("Submitted.")
    expect(page.locator(".annotate-source bdi")).to_have_text(made.sources[1])
    keys.press("s")
    keys.type("unclear")
    keys.press("Enter")
    expect(page.locator("#status")).to_contain_text("Skipped.")
    keys.press("u")
    expect(page.locator("#status")).to_contain_text("Taken back.")
    expect(page.locator(".annotate-source bdi")).to_have_text(made.sources[1])
    keys.press("ArrowLeft")
    expect(page.get_by_role("button", name="Save changes")).to_be_visible()
    expect(page.get_by_role("radio", name="4 stars")).to_be_checked()
    expect(page.get_by_role("textbox", name=re.compile("^Comment"))).to_have_value("su? 1")
    keys.press("ArrowRight")
    expect(page.locator(".annotate-source bdi")).to_have_text(made.sources[1])
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_text("Read it all.")).to_be_hidden()
    keys.press("i")
    expect(page.get_by_text("Read it all.")).to_be_visible()
    keys.press("i")
    expect(page.get_by_text("Read it all.")).to_be_hidden()
    keys.press("Control+Enter")
    expect(page.get_by_text("This label requires an answer.")).to_be_visible()
    keys.press("5")
    keys.press("Control+Enter")
    expect(page.locator(".annotate-source bdi")).to_have_text(made.sources[2])
    keys.press("1")
    keys.press("Control+Enter")
    expect(page.get_by_text("This queue is finished")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))") == []
    export = server.request("GET", f"/model-hub/annotation-queues/{made.queue_id}/export/").json()
    rows = export.get("items", export) if isinstance(export, dict) else export
    assert "su? 1" in str(rows)


def test_choices_go_on_by_themselves_and_a_draft_survives_for_its_person_alone(
    visitors: Visitors, day: Callable[..., Day], person: Callable[..., Person], server: Server
) -> None:
    made = day(2)
    page = start(visitors, made)
    expect(page.get_by_role("radio", name="1 star")).to_be_focused()
    page.get_by_label("Go to the next label after a choice").check()
    page.get_by_role("radio", name="3 stars").click()
    page.keyboard.press("2")
    expect(page.get_by_role("radio", name="Up")).to_be_focused()
    page.get_by_role("textbox", name=re.compile("^Comment")).fill("half a thought")
    page.reload()
    expect(page.get_by_text("Draft restored.").first).to_be_visible()
    expect(page.get_by_role("radio", name="cold")).to_be_checked()
    expect(page.get_by_role("textbox", name=re.compile("^Comment"))).to_have_value("half a thought")
    expect(page.get_by_label("Go to the next label after a choice")).to_be_checked()
    address = page.url
    other = person("bob")
    server.request("POST", f"/model-hub/annotation-queues/{made.queue_id}/members/", json={"user_id": other.id})
    server.request("PATCH", f"/model-hub/annotation-queues/{made.queue_id}/", json={"annotations_required": 2})
    page.context.clear_cookies()
    page.goto(f"/login/?next={address.removeprefix(server.base_url)}")
    page.get_by_label("Email").fill(other.email)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("textbox", name=re.compile("^Comment"))).to_have_value("")
    expect(page.locator("#draft")).to_be_hidden()


def test_discarding_a_draft_empties_the_form(visitors: Visitors, day: Callable[..., Day]) -> None:
    made = day(1)
    page = start(visitors, made)
    page.keyboard.press("4")
    page.reload()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("radio", name="4 stars")).not_to_be_checked()
    page.reload()
    expect(page.get_by_role("radio", name="1 star")).to_be_focused()
    expect(page.locator("#draft")).to_be_hidden()


def test_a_lost_reservation_is_shown_and_taken_again(
    visitors: Visitors, day: Callable[..., Day], server: Server
) -> None:
    made = day(1, reservation_timeout_minutes=1)
    page = start(visitors, made)
    page.keyboard.press("4")
    expect(page.locator("#reservation")).to_contain_text("left")
    page.clock.install()
    page.reload()
    expect(page.locator("#draft")).to_be_visible()
    page.clock.fast_forward(61_000)
    expect(page.locator("#lost")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Your reservation has ended")
    expect(page.get_by_role("radio", name="4 stars")).to_be_checked()
    page.get_by_role("button", name="Take it again").click()
    expect(page.locator("#lost")).to_be_hidden()
    page.get_by_role("button", name="Submit and next").click()
    expect(page.get_by_text("This queue is finished")).to_be_visible()


def test_a_server_that_is_away_loses_nothing(visitors: Visitors, day: Callable[..., Day]) -> None:
    made = day(1)
    page = visitors.log_in(made.person.email)
    answers = ["502", "none"]

    def answer(route: Route) -> None:
        if route.request.method != "POST" or not answers:
            route.continue_()
        elif answers.pop(0) == "502":
            route.fulfill(status=502, body="<h1>Bad gateway</h1>")
        else:
            route.abort()

    # Before the page is loaded: a route that is set later may miss its first request.
    page.route("**/annotate/**", answer)
    page.get_by_role("link", name="Start annotating").click()
    expect(page.get_by_role("radio", name="1 star")).to_be_focused()
    page.keyboard.press("4")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#send-error")).to_contain_text("The server does not answer (502)")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#send-error")).to_contain_text("The server cannot be reached")
    expect(page.get_by_role("radio", name="4 stars")).to_be_checked()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("This queue is finished")).to_be_visible()
    # The browser's own lines about the two requests.
    [messages] = [messages for messages in visitors.messages if messages]
    assert [message for message in messages if "Failed to load resource" not in message and "htmx" not in message] == []
    messages.clear()


def test_the_page_works_without_scripts(visitors: Visitors, day: Callable[..., Day]) -> None:
    made = day(2)
    page = visitors.log_in(made.person.email, java_script_enabled=False)
    page.get_by_role("link", name="Start annotating").click()
    page.get_by_role("radio", name="2 stars").check(force=True)
    page.get_by_role("button", name="Submit and next").click()
    expect(page.get_by_text("Submitted.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("radio", name="2 stars")).to_be_checked()
    page.get_by_role("button", name="Skip").click()
    expect(page.locator(".annotate-source bdi")).to_have_text(made.sources[1])


def test_a_number_that_cannot_be_read_is_not_sent_as_a_blank_answer(
    visitors: Visitors, day: Callable[..., Day]
) -> None:
    made = day(2)
    page = start(visitors, made)
    page.get_by_role("radio", name="4 stars").check()
    number = page.get_by_role("spinbutton")
    number.press_sequentially("1e")
    page.get_by_role("button", name="Submit and next").click()
    expect(number).to_be_focused()
    expect(page.locator(".annotate-source bdi")).to_have_text(made.sources[0])
    number.press_sequentially("1")
    page.get_by_role("button", name="Submit and next").click()
    expect(page.locator(".annotate-source bdi")).to_have_text(made.sources[1])


def test_a_refused_submit_keeps_the_draft(
    visitors: Visitors, day: Callable[..., Day], person: Callable[..., Person], server: Server
) -> None:
    made = day(2, reservation_timeout_minutes=1)
    page = start(visitors, made)
    page.keyboard.press("4")
    score = page.get_by_role("spinbutton")
    score.fill("101")
    page.get_by_role("button", name="Submit and next").click()
    expect(page.locator("#refused")).to_contain_text("Not submitted")
    expect(page.locator("#refused")).to_be_in_viewport()
    expect(score).to_have_value("101")
    page.reload()
    expect(page.get_by_role("radio", name="4 stars")).to_be_checked()
    expect(score).to_have_value("101")
    score.fill("10")
    bob = person("bob")
    path = f"/model-hub/annotation-queues/{made.queue_id}"
    server.request("POST", f"{path}/members/", json={"user_id": bob.id})
    item_id = page.url.rstrip("/").rsplit("/", 1)[1]
    released = server.request("POST", f"{path}/items/{item_id}/release/", json={"user_id": made.person.id})
    assert released.status_code == 200, released.text
    other = visitors.log_in(bob.email)
    other.goto(page.url)
    expect(other.locator("#reservation")).to_contain_text("left")
    page.get_by_role("button", name="Submit and next").click()
    expect(page.locator("#refused")).to_be_hidden()
    expect(page.get_by_role("alert")).to_contain_text("Bob has this item until")
    page.get_by_role("link", name="Next item").click()
    expect(page.locator(".annotate-source bdi")).to_have_text(made.sources[1])
    page.go_back()
    expect(page.get_by_role("radio", name="4 stars")).to_be_checked()
    expect(score).to_have_value("10")


def test_an_incomplete_submit_stores_the_answers_and_ends_the_draft(
    visitors: Visitors, day: Callable[..., Day]
) -> None:
    page = start(visitors, day(1))
    page.get_by_role("radio", name="cold").check()
    page.get_by_role("button", name="Submit and next").click()
    expect(page.locator("#refused")).to_contain_text("Your answers are stored.")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))") == []


def test_arrows_in_a_number_go_to_other_labels_and_enter_nothing(visitors: Visitors, day: Callable[..., Day]) -> None:
    page = start(visitors, day(1))
    number = page.get_by_role("spinbutton")
    comment = page.get_by_role("textbox", name=re.compile("^Comment"))
    number.focus()
    page.keyboard.press("ArrowDown")
    expect(comment).to_be_focused()
    number.focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("radio", name="Up")).to_be_focused()
    expect(number).to_have_value("")
    number.fill("45")
    page.keyboard.press("ArrowDown")
    expect(comment).to_be_focused()
    expect(number).to_have_value("45")


def test_the_error_of_a_label_goes_once_it_is_answered(visitors: Visitors, day: Callable[..., Day]) -> None:
    page = start(visitors, day(1))
    page.get_by_role("spinbutton").fill("101")
    page.keyboard.press("Control+Enter")
    faulty = page.locator("[aria-invalid='true']")
    expect(faulty).to_have_count(1)
    page.get_by_role("radio", name="cold").check()
    expect(faulty).to_have_count(1)
    expect(page.locator("#refused")).to_contain_text("some answers need a change")
    page.locator("[data-slider]").click()
    expect(page.get_by_role("spinbutton")).not_to_have_value("101")
    expect(faulty).to_have_count(0)
    expect(page.locator(".label-error")).to_be_hidden()
    expect(page.locator("#refused")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    sentence = page.get_by_text("This label requires an answer.")
    expect(sentence).to_be_visible()
    page.get_by_role("radio", name="4 stars").check()
    expect(sentence).to_be_hidden()
    expect(page.locator("#refused")).to_be_hidden()


def seen(page: Page, sentence: str) -> int:
    """Return how many elements with a sentence a person sees."""
    shown = "(one) => one.offsetWidth && getComputedStyle(one).clipPath === 'none'"
    return int(page.get_by_text(sentence).evaluate_all(f"(all) => all.filter({shown}).length"))


def test_what_a_notice_says_is_seen_once_and_announced(visitors: Visitors, day: Callable[..., Day]) -> None:
    page = start(visitors, day(1, reservation_timeout_minutes=1))
    page.keyboard.press("4")
    page.clock.install()
    page.reload()
    expect(page.locator("#status")).to_contain_text("Draft restored.")
    assert seen(page, "Draft restored.") == 1
    page.clock.fast_forward(61_000)
    expect(page.locator("#status")).to_contain_text("Your reservation has ended")
    assert seen(page, "Your reservation has ended") == 1


def test_a_long_reservation_is_told_in_hours_and_days(visitors: Visitors, day: Callable[..., Day]) -> None:
    for minutes, words in ((10_080, "7 days"), (180, "3 hours"), (90, "90 minutes")):
        page = start(visitors, day(1, reservation_timeout_minutes=minutes))
        expect(page.locator("#reservation")).to_have_text(f"Reserved for you: {words} left")


def test_an_approved_item_is_read_alone_and_keys_change_nothing(
    visitors: Visitors, day: Callable[..., Day], server: Server
) -> None:
    made = day(1, requires_review=True)
    page = start(visitors, made)
    page.keyboard.press("4")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#status")).to_contain_text("Submitted.")
    item = page.locator("#earlier").get_attribute("href")
    assert item
    item_id = item.rstrip("/").rsplit("/", 1)[1]
    path = f"/model-hub/annotation-queues/{made.queue_id}/items/{item_id}/review/"
    approved = server.request("POST", path, json={"action": "approve"})
    assert approved.status_code == 200, approved.text
    page.goto(item)
    expect(page.get_by_text("This item is approved: it can only be read.")).to_be_visible()
    for key in ("2", "ArrowDown", "Enter", "s", "u", "n", "N", "Delete", "Tab", "Control+Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("radio", name="4 stars")).to_be_checked()
    expect(page.get_by_role("spinbutton")).to_be_disabled()
    expect(page.locator(".error:visible")).to_have_count(0)


@pytest.mark.parametrize("width", [400, 1440])
def test_the_labels_stay_where_they_are_from_item_to_item(
    visitors: Visitors, day: Callable[..., Day], width: int
) -> None:
    made = day(4)
    page = visitors.log_in(made.person.email, viewport={"width": width, "height": 900})
    page.get_by_role("link", name="Start annotating").click()
    expect(page.get_by_text("Read it all.")).to_be_visible()
    page.keyboard.press("i")
    places = []
    for source in made.sources[:3]:
        expect(page.locator(".annotate-source bdi")).to_have_text(source)
        places.append(page.get_by_role("radio", name="1 star").bounding_box())
        page.keyboard.press("4")
        page.keyboard.press("Control+Enter")
    expect(page.locator("#status")).to_be_in_viewport()
    assert places == [places[0]] * 3


def test_a_log_out_removes_the_drafts_of_the_person_alone(visitors: Visitors, day: Callable[..., Day]) -> None:
    page = start(visitors, day(1))
    page.keyboard.press("4")
    page.evaluate("localStorage.setItem('draft:another:item', JSON.stringify({at: Date.now(), values: {}}))")
    page.get_by_text("Ada", exact=True).click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    drafts = page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))")
    assert drafts == ["draft:another:item"]


def test_keys_work_before_a_text_that_comes_first_and_the_content_scrolls(
    visitors: Visitors, server: Server, day: Callable[..., Day]
) -> None:
    made = day(2)
    path = f"/model-hub/annotation-queues/{made.queue_id}"
    for label in server.request("GET", f"{path}/").json()["labels"]:
        if label["type"] != "text":
            removed = {"label_id": label["label_id"]}
            assert server.request("POST", f"{path}/remove-label/", json=removed).status_code < 300
    source = {"source_type": "trace", "source_id": made.sources[0], "content": "line\n" * 200}
    assert server.request("POST", "/model-hub/sources/", json=source).status_code < 300
    page = visitors.log_in(made.person.email)
    page.get_by_role("link", name="Start annotating").click()
    comment = page.get_by_role("textbox", name=re.compile("^Comment"))
    expect(page.locator("#annotate-form")).to_be_focused()
    content = page.get_by_role("region", name="Content")
    page.keyboard.press("PageDown")
    page.wait_for_function("document.getElementById('content').scrollTop > 0")
    expect(content).not_to_be_focused()
    page.keyboard.press("Enter")
    expect(comment).to_be_focused()
    page.keyboard.type("s?")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.get_by_label("Reason for skipping").last).to_be_focused()
    expect(comment).to_have_value("s?")
