"""Fill an organization's tables in SQL: ids and times grow over the last year, 20 scores per source."""

from collections.abc import Callable

# As UUIDv7: the milliseconds, then chance.
NEW_ID = """(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
        || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid"""
# Ten annotators; one source per twenty scores, every fourth a trace; two annotators score each source by ten labels.
STEPS = (
    """
INSERT INTO modelhub_user
    (id, created_at, email, name, organization_id, role, is_active, is_staff, is_superuser, password)
SELECT gen_random_uuid(), now(), 'filler' || n || '@' || %(organization)s::uuid || '.example', 'Annotator ' || n,
       %(organization)s::uuid, 'member', true, false, false, '!'
FROM generate_series(0, 9) AS n ON CONFLICT (email) DO NOTHING
""",
    f"""
INSERT INTO modelhub_source
    (id, organization_id, source_type, source_id, source_key, name, metadata, created_at, updated_at)
SELECT {NEW_ID}, %(organization)s::uuid, (ARRAY['trace','span','generation','session'])[1 + n %% 4],
       'source-' || n, 'source-' || n, '', '{{}}', moment, moment
FROM generate_series(0, %(count)s::int / 20) AS n,
     LATERAL (SELECT now() - interval '1 year' * (1 - 20 * n / %(count)s::float)) AS clock (moment)
""",
    f"""
INSERT INTO modelhub_score
    (id, organization_id, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at)
SELECT {NEW_ID}, %(organization)s::uuid, source.id, label.id, annotator.id,
       CASE label.type WHEN 'star' THEN '{{"rating": 4}}' WHEN 'text' THEN '{{"text": "as it should be"}}'
            WHEN 'categorical' THEN '{{"selected": ["positive"]}}' WHEN 'numeric' THEN '{{"value": 7}}'
            ELSE '{{"value": "up"}}' END::jsonb,
       CASE WHEN n %% 10 = 0 THEN 'api' ELSE 'human' END, '', moment, moment
FROM generate_series(0, %(count)s::int - 1) AS n
JOIN LATERAL (SELECT now() - interval '1 year' * (1 - n / %(count)s::float)) AS clock (moment) ON true
JOIN modelhub_source AS source ON source.source_key = 'source-' || n / 20 AND organization_id = %(organization)s::uuid
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM modelhub_user
      WHERE email LIKE 'filler%%@' || %(organization)s::uuid || '.example') AS annotator
    ON annotator.place = n / 10 %% 10
JOIN (SELECT id, type, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS labels FROM modelhub_label
      WHERE organization_id = %(organization)s::uuid) AS label ON label.place = (n / 20 * 7 + n %% 10) %% label.labels
ORDER BY n
""",
    "ANALYZE modelhub_score, modelhub_source, modelhub_label, modelhub_user",
)


def fill(execute: Callable[..., object], organization: str, count: int) -> None:
    """Add `count` scores to an organization with at least ten labels and no sources of these names."""
    for statement in STEPS:
        execute(statement, {"organization": organization, "count": count})
