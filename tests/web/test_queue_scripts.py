"""The pages of queues in Chromium: order labels, find people, upload, assign, export."""

import re
import uuid
from collections.abc import Callable

from playwright.sync_api import expect

from tests.servers import Server
from tests.web.conftest import Visitors
from tests.web.people import Person


def test_a_manager_orders_labels_and_finds_people(
    visitors: Visitors, person: Callable[..., Person], server: Server
) -> None:
    word = uuid.uuid4().hex[:6]
    for name in ("a", "b"):
        body = {"name": f"{name} {word}", "type": "star"}
        assert server.request("POST", "/model-hub/annotations-labels/", json=body).status_code < 300
    for number in range(9):
        person(f"{word}{number}")
    page = visitors.log_in(path="/queues/new/")
    page.get_by_label("Name", exact=True).fill(f"Answers {word}")
    position = page.get_by_role("spinbutton", name=f"Position of b {word}")
    expect(position).to_be_hidden()
    for name in ("b", "a"):
        page.get_by_role("checkbox", name=f"{name} {word}", exact=True).check()
    # In the order of the choice, by a number, by a button.
    expect(position).to_have_value("1")
    position.fill("2")
    position.press("Tab")
    expect(page.get_by_role("spinbutton", name=f"Position of a {word}")).to_have_value("1")
    page.get_by_role("button", name=f"Move b {word} up").click()
    expect(position).to_have_value("1")
    expect(page.locator("#label-rows tr").first).to_contain_text(f"b {word}")
    # A chosen label is required until it is not.
    page.get_by_role("checkbox", name=f"a {word} is required").uncheck()
    page.get_by_label("Find a person").fill(f"{word}3")
    # With the chosen creator.
    expect(page.locator("#person-rows tr:visible")).to_have_count(2)
    page.get_by_role("checkbox", name=f"{word}3".title() + ": annotator").check()
    page.get_by_role("button", name="Create queue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Answers {word}")
    labels = page.locator("table").filter(has_text="Legal values").locator("tbody tr")
    expect(labels).to_have_text([re.compile(f"^b {word}.*required"), re.compile(f"^a {word}.*optional")])
    people = page.locator("table").filter(has_text="Skipped").locator("tbody tr")
    expect(people).to_have_count(2)


def test_a_manager_uploads_a_file_assigns_items_and_exports_them(visitors: Visitors, server: Server) -> None:
    queue = server.request("POST", "/model-hub/annotation-queues/", json={"name": f"Upload {uuid.uuid4()}"}).json()
    page = visitors.log_in(path=f"/queues/{queue['id']}/add/")
    lines = b"".join(b'{"source_id": "%s", "content": "Hi"}\n' % uuid.uuid4().hex.encode() for _ in range(3))
    page.get_by_label("CSV or JSON lines").set_input_files(
        {"name": "<img src=x>.jsonl", "mimeType": "text/html", "buffer": lines}
    )
    page.get_by_role("button", name="Upload and add").click()
    expect(page.locator("#status")).to_contain_text("3 items added.")
    page.get_by_role("button", name="Activate").click()
    expect(page.locator("#status")).to_contain_text("The queue is active")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert download.value.path().read_bytes().count(b"\n") == 4
    page.get_by_role("link", name="Items", exact=True).click()
    page.get_by_role("checkbox", name="Select all items of this page").check()
    page.get_by_role("group", name="People").get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Assign selected items").click()
    expect(page.locator("#status")).to_contain_text("3 items shared.")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("checkbox", name="Select item 1", exact=True).check()
    page.get_by_role("button", name="Remove selected items").click()
    expect(page.locator("#status")).to_contain_text("1 item removed.")
