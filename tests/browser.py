"""A real Chromium for tests of pages, if one is installed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser of the machine; skip the test without one."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # Root and containers have no sandbox.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*sandbox, "--disable-background-networking"],
            # As browsers are: a page that is left and returned to is restored.
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


def record_messages(page: Page) -> list[str]:
    """Return the list that gets every warning and error of the page's console."""
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text) if message.type in {"warning", "error"} else None)
    page.on("pageerror", lambda error: messages.append(str(error)))
    return messages
