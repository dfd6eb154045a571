"""Every list reads its rows through an index, on a table of 40,000 scores."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.fill import fill
from modelhub.accounts.models import User
from modelhub.accounts.people import Actor
from modelhub.core.keyset import in_order, position_of
from modelhub.core.pagination import scope_of
from modelhub.labels.models import Label
from modelhub.labels.types import LABEL_TYPES
from modelhub.scores.models import Score
from modelhub.scores.queries import live_scores
from tests.client import Caller
from tests.factories import ApiKeyFactory, LabelFactory, UserFactory

SCORES = "/model-hub/scores/"


@pytest.fixture(scope="module")
def reader(django_db_setup: None, django_db_blocker: Any) -> Any:
    """Return an admin of one of two organizations with 20,000 scores each."""
    with django_db_blocker.unblock():
        for _ in range(2):
            key = ApiKeyFactory.create(user=UserFactory.create(role="admin"))
            for kind in LABEL_TYPES * 2:
                LabelFactory.create(organization=key.organization, type=kind)
            with connection.cursor() as cursor:
                fill(cursor.execute, str(key.organization_id), 20_000)
        yield Caller(key)
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE modelhub_organization CASCADE")


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql)
        return "\n".join(line for (line,) in cursor.fetchall())


def queries(reader: Caller) -> dict[str, str]:
    rows = live_scores(Actor(reader.user))
    middle = in_order(rows, "-created_at")[10_000]

    def cursor(ordering: str) -> str:
        scope = scope_of(SCORES, reader.user.organization_id, ordering, {})
        return position_of(middle, ordering).encode(scope=scope)

    label = Label.objects.filter(organization_id=reader.user.organization_id).latest("id")
    person = User.objects.filter(organization_id=reader.user.organization_id).latest("id")
    return {
        "page": "",
        "first cursor page": "?cursor=",
        "deep cursor page": f"?cursor={cursor('-created_at')}",
        "oldest first": f"?ordering=created_at&cursor={cursor('created_at')}",
        "changed last": f"?ordering=-updated_at&cursor={cursor('-updated_at')}",
        "source": "?source_type=trace&source_id=source-4",
        "source id": "?source_id=source-4",
        "label": f"?label_id={label.pk}",
        "label name": f"?label_name={label.name}",
        "label type": "?label_type=star",
        "annotator": f"?annotator_id={person.pk}",
        "email": f"?annotator_email={person.email}",
        "score source": "?score_source=api",
        "created before": "?created_before=2026-01-01T00:00:00Z",
        "updated before": "?updated_before=2026-01-01&ordering=updated_at",
        "updated after": "?updated_after=2026-01-01T00:00:00Z&ordering=-updated_at",
        "for source": "for-source/?source_type=trace&source_id=source-4",
        "export": "export/",
    }


@pytest.mark.django_db
def test_no_list_reads_the_whole_table(reader: Caller) -> None:
    for name, query in queries(reader).items():
        with CaptureQueriesContext(connection) as captured:
            headers = {"X-Api-Key": reader.key.api_key, "X-Secret-Key": reader.secret}
            response = reader.client.get(SCORES + query, headers=headers)
            assert response.status_code == 200
            if response.streaming:
                next(iter(response.streaming_content))  # type: ignore[attr-defined]
        read = [one["sql"] for one in captured if 'FROM "modelhub_score"' in one["sql"] and "COUNT(" not in one["sql"]]
        assert read, name
        for sql in read:
            plan = plan_of(sql)
            assert "Seq Scan on modelhub_score" not in plan, f"{name}\n{plan}"
            if "source_id=" in query:
                # By the index' first column, too: before PostgreSQL 18, it is of no use without that one.
                assert re.search(r"source_is_unique .*\n *Index Cond: .*source_type.*source_key", plan), (
                    f"{name}\n{plan}"
                )


@pytest.mark.django_db
def test_counts_and_checks_of_labels_can_read_the_scores_of_one_organization(reader: Caller) -> None:
    """Forbid scans of the whole table, which are cheaper for half of its rows."""
    label = Label.objects.filter(organization_id=reader.user.organization_id, type="star").latest("id")
    headers = {"X-Api-Key": reader.key.api_key, "X-Secret-Key": reader.secret}
    labels, filtered = "/model-hub/annotations-labels/", {"filter": {"label_id": str(label.pk)}}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    with CaptureQueriesContext(connection) as captured:
        for method, path, body in (
            ("GET", f"{labels}?include_usage_count=true", None),
            ("PATCH", f"{labels}{label.pk}/", {"settings": {"no_of_stars": 10}}),
            ("POST", f"{SCORES}bulk-delete/", filtered),
        ):
            response = reader.client.generic(
                method, path, json.dumps(body), content_type="application/json", headers=headers
            )
            assert response.status_code == 200, response.content
        read = [one["sql"] for one in captured if re.search(r'(FROM|JOIN) "modelhub_score"', one["sql"])]
        assert len(read) >= 3
        for sql in read:
            plan = plan_of(sql)
            assert "Seq Scan on modelhub_score" not in plan, f"{sql}\n{plan}"


@pytest.mark.django_db
def test_lists_of_the_admin_read_the_index_behind_the_list(reader: Caller) -> None:
    """Forbid scans of whole tables, which are cheaper for half of the rows."""
    User.objects.filter(pk=reader.user.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(reader.user, backend="django.contrib.auth.backends.ModelBackend")
    label = Label.objects.filter(organization_id=reader.user.organization_id).latest("id")
    score = Score.objects.filter(organization_id=reader.user.organization_id).latest("id")
    email = score.annotator.email
    indexes = {
        "score/": "score_newest_first",
        "score/?p=300": "score_newest_first",
        "score/?o=-6": "score_newest_first",
        "score/?score_source=api": "score_newest_first",
        "score/?from=2026-01-01&to=2026-01-31": "score_newest_first",
        f"score/?label={label.pk}": "score_by_label",
        f"score/?label={label.pk}&from=2026-01-01": "score_by_label",
        f"score/?annotator={score.annotator_id}": "score_by_annotator",
        f"score/?q={email}": "score_by_annotator",
        f"score/?source={score.source_id}": "score_is_unique",
        "score/?q=source-4": "score_is_unique",
        f"score/?q={score.pk}": "Index Cond: (id = ",
        "source/": "source_newest_first",
        "source/?p=2": "source_newest_first",
        "source/?from=2026-01-01&to=2026-01-31": "source_newest_first",
        "source/?q=source-4": "source_is_unique",
        f"source/?q={score.source_id}": "Index Cond: (id = ",
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    for path, index in indexes.items():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/admin/modelhub/{path}").status_code == 200
        table = f'FROM "modelhub_{path.partition("/")[0]}"'
        read = [one["sql"] for one in captured if table in one["sql"] and '"id" IN (' not in one["sql"]]
        assert read, path
        for sql in read:
            assert "DISTINCT" not in sql
            plan = plan_of(sql)
            # A count is content with either index of the organization's list.
            either = plan.replace("score_last_changed", "score_newest_first") if "COUNT(" in sql else plan
            assert index in either, f"{path}\n{plan}"
