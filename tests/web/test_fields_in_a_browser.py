"""Fields of labels in Chromium: names, descriptions, and posted values."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from modelhub.web.fields import Field
from tests.web.field_rows import OPTIONS, field_of, queue_label, render


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def show(page: Page, *fields: Field) -> Locator:
    page.set_content(f"<form>{render(*fields)}</form>")
    return page.get_by_role("group", name=fields[0].name, exact=True)


def names_of(group: Locator, role: Any) -> list[str]:
    return [line.split('"')[1] for line in group.aria_snapshot().splitlines() if line.strip().startswith(f"- {role} ")]


@pytest.mark.parametrize(
    ("label_type", "settings", "role", "names"),
    [
        ("star", {"no_of_stars": 3}, "radio", ["1 star", "2 stars", "3 stars"]),
        ("star", {"no_of_stars": 11}, "spinbutton", ["Quality"]),
        ("categorical", OPTIONS, "radio", ["positive", "Mixed", "negative"]),
        ("categorical", {**OPTIONS, "multi_choice": True}, "checkbox", ["positive", "Mixed", "negative"]),
        ("thumbs_up_down", {}, "radio", ["Up", "Down"]),
        ("numeric", {}, "spinbutton", ["Quality"]),
        ("numeric", {"display_type": "button", "max": 2}, "radio", ["0", "1", "2"]),
        ("numeric", {"max": 10**30}, "textbox", ["Quality"]),
        ("text", {}, "textbox", ["Quality"]),
    ],
)
def test_a_group_and_its_choices_have_the_names_of_the_label_and_of_the_choices(
    page: Page, label_type: str, settings: dict[str, Any], role: str, names: list[str]
) -> None:
    group = show(page, field_of(queue_label(label_type, settings, required=True)))
    assert group.count() == 1
    assert names_of(group, role) == names


def test_notes_are_named_by_their_label(page: Page) -> None:
    group = show(page, replace(field_of(queue_label("star", allow_notes=True)), notes="why"))
    assert group.get_by_role("textbox", name="Notes for Quality", exact=True).input_value() == "why"


def test_error_and_description_describe_the_group_and_its_field(page: Page) -> None:
    field = replace(field_of(queue_label("numeric", description="How sure?", required=True)), error="Too much.")
    group = show(page, field)
    described = "required How sure? 0 to 10 in steps of 1 Error: Too much."
    assert description_of(page, f"#field-{field.id}") == described
    assert description_of(page, f"#value-{field.id}") == "0 to 10 in steps of 1 Error: Too much."
    assert group.get_by_role("spinbutton").get_attribute("aria-invalid") == "true"


def description_of(page: Page, selector: str) -> str:
    session = page.context.new_cdp_session(page)
    document = session.send("DOM.getDocument")
    node = session.send("DOM.querySelector", {"nodeId": document["root"]["nodeId"], "selector": selector})
    tree = session.send("Accessibility.getPartialAXTree", {"nodeId": node["nodeId"], "fetchRelatives": False})
    return str(tree["nodes"][0]["description"]["value"])


def test_a_text_begins_with_its_own_line_break(page: Page) -> None:
    field = replace(field_of(queue_label("text")), strings=["\nfirst"])
    assert show(page, field).get_by_role("textbox").input_value() == "\nfirst"


def test_a_filled_in_form_posts_what_it_was_filled_in_with(page: Page) -> None:
    labels = [
        (queue_label("star"), ["4"]),
        (queue_label("numeric", {"max": 1, "step_size": 0.05}), ["0.85"]),
        (queue_label("numeric", {"display_type": "button"}), ["7.0"]),
        (queue_label("categorical", {**OPTIONS, "multi_choice": True}), ["mixed", "negative"]),
        (queue_label("text"), ["<b>\none"]),
        (queue_label("thumbs_up_down"), ["down"]),
    ]
    show(page, *(replace(field_of(label), strings=strings) for label, strings in labels))
    data = page.evaluate("[...new FormData(document.forms[0])]")
    assert data == [[f"value-{label.label_id}", string] for label, strings in labels for string in strings]
