"""The day of a manager: from an empty installation to exported results, in Chromium."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.servers import Server, data_folder, running_server
from tests.web.conftest import Visitors
from tests.web.hands import source
from tests.web.people import ADMIN, PASSWORD

FILE = "\n".join(
    json.dumps({"source_id": f"file-{at}", "content": {"messages": [{"role": "user", "content": f"Question {at}"}]}})
    for at in range(2)
)
# The stars of each person per item.
STARS = {"Ada": [5, 4, 2, 1], "Bob": [5, 4, 2, 3]}
IDS = ["pasted-0", "pasted-1", "file-0", "file-1"]
LABELS = ("Useful", "Voice", "Faults", "Agree", "Certainty", "Rewrite")


@pytest.fixture
def empty_server() -> Iterator[Server]:
    """Return a server of its own with nothing but its first admin."""
    with data_folder() as folder, running_server(folder, MODELHUB_BOOTSTRAP_PASSWORD=PASSWORD) as server:
        yield server


def create_label(page: Page, name: str, kind: str, fields: dict[str, str], *, multi: bool = False) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Labels").click()
    page.get_by_role("link", name="New label").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("radio", name=kind, exact=True).check()
    for field, text in fields.items():
        page.get_by_label(field, exact=True).fill(text)
    if multi:
        page.get_by_label("Several options may be chosen").check()
    # The form that annotators will see.
    expect(page.get_by_role("region", name="Preview").get_by_role("group", name=name, exact=True)).to_be_visible()
    page.get_by_role("button", name="Create label").click()
    expect(page.get_by_role("status").first).to_contain_text(re.compile("created", re.IGNORECASE))


def invite(page: Page, email: str) -> str:
    """Return the one-time link of a new person."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="People and keys").click()
    form = page.get_by_role("form", name="Invite a person")
    form.get_by_label("Email").fill(email)
    form.get_by_role("button", name="Invite").click()
    return page.get_by_label("Link", exact=True).input_value()


def accept(visitors: Visitors, link: str, name: str, base_url: str) -> Page:
    """Return the page of a person that has chosen a password by a link."""
    page = visitors.open(link, base_url=base_url)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(f"{PASSWORD} of {name}")
    page.get_by_label("Password again").fill(f"{PASSWORD} of {name}")
    page.get_by_role("button", name="Set password and log in").click()
    expect(page.get_by_role("heading", name="My work")).to_be_visible()
    return page


def annotate(page: Page, stars: list[int]) -> None:
    """Judge all items of the only queue."""
    page.goto("/")
    page.get_by_role("link", name="Start annotating").click()
    for source_id, number in zip(IDS, stars, strict=True):
        expect(source(page, source_id).first).to_be_visible()
        # The picture of a star covers its radio.
        page.get_by_role("radio", name="1 star" if number == 1 else f"{number} stars").check(force=True)
        tone = page.get_by_role("group", name="Voice", exact=True)
        tone.get_by_role("radio", name="kind" if number > 2 else "cold").check()
        problems = page.get_by_role("group", name="Faults", exact=True)
        problems.get_by_role("checkbox", name="too long").check()
        problems.get_by_role("checkbox", name="no source").check()
        page.get_by_role("group", name="Agree", exact=True).get_by_text("Up" if number > 2 else "Down").click()
        page.get_by_role("spinbutton", name="Certainty").fill(str(number * 20))
        page.get_by_role("textbox", name="Rewrite").fill(f"Better than {number}")
        page.get_by_role("button", name="Submit and next").click()
    expect(page.get_by_role("button", name="Submit and next")).to_have_count(0)


def create_labels(page: Page) -> None:
    create_label(page, "Useful", "Stars", {"Number of stars": "5"})
    create_label(page, "Voice", "Options", {"One option a line": "kind\ncold"})
    create_label(page, "Faults", "Options", {"One option a line": "too long\nno source"}, multi=True)
    create_label(page, "Agree", "Thumbs", {"Description": "Would an expert agree?"})
    create_label(page, "Certainty", "Number", {"From": "0", "To": "100", "Step": "5"})
    create_label(page, "Rewrite", "Text", {"Most characters": "200"})


