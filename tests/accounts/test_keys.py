"""Scopes of keys, and the commands that create, rotate, revoke and list them."""

import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from modelhub.accounts.keys import rotate_api_key
from modelhub.accounts.models import ApiKey, User
from modelhub.core.errors import Conflict
from modelhub.labels.models import Label
from modelhub.scores.models import Score, ScoreRevision
from modelhub.sources.models import Source
from tests.client import Caller, entry
from tests.factories import ScoreFactory, UserFactory

pytestmark = pytest.mark.django_db

LABELS = "/model-hub/annotations-labels/"


def scoped(caller: Caller, *scopes: str) -> Caller:
    caller.key.scopes = list(scopes)
    caller.key.save()
    return caller


def pair_of(text: str) -> dict[str, str]:
    found = re.search(r"API key +(\S+)\nSecret key +(\S+)", text)
    assert found
    return {"X-Api-Key": found[1], "X-Secret-Key": found[2]}


class TestScopes:
    """`read`, `write`, `admin` (in test_changing_scores) and `act-as`."""

    def test_a_key_that_only_reads(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        reader = scoped(alice, "read")
        assert reader.get(LABELS).status == 200
        answer = reader.bulk(trace, [entry(labels["star"], 4)])
        assert (answer.status, answer.body["code"]) == (403, "scope")
        assert answer.body["detail"] == "This API key lacks the scope write; it has read."
        assert not Score.objects.exists()

    def test_a_key_that_only_writes(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        writer = scoped(alice, "write")
        assert writer.bulk(trace, [entry(labels["star"], 4)]).status == 201
        assert writer.get(LABELS).status == 403

    def test_a_key_for_nothing(self, alice: Caller) -> None:
        assert scoped(alice).get(LABELS).body["detail"] == "This API key lacks the scope read; it has none."


class TestActAs:
    """A key with `act-as` writes scores of other annotators."""

    def test_scores_become_those_of_the_annotator_that_is_named(
        self, alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        backend = scoped(alice, "read", "write", "act-as")
        bobs = str(bob.user.pk)
        bulk = backend.bulk(trace, [entry(labels["star"], 4)], annotator_id=bobs)
        camel = backend.bulk(trace, [entry(labels["star"], 3)], annotatorId=bobs)
        single = {
            "source_type": "trace",
            "source_id": trace.source_id,
            "annotator_id": bobs,
            **entry(labels["text"], "x"),
        }

        assert bulk.body["scores"][0]["annotator_email"] == "bob@example.com"
        assert camel.body["scores"][0]["id"] == bulk.body["scores"][0]["id"]
        assert backend.post("/model-hub/scores/", single | {"annotator_id": bobs}).body["annotator"] == bobs
        assert set(Score.objects.values_list("annotator_id", flat=True)) == {bob.user.pk}
        assert ScoreRevision.objects.get().replaced_by == bob.user

    def test_corrections_within_the_rights_of_the_annotator(
        self, alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        backend = scoped(alice, "read", "write", "act-as")
        score = backend.bulk(trace, [entry(labels["star"], 4)]).body["scores"][0]
        path, bobs = f"/model-hub/scores/{score['id']}/", str(bob.user.pk)
        assert backend.request("PATCH", path, {"value": 3, "annotator_id": bobs}).status == 403
        assert backend.request("PATCH", path, {"value": 3}).status == 200

    def test_no_member_becomes_an_admin_by_acting_as_one(
        self, alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        admin = UserFactory.create(organization=alice.user.organization, role="admin")
        score = alice.bulk(trace, [entry(labels["star"], 4)]).body["scores"][0]
        member = scoped(bob, "read", "write", "admin", "act-as")
        body = {"value": 1, "annotator_id": str(admin.pk)}
        answer = member.request("PATCH", f"/model-hub/scores/{score['id']}/", body)
        assert answer.status == 403
        assert "bob@example.com has the role member" in answer.body["detail"]

    def test_not_without_the_scope_unless_it_is_oneself(
        self, alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        answer = alice.bulk(trace, [entry(labels["star"], 4)], annotator_id=str(bob.user.pk))
        assert (answer.status, answer.body["code"]) == (403, "scope")
        assert alice.bulk(trace, [entry(labels["star"], 4)], annotator_id=str(alice.user.pk)).status == 201

    def test_only_annotators_of_the_organization(
        self, alice: Caller, charlie: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        backend = scoped(alice, "read", "write", "act-as")
        gone = UserFactory.create(organization=alice.user.organization, is_active=False)
        for wrong in (str(charlie.user.pk), str(uuid.uuid4()), str(gone.pk), "x", 7):
            answer = backend.bulk(trace, [entry(labels["star"], 4)], annotator_id=wrong)
            assert (answer.status, answer.body["code"]) == (400, "annotator_not_found")
        emails: list[object] = [charlie.user.email, gone.email, "x", "", "a\x00b", "\ud800", 7, []]
        for email in emails:
            answer = backend.bulk(trace, [entry(labels["star"], 4)], annotator_email=email)
            assert (answer.status, answer.body["code"]) == (400, "annotator_not_found")
            sentence = "annotator_email must be the email of an annotator of this organization, got"
            assert sentence in answer.body["errors"]["annotator_email"][0]
            assert answer.body["detail"].endswith("; an admin adds users at /model-hub/users/")
        assert not Score.objects.exists()

    def test_by_email_in_any_spelling_on_every_write(
        self, alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        backend = scoped(alice, "read", "write", "act-as")
        single = {"source_type": "trace", "source_id": trace.source_id, **entry(labels["text"], "x")}
        bulk = backend.bulk(trace, [entry(labels["star"], 4)], annotator_email="bob@example.com")
        [score] = bulk.body["scores"]
        path = f"/model-hub/scores/{score['id']}/"
        alone = backend.post("/model-hub/scores/", single | {"annotatorEmail": " Bob@Example.COM "})
        answers = [
            alone,
            backend.patch(path, {"value": 3, "annotatorEmail": "BOB@example.com"}),
            backend.put(path, {"value": 2, "annotator_email": "bob@example.com", "annotator_id": str(bob.user.pk)}),
        ]
        assert [answer.status for answer in answers] == [201, 200, 200]
        assert {answer.body["annotator"] for answer in answers} == {score["annotator"]} == {str(bob.user.pk)}
        assert {answer.body["updated_by_email"] for answer in answers} == {"bob@example.com"}

    def test_id_and_email_must_name_one_annotator(
        self, alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        backend = scoped(alice, "read", "write", "act-as")
        score = ScoreFactory.create(source=trace, label=labels["star"], annotator=bob.user)
        both = {"annotator_id": str(bob.user.pk), "annotator_email": "alice@example.com"}
        single = {"source_type": "trace", "source_id": trace.source_id, **entry(labels["text"], "x")}
        for answer in (
            backend.bulk(trace, [entry(labels["star"], 1)], **both),
            backend.post("/model-hub/scores/", single | both),
            backend.patch(f"/model-hub/scores/{score.pk}/", {"value": 1} | both),
            backend.put(f"/model-hub/scores/{score.pk}/", {"value": 1} | both),
        ):
            assert (answer.status, answer.body["code"]) == (400, "annotator_not_found")
            assert "annotator_id and annotator_email must name one annotator" in answer.body["detail"]
        assert Score.objects.get().value == {"rating": 4}

    def test_not_by_email_without_the_scope_unless_it_is_oneself(
        self, alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        annotator = scoped(bob, "annotate")
        answer = annotator.bulk(trace, [entry(labels["star"], 4)], annotator_email="alice@example.com")
        assert (answer.status, answer.body["code"]) == (403, "scope")
        own = {"annotator_email": "BOB@example.com", "annotator_id": str(bob.user.pk).upper()}
        assert annotator.bulk(trace, [entry(labels["star"], 4)], **own).status == 201


class TestCommands:
    """Rotate, revoke and list; test_authentication creates."""

    def test_rotation_keeps_the_old_pair_for_a_while(self, alice: Caller, capsys: pytest.CaptureFixture[str]) -> None:
        scoped(alice, "read", "act-as")
        call_command("rotate_api_key", alice.key.api_key, "--grace-hours", "1")
        new = pair_of(capsys.readouterr().out)

        assert alice.client.get(LABELS, headers=new).status_code == 200
        assert ApiKey.objects.get(api_key=new["X-Api-Key"]).scopes == ["read", "act-as"]
        assert alice.get(LABELS).status == 200
        ApiKey.objects.filter(pk=alice.key.pk).update(expires_at=timezone.now())
        assert alice.get(LABELS).status == 401

    def test_rotation_never_lengthens_a_life(self, alice: Caller) -> None:
        soon = timezone.now() + timedelta(minutes=1)
        ApiKey.objects.filter(pk=alice.key.pk).update(expires_at=soon)
        call_command("rotate_api_key", alice.key.api_key)
        assert set(ApiKey.objects.values_list("expires_at", flat=True)) == {soon}

    def test_a_key_has_one_successor(self, alice: Caller, capsys: pytest.CaptureFixture[str]) -> None:
        """A second rotation would give the new pair the end of the grace period."""
        call_command("rotate_api_key", alice.key.api_key)
        printed = capsys.readouterr().out
        new = pair_of(printed)["X-Api-Key"]
        alice.key.refresh_from_db()
        assert alice.key.expires_at is not None
        until = f"{alice.key.expires_at:%Y-%m-%d %H:%M} UTC"
        assert f"The old pair {alice.key.api_key} is valid until {until}." in printed
        sentence = f"has the successor {new} already, and is valid until {until}; rotate the successor"
        with pytest.raises(CommandError, match=re.escape(sentence)):
            call_command("rotate_api_key", alice.key.api_key)
        call_command("rotate_api_key", new)
        assert ApiKey.objects.filter(expires_at=None).count() == 1
        assert ApiKey.objects.count() == 3

    def test_a_key_whose_successor_ended_gets_another(self, alice: Caller, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("rotate_api_key", alice.key.api_key)
        lost = pair_of(capsys.readouterr().out)["X-Api-Key"]
        call_command("revoke_api_key", lost)
        alice.key.refresh_from_db()
        ends = alice.key.expires_at
        capsys.readouterr()
        call_command("rotate_api_key", alice.key.api_key)
        new = pair_of(capsys.readouterr().out)
        assert alice.client.get(LABELS, headers=new).status_code == 200
        alice.key.refresh_from_db()
        assert alice.key.successor is not None
        assert alice.key.successor.api_key == new["X-Api-Key"]
        assert alice.key.successor.expires_at is None
        assert alice.key.expires_at == ends

    def test_the_end_of_a_new_pair_is_printed(self, alice: Caller, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("create_api_key", "alice@example.com", "--expires-in-days", "1")
        tomorrow = timezone.now() + timedelta(days=1)
        assert f"scopes read write admin, valid until {tomorrow:%Y-%m-%d}" in capsys.readouterr().out
        ApiKey.objects.filter(pk=alice.key.pk).update(expires_at=tomorrow)
        call_command("rotate_api_key", alice.key.api_key)
        assert f"admin, valid until {tomorrow:%Y-%m-%d %H:%M} UTC; the" in capsys.readouterr().out

    def test_revocation(self, alice: Caller, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("revoke_api_key", alice.key.api_key)
        assert alice.get(LABELS).status == 401
        with pytest.raises(CommandError, match="not valid any more"):
            call_command("rotate_api_key", alice.key.api_key)
        call_command("list_api_keys")
        assert re.search(rf"{alice.key.api_key} .*read,write,admin.* never +revoked", capsys.readouterr().out)

    def test_the_list_shows_the_last_use(self, alice: Caller, capsys: pytest.CaptureFixture[str]) -> None:
        alice.get(LABELS)
        call_command("list_api_keys")
        assert f"last used {timezone.now():%Y-%m-%d}" in capsys.readouterr().out

    def test_the_scope_admin_for_a_member_is_a_warning(self, bob: Caller, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("create_api_key", "bob@example.com", "--scope", "write", "--scope", "admin")
        warned = capsys.readouterr().err
        assert warned == "Warning: the scope admin has no effect while bob@example.com has the role member.\n"
        call_command("create_api_key", "bob@example.com")
        assert capsys.readouterr().err == ""

    def test_scopes_of_a_new_key(self, alice: Caller, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("create_api_key", "alice@example.com", "--scope", "read", "--scope", "act-as")
        key = ApiKey.objects.get(api_key=pair_of(capsys.readouterr().out)["X-Api-Key"])
        assert key.scopes == ["read", "act-as"]

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("create_api_key", "nobody@example.com"), "There is no user nobody@example.com"),
            (("create_api_key", "--expires-in-days", "0"), "--expires-in-days must be from 1 to 36500, got 0"),
            (("create_api_key", "--expires-in-days", "99999999999"), "--expires-in-days must be from 1 to 36500"),
            (("create_api_key", "--name", "n" * 256), "The name of a key must have 1 to 255 visible characters, got"),
            (("create_api_key", "--name", "\x1b[2J"), "1 to 255 visible characters, got"),
            (("rotate_api_key", "nothing"), "There is no API key nothing"),
            (("revoke_api_key", "nothing"), "There is no API key nothing"),
        ],
    )
    def test_refusals(self, alice: Caller, arguments: Any, sentence: str) -> None:
        with pytest.raises(CommandError, match=sentence):
            call_command(*arguments)


@pytest.mark.django_db(transaction=True)
def test_rotations_of_the_same_moment_make_one_successor(alice: Caller) -> None:
    begin = threading.Barrier(4)

    def rotate(_: int) -> bool:
        key = ApiKey.objects.select_related("user").get(pk=alice.key.pk)
        begin.wait()
        try:
            rotate_api_key(key, grace=timedelta(hours=1))
        except Conflict:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(rotate, range(4))) == 1
    assert ApiKey.objects.count() == 2


def test_an_inactive_user_is_called_inactive(bob: Caller) -> None:
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    with pytest.raises(CommandError, match=r"The user bob@example\.com is inactive"):
        call_command("create_api_key", "bob@example.com")
