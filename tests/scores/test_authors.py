"""`updated_by`: the user behind the present value of a score, and behind each replaced one."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from modelhub.core import exact_json
from modelhub.labels.models import Label
from modelhub.scores.models import Score, ScoreRevision
from modelhub.sources.models import Source
from tests.client import Caller, entry, execute
from tests.factories import ScoreFactory

pytestmark = pytest.mark.django_db

SCORES = "/model-hub/scores/"


@pytest.fixture
def score(bob: Caller, trace: Source, labels: dict[str, Label]) -> Score:
    """Bob's."""
    return ScoreFactory.create(source=trace, label=labels["star"], annotator=bob.user)


def path(score: Score) -> str:
    return f"{SCORES}{score.pk}/"


def author(body: dict[str, Any]) -> tuple[str, str, str]:
    return body["updated_by"], body["updated_by_name"], body["updated_by_email"]


def named(caller: Caller) -> tuple[str, str, str]:
    return str(caller.user.pk), caller.user.display_name, caller.user.email


def chain(caller: Caller, score: Score) -> list[tuple[int, str, str, str]]:
    """Return rating, its author, the end of it and the user of the end, oldest first."""
    revisions = caller.get(path(score) + "history/").body["results"]
    return [
        (one["value"]["rating"], one["updated_by_email"], one["action"], one["replaced_by_email"])
        for one in reversed(revisions)
    ]


def export(caller: Caller, query: str = "") -> str:
    headers = {"X-Api-Key": caller.key.api_key, "X-Secret-Key": caller.secret}
    response = caller.client.get(f"{SCORES}export/{query}", headers=headers)
    return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]


def test_a_score_is_the_word_of_its_annotator_until_an_admin_corrects_it(
    alice: Caller, bob: Caller, score: Score
) -> None:
    assert author(bob.get(path(score)).body) == named(bob)
    corrected = alice.patch(path(score), {"value": 1}).body
    assert (corrected["annotator_email"], author(corrected)) == (bob.user.email, named(alice))


@pytest.mark.parametrize("query", ["", "?cursor=", "?annotator_email=bob@example.com"])
def test_lists_name_the_author(alice: Caller, bob: Caller, score: Score, query: str) -> None:
    alice.patch(path(score), {"notes": "better"})
    [listed] = bob.get(SCORES + query).body["results"]
    assert (listed["annotator"], author(listed)) == (str(bob.user.pk), named(alice))


def test_the_list_of_a_source_and_both_exports_name_the_author(alice: Caller, bob: Caller, score: Score) -> None:
    alice.patch(path(score), {"value": 2})
    source = score.source
    [found] = bob.get(f"{SCORES}for-source/?source_type={source.source_type}&source_id={source.source_id}").body
    [line] = export(bob).splitlines()
    [row] = csv.DictReader(io.StringIO(export(bob, "?export_format=csv")))
    for body in (found, exact_json.loads(line), row):
        assert author(body) == named(alice)


def test_a_user_without_a_name_is_named_by_the_email(bob: Caller, alice: Caller, score: Score) -> None:
    alice.user.name = ""
    alice.user.save()
    answer = alice.patch(path(score), {"value": 2}).body
    assert answer["updated_by_name"] == "alice@example.com"
    assert alice.bulk(score.source, [entry(score.label, 1)]).body["scores"][0]["updated_by_name"] == "alice@example.com"


def test_the_whole_chain_can_be_read(alice: Caller, bob: Caller, score: Score) -> None:
    alice.patch(path(score), {"value": 1})
    bob.bulk(score.source, [entry(score.label, 2)])
    bob.patch(path(score), {"value": 3})
    alice.patch(path(score), {"value": 5})
    alice.delete(path(score))

    alices, bobs = "alice@example.com", "bob@example.com"
    assert chain(bob, score) == [
        (4, bobs, "overwritten", alices),
        (1, alices, "overwritten", bobs),
        (2, bobs, "overwritten", bobs),
        (3, bobs, "overwritten", alices),
        (5, alices, "deleted", alices),
    ]
    score.refresh_from_db()
    assert score.updated_by == alice.user


