"""The admin in Chromium: scripts under their policy, filters, keys, small screens."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import chromium, record_messages
from tests.servers import Server, data_folder, running_server

LOGIN, PASSWORD = "admin@example.com", "correct horse battery"
LISTS = tuple(f"/admin/modelhub/{table}/" for table in ("score", "source", "label", "user", "apikey", "organization"))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with data_folder() as folder, running_server(folder, MODELHUB_BOOTSTRAP_PASSWORD=PASSWORD) as server:
        post(server, "/tracer/project/", {"name": "A project"})
        source = {"source_type": "trace", "source_id": "x" * 200}
        post(server, "/model-hub/sources/", source)
        labels = server.request("GET", "/model-hub/annotations-labels/").json()["results"]
        values = {"star": 4, "thumbs_up_down": "up", "text": "A text that is long. " * 20}
        scores = [{"label_id": one["id"], "value": values[one["type"]]} for one in labels if one["type"] in values]
        assert len(post(server, "/model-hub/scores/bulk/", {**source, "scores": scores, "notes": "n" * 300})["scores"])
        yield server


def post(server: Server, path: str, body: object) -> Any:
    answer = server.request("POST", path, json=body)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def session(browser: Browser, server: Server) -> Any:
    """Return the cookies of an admin, who logs in at the path without a slash."""
    context = browser.new_context(base_url=server.base_url)
    page = context.new_page()
    page.goto("/admin")
    page.fill("#id_username", LOGIN)
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_url("**/admin/")
    return context.storage_state()


@pytest.fixture
def page(browser: Browser, server: Server, session: Any) -> Iterator[Page]:
    """Return a page of 1280 pixels, logged in."""
    context = browser.new_context(
        base_url=server.base_url,
        storage_state=session,
        viewport={"width": 1280, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    messages = record_messages(page)
    yield page
    context.close()
    assert messages == []


def test_no_page_is_wider_than_a_small_screen(page: Page) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    for path in LISTS:
        page.goto(path)
        assert overflow(page) == 0, path
        row = page.get_attribute("#result_list tbody th a", "href")
        for more in (row or "", (row or "").replace("/change/", "/history/")):
            page.goto(more)
            assert overflow(page) == 0, more
    page.goto("/admin/modelhub/apikey/add/")
    assert overflow(page) == 0


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_the_list_of_keys_shows_all_columns(page: Page, server: Server) -> None:
    page.goto("/admin/modelhub/apikey/add/")
    page.fill("#id_name", "The evaluation pipeline of the nightly build")
    page.click(".field-user .select2")
    page.click(f"li.select2-results__option:has-text('{LOGIN}')")
    for scope in page.query_selector_all("#id_scopes input"):
        scope.check()
    page.fill("#id_expires_at_0", "2099-12-30")
    page.fill("#id_expires_at_1", "12:34:56")
    page.click("input[name=_save]")
    page.goto("/admin/modelhub/apikey/")
    assert hidden_columns(page) == 0


def test_the_list_of_scores_shows_all_columns(page: Page) -> None:
    page.goto("/admin/modelhub/score/")
    assert page.inner_text("#result_list tr:last-child td:last-child").endswith("UTC")
    assert hidden_columns(page) == 0


def hidden_columns(page: Page) -> int:
    """Return the width in pixels of the columns that are only seen after scrolling."""
    width = "table => table.parentElement.scrollWidth - table.parentElement.clientWidth"
    return int(page.eval_on_selector("#result_list", width))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto("/admin/modelhub/apikey/")
    body, words = (page.evaluate(BRIGHTNESS, selector) for selector in ("body", "#result_list td.field-state"))
    assert (body["background"] < 0.2) == (scheme == "dark")
    assert abs(body["background"] - words["text"]) > 0.5
    page.goto(f"/admin/modelhub/score/?q={json.dumps(scheme)}")
    assert page.inner_text(".paginator") == "0 scores"


BRIGHTNESS = """selector => {
    const style = getComputedStyle(document.querySelector(selector));
    const of = color => color.match(/[0-9.]+/g).slice(0, 3).reduce((sum, part) => sum + part / 765, 0);
    return {background: of(style.backgroundColor), text: of(style.color)};
}"""


def test_a_filter_by_annotator_is_typed(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/autocomplete/" in request.url else None)
    page.goto("/admin/modelhub/score/")
    page.click("select[name=annotator] + .select2")
    page.wait_for_selector(f"li.select2-results__option:has-text('{LOGIN}')")
    assert len(asked) == 1
    page.keyboard.type("admin")
    page.wait_for_timeout(500)
    page.click(f"li.select2-results__option:has-text('{LOGIN}')")
    page.wait_for_url(re.compile(r"\?annotator=[0-9a-f-]{36}"))
    assert page.inner_text(".paginator") == "3 scores"
    page.click(".select2-selection__clear")
    page.wait_for_url(re.compile(r"annotator=$"))


def test_a_filter_by_day(page: Page) -> None:
    page.goto("/admin/modelhub/score/")
    page.fill("input[name=from]", "2020-01-01")
    page.fill("input[name=to]", "2020-01-31")
    page.click("text=Apply")
    page.wait_for_url("**from=2020-01-01&to=2020-01-31**")
    assert page.inner_text(".paginator") == "0 scores"


def test_a_key_is_created_copied_and_revoked(page: Page, server: Server) -> None:
    page.goto("/admin/modelhub/apikey/add/")
    page.fill("#id_name", "From a browser")
    page.click(".field-user .select2")
    page.click(f"li.select2-results__option:has-text('{LOGIN}')")
    page.click("input[name=_save]")
    pair = []
    for name in ("new-key", "new-secret"):
        page.click(f"button[data-copy={name}]")
        page.wait_for_selector(f"button[data-copy={name}]:has-text('Copied')")
        pair.append(page.evaluate("navigator.clipboard.readText()"))
    headers = dict(zip(("X-Api-Key", "X-Secret-Key"), pair, strict=True))
    assert server.request("GET", "/model-hub/sources/", headers=headers).status_code == 200

    page.click("#result_list a:has-text('From a browser')")
    page.click("text=Revoke")
    assert page.inner_text("h1") == "Revoke this API key?"
    page.click("text=No, take me back")
    page.wait_for_selector("#id_name")
    page.click("text=Revoke")
    page.click("input[type=submit][value='Yes, revoke']")
    assert page.inner_text("#result_list s") == "From a browser"
    assert server.request("GET", "/model-hub/sources/", headers=headers).status_code == 401
