"""A key that a server keeps in memory opens what it opens in the database, whoever changes it and when."""

import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from modelhub import keys, scores
from modelhub.keys import digest, revoke_api_key, rotate_api_key
from modelhub.known_keys import KNOWN_KEYS, KnownKeys
from modelhub.locks import labels_lock
from modelhub.models import ApiKey, Label, Score, Source
from modelhub.rates import Rate
from modelhub.score_store import Stored, store_scores
from tests.conftest import BULK, Answer, Caller, entry, execute
from tests.factories import ApiKeyFactory, LabelFactory, OrganizationFactory, SourceFactory, UserFactory
from tests.test_metrics import value

pytestmark = pytest.mark.django_db(transaction=True)

SINGLE = "/model-hub/scores/"
KEY, USER = "UPDATE modelhub_apikey SET", "UPDATE modelhub_user SET"
ELSEWHERE = "organization_id = (SELECT id FROM modelhub_organization WHERE name = 'Elsewhere')"
# What is done to a key by somebody with psql, and what whoever shows it hears then.
CHANGES = {
    f"{KEY} revoked_at = now()": 401,
    f"{KEY} expires_at = now()": 401,
    f"{KEY} secret_digest = 'sha256$0'": 401,
    f"{KEY} api_key = gen_random_uuid()": 401,
    f"{KEY} id = gen_random_uuid(), revoked_at = now()": 401,
    f"{KEY} {ELSEWHERE}": 401,
    f"{KEY} user_id = (SELECT id FROM modelhub_user WHERE email = 'other@example.com')": 401,
    f"{USER} is_active = false": 401,
    f"{USER} {ELSEWHERE}": 401,
    "DELETE FROM modelhub_apikey": 401,
    "TRUNCATE modelhub_apikey": 401,
    f"{KEY} scopes = '{{read}}'": 403,
    f"{KEY} scopes = '{{}}'": 403,
}


@pytest.fixture
def star(labels: dict[str, Label]) -> Label:
    return labels["star"]


def counted(act: Callable[[], Answer]) -> tuple[Answer, int]:
    """The answer, and how many statements read a key for it."""
    with CaptureQueriesContext(connection) as captured:
        answer = act()
    return answer, sum("WHERE key.api_key =" in query["sql"] for query in captured)


def source_of(source: Source) -> dict[str, str]:
    """As requests name it."""
    return {"source_type": source.source_type, "source_id": source.source_id}


def remember(caller: Caller, source: Source, label: Label) -> None:
    """The first time its use is noted, the second time it is kept."""
    for _ in range(2):
        assert caller.bulk(source, [entry(label, 3)]).status == 201
    assert KNOWN_KEYS.find(caller.key.api_key, caller.secret)


def asks(caller: Caller, source: Source, label: Label) -> dict[str, Callable[[], Answer]]:
    """Requests of every kind that stores scores, right and wrong in every way, by a name."""
    good, ref, repeat = entry(label, 4), source_of(source), {"headers": {"Idempotency-Key": "one"}}
    nobody = {"source_type": "trace", "source_id": str(uuid.uuid4())}
    return {
        "one batch": lambda: caller.bulk(source, [good]),
        "one that stores nothing": lambda: caller.bulk(source, [entry(label, 9)]),
        "one that is tried": lambda: caller.bulk(source, [good], "?dry_run=true"),
        "all or nothing": lambda: caller.bulk(source, [good, entry(label, 9)], "?atomic=true"),
        "with a key for repeats": lambda: caller.post(BULK, {**ref, "scores": [good]}, **repeat),
        "no JSON": lambda: caller.request("POST", BULK, raw=b"{"),
        "nothing at all": lambda: caller.request("POST", BULK),
        "another content type": lambda: caller.post(BULK, {}, headers={"Content-Encoding": "gzip"}),
        "no scores": lambda: caller.bulk(source, []),
        "too many scores": lambda: caller.bulk(source, [good] * 1_001),
        "a wrong flag": lambda: caller.bulk(source, [good], "?dry_run=perhaps"),
        "no such source": lambda: caller.post(BULK, {**nobody, "scores": [good]}),
        "for somebody else": lambda: caller.bulk(source, [good], annotator_id=str(uuid.uuid4())),
        "a single score": lambda: caller.post(SINGLE, {**ref, **good}),
        "a wrong single score": lambda: caller.post(SINGLE, {**ref, **entry(label, 9)}),
        "a single score without a label": lambda: caller.post(SINGLE, ref),
    }


