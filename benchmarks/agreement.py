"""Figures of agreement of queues, disagreements, and the summary of a label."""

import time

from benchmarks.fill import NEW_ID
from benchmarks.measure import Bench
from benchmarks.servers import Subject
from tests.postgres import Postgres

# Each item is scored by three of twenty people, and each source by all of them by the label of the summary.
PEOPLE, PER_ITEM = 20, 3
OPTIONS = [f"option {number}" for number in range(8)]
LABELS: dict[str, tuple[str, dict[str, object]]] = {
    "summary": ("star", {}),
    "star": ("star", {}),
    "single": ("categorical", {"options": OPTIONS[:5]}),
    "numeric": ("numeric", {"min": 0, "max": 10, "step_size": 0.1}),
    "several": ("categorical", {"options": OPTIONS, "multi_choice": True}),
    "any": ("categorical", {"options": OPTIONS, "multi_choice": True}),
}
SOURCES = (
    """
INSERT INTO modelhub_user
    (id, created_at, email, name, organization_id, role, is_active, is_staff, is_superuser, password)
SELECT gen_random_uuid(), now(), 'rater' || n || '@example.com', 'Rater ' || n, %(organization)s::uuid, 'member',
       true, false, false, '!'
FROM generate_series(0, %(people)s::int - 1) AS n
""",
    f"""
INSERT INTO modelhub_source
    (id, organization_id, source_type, source_id, source_key, name, metadata, created_at, updated_at)
SELECT {NEW_ID}, %(organization)s::uuid, 'trace', 'rated-' || n, 'rated-' || n, '', '{{}}', moment, moment
FROM generate_series(0, %(sources)s::int - 1) AS n,
     LATERAL (SELECT now() - interval '1 year' * (1 - n / %(sources)s::float)) AS clock (moment)
""",
)
NUMBERED = """
CREATE TEMPORARY TABLE rated AS
SELECT id, substr(source_key, 7)::int AS n FROM modelhub_source WHERE source_key LIKE 'rated-%'
"""
ITEMS = f"""
INSERT INTO modelhub_item (id, organization_id, queue_id, source_id, "order", priority, status, review_status,
                           review_notes, gold, expected, is_assigned, completed_at, created_at, updated_at)
SELECT {NEW_ID}, %(organization)s::uuid, %(queue)s::uuid, id, n, 0, 'completed', '', '', false, '{{}}', false, moment,
       moment, moment
FROM rated JOIN LATERAL (SELECT now() - interval '1 year' * (1 - n / %(sources)s::float)) AS clock (moment) ON true
WHERE n < %(items)s::int ORDER BY n
"""
# Two of three ratings are that of the item, the others by chance.
SCORES = f"""
INSERT INTO modelhub_score (id, organization_id, source_id, label_id, annotator_id, queue_item, queue_id, value,
                            score_source, notes, created_at, updated_at)
SELECT {NEW_ID}, %(organization)s::uuid, rated.id, label.id, person.id, item.id, item.queue_id,
       CASE WHEN label.name = 'Rated any'
            THEN jsonb_build_object('selected', ARRAY(
                SELECT 'option ' || option FROM generate_series(0, 7) AS option WHERE (rating + 1 >> option) %% 2 = 1))
            WHEN label.settings -> 'multi_choice' = 'true'
            THEN jsonb_build_object('selected', array['option ' || rating %% 4, 'option ' || 4 + rating / 4 %% 4])
            WHEN label.type = 'categorical' THEN jsonb_build_object('selected', array['option ' || rating %% 5])
            WHEN label.type = 'numeric' THEN jsonb_build_object('value', rating / 10.0)
            ELSE jsonb_build_object('rating', 1 + rating %% 5) END,
       'human', '', moment, moment
FROM rated
LEFT JOIN modelhub_item AS item ON item.source_id = rated.id AND item.queue_id = %(queue)s::uuid
CROSS JOIN generate_series(0, %(raters)s::int - 1) AS place
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS at FROM modelhub_user
      WHERE email LIKE 'rater%%@example.com') AS person
    ON person.at = (n + place * (ARRAY[1, 3, 7, 9])[1 + n %% 4]) %% %(people)s::int
JOIN modelhub_label AS label ON label.id = ANY (%(labels)s::uuid[])
JOIN LATERAL (SELECT now() - interval '1 year' * (1 - n / %(sources)s::float)) AS clock (moment) ON true
JOIN LATERAL (SELECT CASE WHEN random() < 0.67 THEN n * 7 %% 101 ELSE floor(random() * 101)::int END)
    AS chance (rating) ON true
WHERE (item.id IS NULL) = (%(queue)s::uuid IS NULL) ORDER BY n
"""


