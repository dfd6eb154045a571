"""The script of fields in a real Chromium, under the policy of the pages."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Locator, Page, Route

import modelhub
from modelhub.web.fields import Field
from tests.browser import record_messages
from tests.web.field_rows import preview

STATIC = Path(modelhub.__file__).parent / "static" / "modelhub"
POLICY = {"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'"}
FILES = ("web.css", "web.js", "fields.js")
HEAD = (
    '<!doctype html><link rel="stylesheet" href="/web.css">'
    '<script src="/web.js" defer></script><script src="/fields.js" defer></script>'
)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    messages = record_messages(page)
    yield page
    page.close()
    assert messages == []


def show(page: Page, label_type: str, settings: dict[str, Any], **more: Any) -> Locator:
    """Open a page with a field, and count its input and change events by `events`."""
    field = replace(preview(label_type, settings, name="Quality"), **more)
    html = (
        HEAD
        + "<form>"
        + render_to_string("web/fields/fieldset.html", {"field": field})
        + "<button>Send</button></form>"
    )

    def answer(route: Route) -> None:
        path = urlparse(route.request.url).path
        if path[1:] in FILES:
            route.fulfill(path=STATIC / path[1:])
        else:
            route.fulfill(body=html, headers={"Content-Type": "text/html; charset=utf-8", **POLICY})

    page.route("**/*", answer)
    page.goto("http://pages.test/")
    page.evaluate(
        """() => {
            window.events = [];
            for (const kind of ["input", "change"]) document.addEventListener(kind, ({ target }) => {
                if (target.name) window.events.push(kind);
            });
        }"""
    )
    return page.get_by_role("group", name="Quality", exact=True)


def posted(page: Page) -> list[str]:
    values: list[str] = page.evaluate("[...new FormData(document.forms[0]).values()]")
    return values


def drag(page: Page, slider: Locator, share: float) -> None:
    box = slider.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)


def test_a_slider_sets_the_number_and_the_number_moves_the_slider(page: Page) -> None:
    group = show(page, "numeric", {})
    slider, number = group.locator("[data-slider]"), group.get_by_role("spinbutton")
    assert posted(page) == [""]
    drag(page, slider, 0.5)
    assert posted(page) == ["5"]
    assert page.evaluate("window.events") == ["input", "change"]
    drag(page, slider, 0.99)
    assert posted(page) == ["10"]
    number.fill("3")
    assert slider.input_value() == "3"
    number.fill("")
    assert posted(page) == [""]


def test_the_wheel_does_not_change_a_number(page: Page) -> None:
    number = show(page, "numeric", {}, strings=["5"]).get_by_role("spinbutton")
    number.focus()
    number.hover()
    page.mouse.wheel(0, 300)
    page.evaluate("() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    assert posted(page) == ["5"]


def test_characters_are_counted_as_the_server_counts_them(page: Page) -> None:
    group = show(page, "text", {"max_length": 5})
    text, counter = group.get_by_role("textbox"), group.locator("[data-count]")
    assert counter.inner_text() == "0 of 5"
    text.fill("\U0001f600" * 5)
    assert counter.inner_text() == "5 of 5"
    text.fill("too long")
    assert counter.inner_text() == "8 of 5: 3 too many"
    assert posted(page) == ["too long"]


@pytest.mark.parametrize(
    ("label_type", "settings", "strings"),
    [("star", {}, ["3"]), ("numeric", {}, ["7"]), ("thumbs_up_down", {}, ["up"]), ("star", {"no_of_stars": 99}, ["3"])],
)
def test_an_answer_can_be_cleared(page: Page, label_type: str, settings: dict[str, Any], strings: list[str]) -> None:
    group = show(page, label_type, settings, strings=strings)
    button = group.get_by_role("button", name="Clear")
    assert posted(page) == strings
    button.click()
    assert not any(posted(page))
    assert not button.is_visible()
    assert page.evaluate("window.events") == ["input", "change"]
    # The keyboard goes on in the field.
    assert group.locator(":focus").count() == 1


OPTIONS = {"options": [f"Option {number}" for number in range(5000)]}


def test_a_long_list_is_filtered_and_enter_chooses_the_first_found(page: Page) -> None:
    group = show(page, "categorical", OPTIONS)
    box = group.get_by_role("searchbox", name="Filter options")
    assert group.get_by_role("radio").count() == 5000
    page.evaluate("() => document.forms[0].addEventListener('submit', () => window.events.push('submit'))")
    box.press("Enter")
    assert posted(page) == []
    box.fill("OPTION 499")
    assert group.locator("[data-found]").inner_text() == "15 of 5000 options"
    assert group.get_by_role("radio").count() == 15
    box.press("Enter")
    assert posted(page) == ["Option 499"]
    assert group.get_by_role("radio", name="Option 499", exact=True).evaluate("one => one === document.activeElement")
    assert page.evaluate("window.events") == ["input", "change"]
    box.fill("")
    assert group.get_by_role("radio").count() == 5000


def test_a_long_list_scrolls_by_itself_and_long_names_do_not_widen_the_page(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 600})
    many = {"options": [*OPTIONS["options"], "w" * 2000]}
    group = show(page, "categorical", many, strings=["w" * 2000])
    assert group.evaluate("one => one.offsetHeight") < 600
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    group = show(page, "star", {"no_of_stars": 10})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_stars_up_to_the_chosen_one_are_filled(page: Page) -> None:
    group = show(page, "star", {}, strings=["3"])
    page.mouse.move(0, 0)
    colors = [
        star.evaluate("one => getComputedStyle(one).backgroundColor") for star in group.get_by_role("radio").all()
    ]
    assert colors[0] == colors[1] == colors[2]
    assert colors[3] == colors[4] != colors[0]


def test_a_star_is_large_enough_for_a_finger(page: Page) -> None:
    for star in show(page, "star", {"no_of_stars": 10}).locator("label").all():
        box = star.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44


def field_without_script(**more: Any) -> Field:
    return replace(preview("numeric", {}, name="Quality"), **more)


def test_without_a_script_only_the_fields_that_are_posted_are_shown(browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    css = f"<style>{(STATIC / 'web.css').read_text()}</style>"
    page.set_content(css + render_to_string("web/fields/fieldset.html", {"field": field_without_script(strings=["7"])}))
    assert page.get_by_role("spinbutton").is_visible()
    assert not page.locator("[data-slider]").is_visible()
    assert not page.get_by_text("Clear").is_visible()
    context.close()
