"""Annotators of imported scores: found by id or email, created, or represented; never merged."""

import uuid
from pathlib import Path
from urllib.parse import quote

import pytest
from django.core.management import CommandError

from modelhub.accounts.models import User
from modelhub.labels.models import Label
from modelhub.scores.models import Score
from tests.client import Caller, entry
from tests.factories import UserFactory
from tests.scores.files import Line, export, lines_of, run_import, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(alice: Caller, labels: dict[str, Label]) -> list[Line]:
    """Return three lines of three unknown annotators on one source and label."""
    return [
        {
            "id": str(uuid.uuid4()),
            "source_type": "trace",
            "source_id": "t-1",
            "label_id": str(labels["star"].pk),
            "value": rating,
            "annotator_id": str(uuid.uuid4()),
            "annotator_email": f"gone{rating}@example.com",
            "annotator_name": f"Gone {rating}",
        }
        for rating in (1, 2, 3)
    ]


def test_an_unknown_annotator_costs_the_line(
    three: list[Line], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_import(write(tmp_path, *three)) == ("0 scores created, 0 changed, 0 unchanged, 3 lines with errors", 1)
    errors = capsys.readouterr().err.splitlines()
    assert errors[0] == (
        'line 1: Annotator not found: "gone1@example.com"; --create-annotators creates those with an email, '
        "--annotator names one for all"
    )
    assert User.objects.count() == 1


class TestStandIn:
    """`--annotator` never merges the scores of several people, nor with those of the stand-in."""

    def test_it_stands_in(self, bob: Caller, three: list[Line], tmp_path: Path) -> None:
        for name in ("annotator_id", "annotator_email"):
            del three[0][name]
        file = write(tmp_path, three[0])
        assert run_import(file, "--annotator", "bob@example.com")[1] == 0
        assert Score.objects.get().annotator == bob.user
        again = run_import(file, "--annotator", "bob@example.com")
        assert again == ("0 scores created, 0 changed, 1 unchanged, 0 lines with errors", 0)

    def test_for_an_unknown_author(self, alice: Caller, bob: Caller, three: list[Line], tmp_path: Path) -> None:
        line = three[0] | {"annotator_id": str(alice.user.pk), "updated_by_email": "boss@example.com"}
        assert run_import(write(tmp_path, line), "--annotator", "bob@example.com")[1] == 0
        score = Score.objects.get()
        assert (score.annotator, score.updated_by) == (alice.user, bob.user)

    def test_two_lines_in_one_slot_are_errors(
        self, bob: Caller, three: list[Line], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        three[2]["value"] = three[0]["value"]
        file = write(tmp_path, *three)
        sentence = "Line 1 has another score of this source, label and stand-in bob@example.com"
        sentences = [f"line {at}: {sentence}" for at in (2, 3)]
        for summary in ("1 score created, 0 changed, 0 unchanged", "0 scores created, 0 changed, 1 unchanged"):
            assert run_import(file, "--annotator", "bob@example.com") == (f"{summary}, 2 lines with errors", 1)
            assert capsys.readouterr().err.splitlines() == sentences
            assert Score.objects.get().value == {"rating": 1}

    @pytest.mark.parametrize("with_ids", [True, False])
    def test_two_files_are_not_merged_either(
        self, bob: Caller, three: list[Line], tmp_path: Path, capsys: pytest.CaptureFixture[str], with_ids: bool
    ) -> None:
        if not with_ids:
            for line in three:
                del line["id"]
        assert run_import(write(tmp_path, three[0]), "--annotator", "bob@example.com")[1] == 0
        assert run_import(write(tmp_path, three[1]), "--annotator", "bob@example.com")[1] == 1
        score = Score.objects.get()
        assert score.value == {"rating": 1}
        sentence = f"line 1: bob@example.com has another score of this source and label, {score.pk}\n"
        assert capsys.readouterr().err == sentence

    def test_a_repeat_without_ids_changes_nothing(self, bob: Caller, three: list[Line], tmp_path: Path) -> None:
        del three[0]["id"]
        file = write(tmp_path, three[0])
        for summary in ("1 score created, 0 changed, 0 unchanged", "0 scores created, 0 changed, 1 unchanged"):
            assert run_import(file, "--annotator", "bob@example.com") == (f"{summary}, 0 lines with errors", 0)

    def test_an_equal_score_of_another_person_is_no_repeat(
        self, bob: Caller, three: list[Line], tmp_path: Path
    ) -> None:
        three[1]["value"] = three[0]["value"]
        for line, status in zip(three, (0, 1), strict=False):
            assert run_import(write(tmp_path, line), "--annotator", "bob@example.com")[1] == status

    def test_its_own_scores_stay(
        self, bob: Caller, labels: dict[str, Label], three: list[Line], tmp_path: Path
    ) -> None:
        assert bob.post("/model-hub/sources/", {"source_type": "trace", "source_id": "t-1"}).status == 201
        batch = {"source_type": "trace", "source_id": "t-1", "scores": [entry(labels["star"], 5)]}
        assert bob.post("/model-hub/scores/bulk/", batch).status == 201
        assert run_import(write(tmp_path, three[0]), "--annotator", "bob@example.com")[1] == 1
        assert Score.objects.get().value == {"rating": 5}

    def test_a_newer_export_of_the_same_score_overwrites(self, bob: Caller, three: list[Line], tmp_path: Path) -> None:
        assert run_import(write(tmp_path, three[0]), "--annotator", "bob@example.com")[1] == 0
        changed = "0 scores created, 1 changed, 0 unchanged, 0 lines with errors"
        assert run_import(write(tmp_path, three[0] | {"value": 5}), "--annotator", "bob@example.com") == (changed, 0)

    def test_of_another_organization(self, alice: Caller, charlie: Caller, three: list[Line], tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"charlie@example.org and alice@example.com belong to different org"):
            run_import(write(tmp_path, *three), "--as", "alice@example.com", "--annotator", "charlie@example.org")


class TestCreateAnnotators:
    """`--create-annotators` makes absent people: inactive, by email, in the organization."""

    CREATED = "3 scores created, 0 changed, 0 unchanged, 0 lines with errors\n3 annotators created, inactive"

    def test_each_has_the_own_score(self, alice: Caller, three: list[Line], tmp_path: Path) -> None:
        three[2]["annotator_email"] = "GONE3@example.com"
        file = write(tmp_path, *three)
        assert run_import(file, "--create-annotators") == (self.CREATED, 0)
        scores = Score.objects.order_by("annotator__email")
        assert [str(score.pk) for score in scores] == [line["id"] for line in three]
        for score, line in zip(scores, three, strict=True):
            person = score.annotator
            assert (person.email, person.name) == (line["annotator_email"].lower(), line["annotator_name"])
            assert str(person.pk) == line["annotator_id"]
            assert (person.organization, person.role) == (alice.user.organization, "member")
            assert not person.is_active
            assert not person.is_staff
            assert not person.has_usable_password()
        before = list(Score.objects.values()), list(User.objects.values())
        again = "0 scores created, 0 changed, 3 unchanged, 0 lines with errors"
        assert run_import(file, "--create-annotators") == (again, 0)
        assert run_import(file) == (again, 0)
        assert (list(Score.objects.values()), list(User.objects.values())) == before
        exported = lines_of(export(alice)[0])
        assert [one["annotator_name"] for one in exported] == ["Gone 1", "Gone 2", "Gone 3"]

    def test_a_dry_run_creates_none(self, three: list[Line], tmp_path: Path) -> None:
        file = write(tmp_path, *three)
        would = "3 scores would be created, 0 would be changed, 0 unchanged, 0 lines with errors\n"
        assert run_import(file, "--create-annotators", "--dry-run") == (
            would + "3 annotators would be created, inactive",
            0,
        )
        assert User.objects.count() == 1
        assert run_import(file, "--create-annotators") == (self.CREATED, 0)

    def test_a_line_that_is_not_stored_creates_none(self, three: list[Line], tmp_path: Path) -> None:
        three[0]["value"] = 9
        assert run_import(write(tmp_path, three[0]), "--create-annotators")[1] == 1
        assert User.objects.count() == 1

    def test_an_author_is_created_too(self, alice: Caller, three: list[Line], tmp_path: Path) -> None:
        author = {"updated_by": str(uuid.uuid4()), "updated_by_email": "boss@example.com", "updated_by_name": "Boss"}
        assert run_import(write(tmp_path, three[0] | author), "--create-annotators")[1] == 0
        [exported] = lines_of(export(alice)[0])
        assert {name: exported[name] for name in author} == author

    def test_an_id_that_is_taken_elsewhere(self, charlie: Caller, three: list[Line], tmp_path: Path) -> None:
        three[0]["annotator_id"] = str(charlie.user.pk)
        file = write(tmp_path, three[0])
        assert run_import(file, "--as", "alice@example.com", "--create-annotators")[1] == 0
        assert run_import(file, "--as", "alice@example.com")[0].startswith("0 scores created, 0 changed, 1 unchanged")
        assert User.objects.get(email="gone1@example.com").pk != charlie.user.pk

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"annotator_email": "gone"}, 'The email of an annotator must be an email address, got "gone"'),
            ({"annotator_email": "charlie@example.org"}, "The email charlie@example.org belongs to a user of another"),
            ({"annotator_email": f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.org"}, "The email of an"),
            (
                {"annotator_email": '"\x1b"@example.com'},
                r'The email of an annotator must be an email address, got "\"\u001b',
            ),
            ({"annotator_email": "gone@exam\u202eple.com"}, "The email of an annotator must be an email address, got "),
            ({"annotator_email": None}, "Annotator not found: "),
            ({"annotator_email": None, "annotator_id": None}, "annotator_email or annotator must be given"),
            ({"annotator_name": 5}, "The name of an annotator must be a string of at most 255 characters, got 5"),
            ({"annotator_name": "x" * 256}, "The name of an annotator must be a string of at most 255 characters"),
            ({"annotator_name": "\x00"}, "the annotator holds a NUL character, which cannot be stored"),
        ],
    )
    def test_one_that_cannot_be_created(
        self,
        charlie: Caller,
        three: list[Line],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        changes: Line,
        sentence: str,
    ) -> None:
        file = write(tmp_path, three[0] | changes)
        assert run_import(file, "--as", "alice@example.com", "--create-annotators")[1] == 1
        assert capsys.readouterr().err.startswith(f"line 1: {sentence}")
        assert User.objects.count() == 2


