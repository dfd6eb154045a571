"""Reviews in Chromium."""

import re
import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Dialog, expect

from tests.servers import Server
from tests.web.conftest import Visitors
from tests.web.people import Person


def test_reviewers_work_in_two_windows(server: Server, visitors: Visitors, person: Callable[..., Person]) -> None:
    """Keys: →, j to the next item, a approves, r, Ctrl+Enter return; the late reviewer reads that it is reviewed."""
    people = {name: person(name) for name in ("ann", "ben", "rita", "rob")}
    path, items = _make_queue(server, people)
    rita = visitors.log_in(people["rita"].email, path=path)
    questions: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.dismiss()

    rita.on("dialog", dismiss)
    rita.get_by_role("checkbox", name="Select item 1").check()
    rita.get_by_role("button", name="Approve selected").click()
    assert questions == ["Approve the selected items?"]
    rita.get_by_role("checkbox", name="Select item 1").uncheck()
    rita.get_by_role("button", name="Approve selected").click()
    expect(rita.get_by_role("alert")).to_contain_text("Select at least one item.")
    assert len(questions) == 1
    assert "400 (Bad Request)" in visitors.messages[0].pop()
    rita.get_by_role("link", name="ticket-1").click()
    expect(rita.get_by_role("heading", level=1)).to_have_text("Item 1: ticket-1")
    rob = visitors.log_in(people["rob"].email, path=f"{path}{items[0]}/")
    rita.keyboard.press("ArrowRight")
    expect(rita.get_by_role("heading", level=1)).to_have_text("Item 2: ticket-2")
    rita.keyboard.press("ArrowLeft")
    expect(rita.get_by_role("heading", level=1)).to_have_text("Item 1: ticket-1")
    rita.keyboard.press("j")
    expect(rita.get_by_role("heading", level=1)).to_have_text("Item 2: ticket-2")
    rita.keyboard.press("k")
    expect(rita.get_by_role("heading", level=1)).to_have_text("Item 1: ticket-1")
    rita.keyboard.press("?")
    expect(rita.get_by_role("dialog", name="Keys")).to_be_visible()
    rita.keyboard.press("Escape")
    rita.get_by_label("Note to all annotators").fill("A note")
    rita.get_by_role("button", name="Take the majority").or_(
        rita.get_by_role("button", name="Take").first
    ).first.click()
    expect(rita.get_by_role("status")).to_contain_text("is stored.")
    expect(rita.get_by_label("Note to all annotators")).to_have_value("A note")
    rita.keyboard.press("a")
    expect(rita.get_by_role("status")).to_have_text("Approved.")
    expect(rita.get_by_role("heading", level=1)).to_have_text("Item 2: ticket-2")
    expect(rita.get_by_label("Note to all annotators")).to_have_value("")
    rita.keyboard.press("r")
    rita.keyboard.type("a r? see the guide")
    rita.keyboard.press("Control+Enter")
    expect(rita.get_by_role("status")).to_contain_text("Returned to Ann and Ben.")
    expect(rita).to_have_url(re.compile(re.escape(path) + "$"))
    rob.get_by_role("button", name="Approve").click()
    expect(rob.get_by_role("alert")).to_contain_text("reviewed already, by Rita")
    # Chromium reports the status of the rejected form, and nothing else.
    assert "400 (Bad Request)" in visitors.messages[1].pop()


def test_keys_after_an_error_and_with_disagreements_approve_nothing(
    server: Server, visitors: Visitors, person: Callable[..., Person]
) -> None:
    """The next item opens at its top, though the last one was opened at a label."""
    people = {name: person(name) for name in ("ann", "ben", "rita")}
    path, items = _make_queue(server, people)
    rita = visitors.log_in(people["rita"].email, path=f"{path}{items[0]}/")
    rita.set_viewport_size({"width": 400, "height": 800})
    for name in ("Answers by annotator", re.compile("^Values of")):
        assert rita.get_by_role("region", name=name).evaluate("table => table.scrollWidth <= table.clientWidth")
    rita.get_by_role("link", name="Decide").click()
    expect(rita).to_have_url(re.compile("#value-of-"))
    note = rita.get_by_label("Note to all annotators")
    rita.get_by_role("button", name="Return").click()
    expect(rita.get_by_role("alert")).to_contain_text("Return needs a note")
    assert "400 (Bad Request)" in visitors.messages[0].pop()
    expect(note).to_be_focused()
    rita.keyboard.type("a really bad answer")
    expect(note).to_have_value("a really bad answer")
    rita.keyboard.press("Escape")
    rita.keyboard.press("a")
    expect(rita.get_by_role("button", name="Approve")).to_be_focused()
    expect(rita.get_by_role("status")).to_contain_text("Press Enter to approve")
    expect(rita.get_by_role("heading", level=1)).to_have_text("Item 1: ticket-1")
    rita.get_by_role("link", name="Decide").click()
    expect(rita).to_have_url(re.compile("#value-of-"))
    rita.get_by_role("button", name="Approve").focus()
    rita.keyboard.press("Enter")
    expect(rita.get_by_role("heading", level=1)).to_have_text("Item 2: ticket-2")
    expect(rita).to_have_url(re.compile(re.escape(f"{path}{items[1]}/") + "$"))
    assert rita.evaluate("scrollY") == 0


def _make_queue(server: Server, people: dict[str, Person]) -> tuple[str, list[str]]:
    """Create a queue of two items that Ann and Ben have judged differently."""

    def call(method: str, path: str, **body: Any) -> Any:
        headers = {"headers": people[body.pop("key")].headers} if "key" in body else {}
        answer = server.request(method, f"/model-hub/{path}", json=body, **headers)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    label = call("POST", "annotations-labels/", name=f"Tone {uuid.uuid4()}", type="star")["result"]
    queue = call(
        "POST",
        "annotation-queues/",
        name=f"Tickets {uuid.uuid4()}",
        status="active",
        label_ids=[label["id"]],
        annotations_required=2,
        requires_review=True,
    )
    queue = queue.get("result", queue)
    at = f"annotation-queues/{queue['id']}/"
    for name, one in people.items():
        call("POST", f"{at}members/", email=one.email, roles=["annotator" if name in {"ann", "ben"} else "reviewer"])
    sources = [{"source_type": "trace", "source_id": f"ticket-{number}"} for number in (1, 2)]
    call("POST", "sources/bulk/", sources=sources)
    call("POST", f"{at}items/add-items/", items=sources)
    items = [item["id"] for item in call("GET", f"{at}items/")["results"]]
    for item in items:
        for name, stars in (("ann", 4), ("ben", 2)):
            annotations = [{"label_id": label["id"], "value": stars}]
            call("POST", f"{at}items/{item}/annotations/submit/", annotations=annotations, key=name)
            call("POST", f"{at}items/{item}/complete/", key=name)
    return f"/queues/{queue['id']}/review/", items
