"""A server with pages, its people, and a real Chromium that is logged in."""

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import CHROMIUM, record_messages
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
def browser_type_launch_args() -> dict[str, Any]:
    """Start Debian's browser. Skip the test without one."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    # Root and containers have no sandbox.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": CHROMIUM, "args": [*sandbox, "--disable-background-networking"]}


@pytest.fixture(scope="session")
def browser_context_args(server: Server) -> dict[str, Any]:
    return {"base_url": server.base_url, "viewport": {"width": 1440, "height": 900}}


@pytest.fixture(scope="session")
def browser(browser: Browser) -> Iterator[Browser]:
    """Return the browser of the plugin, without its mark on the thread."""
    loop = unmark_thread()
    yield browser
    asyncio._set_running_loop(loop)


def unmark_thread() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that is marked as running, without the mark.

    Playwright leaves it in the thread of all tests, and Django rejects statements beside it.
    """
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    return loop


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
    asyncio._set_running_loop(browser._impl_obj._loop)
    yield visitors
    for context in visitors.contexts:
        context.close()
    unmark_thread()
    assert [messages for messages in visitors.messages if messages] == []


@pytest.fixture
def person(server: Server) -> Callable[..., Person]:
    """Return a function that creates a user with the password of all."""

    return partial(create_person, server)