@pytest.mark.parametrize("by_filter", [True, False])
def test_a_bulk_deletion_names_its_user_where_that_is_not_the_annotator(
    alice: Caller, bob: Caller, score: Score, labels: dict[str, Label], by_filter: bool
) -> None:
    alices = ScoreFactory.create(source=score.source, label=labels["text"], annotator=alice.user)
    chosen = (
        {"filter": {"source_id": score.source.source_id}} if by_filter else {"ids": [str(score.pk), str(alices.pk)]}
    )
    assert alice.post(SCORES + "bulk-delete/", chosen).body["deleted"] == 2
    assert dict(Score.objects.values_list("pk", "updated_by")) == {score.pk: alice.user.pk, alices.pk: None}


def test_writing_again_makes_it_the_annotators_word(alice: Caller, bob: Caller, score: Score) -> None:
    alice.patch(path(score), {"value": 1})
    answer = bob.bulk(score.source, [entry(score.label, 2)])
    assert author(answer.body["scores"][0]) == author(bob.get(path(score)).body) == named(bob)


@pytest.mark.parametrize("query", ["", "?dry_run=true", "?atomic=true"])
def test_an_equal_score_keeps_its_author(alice: Caller, bob: Caller, score: Score, query: str) -> None:
    corrected = alice.patch(path(score), {"value": 1}).body
    repeated = bob.bulk(score.source, [entry(score.label, 1)], query).body["scores"][0]
    assert author(repeated) == named(alice)
    assert bob.patch(path(score), {"value": 1}).body == bob.get(path(score)).body == corrected
    assert ScoreRevision.objects.count() == 1


def test_a_dry_run_names_the_annotator_of_a_change(alice: Caller, bob: Caller, score: Score) -> None:
    alice.patch(path(score), {"value": 1})
    would = bob.bulk(score.source, [entry(score.label, 2)], "?dry_run=true").body["scores"][0]
    assert author(would) == named(bob)
    assert author(bob.get(path(score)).body) == named(alice)


def test_a_key_that_acts_as_the_annotator_writes_the_annotators_word(alice: Caller, bob: Caller, score: Score) -> None:
    alice.patch(path(score), {"value": 1})
    alice.key.scopes = ["read", "write", "act-as"]
    alice.key.save()
    bobs = {"annotator_id": str(bob.user.pk)}
    assert author(alice.bulk(score.source, [entry(score.label, 2)], **bobs).body["scores"][0]) == named(bob)
    assert author(alice.patch(path(score), {"value": 3, **bobs}).body) == named(bob)


@pytest.mark.django_db(transaction=True)
def test_the_chain_holds_while_annotator_and_admin_change_a_score_at_the_same_time(
    alice: Caller, bob: Caller, score: Score
) -> None:
    """The author of each value is the user that ended the value before it."""

    def change(writer: int) -> None:
        for turn in range(5):
            note = {"notes": f"{writer} {turn}"}
            if writer % 2:
                assert Caller(alice.key).patch(path(score), note).status == 200
            else:
                assert Caller(bob.key).bulk(score.source, [entry(score.label, turn + 1, **note)]).status == 201
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(4)))
    ended = chain(bob, score)
    assert len(ended) == 20
    assert [one[1] for one in ended[1:]] == [one[3] for one in ended[:-1]]
    assert bob.get(path(score)).body["updated_by_email"] == ended[-1][3]
    assert {one[1] for one in ended} == {"alice@example.com", "bob@example.com"}


