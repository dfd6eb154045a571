"""The pages in Chromium: log in, walk the navigation, log out."""

from playwright.sync_api import expect

from tests.web.conftest import Visitors


def test_a_person_logs_in_looks_around_and_logs_out(visitors: Visitors) -> None:
    page = visitors.log_in()
    for name in ("Queues", "Labels", "Sources", "People and keys", "My work"):
        page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
