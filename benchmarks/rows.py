"""Scores by the million, made inside PostgreSQL: one organization, its annotators, labels, sources and scores."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from modelhub.accounts.keys import create_api_key
from modelhub.accounts.models import Organization, User
from modelhub.labels.services import create_label
from modelhub.serving.bootstrap import EXAMPLE_LABELS

ANNOTATORS, LABELS_OF_A_TYPE = 10, 4
SCORES_A_SOURCE = ANNOTATORS * LABELS_OF_A_TYPE * len(EXAMPLE_LABELS) // 10

SOURCES = """
INSERT INTO modelhub_source
    (id, organization_id, source_type, source_id, source_key, name, metadata, created_at, updated_at)
SELECT gen_random_uuid(), %(organization)s, (ARRAY['trace','span','generation','session'])[1 + n %% 4],
       'source-' || n, 'source-' || n, '', '{}', now() - n * interval '1 minute', now() - n * interval '1 minute'
FROM generate_series(1, %(sources)s) AS n
"""
# Each source is scored by two annotators with ten labels each; times are spread evenly over the past.
SCORES = """
INSERT INTO modelhub_score
    (id, organization_id, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at)
SELECT gen_random_uuid(), %(organization)s, source.id, label.id, annotator.id,
       CASE label.type WHEN 'star' THEN '{"rating": 4}' WHEN 'text' THEN '{"text": "as it should be"}'
            WHEN 'categorical' THEN '{"selected": ["positive"]}' WHEN 'numeric' THEN '{"value": 7}'
            ELSE '{"value": "up"}' END::jsonb,
       CASE WHEN random() < 0.9 THEN 'human' ELSE 'api' END, '', moment, moment
FROM (SELECT id, row_number() OVER (ORDER BY source_key) AS n FROM modelhub_source
      WHERE organization_id = %(organization)s) AS source
CROSS JOIN LATERAL (SELECT id, row_number() OVER (ORDER BY id) AS n FROM modelhub_user
      WHERE organization_id = %(organization)s) AS annotator
CROSS JOIN LATERAL (SELECT id, type, row_number() OVER (ORDER BY id) AS n FROM modelhub_label
      WHERE organization_id = %(organization)s) AS label
CROSS JOIN LATERAL (SELECT now() - random() * interval '365 days' AS moment OFFSET 0) AS clock
WHERE annotator.n %% 5 = source.n %% 5 AND label.n %% 2 = source.n %% 2
"""


@dataclass(frozen=True, slots=True)
class Made:
    """What was made, and a pair of keys that may read it."""

    organization: Organization
    api_key: str
    secret_key: str


def make_scores(count: int) -> Made:
    """About `count` scores, twenty a source, in a new organization; then fresh statistics for the planner."""
    organization = Organization.objects.create(name=f"Generated {uuid.uuid4().hex[:8]}")
    people = [
        User.objects.create_user(f"annotator{n}@{organization.pk}.example", organization=organization, role="admin")
        for n in range(ANNOTATORS)
    ]
    for n in range(LABELS_OF_A_TYPE):
        for label in EXAMPLE_LABELS:
            create_label(organization_id=organization.pk, **(label | {"name": f"{label['name']} {n}"}))
    parameters: dict[str, Any] = {"organization": organization.pk, "sources": -(-count // SCORES_A_SOURCE)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(SOURCES, parameters)
        cursor.execute(SCORES, parameters)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE modelhub_score, modelhub_source, modelhub_label")
    key, secret_key = create_api_key(user=people[0], name="Benchmark")
    return Made(organization, key.api_key, secret_key)
