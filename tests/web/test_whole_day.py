"""Days of annotators and of a reviewer on the real server, in Chromium."""

import re
from collections.abc import Callable

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.servers import Server, data_folder, free_port, running_server
from tests.web.conftest import Visitors
from tests.web.hands import (
    answers_at,
    export,
    source,
    submit,
    tab_to,
    type_answers,
    values_of,
)
from tests.web.people import PASSWORD, Person
from tests.web.scene import make_scene

SECRET = "a password of her own"
FINISHED = "This queue is finished"


@pytest.fixture
def ada(person: Callable[..., Person]) -> Person:
    return person("ada")


@pytest.fixture
def bob(person: Callable[..., Person]) -> Person:
    return person("bob")


def group(page: Page, label: str) -> Locator:
    """Return the fields of a label."""
    return page.get_by_role("group", name=re.compile(f"^{label} of "))


def start(page: Page) -> None:
    page.get_by_role("link", name="Start annotating").click()
    expect(page.get_by_role("button", name="Submit and next")).to_be_visible()


def status(page: Page) -> Locator:
    """Return the live region of messages."""
    return page.get_by_role("status").first


def test_an_annotator_works_through_thirty_items_by_keys_alone(server: Server, visitors: Visitors, ada: Person) -> None:
    scene = make_scene(server, f"Keys {ada.id[-6:]}", {ada: ["annotator"]}, items=30)
    # The first login is a one-time link, the second one the form.
    admin = visitors.log_in(path=f"/people/{ada.id}/")
    admin.get_by_role("button", name="New link").click()
    page = visitors.open(admin.get_by_label("Link", exact=True).input_value())
    keys = page.keyboard
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    keys.type(SECRET)
    keys.press("Tab")
    keys.type(SECRET)
    keys.press("Enter")
    expect(page.get_by_role("link", name="Start annotating")).to_be_visible()
    page = visitors.open("/login/?next=/")
    keys = page.keyboard
    expect(page.get_by_label("Email")).to_be_focused()
    keys.type(ada.email)
    keys.press("Tab")
    expect(page.get_by_label("Password")).to_be_focused()
    keys.type(SECRET)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="My work")).to_be_visible()
    tab_to(page, page.get_by_role("link", name="Start annotating"))
    keys.press("Enter")
    for at in range(30):
        expect(source(page, f"Conversation {at + 1}")).to_be_visible()
        type_answers(page, answers_at(at))
        submit(page)
    expect(page.get_by_text(FINISHED)).to_be_visible()
    rows = export(server, scene)
    assert [values_of(row, ada.email) for row in rows] == [answers_at(at).stored() for at in range(30)]
    notes = [{one["notes"] for one in row["annotations"] if one["notes"]} for row in rows]
    assert notes == [{answers_at(at).note} - {""} for at in range(30)]
    assert [[note["notes"] for note in row["item_notes"]] for row in rows] == [
        [answers_at(at).item_note] if answers_at(at).item_note else [] for at in range(30)
    ]
    assert {row["status"] for row in rows} == {"completed"}