def create_queue(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Queues").click()
    page.get_by_role("link", name="Create the first queue").click()
    page.get_by_label("Name", exact=True).fill("Refunds")
    page.get_by_label("Instructions").fill("Judge the answer.")
    for label in LABELS:
        page.get_by_role("checkbox", name=label, exact=True).check()
        page.get_by_role("checkbox", name=f"{label} is required").set_checked(label == "Useful")
    for name in STARS:
        page.get_by_role("checkbox", name=f"{name}: annotator").check()
    page.get_by_label("Annotations per item").fill("2")
    page.get_by_role("button", name="Create queue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Refunds")


def add_items(page: Page) -> None:
    page.get_by_role("link", name="Add items").first.click()
    page.get_by_label("Ids, one per line").fill("pasted-0\npasted-1")
    page.get_by_label("Register unknown ids").check()
    page.get_by_role("button", name="Add these ids").click()
    expect(page.get_by_role("status").first).to_contain_text("2 items added")
    page.get_by_role("link", name="Add items").first.click()
    upload: Any = {"name": "items.jsonl", "mimeType": "application/jsonl", "buffer": FILE.encode()}
    page.get_by_label("CSV or JSON lines").set_input_files(upload)
    page.get_by_role("button", name="Upload and add").click()
    expect(page.get_by_role("status").first).to_contain_text("2 items added")


def download(page: Page, name: str) -> str:
    """Return the text of a file of the export."""
    with page.expect_download() as event:
        page.get_by_role("button", name=name, exact=True).click()
    return Path(event.value.path()).read_text(encoding="utf-8-sig")


def answers(stars: int) -> dict[str, Any]:
    """Return the values that `annotate` gives beside so many stars."""
    return {
        "Useful": stars,
        "Voice": "kind" if stars > 2 else "cold",
        "Faults": ["too long", "no source"],
        "Agree": "up" if stars > 2 else "down",
        "Certainty": stars * 20,
        "Rewrite": f"Better than {stars}",
    }


def test_a_manager_goes_from_an_empty_installation_to_exported_results(
    empty_server: Server, visitors: Visitors
) -> None:
    base_url = empty_server.base_url
    page = visitors.log_in(ADMIN, base_url=base_url)
    expect(page.get_by_role("main")).to_contain_text("You are in no queue yet.")
    create_labels(page)
    links = {name: invite(page, f"{name.lower()}@example.com") for name in STARS}
    people = {name: accept(visitors, link, name, base_url) for name, link in links.items()}
    answer = page.request.get(links["Ada"])
    assert (answer.status, "not valid any more" in answer.text()) == (404, True)
    create_queue(page)
    add_items(page)
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("status").first).to_contain_text("The queue is active")
    for name, stars in STARS.items():
        annotate(people[name], stars)

    page.get_by_role("link", name="Results", exact=True).click()
    expect(page.get_by_role("region", name="Progress")).to_contain_text(re.compile(r"Completed\s*4\s*\(100"))
    useful = page.get_by_role("region", name="Values per label").locator(".card").filter(has_text="Useful")
    expect(useful.get_by_role("figure")).to_be_visible()
    agreement = page.get_by_role("region", name="Agreement")
    card = agreement.locator(".card").filter(has=page.get_by_role("heading", name="Useful"))
    expect(card).to_contain_text("1 disagreement.")

    page.get_by_role("link", name="Refunds", exact=True).click()
    items = [json.loads(line) for line in download(page, "JSON lines").splitlines()]
    items.sort(key=lambda item: int(item["order"]))
    assert [item["source_id"] for item in items] == IDS
    assert {item["status"] for item in items} == {"completed"}
    stored = {
        (item["source_id"], one["annotator_name"], one["label_name"]): one["value"]
        for item in items
        for one in item["annotations"]
    }
    assert stored == {
        (source_id, name, label): value
        for name, given in STARS.items()
        for source_id, stars in zip(IDS, given, strict=True)
        for label, value in answers(stars).items()
    }
    rows = list(csv.DictReader(io.StringIO(download(page, "CSV"))))
    assert {(row["source_id"], row["annotator_name"], row["label_name"]) for row in rows} == set(stored)
