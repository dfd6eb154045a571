"""A server with pages, its people, and a real Chromium that is logged in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import chromium, record_messages
from tests.servers import Server, data_folder, running_server
from tests.web.every_page import Place, make_places
from tests.web.people import ADMIN, PASSWORD, Person, create_person, fill_login


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Return a server with an admin; tests add rows of their own and leave others alone."""
    with data_folder() as folder, running_server(folder, MODELHUB_BOOTSTRAP_PASSWORD=PASSWORD) as server:
        yield server


@pytest.fixture(scope="session")
def places(server: Server) -> list[Place]:
    """Return every page, with a queue of its own behind them."""
    return make_places(server)


@pytest.fixture(scope="session")
def browser_context_args(server: Server) -> dict[str, Any]:
    return {"base_url": server.base_url, "viewport": {"width": 1440, "height": 900}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser in place of the plugin's, which would stay open for all modules.

    While Playwright runs, Django rejects statements in its thread. Of a module with both, pytest-django runs the tests
    of the database first.
    """
    with chromium() as browser:
        yield browser


@dataclass
class Visitors:
    """Browser windows of people, each a session of its own; `messages` of all consoles."""

    browser: Browser
    options: dict[str, Any]
    contexts: list[BrowserContext] = field(default_factory=list)
    messages: list[list[str]] = field(default_factory=list)

    def open(self, path: str = "/", **options: Any) -> Page:
        """Return a page in a new window."""
        context = self.browser.new_context(**{**self.options, **options})
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        page = context.new_page()
        self.messages.append(record_messages(page))
        page.goto(path)
        return page

    def log_in(self, email: str = ADMIN, password: str = PASSWORD, path: str = "/", **options: Any) -> Page:
        """Return a page of a person, logged in by the form."""
        page = self.open(f"/login/?next={path}", **options)
        fill_login(page, email, password)
        page.wait_for_url(f"**{path}")
        return page


@pytest.fixture
def visitors(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Visitors]:
    """Return windows for people. Fail if a console had a warning or an error."""
    visitors = Visitors(browser, browser_context_args)
    yield visitors
    for context in visitors.contexts:
        context.close()
    assert [messages for messages in visitors.messages if messages] == []


@pytest.fixture
def person(server: Server) -> Callable[..., Person]:
    """Return a function that creates a user with the password of all."""

    return partial(create_person, server)