def test_two_annotators_and_a_reviewer_finish_a_queue_together(
    server: Server, visitors: Visitors, person: Callable[..., Person], ada: Person, bob: Person
) -> None:
    rita = person("rita")
    people = {ada: ["annotator"], bob: ["annotator"], rita: ["reviewer"]}
    scene = make_scene(
        server, f"Pair {ada.id[-6:]}", people, items=2, annotations_required=2, requires_review=True, blind=True
    )
    pages = {one: visitors.log_in(one.email) for one in (ada, bob, rita)}
    for annotator in (ada, bob):
        start(pages[annotator])
    for at in range(2):
        for annotator, shift in ((ada, 0), (bob, 1)):
            expect(source(pages[annotator], f"Conversation {at + 1}")).to_be_visible()
            type_answers(pages[annotator], answers_at(at + shift))
            submit(pages[annotator])
            expect(status(pages[annotator])).to_contain_text("Submitted.")

    # The reviewer returns the first item to one of both, with a note on one label.
    review = pages[rita]
    review.reload()
    review.get_by_role("link", name="Review", exact=True).click()
    review.get_by_role("link", name="Conversation 1", exact=True).click()
    answers = review.get_by_role("region", name="Answers").first
    expect(answers.get_by_role("row", name=re.compile("^Quality of"))).to_contain_text("differ")
    review.get_by_text("Notes on labels", exact=True).click()
    review.get_by_label(re.compile("^Quality of")).fill("The refund takes five days, so why one star?")
    review.get_by_label(re.compile("^To whom, on Quality of")).select_option("Ada")
    review.get_by_role("button", name="Return", exact=True).click()
    expect(status(review)).to_contain_text("Returned")
    # The second one is good.
    expect(review.get_by_role("heading", level=1)).to_contain_text("Conversation 2")
    review.get_by_role("button", name="Approve", exact=True).click()
    expect(status(review)).to_contain_text("Approved.")

    page = pages[bob]
    page.goto("/")
    expect(page.get_by_text("Nothing left for you.")).to_be_visible()
    page = pages[ada]
    page.goto("/")
    start(page)
    expect(source(page, "Conversation 1")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("The refund takes five days, so why one star?")
    stars = group(page, "Quality")
    expect(stars.get_by_role("radio", name="1 star")).to_be_checked()
    page.keyboard.press("5")
    expect(stars.get_by_role("radio", name="5 stars")).to_be_checked()
    submit(page)
    expect(status(page)).to_contain_text("Submitted.")

    review.goto("/")
    review.get_by_role("link", name="Review", exact=True).click()
    review.get_by_role("link", name="Conversation 1", exact=True).click()
    review.get_by_role("button", name="Approve", exact=True).click()
    expect(status(review)).to_contain_text("Approved.")

    first, second = export(server, scene)
    assert [(row["status"], row["review"]["review_status"]) for row in (first, second)] == [
        ("completed", "approved")
    ] * 2
    assert values_of(first, ada.email) == answers_at(0).stored() | {"Quality": 5}
    assert values_of(first, bob.email) == answers_at(1).stored()
    assert values_of(second, ada.email) == answers_at(1).stored()
    assert values_of(second, bob.email) == answers_at(2).stored()


def test_a_reservation_that_another_person_took_is_shown_and_no_answer_is_lost(
    server: Server, visitors: Visitors, ada: Person, bob: Person
) -> None:
    scene = make_scene(server, f"Lost {ada.id[-6:]}", {ada: ["annotator"], bob: ["annotator"]}, items=2)
    page = visitors.log_in(ada.email)
    page.clock.install()
    start(page)
    expect(source(page, "Conversation 1")).to_be_visible()
    type_answers(page, answers_at(1))
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        ended = "UPDATE modelhub_slot SET reserved_until = now() - interval '1 second' WHERE user_id = %s"
        assert connection.execute(ended, [ada.id]).rowcount == 1
    other = visitors.log_in(bob.email)
    start(other)
    expect(source(other, "Conversation 1")).to_be_visible()

    def expect_answers() -> None:
        expect(source(page, "Conversation 1")).to_be_visible()
        expect(group(page, "Quality").get_by_role("radio", name="2 stars")).to_be_checked()
        expect(group(page, "Correction").get_by_role("textbox")).to_have_value(answers_at(1).correction)

    # A renewal while she types shows it, before her own clock would.
    page.clock.fast_forward("15:00")
    page.keyboard.type("!")
    expect(status(page)).to_contain_text("Bob has this item until")
    page.keyboard.press("Backspace")
    expect_answers()
    submit(page)
    expect(page.get_by_role("alert")).to_contain_text("Bob has this item until")
    expect_answers()
    assert all(values_of(row, ada.email) == {} for row in export(server, scene))

    # The other person gives it back, and she submits what she typed.
    other.keyboard.press("s")
    other.keyboard.press("Enter")
    expect(source(other, "Conversation 2")).to_be_visible()
    submit(page)
    expect(status(page)).to_contain_text("Submitted.")
    assert values_of(export(server, scene)[0], ada.email) == answers_at(1).stored()


def test_a_restart_of_the_server_loses_neither_draft_nor_session(visitors: Visitors) -> None:
    with data_folder() as folder:
        settings = {"PORT": str(free_port()), "MODELHUB_BOOTSTRAP_PASSWORD": PASSWORD}
        with running_server(folder, **settings) as server:
            scene = make_scene(server, "Restart", {}, items=2)
            page = visitors.log_in(path=f"/queues/{scene.queue}/annotate/{scene.items[0]}/", base_url=server.base_url)
            expect(source(page, "Conversation 1")).to_be_visible()
            type_answers(page, answers_at(3))
        submit(page)
        expect(status(page)).to_contain_text("The server cannot be reached")
        # The browser's own lines about the request.
        messages = visitors.messages[-1]
        assert all("ERR_CONNECTION_REFUSED" in one or "Failed to fetch" in one for one in messages), messages
        messages.clear()
        with running_server(folder, **settings) as server:
            page.reload()
            expect(source(page, "Conversation 1")).to_be_visible()
            expect(page.get_by_text("Draft restored.").first).to_be_visible()
            expect(group(page, "Quality").get_by_role("radio", name="4 stars")).to_be_checked()
            submit(page)
            expect(source(page, "Conversation 2")).to_be_visible()
            assert values_of(export(server, scene)[0], "admin@example.com") == answers_at(3).stored()


def test_undo_takes_back_the_last_submit_and_a_skip_stores_its_reason(
    server: Server, visitors: Visitors, ada: Person
) -> None:
    scene = make_scene(server, f"Undo {ada.id[-6:]}", {ada: ["annotator"]}, items=2)
    page = visitors.log_in(ada.email)
    start(page)
    type_answers(page, answers_at(2))
    submit(page)
    expect(source(page, "Conversation 2")).to_be_visible()
    page.keyboard.press("u")
    expect(source(page, "Conversation 1")).to_be_visible()
    expect(status(page)).to_contain_text("Taken back.")
    expect(group(page, "Quality").get_by_role("radio", name="3 stars")).to_be_checked()
    assert values_of(export(server, scene)[0], ada.email) == {}
    page.keyboard.press("s")
    page.keyboard.type("It is in Finnish")
    page.keyboard.press("Enter")
    expect(source(page, "Conversation 2")).to_be_visible()
    row = export(server, scene)[0]
    assert [skip["reason"] for skip in row["skips"]] == ["It is in Finnish"]
    page.get_by_role("button", name="Undo").click()
    expect(source(page, "Conversation 1")).to_be_visible()
    page.get_by_role("button", name="Submit and next").click()
    expect(source(page, "Conversation 2")).to_be_visible()
    row = export(server, scene)[0]
    assert (row["skips"], values_of(row, ada.email)) == ([], answers_at(2).stored())


def test_submit_next_skip_and_undo_work_without_scripts(server: Server, visitors: Visitors, ada: Person) -> None:
    scene = make_scene(server, f"Plain {ada.id[-6:]}", {ada: ["annotator"]}, items=3)
    page = visitors.log_in(ada.email, java_script_enabled=False)
    start(page)
    submits = page.get_by_role("button", name="Submit and next")
    submits.click()
    expect(page.get_by_role("alert")).to_contain_text("Not submitted")
    # The browser's own line about the rejected form.
    [message] = visitors.messages[-1]
    assert "status of 400" in message
    visitors.messages[-1].clear()
    group(page, "Quality").get_by_role("radio", name="4 stars").check(force=True)
    group(page, "Tone").get_by_role("radio", name="cold").check()
    group(page, "Problems").get_by_role("checkbox", name="too long").check()
    group(page, "Right").get_by_role("radio", name="Down").check(force=True)
    group(page, "Confidence").get_by_role("spinbutton").fill("35")
    group(page, "Correction").get_by_role("textbox").fill("Shorter.")
    submits.click()
    expect(status(page)).to_contain_text("Submitted.")
    expect(source(page, "Conversation 2")).to_be_visible()
    page.get_by_role("button", name="Skip").click()
    expect(status(page)).to_contain_text("Skipped.")
    expect(source(page, "Conversation 3")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(source(page, "Conversation 2")).to_be_visible()
    stored = values_of(export(server, scene)[0], ada.email)
    expected = {"Quality": 4, "Tone": "cold", "Problems": "too long", "Right": "down", "Confidence": 35}
    assert stored == expected | {"Correction": "Shorter."}
