"""Every page in Chromium: axe, light and dark, narrow and wide; silent consoles; no page scrolls sideways."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page

from modelhub.web.urls import urlpatterns
from tests.browser import record_messages
from tests.servers import Server
from tests.web.every_page import NO_PAGES, Place
from tests.web.people import fill_login

# Read here: Playwright's `add_script_tag` is subject to the policy of the page, `evaluate` is not.
AXE = (Path(__file__).parent / "vendor" / "axe-4.14.1.min.js").read_text()
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# In pixels, with axe or for the overflow alone.
WIDTHS = {320: False, 400: True, 768: False, 1440: True}
RUN = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
    .filter(({impact}) => ["serious", "critical"].includes(impact))
    .map(({id, nodes}) => [id, ...nodes.slice(0, 3).map(({html, failureSummary}) => html + failureSummary)])"""
OVERFLOW = """() => {
    const {scrollWidth, clientWidth} = document.documentElement;
    if (scrollWidth <= clientWidth) return "";
    const isWide = (one) => one.getBoundingClientRect().right > clientWidth + 1;
    const wide = [...document.body.querySelectorAll("*")].filter(isWide).slice(0, 3);
    return `${scrollWidth} > ${clientWidth}: ${wide.map((one) => one.outerHTML.slice(0, 120)).join(" | ")}`;
}"""


@dataclass
class Findings:
    """What was found, by page, width and scheme."""

    axe: dict[str, Any] = field(default_factory=dict)
    overflow: dict[str, str] = field(default_factory=dict)
    messages: dict[str, list[str]] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)


@pytest.fixture(scope="module")
def findings(server: Server, browser: Browser, places: list[Place]) -> Findings:
    """Open every page once, and look at it in all sizes and schemes."""
    found = Findings(places=places)
    for email in {place.email for place in found.places}:
        context = browser.new_context(base_url=server.base_url)
        page = context.new_page()
        if email:
            page.goto("/login/")
            fill_login(page, email)
            page.wait_for_url("**/")
        messages = record_messages(page)
        for place in found.places:
            if place.email == email:
                page.goto(place.path, wait_until="networkidle")
                look(page, place, found)
                found.messages[place.name] = list(messages)
                messages.clear()
        context.close()
    return found


def look(page: Page, place: Place, found: Findings) -> None:
    page.evaluate(AXE)
    for details in page.locator("main details").all():
        details.evaluate("(one) => { one.open = true; }")
    for width, with_axe in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        found.overflow[f"{place.name} {width}"] = page.evaluate(OVERFLOW)
        for scheme in SCHEMES if with_axe else ():
            page.emulate_media(color_scheme=scheme)
            found.axe[f"{place.name} {width} {scheme}"] = page.evaluate(RUN)


def test_every_page_is_looked_at(findings: Findings) -> None:
    names = {pattern.name for pattern in urlpatterns}
    assert names - NO_PAGES - {place.name for place in findings.places} == set()


def test_axe_finds_nothing_serious_on_any_page_light_and_dark(findings: Findings) -> None:
    assert {page: violations for page, violations in findings.axe.items() if violations} == {}


def test_no_page_scrolls_sideways(findings: Findings) -> None:
    assert {page: wide for page, wide in findings.overflow.items() if wide} == {}


def test_no_page_has_a_message_of_the_console(findings: Findings) -> None:
    errors = {page: messages for page, messages in findings.messages.items() if messages}
    # The browser's own line about the page that shows the error.
    assert errors.pop("error") == ["Failed to load resource: the server responded with a status of 404 (Not Found)"]
    assert errors == {}