def test_a_stand_in_is_for_those_that_cannot_be_created(bob: Caller, three: list[Line], tmp_path: Path) -> None:
    del three[1]["annotator_email"]
    arguments = ("--create-annotators", "--annotator", "bob@example.com")
    assert run_import(write(tmp_path, *three[:2]), *arguments)[1] == 0
    found = dict(Score.objects.values_list("annotator__email", "value__rating"))
    assert found == {"gone1@example.com": 1, "bob@example.com": 2}


class TestIdAndEmail:
    def test_an_id_wins_over_an_email_that_changed(self, bob: Caller, three: list[Line], tmp_path: Path) -> None:
        three[0]["annotator_id"] = str(bob.user.pk)
        assert run_import(write(tmp_path, three[0]))[1] == 0
        assert Score.objects.get().annotator == bob.user

    def test_of_two_users(
        self, bob: Caller, three: list[Line], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        other = UserFactory.create(organization=bob.user.organization, email="gone1@example.com")
        three[0]["annotator_id"] = str(bob.user.pk)
        assert run_import(write(tmp_path, three[0]))[1] == 1
        expected = f"line 1: annotator and annotator_email must name one user, got {bob.user.email} and {other.email}\n"
        assert capsys.readouterr().err == expected

    @pytest.mark.parametrize("email", [" Bob@Example.com ", "bob@\uff45xample.com"])
    def test_an_email_is_a_login_in_any_spelling(
        self, bob: Caller, three: list[Line], tmp_path: Path, email: str
    ) -> None:
        assert run_import(write(tmp_path, three[0] | {"annotator_email": email}), "--create-annotators")[1] == 0
        assert Score.objects.get().annotator == bob.user
        assert bob.get(f"/model-hub/scores/?annotator_email={quote(email)}").body["count"] == 1

    def test_two_ids(self, bob: Caller, three: list[Line], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run_import(write(tmp_path, three[0] | {"annotator": str(bob.user.pk)}))[1] == 1
        assert capsys.readouterr().err.startswith("line 1: annotator and annotator_id must be the same, got ")