class TestWhoeverChangesIt:
    @pytest.mark.parametrize(("change", "status"), CHANGES.items())
    def test_the_next_request_hears_it_whatever_it_asks(
        self, alice: Caller, trace: Source, star: Label, change: str, status: int
    ) -> None:
        """Each time the key is in memory and right before; a request with a mistake hears of the key first, too."""
        elsewhere = OrganizationFactory.create(name="Elsewhere")
        UserFactory.create(organization=elsewhere, email="other@example.com")
        heard = {}
        for name, ask in asks(alice, trace, star).items():
            known = ApiKeyFactory.create(user=UserFactory.create(organization=trace.organization))
            alice.key = known
            remember(alice, trace, star)
            execute(change)
            answer, stored = ask(), Score.objects.filter(annotator=known.user, value__contains={"rating": 4}).count()
            heard[name] = answer.status, stored
            execute("DELETE FROM modelhub_apikey")

        assert set(heard.values()) == {(status, 0)}, heard

    def test_through_the_server_itself(self, alice: Caller, trace: Source, star: Label) -> None:
        remember(alice, trace, star)
        revoke_api_key(alice.key)

        assert alice.bulk(trace, [entry(star, 4)]).status == 401

    def test_while_somebody_keeps_all_others_from_scoring(self, alice: Caller, trace: Source, star: Label) -> None:
        """A key that is over waits for no lock."""
        remember(alice, trace, star)
        with psycopg.connect(**connection.get_connection_params()) as other:
            other.execute("SELECT pg_advisory_xact_lock(%s)", [labels_lock(trace.organization_id)])
            execute(f"{KEY} revoked_at = now()")
            started = time.monotonic()

            assert alice.bulk(trace, [entry(star, 4)]).status == 401
            assert time.monotonic() - started < 1

    def test_a_key_that_was_rotated_goes_on_for_its_grace_only(self, alice: Caller, trace: Source, star: Label) -> None:
        remember(alice, trace, star)
        new, secret = rotate_api_key(alice.key, grace=timedelta(seconds=0.5))
        answers = [alice.bulk(trace, [entry(star, 4)]) for _ in range(2)]
        assert new.expires_at is None
        while timezone.now() <= ApiKey.objects.get(pk=alice.key.pk).expires_at:  # type: ignore[operator]
            pass

        assert [answer.status for answer in answers] == [201, 201]
        assert alice.bulk(trace, [entry(star, 5)]).status == 401
        assert Caller(new, secret).bulk(trace, [entry(star, 5)]).status == 201

    def test_a_name_that_changed(self, alice: Caller, trace: Source, star: Label) -> None:
        remember(alice, trace, star)
        execute(f"{USER} name = 'Alicia'")

        answer, reads = counted(lambda: alice.bulk(trace, [entry(star, 4)]))

        assert (answer.body["scores"][0]["annotator_name"], reads) == ("Alicia", 1)

    def test_what_a_key_may_do_now_and_could_not_before(
        self, alice: Caller, bob: Caller, trace: Source, star: Label
    ) -> None:
        bobs = str(bob.user.pk)
        execute(f"{KEY} scopes = '{{read}}' WHERE api_key = %s", alice.key.api_key)
        assert alice.bulk(trace, [entry(star, 3)]).status == 403
        execute(f"{KEY} scopes = '{{read, write}}' WHERE api_key = %s", alice.key.api_key)
        remember(alice, trace, star)
        assert alice.bulk(trace, [entry(star, 3)], annotator_id=bobs).status == 403
        execute(f"{KEY} scopes = '{{read, write, act-as}}' WHERE api_key = %s", alice.key.api_key)

        assert alice.bulk(trace, [entry(star, 3)], annotator_id=bobs).status == 201
        assert set(Score.objects.values_list("annotator", flat=True)) == {alice.user.pk, bob.user.pk}

    def test_whom_a_key_may_name_once_it_is_of_another_organization(
        self, alice: Caller, charlie: Caller, trace: Source, star: Label
    ) -> None:
        """What was read in the old one is no reason to refuse people of the new one, or to take those of the old."""
        execute(f"{KEY} scopes = '{{read, write, act-as}}'")
        there, label = charlie.user.organization, LabelFactory.create(organization=charlie.user.organization)
        source = SourceFactory.create(organization=there)
        remember(alice, trace, star)
        execute(f"{USER} organization_id = %s WHERE id = %s", there.pk, alice.user.pk)
        execute(f"{KEY} organization_id = %s WHERE id = %s", there.pk, alice.key.pk)

        assert alice.bulk(source, [entry(label, 4)], annotator_id=str(charlie.user.pk)).status == 201

    def test_what_a_key_may_not_do_any_more_is_told_before_other_mistakes(
        self, alice: Caller, bob: Caller, trace: Source, star: Label
    ) -> None:
        bobs, nobody = str(bob.user.pk), str(uuid.uuid4())
        mistakes: dict[str, Callable[[], Answer]] = {
            "too many": lambda: alice.bulk(trace, [entry(star, 1)] * 1_001, annotator_id=bobs),
            "nobody": lambda: alice.bulk(trace, [entry(star, 1)], annotator_id=nobody),
            "no JSON": lambda: alice.request("POST", BULK, raw=b"{"),
        }
        heard = {}
        for name, ask in mistakes.items():
            execute(f"{KEY} scopes = '{{read, write, act-as}}'")
            remember(alice, trace, star)
            execute(f"{KEY} scopes = '{{read, write}}'")
            heard[name] = ask().body["code"]

        assert heard == {"too many": "scope", "nobody": "scope", "no JSON": "malformed_json"}

    def test_after_it_was_read_and_before_anything_is_stored(
        self, alice: Caller, trace: Source, star: Label, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remember(alice, trace, star)

        def store_late(*args: Any, **options: Any) -> Stored:
            execute(f"{KEY} revoked_at = now()")
            return store_scores(*args, **options)

        monkeypatch.setattr(scores, "store_scores", store_late)
        assert alice.bulk(trace, [entry(star, 4)]).status == 401
        assert Score.objects.get().value == {"rating": 3}

    def test_an_answer_that_was_given_before_is_not_given_to_a_key_that_is_over(
        self, alice: Caller, trace: Source, star: Label
    ) -> None:
        repeat = {"headers": {"Idempotency-Key": "one"}}
        body = {**source_of(trace), "scores": [entry(star, 3)]}
        assert [alice.post(BULK, body, **repeat).status for _ in range(2)] == [201, 201]
        execute(f"{KEY} revoked_at = now()")

        assert alice.post(BULK, body, **repeat).status == 401


class TestWhatIsRead:
    """How often the key is, where it did not change."""

    def test_once_for_many_requests_when_its_use_was_noted(self, alice: Caller, trace: Source, star: Label) -> None:
        ref = source_of(trace)
        asked = [
            lambda: alice.bulk(trace, [entry(star, 3)]),
            lambda: alice.bulk(trace, [entry(star, 4)]),
            lambda: alice.bulk(trace, [entry(star, 9)]),
            lambda: alice.post(SINGLE, {**ref, **entry(star, 5)}),
        ]
        assert [counted(ask)[1] for ask in [asked[0], *asked]] == [1, 1, 0, 0, 0]

    def test_once_more_for_what_is_wrong(self, alice: Caller, trace: Source, star: Label) -> None:
        everything = asks(alice, trace, star)
        remember(alice, trace, star)

        reads = {name: counted(ask)[1] for name, ask in everything.items()}

        unread = {"one batch", "one that stores nothing", "one that is tried", "all or nothing", "a single score"}
        assert {name for name, number in reads.items() if number == 0} == unread
        assert set(reads.values()) == {0, 1}

    def test_always_where_nothing_is_stored(self, alice: Caller) -> None:
        assert [counted(lambda: alice.get(SINGLE))[1] for _ in range(2)] == [1, 1]

    def test_not_after_a_label_changed(self, alice: Caller, trace: Source, star: Label) -> None:
        remember(alice, trace, star)
        execute("UPDATE modelhub_label SET name = 'Another' WHERE id = %s", star.pk)

        asked = [counted(lambda rating=rating: alice.bulk(trace, [entry(star, rating)])) for rating in (4, 5)]  # type: ignore[misc]

        assert [(answer.status, reads) for answer, reads in asked] == [(201, 0), (201, 0)]

    def test_once_after_the_row_was_written_whatever_was_written(
        self, alice: Caller, trace: Source, star: Label
    ) -> None:
        writes = (
            f"{KEY} name = name",
            f"{USER} last_login = now()",
            "WITH gone AS (DELETE FROM modelhub_apikey RETURNING *) INSERT INTO modelhub_apikey SELECT * FROM gone",
        )
        remember(alice, trace, star)
        for write in writes:
            execute(write)
            asked = [counted(lambda: alice.bulk(trace, [entry(star, 4)])) for _ in range(2)]
            assert [(answer.status, reads) for answer, reads in asked] == [(201, 1), (201, 0)], write

    def test_a_wrong_secret_makes_nobody_else_read(self, alice: Caller, trace: Source, star: Label) -> None:
        remember(alice, trace, star)
        assert Caller(alice.key, "wrong").bulk(trace, [entry(star, 4)]).status == 401

        assert counted(lambda: alice.bulk(trace, [entry(star, 4)]))[1] == 0

    def test_a_wrong_secret_takes_the_same_work_whether_or_not_the_key_is_known(
        self, alice: Caller, bob: Caller, trace: Source, star: Label, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remember(alice, trace, star)
        compared: list[str] = []

        def count(*given: str) -> str:
            compared.append(digest(*given))
            return compared[-1]

        monkeypatch.setattr(keys, "digest", count)

        def work(api_key: str) -> tuple[int, int]:
            compared.clear()
            stranger = Caller(ApiKey(api_key=api_key), "wrong")
            _, reads = counted(lambda: stranger.bulk(trace, [entry(star, 4)]))
            return reads, len(compared)

        assert work(alice.key.api_key) == work(bob.key.api_key) == work("nobody") == (1, 2)

    def test_again_when_its_use_is_to_be_noted(
        self, alice: Caller, trace: Source, star: Label, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A minute after it was noted, not a minute after it was read."""
        execute(f"{KEY} last_used_at = now() - interval '50 seconds'")
        alice.bulk(trace, [entry(star, 3)])
        used = ApiKey.objects.get().last_used_at
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 9)
        assert counted(lambda: alice.bulk(trace, [entry(star, 4)]))[1] == 0
        assert used == ApiKey.objects.get().last_used_at
        monkeypatch.setattr(time, "monotonic", lambda: now + 11)
        execute(f"{KEY} last_used_at = now() - interval '61 seconds'")
        assert counted(lambda: alice.bulk(trace, [entry(star, 5)]))[1] == 1

        assert ApiKey.objects.get().last_used_at > used  # type: ignore[operator]

    def test_somebody_who_never_stops_changing_keys_keeps_nobody_from_scoring(
        self, alice: Caller, trace: Source, star: Label, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remember(alice, trace, star)
        calls: list[int] = []

        def store_late(*args: Any, **options: Any) -> Stored:
            calls.append(1)
            execute(f"{KEY} name = %s WHERE id = %s", f"Name {len(calls)}", alice.key.pk)
            return store_scores(*args, **options)

        monkeypatch.setattr(scores, "store_scores", store_late)

        assert alice.bulk(trace, [entry(star, 4)]).status == 201
        assert len(calls) == 2


class TestWhatIsCounted:
    """Each request once, also one that begins again."""

    @pytest.fixture(autouse=True)
    def limit(self, settings: Any) -> None:
        settings.RATE_PER_KEY = Rate(3, "hour")

    def test_towards_the_limit_of_a_key(self, alice: Caller, trace: Source, star: Label) -> None:
        answers = []
        for rating in (1, 2, 3, 4):
            answers.append(alice.bulk(trace, [entry(star, rating)]))
            execute(f"{KEY} name = name || 's'")

        assert [answer.status for answer in answers] == [201, 201, 201, 429]
        assert "Retry-After" in answers[3].headers

    def test_above_the_limit_a_key_that_is_over_hears_that(self, alice: Caller, trace: Source, star: Label) -> None:
        for rating in (1, 2, 3):
            alice.bulk(trace, [entry(star, rating)])
        assert alice.bulk(trace, [entry(star, 4)]).status == 429
        execute(f"{KEY} revoked_at = now()")

        assert alice.bulk(trace, [entry(star, 4)]).status == 401

    def test_in_the_metrics(self, alice: Caller, trace: Source, star: Label) -> None:
        before = value("modelhub_batch_scores_count")
        for rating in (1, 2):
            assert alice.bulk(trace, [entry(star, rating)]).status == 201
            execute(f"{KEY} name = name || 's'")

        assert value("modelhub_batch_scores_count") == before + 2


class TestMemory:
    def test_beyond_what_is_kept_all_are_forgotten(self) -> None:
        memory = KnownKeys(most=2)
        for name in ("one", "two", "three"):
            key = ApiKey(api_key=name)
            key.used_seconds_ago = 0.0
            memory.keep(key)
        assert list(memory.known) == ["three"]