class TestImport:
    """An export brings the authors back."""

    def run(self, tmp_path: Path, text: str, *arguments: str) -> str:
        out, file = io.StringIO(), tmp_path / "scores.jsonl"
        file.write_text(text)
        call_command("import_scores", str(file), *arguments, stdout=out)
        return out.getvalue()

    def test_a_restored_score_has_its_author(self, alice: Caller, bob: Caller, score: Score, tmp_path: Path) -> None:
        alice.patch(path(score), {"value": 1})
        before, text = bob.get(path(score)).body, export(bob)
        bob.delete(path(score))
        assert self.run(tmp_path, text).startswith("1 score created")
        assert bob.get(path(score)).body == before
        assert self.run(tmp_path, text).startswith("0 scores created, 0 changed, 1 unchanged")

    def test_the_annotator_is_stored_as_null(self, alice: Caller, score: Score, tmp_path: Path) -> None:
        text = export(alice)
        Score.objects.all().delete()
        assert self.run(tmp_path, text).startswith("1 score created")
        assert Score.objects.get().updated_by is None

    def test_a_line_of_another_author_alone_changes_nothing(
        self, alice: Caller, bob: Caller, score: Score, tmp_path: Path
    ) -> None:
        text = export(bob)
        alice.patch(path(score), {"value": 1})
        alice.patch(path(score), {"value": 4})
        assert self.run(tmp_path, text).startswith("0 scores created, 0 changed, 1 unchanged")
        assert author(bob.get(path(score)).body) == named(alice)

    def test_an_older_value_is_a_change_by_the_user_of_the_import(
        self, alice: Caller, bob: Caller, score: Score, tmp_path: Path
    ) -> None:
        text = export(bob)
        bob.patch(path(score), {"value": 1})
        assert self.run(tmp_path, text).startswith("0 scores created, 1 changed")
        assert author(bob.get(path(score)).body) == named(alice)
        assert chain(bob, score)[-1] == (1, bob.user.email, "overwritten", alice.user.email)

    def test_a_restored_score_without_a_time_is_restored_by_the_user_of_the_import(
        self, alice: Caller, bob: Caller, score: Score, tmp_path: Path
    ) -> None:
        line = {name: value for name, value in exact_json.loads(export(bob)).items() if "updated" not in name}
        bob.delete(path(score))
        self.run(tmp_path, exact_json.dumps(line))
        assert author(bob.get(path(score)).body) == named(alice)

    def test_an_unknown_author_costs_the_line(
        self, alice: Caller, bob: Caller, score: Score, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        line = exact_json.loads(export(bob)) | {"value": 2, "updated_by": "x", "updated_by_email": "gone@example.com"}
        with pytest.raises(SystemExit):
            self.run(tmp_path, exact_json.dumps(line))
        assert 'Annotator not found: "gone@example.com"' in capsys.readouterr().err
        assert bob.get(path(score)).body["value"] == {"rating": 4}


class TestUpgrade:
    """The migration reads the authors of changes before it from the history."""

    def test_scores_and_revisions_of_the_version_before_get_their_authors(
        self, alice: Caller, bob: Caller, score: Score, labels: dict[str, Label]
    ) -> None:
        texts = ScoreFactory.create_batch(2, source=score.source, label=labels["text"], value={"text": "a"})
        kept, deleted = texts
        for value in (1, 2):
            alice.patch(path(score), {"value": value})
        bob.patch(path(score), {"value": 3})
        alice.patch(path(score), {"value": 5})
        alice.delete(path(deleted))
        before = chain(bob, score), authors()
        assert before[1] == {score.pk: alice.user.pk, kept.pk: None, deleted.pk: alice.user.pk}

        fill = import_module("modelhub.migrations.0003_fill_updated_by")
        execute(fill.TRIGGER.format("DISABLE"))
        execute("UPDATE modelhub_score SET updated_by_id = NULL")
        execute("UPDATE modelhub_scorerevision SET updated_by_id = NULL")
        execute(fill.TRIGGER.format("ENABLE"))
        assert (chain(bob, score), authors()) != before
        for operation in fill.Migration.operations:
            execute(operation.sql)
        assert (chain(bob, score), authors()) == before

    def test_the_function_of_the_version_before_still_stores(self, bob: Caller, score: Score) -> None:
        with connection.cursor() as cursor:
            call = (
                "SELECT outcome FROM modelhub_store_scores_v1(NULL, %s, %s, %s, %s, ARRAY[gen_random_uuid()], %s,"
                ' \'[{"value": {"rating": 2}, "score_source": "human", "notes": null}]\')'
            )
            source = score.source
            parameters: list[Any] = [
                score.organization_id,
                source.source_type,
                source.source_key,
                bob.user.pk,
                [score.label_id],
            ]
            cursor.execute(call, parameters)
            assert cursor.fetchone() == ("stored",)
        assert author(bob.get(path(score)).body) == named(bob)
        assert chain(bob, score) == [(4, bob.user.email, "overwritten", bob.user.email)]


def authors() -> dict[Any, Any]:
    return dict(Score.objects.values_list("pk", "updated_by"))
