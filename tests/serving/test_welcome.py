"""The text of a start has the secret of a key that this start made, and no other."""

import pytest
from django.test import override_settings

from modelhub.accounts.models import ApiKey
from modelhub.serving.bootstrap import EXAMPLE_SOURCES, bootstrap
from modelhub.serving.welcome import welcome
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@override_settings(BOOTSTRAP_API_KEY="", BOOTSTRAP_SECRET_KEY="")
def test_an_organization_without_a_key_gets_one_and_its_secret_is_shown_once() -> None:
    UserFactory.create(role="admin")
    first, second = bootstrap(), bootstrap()

    assert first.key == second.key == ApiKey.objects.get()
    assert first.secret_key
    assert first.secret_key in welcome(first, port=8000)
    assert "Secret key  shown when the key was made" in welcome(second, port=8000)


def test_the_first_start_shows_its_sources_in_their_own_order() -> None:
    text = welcome(bootstrap(), port=8000)
    shown = [text.index(f"  {source_type}\n") for source_type in EXAMPLE_SOURCES]
    assert shown == sorted(shown)


@pytest.mark.parametrize(("password", "hinted"), [("", True), ("correct-horse", False)])
def test_the_first_start_says_how_to_set_a_missing_password(password: str, hinted: bool) -> None:
    with override_settings(BOOTSTRAP_PASSWORD=password):
        assert ("changepassword" in welcome(bootstrap(), port=8000)) is hinted
