"""People of tests of the pages: with a password, and an API key to look behind the pages."""

import uuid
from dataclasses import dataclass

import psycopg
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import Page

from tests.servers import Server

PASSWORD = "correct horse battery"
ADMIN = "admin@example.com"
# By the hasher of the server; that of the tests is a faster one.
HASH = PBKDF2PasswordHasher().encode(PASSWORD, "salt")


@dataclass(frozen=True)
class Person:
    """A user with a password and an API key."""

    id: str
    email: str
    api_key: str
    secret_key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Api-Key": self.api_key, "X-Secret-Key": self.secret_key}


def create_person(server: Server, name: str = "ada", role: str = "member") -> Person:
    """Create a user with the password of all."""
    email = f"{name}-{uuid.uuid4().hex[:8]}@example.com"
    body = {"email": email, "name": name.title(), "role": role, "create_key": True}
    answer = server.request("POST", "/model-hub/users/", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute("UPDATE modelhub_user SET password = %s WHERE id = %s", [HASH, made["id"]])
    return Person(made["id"], email, made["api_key"], made["secret_key"])


def fill_login(page: Page, email: str, password: str = PASSWORD) -> None:
    """Send the form of the page to log in."""
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
