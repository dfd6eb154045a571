"""API keys: create, rotate and revoke, with a secret that is shown once."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from modelhub.accounts.keys import state_of
from modelhub.accounts.models import SCOPES, ApiKey, User
from modelhub.core import clock
from tests.factories import ApiKeyFactory, UserFactory
from tests.web.pages import log_in, text_of

pytestmark = pytest.mark.django_db

KEYS = "/keys/"


@pytest.fixture
def admin() -> User:
    return UserFactory.create(role="admin")


def member_of(admin: User) -> User:
    return UserFactory.create(organization=admin.organization)


def path_of(key: ApiKey) -> str:
    return reverse("web:key", kwargs={"pk": key.pk})


def pair_in(answer: Any) -> tuple[str, str]:
    """Return the pair that a page shows."""
    page = answer.content.decode()
    api_key, secret_key = (re.findall(rf'id="{name}" value="([^"]+)"', page)[0] for name in ("api-key", "secret-key"))
    return html.unescape(api_key), html.unescape(secret_key)


def test_a_new_key_works_and_its_secret_is_shown_once(admin: User) -> None:
    client = log_in(admin)
    answer = client.post(KEYS, {"name": "Nightly", "scopes": ["read", "annotate"], "expires": "30"})
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    api_key, secret_key = pair_in(answer)
    headers = {"X-Api-Key": api_key, "X-Secret-Key": secret_key}
    own = client.get("/model-hub/users/me/", headers=headers).json()
    assert (own["id"], own["scopes"]) == (str(admin.pk), ["read", "annotate"])
    assert "curl http://testserver/model-hub/users/me/" in html.unescape(answer.content.decode())
    key = ApiKey.objects.get(api_key=api_key)
    assert key.expires_at is not None
    assert timedelta(days=29) < key.expires_at - clock.now() <= timedelta(days=30)
    for page in (client.get(KEYS), client.get(path_of(key))):
        assert api_key in page.content.decode()
        assert secret_key not in page.content.decode()
    assert secret_key not in str(client.cookies) + str(dict(client.session))


def test_an_admin_makes_keys_for_others_and_a_member_only_its_own_to_annotate(admin: User) -> None:
    ada = member_of(admin)
    form = {"name": "Ada's", "scopes": ["read"], "user": str(ada.pk)}
    assert log_in(admin).post(KEYS, form).status_code == 200
    assert ApiKey.objects.get().user == ada
    page = log_in(ada).get(KEYS)
    assert [scope for scope, *_ in page.context["scopes"]] == ["annotate"]
    assert "Acts as" not in text_of(page)
    for wrong, status in (({"scopes": ["read"]}, 400), ({"scopes": ["annotate"], "user": str(admin.pk)}, 404)):
        assert log_in(ada).post(KEYS, {"name": "x", **wrong}).status_code == status
    assert log_in(ada).post(KEYS, {"name": "Mine", "scopes": ["annotate"]}).status_code == 200
    assert set(ApiKey.objects.values_list("name", flat=True)) == {"Ada's", "Mine"}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"scopes": []}, "scopes must be a list of at least one of read, write, annotate, admin, act-as"),
        ({"scopes": ["root"]}, "scopes must be a list of at least one of"),
        ({"name": " "}, "This field cannot be blank."),
        ({"expires": "1000"}, 'expires must be one of 7, 30, 90, 365, got "1000"'),
        ({"user": "someone"}, 'user must be the id of a user, got "someone"'),
    ],
)
def test_an_unfit_form_is_a_sentence_and_makes_no_key(admin: User, fields: dict[str, Any], sentence: str) -> None:
    answer = log_in(admin).post(KEYS, {"name": "Typed", "scopes": ["write"], **fields})
    assert (answer.status_code, sentence in text_of(answer)) == (400, True)
    assert not ApiKey.objects.exists()
    if "name" not in fields:
        assert 'value="Typed"' in answer.content.decode()


def test_the_form_names_each_scope_with_its_meaning(admin: User) -> None:
    text = text_of(log_in(admin).get(KEYS))
    assert [scope for scope, meaning in SCOPES.items() if f"{scope} : {meaning}" not in text] == []


def test_a_rotated_key_has_a_successor_whose_secret_is_shown_once(admin: User) -> None:
    key = ApiKeyFactory.create(user=admin, scopes=["annotate"])
    client = log_in(admin)
    answer = client.post(path_of(key), {"action": "rotate", "grace": "1"})
    api_key, secret_key = pair_in(answer)
    key.refresh_from_db()
    assert key.successor is not None
    assert (key.successor.api_key, key.successor.scopes) == (api_key, ["annotate"])
    assert key.expires_at is not None
    assert key.expires_at - clock.now() <= timedelta(hours=1)
    again = client.post(path_of(key), {"action": "rotate", "grace": "1"})
    assert (again.status_code, "has the successor" in text_of(again)) == (409, True)
    assert secret_key not in client.get(path_of(key)).content.decode()


def test_a_revoked_key_ends_for_good(admin: User) -> None:
    key = ApiKeyFactory.create(user=admin, name="Old")
    answer = log_in(admin).post(path_of(key), {"action": "revoke"}, follow=True)
    assert "The API key Old is revoked." in answer.content.decode()
    assert "A revoked key stops" not in text_of(answer)
    key.refresh_from_db()
    assert state_of(key) == "revoked"


def test_ended_keys_show_when_they_ended(admin: User) -> None:
    old, other = (ApiKeyFactory.create(user=admin, name=name) for name in ("Old", "Other"))
    client = log_in(admin)
    client.post(path_of(old), {"action": "rotate", "grace": "24"})
    client.post(path_of(other), {"action": "revoke"})
    text = text_of(client.get(KEYS))
    assert re.search(r"Other revoked 20\d\d-\d\d-\d\d \d\d:\d\d ", text)
    assert re.search(r"Old valid rotated 20\d\d-\d\d-\d\d \d\d:\d\d ", text)
    assert re.search(r"Rotated 20\d\d-\S+ \d\d:\d\d , successor ", text_of(client.get(path_of(old))))


def test_members_list_their_own_keys_and_admins_all(admin: User) -> None:
    ada = member_of(admin)
    for user, name in ((ada, "of Ada"), (admin, "of admin"), (UserFactory.create(), "of others")):
        ApiKeyFactory.create(user=user, name=name)
    names = ("of Ada", "of admin", "of others")

    def found(person: User, **query: str) -> list[str]:
        text = text_of(log_in(person).get(KEYS, query))
        return [name for name in names if name in text]

    assert found(ada) == ["of Ada"]
    assert found(admin) == ["of Ada", "of admin"]
    assert found(admin, user=str(ada.pk)) == ["of Ada"]
    assert found(ada, user=str(admin.pk)) == []


@pytest.mark.parametrize("action", ["rotate", "revoke"])
def test_keys_of_others_are_changed_by_admins_of_the_organization_only(admin: User, action: str) -> None:
    key = ApiKeyFactory.create(user=admin)
    for person in (member_of(admin), UserFactory.create(role="admin")):
        assert log_in(person).post(path_of(key), {"action": action}).status_code == 404
    key.refresh_from_db()
    assert (state_of(key), ApiKey.objects.count()) == ("valid", 1)


def test_a_page_of_keys_costs_the_same_statements_for_each_number(admin: User, django_assert_num_queries: Any) -> None:
    client = log_in(admin)
    for number in (1, 9):
        for _ in range(number):
            ApiKeyFactory.create(user=member_of(admin))
        with django_assert_num_queries(5):  # session, user, number of keys, keys, people
            client.get(KEYS)
