"""Authentication: valid pairs, rejected pairs, digests and last use."""

import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from modelhub.accounts import keys
from modelhub.accounts.keys import authenticate
from modelhub.accounts.models import ApiKey, ApiKeyUse, Organization, User
from modelhub.core.errors import Unauthenticated
from tests.client import Caller
from tests.factories import SECRET, OrganizationFactory

pytestmark = pytest.mark.django_db

LABELS = "/model-hub/annotations-labels/"


def headers(key: str, secret: str) -> dict[str, str]:
    return {"X-Api-Key": key, "X-Secret-Key": secret}


def test_a_valid_pair_authenticates(alice: Caller) -> None:
    assert alice.get(LABELS).status == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_bearer_token_of_the_pair_authenticates(alice: Caller, scheme: str) -> None:
    token = {"Authorization": f"{scheme} {alice.key.api_key}:{SECRET}"}
    assert Client().get(LABELS, headers=token).status_code == 200


def revoke(key: ApiKey) -> None:
    key.revoked_at = timezone.now()
    key.save()


def expire(key: ApiKey) -> None:
    key.expires_at = timezone.now()
    key.save()


def deactivate(key: ApiKey) -> None:
    key.user.is_active = False
    key.user.save()


def move_the_user(key: ApiKey) -> None:
    User.objects.filter(pk=key.user.pk).update(organization=OrganizationFactory.create())


@pytest.mark.parametrize("spoil", [revoke, expire, deactivate, move_the_user])
def test_a_spoilt_key_is_refused_like_an_unknown_one(alice: Caller, spoil: Callable[[ApiKey], None]) -> None:
    spoil(alice.key)
    spoilt = alice.get(LABELS)
    unknown = alice.client.get(LABELS, headers=headers("unknown", "unknown")).json()
    wrong = alice.client.get(LABELS, headers=headers(alice.key.api_key, "nothing")).json()

    assert spoilt.status == 401
    assert spoilt.headers["WWW-Authenticate"] == "ApiKey"
    for body in (unknown, wrong):
        assert body["detail"] == spoilt.body["detail"]
        assert body["code"] == "not_authenticated"


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"X-Api-Key": "key"},
        {"X-Secret-Key": "secret"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer no-colon"},
        {"Authorization": "Basic a:b"},
        {"X-Api-Key": "a\x00b", "X-Secret-Key": "c"},
        {"X-Api-Key": "\udcff", "X-Secret-Key": "\udcff"},
    ],
)
def test_anything_else_is_a_401_problem(sent: dict[str, str]) -> None:
    answer = Client(raise_request_exception=False).get(LABELS, headers=sent)

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "ApiKey"
    assert answer.json()["message"] == answer.json()["detail"]


def test_an_unknown_key_costs_the_same_work_as_a_wrong_secret(alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the steps, because times are too noisy in a test."""
    steps: list[str] = []

    def traced(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            steps.append(f"{name} {[len(one) for one in arguments if isinstance(one, str | bytes)]}")
            return original(*arguments)

        return call

    monkeypatch.setattr(hmac, "compare_digest", traced("compare", hmac.compare_digest))
    monkeypatch.setattr(hashlib, "sha256", traced("digest", hashlib.sha256))
    for model in (ApiKey, User):
        monkeypatch.setattr(model, "from_db", traced("model", model.from_db))

    def steps_of(api_key: str, secret: str) -> list[str]:
        steps.clear()
        with CaptureQueriesContext(connection) as captured, suppress(Unauthenticated):
            authenticate(api_key, secret)
        return [*steps, *(query["sql"].replace(api_key, "KEY") for query in captured)]

    wrong = steps_of(alice.key.api_key, "wrong")
    assert wrong[:2] == ["digest [5]", "compare [71, 71]"]
    assert len(wrong) == 3  # with one statement
    assert wrong[2].startswith("-- A key by its public part")
    assert steps_of("absent-key", "wrong") == wrong
    revoke(alice.key)
    assert steps_of(alice.key.api_key, "wrong") == wrong
    assert steps_of(alice.key.api_key, SECRET) == [f"digest [{len(SECRET)}]", *wrong[1:]]


class TestAlgorithms:
    """A digest names its algorithm, so that another one can follow."""

    @pytest.mark.parametrize("stored", ["md5$0", "sha512$0", "$", "", "sha256", "sha256$", "sha25"])
    def test_a_digest_of_an_unknown_algorithm_opens_nothing(self, alice: Caller, stored: str) -> None:
        ApiKey.objects.filter(pk=alice.key.pk).update(secret_digest=stored)
        assert alice.get(LABELS).status == 401
        assert alice.client.get(LABELS, headers=headers(alice.key.api_key, stored)).status_code == 401

    def test_the_right_hex_under_the_wrong_name_opens_nothing(self, alice: Caller) -> None:
        hex_of_it = alice.key.secret_digest.removeprefix("sha256$")
        for name in ("sha512", "SHA256", "sha256 ", "unknown"):
            ApiKey.objects.filter(pk=alice.key.pk).update(secret_digest=f"{name}${hex_of_it}")
            assert alice.get(LABELS).status == 401
        ApiKey.objects.filter(pk=alice.key.pk).update(secret_digest=f"sha256${hex_of_it}")
        assert alice.get(LABELS).status == 200


def test_the_secret_is_nowhere_in_the_database(alice: Caller) -> None:
    key, secret = keys.create_api_key(user=alice.user, name="new")

    assert len(secret) >= 43  # 256 bits in base64
    assert secret not in str(ApiKey.objects.filter(pk=key.pk).values().get())
    assert alice.client.get(LABELS, headers=headers(key.api_key, secret)).status_code == 200


def test_last_use_is_recorded_at_most_once_a_minute(alice: Caller) -> None:
    alice.get(LABELS)
    first = ApiKeyUse.objects.get()
    assert (first.key, first.organization) == (alice.key, alice.key.organization)
    alice.get(LABELS)
    assert ApiKeyUse.objects.get().last_used_at == first.last_used_at

    ApiKeyUse.objects.update(last_used_at=first.last_used_at - timedelta(seconds=61))
    alice.get(LABELS)
    assert ApiKeyUse.objects.get().last_used_at > first.last_used_at


def test_a_last_use_in_the_future_is_corrected_by_the_next_use(alice: Caller) -> None:
    alice.get(LABELS)
    future = timezone.now() + timedelta(days=1)
    ApiKeyUse.objects.update(last_used_at=future)
    alice.get(LABELS)
    assert ApiKeyUse.objects.get().last_used_at < future


def test_a_rejected_pair_records_no_use(alice: Caller) -> None:
    alice.client.get(LABELS, headers=headers(alice.key.api_key, "wrong"))
    assert not ApiKeyUse.objects.exists()


def test_key_and_user_are_one_statement(alice: Caller) -> None:
    alice.get(LABELS)
    with CaptureQueriesContext(connection) as captured:
        authenticate(alice.key.api_key, SECRET)
    assert len(captured) == 1


def test_the_command_prints_a_pair_that_works(alice: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_api_key", "ALICE@example.com", "--expires-in-days", "1")
    lines = capsys.readouterr().out.split()
    api_key, secret = lines[2], lines[5]

    assert alice.client.get(LABELS, headers=headers(api_key, secret)).status_code == 200
    expires_at = ApiKey.objects.get(api_key=api_key).expires_at
    assert expires_at is not None
    assert timedelta(hours=23) < expires_at - timezone.now() < timedelta(hours=25)


def test_keys_stay_in_their_organization(alice: Caller, organization: Organization) -> None:
    assert alice.key.organization == organization
