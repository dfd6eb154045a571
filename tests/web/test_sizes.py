"""The bytes of every page: HTML, style sheets and scripts, compressed."""

import gzip
import re
from urllib.parse import urljoin

import requests

from tests.servers import Server
from tests.web.every_page import Place
from tests.web.people import PASSWORD

LIMIT = 100_000
PARTS = re.compile(r'<(?:script[^>]* src|link rel="(?:stylesheet|icon)" href)="([^"]+)"')


def log_in(server: Server, email: str | None) -> requests.Session:
    session = requests.Session()
    if email:
        page = session.get(f"{server.base_url}/login/").text
        [token] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        form = {"csrfmiddlewaretoken": token, "username": email, "password": PASSWORD}
        assert session.post(f"{server.base_url}/login/", form, allow_redirects=False).status_code == 302
    return session


def test_every_page_has_less_than_a_hundred_kilobytes(server: Server, places: list[Place]) -> None:
    sessions = {email: log_in(server, email) for email in {place.email for place in places}}
    sizes: dict[str, int] = {}
    parts: dict[str, int] = {}
    for place in places:
        answer = sessions[place.email].get(server.base_url + place.path, headers={"Accept": "text/html"})
        found = set(PARTS.findall(answer.text))
        for part in found - parts.keys():
            body = requests.get(urljoin(server.base_url, part), timeout=30).content
            parts[part] = len(gzip.compress(body))
        assert any(part.endswith(".css") for part in found), place
        sizes[place.name] = len(gzip.compress(answer.content)) + sum(parts[part] for part in found)
    assert {name: size for name, size in sizes.items() if size >= LIMIT} == {}
