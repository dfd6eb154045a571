"""`modelhub create-user`: a user with or without a password, or one sentence."""

import getpass
import io
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from modelhub.accounts.models import ApiKey, User
from tests.client import Caller

PASSWORD = "correct-horse"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def create(*arguments: str) -> User:
    call_command("create_user", "Dora@Example.com ", *arguments)
    return User.objects.get(email="dora@example.com")


def test_a_member_and_an_admin(alice: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    member = create("--name", "Dora", "--no-password")
    assert (member.name, member.role, member.organization_id) == ("Dora", "member", alice.user.organization_id)
    assert (member.is_staff, member.is_superuser, member.has_usable_password()) == (False, False, False)
    assert capsys.readouterr().out == "Created dora@example.com with the role member and no password.\n"

    call_command("create_user", "eve@example.com", "--role", "admin", "--no-password")
    admin = User.objects.get(email="eve@example.com")
    assert (admin.role, admin.is_staff, admin.is_superuser) == ("admin", True, True)


@pytest.mark.parametrize(
    ("options", "scopes"),
    [
        ((), ["read", "write", "admin"]),
        (("--scopes", "read,annotate"), ["read", "annotate"]),
        (("--scope", "read", "--scope", "annotate"), ["read", "annotate"]),
    ],
)
def test_a_key_in_one_step(
    alice: Caller, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], scopes: list[str]
) -> None:
    user = create("--no-password", "--key", *options)
    printed = capsys.readouterr().out
    pair = re.search(r"API key +(\S+)\nSecret key +(\S+)\n", printed)
    assert pair
    key = ApiKey.objects.get(user=user)
    assert (key.api_key, key.scopes, key.organization) == (pair[1], scopes, alice.user.organization)
    assert Caller(key, secret=pair[2]).get("/model-hub/users/me/").body["email"] == "dora@example.com"
    assert printed.startswith("Created dora@example.com with the role member and no password.\n")


def test_a_scope_without_an_effect_is_a_warning(alice: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    create("--no-password", "--key", "--scope", "admin")
    assert "the scope admin has no effect while dora@example.com has the role member" in capsys.readouterr().err


def test_without_its_key_no_user_is_created(alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(key: ApiKey, **options: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr(ApiKey, "save", fail)
    with pytest.raises(CommandError):
        create("--no-password", "--key")
    assert list(User.objects.all()) == [alice.user]


def test_a_password_of_standard_input(alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\nmore\n"))
    assert create("--password-stdin").check_password(PASSWORD)


@pytest.mark.parametrize(("typed", "usable"), [((PASSWORD, PASSWORD), True), (("",), False)])
def test_a_password_of_the_terminal(
    alice: Caller, monkeypatch: pytest.MonkeyPatch, typed: tuple[str, ...], usable: bool
) -> None:
    type_passwords(monkeypatch, *typed)
    user = create()
    assert user.has_usable_password() is usable
    assert user.check_password(PASSWORD) is usable


def type_passwords(monkeypatch: pytest.MonkeyPatch, *typed: str) -> None:
    answers: Iterator[str] = iter(typed)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(answers))


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (("dora", "--no-password"), None, '"dora" cannot be created. Enter a valid email address.'),
        (("ALICE@example.com", "--no-password"), None, '"alice@example.com" cannot be created. User with this Email'),
        (("d@example.com", "--no-password", "--name", "\x07"), None, "A name needs visible characters only"),
        (("d@example.com", "--no-password", "--name", "x" * 256), None, "at most 255 characters"),
        (("d@example.com",), None, "Standard input is not a terminal; add --no-password or --password-stdin."),
        (("d@example.com", "--password-stdin"), None, "Standard input has no password; --no-password creates"),
        (("d@example.com",), ("one-password", "another-one"), "The two passwords differ; run the command again."),
        (("d@example.com",), ("12345678", "12345678"), "This password is too common."),
        (("d@example.com", "--role", "owner"), None, "invalid choice: 'owner'"),
        (("d@example.com", "--no-password", "--scope", "read"), None, "--scope needs --key."),
        (("d@example.com", "--no-password", "--key", "--scope", "all"), None, "invalid choice: 'all'"),
        (("d@example.com", "--no-password", "--key", "--scopes", "read,"), None, "invalid choice: ''"),
        (("d@example.com", "--no-password", "--password-stdin"), None, "not allowed with argument --no-password"),
    ],
)
def test_an_error_is_a_sentence_and_creates_nothing(
    alice: Caller,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    typed: tuple[str, ...] | None,
    sentence: str,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    if typed:
        type_passwords(monkeypatch, *typed)
    with pytest.raises(CommandError, match="(?s)" + ".*" + sentence.replace("(", r"\(")):
        call_command("create_user", *arguments)
    assert list(User.objects.all()) == [alice.user]


def test_a_user_that_appears_meanwhile_is_a_sentence(alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(user: User) -> None:
        raise IntegrityError

    monkeypatch.setattr(User, "save", fail)
    with pytest.raises(CommandError, match=r"\"dora@example\.com\" exists already\."):
        create("--no-password")


@pytest.mark.django_db
def test_an_empty_database_gets_its_first_user_from_a_start() -> None:
    with pytest.raises(CommandError, match="There is no active admin yet; a start of the server"):
        call_command("create_user", "d@example.com", "--no-password")