def agreement(bench: Bench, postgres: Postgres, subject: Subject, count: int, rounds: int) -> None:
    """Measure figures of `count` scores of a queue, and of ten times as many of a label; round 0 only warms up."""
    paths = fill(postgres, subject, count)
    print(f"memory of the workers (highest RSS) before: {subject.peak_memory()}")
    for turn in range(rounds + 1):
        for kind, path in paths.items():
            bench.read(subject, kind, path, keep=turn > 0)
    print(f"memory of the workers (highest RSS) at the end: {subject.peak_memory()}")


def fill(postgres: Postgres, subject: Subject, count: int) -> dict[str, str]:
    """Make labels, queues and scores, and return a path per kind of read."""
    began = time.perf_counter()
    labels = {name: make_label(subject, name, *of_type) for name, of_type in LABELS.items()}
    label_ids = {
        "One label": [labels["star"]],
        "Three labels": [labels[name] for name in ("single", "numeric", "several")],
        "Sets": [labels["any"]],
    }
    made = [
        subject.call("POST", "annotation-queues/", {"name": name, "status": "active", "label_ids": attached})
        for name, attached in label_ids.items()
    ]
    values = {"organization": made[0]["organization"], "people": PEOPLE, "sources": count // 2}
    of_queues = [
        {"queue": one["id"], "items": count // PER_ITEM // len(ids), "raters": PER_ITEM, "labels": ids}
        for one, ids in zip(made, label_ids.values(), strict=True)
    ]
    of_label = {"queue": None, "raters": PEOPLE, "labels": [labels["summary"]]}
    with postgres.connect(subject.database) as connection:
        for statement in SOURCES:
            connection.execute(statement.encode(), values)
        connection.execute(NUMBERED.encode())
        for of_queue in of_queues:
            connection.execute(ITEMS.encode(), values | of_queue)
        for scored in (*of_queues, of_label):
            connection.execute(SCORES.encode(), values | scored)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    print(
        f"{count:,} scores per queue, {10 * count:,} of a label made in {time.perf_counter() - began:.0f} s", flush=True
    )
    queue, mixed, sets = (f"annotation-queues/{one['id']}/" for one in made)
    return {
        "agreement": f"{queue}agreement/?bootstrap=false",
        "+ intervals": f"{queue}agreement/",
        "three labels": f"{mixed}agreement/?bootstrap=false",
        "three + intervals": f"{mixed}agreement/",
        "101 sets": f"{sets}agreement/?bootstrap=false",
        "sets + intervals": f"{sets}agreement/",
        "of any scores": f"agreement/?label_id={labels['star']}&bootstrap=false",
        "disagreements": f"{queue}disagreements/?posterior=false",
        "+ posteriors": f"{queue}disagreements/",
        "summary": f"annotations-labels/{labels['summary']}/summary/",
    }


def make_label(subject: Subject, name: str, type_: str, settings: dict[str, object]) -> str:
    label = {"name": f"Rated {name}", "type": type_, "settings": settings}
    return str(subject.call("POST", "annotations-labels/", label)["result"]["id"])
