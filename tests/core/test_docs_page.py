"""`/docs/` in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import chromium, record_messages
from tests.servers import API_KEY, SECRET_KEY, Server

BULK = "#operations-scores-create_scores"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, live: Server) -> Iterator[Page]:
    with browser.new_context(color_scheme="dark", viewport={"width": 400, "height": 900}) as context:
        page = context.new_page()
        page.goto(f"{live.base_url}/docs/")
        page.wait_for_selector(BULK)
        yield page


def authorize(page: Page, *, secret_key: str = SECRET_KEY) -> None:
    """Enter both keys in the page's dialog."""
    page.click("button.authorize")
    fields = page.locator(".auth-container input")
    fields.nth(0).fill(API_KEY)
    fields.nth(1).fill(secret_key)
    for _ in range(2):
        # The button of an entered key becomes a logout.
        page.locator(".auth-container button[type=submit]").first.click()
    page.click("button.close-modal")


def operations(page: Page) -> list[str]:
    return [one.get_attribute("id") or "" for one in page.locator(".opblock").all()]


def test_it_shows_the_bulk_request_first_and_health_last(page: Page) -> None:
    names = operations(page)
    assert names[0] == "operations-scores-create_scores"
    assert names[-2:] == ["operations-health-healthz", "operations-health-readyz"]
    assert len(names) > 40


def test_it_says_how_to_get_a_key(page: Page) -> None:
    text = page.locator(".information-container").inner_text()
    assert "The first start of the server prints one." in text
    assert "modelhub create-api-key" in text


def test_its_schemas_are_folded(page: Page) -> None:
    assert page.locator("section.models .model-container").count() == 0


def test_it_follows_the_color_scheme_and_fits_a_phone(page: Page) -> None:
    assert page.locator("html.dark-mode").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 400


def test_the_examples_can_be_sent_as_they_are(page: Page, live: Server) -> None:
    live.request("POST", "/model-hub/annotations-labels/", json={"name": "Docs star", "type": "star"})
    options = {"options": ['a "quoted" $& one', "other"]}
    label = {"name": "Docs options", "type": "categorical", "settings": options}
    live.request("POST", "/model-hub/annotations-labels/", json=label)
    live.request("POST", "/model-hub/sources/", json={"source_type": "trace", "source_id": 'docs-"trace"-$&'})
    messages = record_messages(page)
    authorize(page)
    page.locator(BULK).locator("button.opblock-summary-control").click()
    page.wait_for_function("document.querySelector('textarea.body-param__text')?.value.includes('quoted')")
    with page.expect_response(lambda response: "/scores/bulk/" in response.url) as response:
        page.locator(BULK).locator("button.execute").click()

    body = response.value.json()
    assert (response.value.status, body["errors"]) == (201, [])
    assert [score["value"] for score in body["scores"]] == [{"rating": 4}, {"selected": ['a "quoted" $& one']}]
    assert {score["source_id"] for score in body["scores"]} == {'docs-"trace"-$&'}
    assert operations(page)[0] == "operations-scores-create_scores"
    # A violation of the Content-Security-Policy would be among them.
    assert messages == []


def test_wrong_keys_leave_the_examples_alone(page: Page) -> None:
    with page.expect_response(lambda response: "/model-hub/scores/?cursor=" in response.url) as response:
        authorize(page, secret_key="wrong")
    assert response.value.status == 401
    page.locator(BULK).locator("button.opblock-summary-control").click()
    assert "7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69" in page.locator(BULK).locator("textarea").input_value()


def test_it_keeps_no_secrets(page: Page) -> None:
    page.evaluate("localStorage.setItem('authorized', 'of an earlier release')")
    page.reload()
    page.wait_for_selector(BULK)
    authorize(page)
    assert page.evaluate("[{...localStorage}, {...sessionStorage}, document.cookie]") == [{}, {}, ""]
    page.reload()
    page.click("button.authorize")
    fields = page.locator(".auth-container input")
    assert [field.input_value() for field in fields.all()] == ["", "", ""]
    fields.nth(1).focus()
    assert fields.nth(1).get_attribute("autocomplete") == "off"


def test_a_page_that_is_returned_to_has_no_secrets(page: Page) -> None:
    """One of two keys sends no request; after one, Chromium would not restore the page."""
    page.click("button.authorize")
    page.locator(".auth-container input").nth(1).fill(SECRET_KEY)
    page.locator(".auth-container button[type=submit]").nth(1).click()
    page.wait_for_selector(".authorize.locked")
    # Playwright's own ways forth and back do not restore pages.
    page.evaluate("location.href = '/healthz'")
    page.wait_for_url("**/healthz")
    page.evaluate("history.back()")
    page.wait_for_url("**/docs/")
    page.wait_for_selector("button.authorize.unlocked")
    page.click("button.authorize")
    assert page.locator(".auth-container input").count() == 3


def test_the_browser_shows_the_schema(page: Page, live: Server) -> None:
    for query, beginning in (("", "openapi: 3.0.3"), ("?format=json", "{")):
        page.goto(f"{live.base_url}/schema/{query}")
        assert page.locator("body").inner_text().startswith(beginning)


def test_it_loads_nothing_from_other_hosts(live: Server) -> None:
    page = live.request("GET", "/docs/").text
    files = [Path(name).name for name in re.findall(r'(?:src|href)="([^"]+)"', page)]
    assert {"swagger-ui.css", "swagger-ui-bundle.js", "docs.css", "docs.js", "favicon.svg"} <= set(files)
    assert "//" not in page
