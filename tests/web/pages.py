"""Shared by the tests of pages over Django's client."""

import html
import re
from typing import Any

from django.test import Client

from modelhub.accounts.models import User


def log_in(person: User, **options: Any) -> Client:
    """Return a client with a session of the person."""
    client = Client(headers={"Accept": "text/html"}, **options)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def html_of(answer: Any) -> str:
    return str(answer.content.decode())


def text_of(answer: Any) -> str:
    """Return the words of a page, without markup."""
    page = html_of(answer)
    words = re.sub(r"<[^>]*>", " ", page[page.index("<main") :] if "<main" in page else page)
    return re.sub(r"\s+", " ", html.unescape(words))
